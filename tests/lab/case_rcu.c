/*
 * case_rcu.c - a pointer read without a lock, replaced and freed by a writer: when may the old one
 * go?
 */
#include "kernel/base/err.h"
#include "kernel/core/once.h"
#include "kernel/sched/rcu.h"
#include "kernel/sched/work.h"
#include "mm/slab.h"
#include "tests/lab/case.h"

enum { MUT_EARLY_FREE, MUT_NO_GRACE, MUT_LATE_USE };
enum { REACH_READ_WHILE_REPLACED };

struct config {
	u64 first, second; /* always equal */
	struct rcu_head rcu;
	struct work work;
};

KMEM_CACHE(config_cache, "lab_config", sizeof(struct config), 8, NULL, SLAB_OWN_PAGE);

static struct config *the_config __lab_world;
static u64 replaced __lab_world;

static struct config *new_config(u64 value)
{
	struct config *c = kmem_cache_alloc(&config_cache, GFP_KERNEL);

	if (c)
		c->first = c->second = value;
	return c;
}

static void free_config(struct rcu_head *head)
{
	kmem_cache_free(&config_cache, container_of(head, struct config, rcu));
}

static void free_config_work(struct work *work)
{
	kmem_cache_free(&config_cache, container_of(work, struct config, work));
}

/* The two mistakes of the writer: at once, and later but not late enough. */
static void retire(struct config *old)
{
	if (case_mutant(MUT_EARLY_FREE)) {
		kmem_cache_free(&config_cache, old);
	} else if (case_mutant(MUT_NO_GRACE)) {
		init_work(&old->work, free_config_work);
		queue_work(&system_wq, &old->work);
	} else {
		call_rcu(&old->rcu, free_config);
	}
}

static void writer(void)
{
	struct config *old = the_config, *c = new_config(2);

	if (!c)
		return;
	rcu_assign_pointer(the_config, c);
	WRITE_ONCE(replaced, 1);
	retire(old);
}

static void reader(void)
{
	struct config *c;
	u64 first;

	rcu_read_lock();
	c = rcu_dereference(the_config);
	first = READ_ONCE(c->first);
	if (case_mutant(MUT_LATE_USE))
		rcu_read_unlock();
	if (first == 1 && READ_ONCE(replaced))
		lab_reach(REACH_READ_WHILE_REPLACED);
	lab_assert(READ_ONCE(c->second) == first);
	if (!case_mutant(MUT_LATE_USE))
		rcu_read_unlock();
}

static void actor(void *index)
{
	if (index == NULL)
		writer();
	else
		reader();
}

static int setup(unsigned actors)
{
	replaced = 0;
	the_config = new_config(1);
	if (!the_config)
		return -ENOMEM;
	lab_name(&the_config, 8, "config");
	lab_name(the_config, sizeof(*the_config), "config1");
	lab_name(&replaced, 8, "replaced");
	return case_actors("rcu", actors, actor);
}

static void check(unsigned actors)
{
	(void)actors;
	rcu_barrier();
	flush_workqueue(&system_wq);
	kmem_cache_free(&config_cache, the_config);
}

static const char *const reach[] = {"read-while-replaced", NULL};
static const struct lab_mutant mutants[] = {
	[MUT_EARLY_FREE] = {"early-free", "the writer frees at once", LV_UAF},
	[MUT_NO_GRACE] = {"no-grace", "the callback runs before the last reader has left", LV_UAF},
	[MUT_LATE_USE] = {"late-use", "the reader uses the object after its section", LV_UAF},
	{NULL, NULL, LV_SAFE},
};
static const struct lab_case the_case = {
	.name = "rcu",
	.what = "a pointer read under RCU, replaced by a writer",
	.actors = 2,
	.actors_min = 2,
	.actors_max = 8,
	.reach = reach,
	.mutants = mutants,
	.setup = setup,
	.check = check,
};
LAB_CASE(the_case);
