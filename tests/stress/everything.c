/*
 * everything.c - all CPUs at once: allocate, free, map, unmap, touch, switch, lock, publish.
 *
 * Every thread draws its own operations from the printed seed. What it owns it marks with a pattern
 * that names thread and slot, and checks the pattern before it gives it back: an object given to
 * two owners, or a translation that outlived its page, is seen there. What all share is guarded by
 * one lock of each kind and must add up in the end; the runner compares the ledger.
 */
#include <stdio.h>
#include <string.h>

#include "kernel/sched/mutex.h"
#include "kernel/sched/rcu.h"
#include "kernel/sched/rwsem.h"
#include "kernel/sched/thread.h"
#include "kernel/x86/uaccess.h"
#include "mm/mmu_gather.h"
#include "mm/page_alloc.h"
#include "mm/slab.h"
#include "mm/tables.h"
#include "tests/ktest.h"

#define MAX_THREADS   16
#define NR_SLOTS      32
#define OBJECT_WORDS  12
#define USER_BASE     0x10000000ul
#define USER_SLOTS    24
/* Neighbouring threads share PTE tables; their ranges do not overlap. */
#define USER_STRIDE   (USER_SLOTS * PAGE_SIZE)

static KMEM_CACHE(stress_cache, "stress_object", OBJECT_WORDS * 8, 8, NULL, 0);

/* ---- what all threads share ---- */

struct published {
	struct rcu_head rcu;
	u64 magic;
	u64 twice; /* always 2 * magic */
};

static KMEM_CACHE(published_cache, "stress_published", sizeof(struct published), 8, NULL, 0);

/*
 * Field key: [S] spin  [M] mutex  [W] sem for writing  [P] published by RCU, replaced under spin
 * [A] atomic
 */
static struct {
	struct mm_tables space;
	spinlock_t spin;
	struct mutex mutex;
	struct rw_semaphore sem;
	u64 spin_count;		     /* [S] */
	u64 mutex_count;	     /* [M] */
	u64 left, right;	     /* [W] always equal */
	struct published *published; /* [P] */
	u64 nr_done[8];		     /* [A] operations by kind */
	u64 nr_no_memory;	     /* [A] */
} shared;

/* ---- what one thread owns ---- */

enum slot_kind { EMPTY, FRAME, OBJECT };

struct slot {
	enum slot_kind kind;
	unsigned order;
	u64 *mem;
	struct page *page;
};

struct worker {
	struct ktest *t;
	struct rng rng;
	unsigned id;
	u64 nr_ops;
	struct slot slot[NR_SLOTS];
	u64 mapped; /* bit i: user page i is mapped and holds its pattern */
};

static u64 pattern(const struct worker *w, unsigned slot)
{
	return 0x5742000000000000ull | (u64)w->id << 32 | slot;
}

/* Words at both ends of the memory: what a neighbour's overrun or a second owner would hit. */
static void mark(u64 *mem, size_t words, u64 value)
{
	mem[0] = value;
	mem[words - 1] = ~value;
}

static void check_mark(struct worker *w, const u64 *mem, size_t words, u64 value)
{
	t_expect_eq(w->t, mem[0], value);
	t_expect_eq(w->t, mem[words - 1], ~value);
}

static size_t slot_words(const struct slot *s)
{
	return s->kind == OBJECT ? OBJECT_WORDS : (PAGE_SIZE << s->order) / 8;
}

static void no_memory(void)
{
	__atomic_fetch_add(&shared.nr_no_memory, 1, __ATOMIC_RELAXED);
}

/* ---- operations ---- */

static void slot_fill(struct worker *w, struct slot *s)
{
	if (rng_below(&w->rng, 2)) {
		s->mem = kmem_cache_alloc(&stress_cache, GFP_KERNEL);
		s->kind = s->mem ? OBJECT : EMPTY;
	} else {
		unsigned r = (unsigned)rng_below(&w->rng, 16);

		s->order = r < 12 ? 0 : r - 11; /* mostly single frames, up to order 4 */
		s->page = alloc_pages(GFP_KERNEL, s->order);
		s->kind = s->page ? FRAME : EMPTY;
		s->mem = s->page ? page_address(s->page) : NULL;
	}
	if (s->kind == EMPTY)
		no_memory();
	else
		mark(s->mem, slot_words(s), pattern(w, (unsigned)(s - w->slot)));
}

static void slot_empty(struct worker *w, struct slot *s)
{
	check_mark(w, s->mem, slot_words(s), pattern(w, (unsigned)(s - w->slot)));
	if (s->kind == OBJECT)
		kmem_cache_free(&stress_cache, s->mem);
	else
		free_pages(s->page, s->order);
	s->kind = EMPTY;
}

static void op_memory(struct worker *w)
{
	struct slot *s = &w->slot[rng_below(&w->rng, NR_SLOTS)];

	if (s->kind == EMPTY)
		slot_fill(w, s);
	else
		slot_empty(w, s);
}

static unsigned long user_address(const struct worker *w, unsigned i)
{
	return USER_BASE + w->id * USER_STRIDE + i * PAGE_SIZE;
}

static void user_map(struct worker *w, unsigned i)
{
	struct page *page = alloc_page(GFP_KERNEL);

	if (!page)
		return no_memory();
	if (tables_map_range(&shared.space, user_address(w, i), page_to_pfn(page), 1,
			     PAGE_SHARED)) {
		put_page(page);
		return no_memory();
	}
	t_expect_eq(w->t, put_user_u64(user_address(w, i), pattern(w, i)), 0);
	w->mapped |= 1ull << i;
}

/* Read it back, unmap it, and see that no stale translation answers. */
static void user_unmap(struct worker *w, unsigned i)
{
	unsigned long addr = user_address(w, i);
	struct mmu_gather tlb;
	u64 value = 0;

	t_expect_eq(w->t, get_user_u64(addr, &value), 0);
	t_expect_eq(w->t, value, pattern(w, i));
	tlb_gather_mmu(&tlb, &shared.space, false);
	t_expect_eq(w->t, tables_zap_range(&tlb, addr, addr + PAGE_SIZE), 1);
	tlb_finish_mmu(&tlb);
	t_expect_eq(w->t, get_user_u64(addr, &value), -EFAULT);
	w->mapped &= ~(1ull << i);
}

static void op_map(struct worker *w)
{
	unsigned i = (unsigned)rng_below(&w->rng, USER_SLOTS);

	if (w->mapped >> i & 1)
		user_unmap(w, i);
	else
		user_map(w, i);
}

/* A mapped page of somebody's may be gone at any moment; it is either readable or -EFAULT. */
static void op_touch(struct worker *w)
{
	unsigned long addr = USER_BASE + rng_below(&w->rng, MAX_THREADS * USER_SLOTS) * PAGE_SIZE;
	u64 value;
	int err = get_user_u64(addr, &value);

	t_expect(w->t, err == 0 || err == -EFAULT);
}

static void op_spin(struct worker *w)
{
	spin_lock(&shared.spin);
	shared.spin_count++;
	spin_unlock(&shared.spin);
}

static void op_mutex(struct worker *w)
{
	mutex_lock(&shared.mutex);
	shared.mutex_count++;
	mutex_unlock(&shared.mutex);
}

static void op_rwsem(struct worker *w)
{
	if (rng_below(&w->rng, 4)) {
		down_read(&shared.sem);
		t_expect_eq(w->t, shared.left, shared.right);
		up_read(&shared.sem);
		return;
	}
	down_write(&shared.sem);
	shared.left++;
	barrier();
	shared.right++;
	up_write(&shared.sem);
}

static void published_free(struct rcu_head *head)
{
	struct published *p = container_of(head, struct published, rcu);

	p->magic = p->twice = ~0ull; /* a reader that is too late sees nonsense */
	kmem_cache_free(&published_cache, p);
}

static void publish(struct published *fresh)
{
	struct published *old;

	spin_lock(&shared.spin);
	old = shared.published;
	rcu_assign_pointer(shared.published, fresh);
	spin_unlock(&shared.spin);
	if (old)
		call_rcu(&old->rcu, published_free);
}

static void op_rcu(struct worker *w)
{
	struct published *p;

	if (rng_below(&w->rng, 4) == 0) {
		p = kmem_cache_alloc(&published_cache, GFP_KERNEL);
		if (!p)
			return no_memory();
		p->magic = rng_next(&w->rng) >> 1;
		p->twice = 2 * p->magic;
		publish(p);
		return;
	}
	rcu_read_lock();
	p = rcu_dereference(shared.published);
	if (p)
		t_expect_eq(w->t, p->twice, 2 * p->magic);
	rcu_read_unlock();
}

static void op_yield(struct worker *w)
{
	yield();
}

/* Weights of the kinds, out of 64. */
static const struct {
	const char *name;
	void (*fn)(struct worker *w);
	unsigned weight;
} ops[] = {
	{"memory", op_memory, 24}, {"map", op_map, 10},	    {"touch", op_touch, 8},
	{"spin", op_spin, 6},	   {"mutex", op_mutex, 4},  {"rwsem", op_rwsem, 5},
	{"rcu", op_rcu, 5},	   {"yield", op_yield, 2},
};

static unsigned draw_op(struct worker *w)
{
	unsigned r = (unsigned)rng_below(&w->rng, 64);
	unsigned i = 0;

	while (r >= ops[i].weight)
		r -= ops[i++].weight;
	return i;
}

/* ---- the run ---- */

static struct worker workers[MAX_THREADS];

static void work(struct ktest *t, unsigned id, void *arg)
{
	struct worker *w = &workers[id];

	tables_use(&shared.space);
	for (u64 n = 0; n < w->nr_ops; n++) {
		unsigned op = draw_op(w);

		ops[op].fn(w);
		__atomic_fetch_add(&shared.nr_done[op], 1, __ATOMIC_RELAXED);
	}
	for (unsigned i = 0; i < USER_SLOTS; i++) {
		if (w->mapped >> i & 1)
			user_unmap(w, i);
	}
	tables_unuse(&shared.space);
	for (unsigned i = 0; i < NR_SLOTS; i++) {
		if (w->slot[i].kind != EMPTY)
			slot_empty(w, &w->slot[i]);
	}
}

static bool setup(struct ktest *t, unsigned nr_threads, u64 nr_ops)
{
	memset(&shared, 0, sizeof(shared));
	memset(workers, 0, sizeof(workers));
	if (tables_init(&shared.space))
		return false;
	spin_lock_init(&shared.spin, LC_TEST_SPIN_A);
	mutex_init(&shared.mutex, LC_TEST_SLEEP_A);
	init_rwsem(&shared.sem, LC_TEST_SLEEP_B);
	for (unsigned i = 0; i < nr_threads; i++) {
		workers[i] = (struct worker){.t = t, .id = i, .nr_ops = nr_ops / nr_threads};
		rng_init(&workers[i].rng, t_seed(t) + i);
	}
	return true;
}

static void teardown(void)
{
	struct mmu_gather tlb;

	publish(NULL);
	rcu_barrier();
	tlb_gather_mmu(&tlb, &shared.space, true);
	free_pgd_range(&tlb, USER_BASE, USER_BASE + MAX_THREADS * USER_STRIDE, 0, 0);
	tlb_finish_mmu(&tlb);
	tables_destroy(&shared.space);
}

static void run(struct ktest *t, unsigned nr_threads, u64 nr_ops)
{
	u64 nr_done = 0, nr_spun = 0, nr_mutexed = 0;
	char counts[160] = "";

	if (!setup(t, nr_threads, nr_ops)) {
		t_fail(t, "no memory for the shared address space");
		return;
	}
	t_note(t, "seed %lu, %u threads on %u CPUs, %lu operations", t_seed(t), nr_threads,
	       nr_vcpus, nr_ops / nr_threads * nr_threads);
	t_parallel(t, nr_threads, work, NULL);
	teardown();

	for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
		nr_done += shared.nr_done[i];
		nr_spun += ops[i].fn == op_spin ? shared.nr_done[i] : 0;
		nr_mutexed += ops[i].fn == op_mutex ? shared.nr_done[i] : 0;
		snprintf(counts + strlen(counts), sizeof(counts) - strlen(counts), "%s %lu, ",
			 ops[i].name, shared.nr_done[i]);
		t_expect_gt(t, shared.nr_done[i], 0);
	}
	t_note(t, "%sno memory %lu", counts, shared.nr_no_memory);
	t_expect_eq(t, nr_done, nr_ops / nr_threads * nr_threads);
	t_expect_eq(t, shared.spin_count, nr_spun);
	t_expect_eq(t, shared.mutex_count, nr_mutexed);
	t_expect_eq(t, shared.left, shared.right);
}

/* Operations without `scale=`: on several CPUs emulation makes each one dear. */
static u64 base_ops(void)
{
	return nr_vcpus == 1 ? 1000000 : 30000;
}

KTEST(stress, everything_on_all_cpus, KT_STRESS)
{
	run(t, min(2 * nr_vcpus, (unsigned)MAX_THREADS), t_scale(t, base_ops()));
}
