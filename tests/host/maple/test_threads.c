/*
 * test_threads.c - readers without locks beside writers, judged by a witness.
 *
 * Owns: the threads, the mix of calls, the three worlds (free for all, pillars, replaced pillars).
 * Idea: in the worlds with pillars every eighth cell is a piece that exists throughout, left alone
 *       or replaced by an equal one: every pass over the tree must meet all of them, in order.
 * The reader side never takes the tree's lock. Run under ThreadSanitizer and AddressSanitizer.
 */
#include "tests/host/maple/fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include "tests/host/maple/nodes.h"
#include "tests/host/maple/witness.h"

#define READERS	    3
#define MAX_WRITERS 2
#define PILLAR	    8 /* every PILLAR-th cell */

enum world { WORLD_FREE, WORLD_PILLARS, WORLD_REPLACED };

struct crowd {
	struct maple_tree mt;
	struct witness w;
	enum world world;
	unsigned long writes_each;
	int writers_left;
	unsigned long reads, passes, nulls, faults;
	pthread_mutex_t print;
};

struct person {
	struct crowd *crowd;
	pthread_t thread;
	uint64_t rng;
	unsigned long reads, passes, nulls;
};

static unsigned long below(struct person *p, unsigned long n)
{
	p->rng = p->rng * 6364136223846793005 + 1442695040888963407;
	return (p->rng >> 33) % n;
}

static bool is_pillar(const struct crowd *c, unsigned int cell)
{
	return c->world != WORLD_FREE && cell % PILLAR == 0;
}

static void wrong(struct crowd *c, const char *what, unsigned long index, const void *seen)
{
	if (__atomic_fetch_add(&c->faults, 1, __ATOMIC_RELAXED) > 5)
		return;
	pthread_mutex_lock(&c->print);
	printf("# %s: index %#lx (cell %u), saw %p\n", what, index, cell_of(index), seen);
	pthread_mutex_unlock(&c->print);
}

/* ---- writers ---- */

static void choose_cells(struct person *p, unsigned int *a, unsigned int *b)
{
	struct crowd *c = p->crowd;
	unsigned int room;

	*a = below(p, CELLS);
	if (c->world == WORLD_FREE) {
		room = below(p, 64) ? 6 : 200;
		*b = *a + below(p, room);
		*b = *b < CELLS ? *b : CELLS - 1;
		return;
	}
	if (is_pillar(c, *a) && c->world == WORLD_REPLACED) {
		*b = *a;
		return;
	}
	if (is_pillar(c, *a))
		(*a)++;
	room = PILLAR - *a % PILLAR;
	*b = *a + below(p, room);
}

static int store_one_way(struct person *p, struct ma_state *mas, void *entry)
{
	int err;

	switch (below(p, 3)) {
	case 0:
		mas_store(mas, entry);
		err = mas_is_err(mas) ? xa_err(mas->node) : 0;
		mas_destroy(mas);
		return err;
	case 1:
		err = mas_preallocate(mas, entry, GFP_KERNEL);
		if (!err)
			mas_store_prealloc(mas, entry);
		return err;
	default: return mas_store_gfp(mas, entry, GFP_NOWAIT);
	}
}

static bool inside(unsigned long index)
{
	return index >= CELL_BASE && cell_of(index) < CELLS;
}

/*
 * The piece at cell @a, when it may grow by a cell up or down into a hole: then [@a, @b] becomes
 * what it will cover, and its entry is returned. Moving one end is what heaps and stacks do.
 */
static void *choose_growth(struct person *p, unsigned int *a, unsigned int *b)
{
	struct crowd *c = p->crowd;
	MA_STATE(mas, &c->mt, cell_first(*a), cell_first(*a));
	void *entry = mas_walk(&mas);
	unsigned long beside = below(p, 2) ? mas.last + 1 : mas.index - 1;

	if (!entry || !inside(beside) || is_pillar(c, cell_of(beside)) || is_pillar(c, *a) ||
	    mtree_load(&c->mt, beside))
		return NULL;
	*a = cell_of(mas.index < beside ? mas.index : beside);
	*b = cell_of(mas.last > beside ? mas.last : beside);
	return entry;
}

static void write_once(struct person *p)
{
	struct crowd *c = p->crowd;
	void *again = NULL;
	unsigned long stamp;
	unsigned int a, b;
	bool null;

	choose_cells(p, &a, &b);
	null = !is_pillar(c, a) && below(p, 2);
	mtree_lock(&c->mt);
	if (!null && below(p, 2))
		again = choose_growth(p, &a, &b);
	{
		MA_STATE(mas, &c->mt, cell_first(a), cell_last(b));

		stamp = witness_begin(&c->w, a, b, null, again);
		if (store_one_way(p, &mas, witness_entry(&c->w, stamp)))
			wrong(c, "a store failed", cell_first(a), NULL);
		witness_done(&c->w, stamp);
	}
	mtree_unlock(&c->mt);
}

static void destroy_all(struct crowd *c)
{
	unsigned long stamp;

	mtree_lock(&c->mt);
	stamp = witness_begin(&c->w, 0, CELLS - 1, true, NULL);
	__mt_destroy(&c->mt);
	witness_done(&c->w, stamp);
	mtree_unlock(&c->mt);
}

static void *writer(void *arg)
{
	struct person *p = arg;
	unsigned long i;

	for (i = 0; i < p->crowd->writes_each; i++) {
		if (p->crowd->world == WORLD_FREE && i % 5000 == 4999)
			destroy_all(p->crowd);
		write_once(p);
		if (i % 16 == 0)
			rcu_poll();
	}
	rcu_thread_exit();
	__atomic_sub_fetch(&p->crowd->writers_left, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

/* ---- readers ---- */

static void *read_point(struct person *p, unsigned long index)
{
	struct crowd *c = p->crowd;
	MA_STATE(mas, &c->mt, index, index);
	unsigned long at = index;
	void *entry;

	switch (below(p, 4)) {
	case 0: return mtree_load(&c->mt, index);
	case 1: return mt_find(&c->mt, &at, index);
	case 2:
		rcu_read_lock();
		entry = mas_find(&mas, index);
		rcu_read_unlock();
		return entry;
	default:
		rcu_read_lock();
		entry = mas_walk(&mas);
		rcu_read_unlock();
		if (mas.index > index || mas.last < index)
			wrong(c, "mas_walk left its index", index, entry);
		return entry;
	}
}

static void look_at_one(struct person *p)
{
	struct crowd *c = p->crowd;
	unsigned int cell = below(p, CELLS);
	unsigned long index = cell_first(cell) + below(p, CELL_SIZE);
	unsigned long before = witness_before(&c->w, cell);
	void *seen = read_point(p, index);

	if (!witness_legal(&c->w, cell, before, seen))
		wrong(c, "a value that was not there", index, seen);
	p->nulls += !seen;
	p->reads++;
}

static void judge_piece(struct crowd *c, const struct ma_state *mas, const void *entry)
{
	if (!inside(mas->index) || !inside(mas->last) ||
	    !witness_plausible(&c->w, cell_of(mas->index), entry) ||
	    !witness_plausible(&c->w, cell_of(mas->last), entry))
		wrong(c, "a piece that never was", mas->index, entry);
}

/* One pass upwards: ends ascend, no pillar is missed. */
static void pass_forward(struct person *p)
{
	struct crowd *c = p->crowd;
	MA_STATE(mas, &c->mt, 0, 0);
	unsigned long end = 0;
	unsigned int pillar = 0, pause = below(p, 2);
	bool use_next = below(p, 2), paused = false;
	void *entry;

	rcu_read_lock();
	for (entry = mas_find(&mas, ULONG_MAX); entry;
	     entry = use_next ? mas_next(&mas, ULONG_MAX) : mas_find(&mas, ULONG_MAX)) {
		judge_piece(c, &mas, entry);
		/* After a pause the piece found may have grown down over what was seen. */
		if (end && (paused ? mas.last : mas.index) <= end)
			wrong(c, "iteration went back", mas.index, entry);
		end = mas.last;
		while (c->world != WORLD_FREE && pillar < CELLS && cell_first(pillar) < mas.index) {
			wrong(c, "a pillar was skipped", cell_first(pillar), entry);
			pillar += PILLAR;
		}
		if (c->world != WORLD_FREE && mas.index == cell_first(pillar))
			pillar += PILLAR;
		paused = pause && !use_next && below(p, 50) == 0;
		if (paused) {
			mas_pause(&mas);
			rcu_read_unlock();
			rcu_read_lock();
		}
	}
	rcu_read_unlock();
	if (c->world != WORLD_FREE && pillar < CELLS)
		wrong(c, "a pass ended early", end, NULL);
	p->passes++;
}

static void pass_backward(struct person *p)
{
	struct crowd *c = p->crowd;
	MA_STATE(mas, &c->mt, ULONG_MAX, ULONG_MAX);
	unsigned long start = ULONG_MAX, pillar = CELLS / PILLAR;
	bool use_prev = below(p, 2);
	void *entry;

	rcu_read_lock();
	for (entry = mas_find_rev(&mas, 0); entry;
	     entry = use_prev ? mas_prev(&mas, 0) : mas_find_rev(&mas, 0)) {
		judge_piece(c, &mas, entry);
		if (mas.last >= start)
			wrong(c, "iteration went forward", mas.index, entry);
		start = mas.index;
		if (!is_pillar(c, cell_of(mas.index)))
			continue;
		if (cell_of(mas.index) != --pillar * PILLAR)
			wrong(c, "a pillar was skipped going back", mas.index, entry);
	}
	rcu_read_unlock();
	if (c->world != WORLD_FREE && pillar)
		wrong(c, "a pass back ended early", start, NULL);
	p->passes++;
}

static void look_beside(struct person *p)
{
	struct crowd *c = p->crowd;
	unsigned int cell = below(p, CELLS);
	void *entry;

	if (below(p, 2))
		entry = mt_next(&c->mt, cell_first(cell), ULONG_MAX);
	else
		entry = mt_prev(&c->mt, cell_first(cell), 0);
	if (entry && (!xa_is_value(entry) || xa_to_value(entry) >= c->w.max_stamp))
		wrong(c, "a neighbour that never was", cell_first(cell), entry);
	p->reads++;
}

static void *reader(void *arg)
{
	struct person *p = arg;
	int i;

	while (__atomic_load_n(&p->crowd->writers_left, __ATOMIC_SEQ_CST)) {
		for (i = 0; i < 200; i++)
			look_at_one(p);
		look_beside(p);
		if (below(p, 2))
			pass_forward(p);
		else
			pass_backward(p);
	}
	rcu_thread_exit();
	return NULL;
}

/* ---- the run ---- */

static void raise_pillars(struct crowd *c)
{
	unsigned int cell;

	for (cell = 0; cell < CELLS; cell++)
		if (is_pillar(c, cell)) {
			unsigned long stamp = witness_begin(&c->w, cell, cell, false, NULL);

			h_expect_eq(mtree_store_range(&c->mt, cell_first(cell), cell_last(cell),
						      witness_entry(&c->w, stamp), GFP_KERNEL),
				    0);
			witness_done(&c->w, stamp);
		}
}

static void run_crowd(enum world world, int writers, unsigned long writes, unsigned int flags)
{
	struct crowd *c = calloc(1, sizeof(*c));
	struct person people[READERS + MAX_WRITERS] = {0};
	int i, n = READERS + writers;

	c->world = world;
	c->writes_each = writes / writers;
	c->writers_left = writers;
	pthread_mutex_init(&c->print, NULL);
	witness_init(&c->w, 2 * writes + 4 * CELLS);
	mt_init_flags(&c->mt, flags | MT_FLAGS_USE_RCU);
	raise_pillars(c);
	for (i = 0; i < n; i++) {
		people[i].crowd = c;
		people[i].rng = htest_seed() * 1000 + i;
		pthread_create(&people[i].thread, NULL, i < writers ? writer : reader, &people[i]);
	}
	for (i = 0; i < n; i++) {
		pthread_join(people[i].thread, NULL);
		c->reads += people[i].reads;
		c->passes += people[i].passes;
		c->nulls += people[i].nulls;
	}
	mt_validate(&c->mt);
	printf("# %lu writes, %lu reads (%lu saw NULL), %lu passes, %lu faults, seed %lu\n", writes,
	       c->reads, c->nulls, c->passes, c->faults, htest_seed());
	h_expect_eq(c->faults, 0);
	h_expect(c->reads > 1000 && c->passes > 5 && c->nulls > 10);
	mtree_destroy(&c->mt);
	nodes_quiesce();
	h_expect_eq(nodes_live(), 0);
	witness_free(&c->w);
	free(c);
}

static unsigned long writes(void)
{
	const char *text = getenv("MAPLE_WRITES");

	return text ? strtoul(text, NULL, 0) : 20000;
}

HTEST(readers_beside_one_writer)
{
	run_crowd(WORLD_FREE, 1, writes(), MT_FLAGS_ALLOC_RANGE);
}

HTEST(readers_beside_two_writers)
{
	run_crowd(WORLD_FREE, 2, writes(), 0);
}

HTEST(readers_meet_every_piece_that_stays)
{
	run_crowd(WORLD_PILLARS, 2, writes(), MT_FLAGS_ALLOC_RANGE);
}

HTEST(readers_see_no_hole_where_equals_are_exchanged)
{
	run_crowd(WORLD_REPLACED, 2, writes(), MT_FLAGS_ALLOC_RANGE);
}
