/*
 * maple_model.c - the maple tree beside a sorted array, on the running machine.
 *
 * The model and its oracle are those of the host (tests/host/maple/model.h): random lives through
 * the whole API. Here the nodes come from the slab, locks and RCU are real, and a failing
 * allocation is the fault machinery's. `test maple.* scale=25` makes a million calls.
 */
#include "tests/host/maple/model.h"

#include <stdio.h>
#include "kernel/core/fault.h"
#include "kernel/sched/rcu.h"
#include "tests/ktest.h"

#define CAP	   4096
#define CALLS	   40000
#define LIFE_CALLS 4000
#define QUIESCE	   16 /* one grace period waited for in so many chances */

static struct model model;
static struct piece array[CAP];
static struct ktest *running;
static unsigned quiet;

/* Here one allocation fails, not all that follow, whether it may wait or not. */
void model_env_fail_after(long nr)
{
	if (nr < 0)
		fault_nth_disarm();
	else
		fault_nth_arm((u64)nr);
}

void model_env_fail_nowait(bool on)
{
	model_env_fail_after(on ? 0 : -1);
}

bool model_env_fails_nowait(void)
{
	return false;
}

bool model_env_fault_fired(void)
{
	return fault_nth_fired();
}

/* Reserved values are refused with a warning, and here a warning fails the test. */
bool model_env_may_warn(void)
{
	return false;
}

/* The ledger counts nodes; it is compared when the test ends. */
long model_env_live_nodes(void)
{
	return 0;
}

void model_env_quiesce(void)
{
	if (quiet++ % QUIESCE == 0)
		rcu_barrier();
}

void model_env_report(struct model *m, const char *fmt, va_list args)
{
	char text[160];
	u64 i;

	vsnprintf(text, sizeof(text), fmt, args);
	t_fail(running, "seed %lu life %lu step %lu, %s: %s", m->seed, m->life, m->step,
	       m->shape.name, text);
	for (i = 1; i <= MODEL_TRACE; i++) {
		const struct model_call *c = &m->trace[(m->step + i) % MODEL_TRACE];

		if (c->name)
			t_note(running, "%s %lx %lx %lx %p -> %ld", c->name, c->a, c->b, c->c,
			       c->entry, c->ret);
	}
}

KTEST(maple, model, KT_MODEL)
{
	u64 calls = t_scale(t, CALLS), life;

	running = t;
	model.target = 0;
	fault_hold();
	for (life = 1; life * LIFE_CALLS <= calls; life++) {
		model.target = 0;
		if (!model_life(&model, array, CAP, t_seed(t), life, LIFE_CALLS))
			break;
		t_count_check(t);
	}
	fault_nth_disarm();
	fault_release();
	rcu_barrier();
	t_note(t, "%lu calls, %lu writes, %lu refused memory", (life - 1) * LIFE_CALLS,
	       model.writes, model.failures);
	t_expect_gt(t, model.writes, calls / 16);
	t_expect_gt(t, model.failures, 0);
}

/* ---- every allocation of one operation fails in turn ---- */

#define NR_RANGES 200

static struct maple_tree tree;

static void fill(struct ktest *t)
{
	mt_init_flags(&tree, MT_FLAGS_ALLOC_RANGE | MT_FLAGS_USE_RCU);
	for (unsigned long i = 0; i < NR_RANGES; i++)
		t_assert_eq(t,
			    mtree_store_range(&tree, i * 8192, i * 8192 + 4095, xa_mk_value(i),
					      GFP_KERNEL),
			    0);
}

static void expect_filled(struct ktest *t, struct maple_tree *mt)
{
	unsigned long index = 0, i = 0;
	void *entry;

	mt_validate(mt);
	mt_for_each(mt, entry, index, ~0UL) {
		if (entry != xa_mk_value(i) || index != i * 8192 + 4096)
			t_fail(t, "entry %lu is %p, next index %lx", i, entry, index);
		i++;
	}
	t_expect_eq(t, i, NR_RANGES);
}

KTEST(maple, store_survives_every_enomem, KT_SWEEP)
{
	fill(t);
	fault_sweep(t, mtree_store_range(&tree, 100 * 8192 + 1, 140 * 8192, NULL, GFP_NOWAIT),
		    expect_filled(t, &tree));
	t_expect_eq(t, mtree_load(&tree, 100 * 8192), xa_mk_value(100));
	t_expect_eq(t, mtree_load(&tree, 100 * 8192 + 1), NULL);
	t_expect_eq(t, mtree_load(&tree, 140 * 8192 + 1), xa_mk_value(140));
	mt_validate(&tree);
	mtree_destroy(&tree);
	rcu_barrier();
}

KTEST(maple, dup_survives_every_enomem, KT_SWEEP)
{
	struct maple_tree copy;

	fill(t);
	mt_init_flags(&copy, MT_FLAGS_ALLOC_RANGE | MT_FLAGS_USE_RCU);
	fault_sweep(t, mtree_dup(&tree, &copy, GFP_NOWAIT), t_expect(t, mtree_empty(&copy)));
	expect_filled(t, &copy);
	mtree_destroy(&copy);
	expect_filled(t, &tree);
	mtree_destroy(&tree);
	rcu_barrier();
}

static int preallocate(struct ma_state *mas)
{
	int err;

	mtree_lock(&tree);
	mas_set_range(mas, 50 * 8192 + 100, 50 * 8192 + 200);
	err = mas_preallocate(mas, xa_mk_value(7), GFP_NOWAIT);
	mtree_unlock(&tree);
	return err;
}

KTEST(maple, preallocation_survives_every_enomem, KT_SWEEP)
{
	MA_STATE(mas, &tree, 0, 0);

	fill(t);
	/* It may try again at once for one node: what it then got is given back. */
	fault_sweep_undo(t, preallocate(&mas), expect_filled(t, &tree), mas_destroy(&mas));
	expect_filled(t, &tree);
	mtree_lock(&tree);
	mas_store_prealloc(&mas, xa_mk_value(7));
	mtree_unlock(&tree);
	t_expect_eq(t, mtree_load(&tree, 50 * 8192 + 150), xa_mk_value(7));
	t_expect_eq(t, mtree_load(&tree, 50 * 8192 + 201), xa_mk_value(50));
	mt_validate(&tree);
	mtree_destroy(&tree);
	rcu_barrier();
}
