/*
 * test_past_state.c - what once went wrong in searches, states and the memory-short path.
 *
 * See test_past.c for stores. Readers beside writers are in the thread tests; what a reader's
 * state does between two writes can be had without threads and is here.
 */
#include "tests/host/maple/fixture.h"

#include "tests/host/maple/nodes.h"

static int gap_rev(struct fixture *fx, unsigned long min, unsigned long max, unsigned long size,
		   unsigned long *at)
{
	MA_STATE(mas, &fx->mt, 0, 0);
	int err;

	mtree_lock(&fx->mt);
	err = mas_empty_area_rev(&mas, min, max, size);
	mtree_unlock(&fx->mt);
	*at = mas.index;
	if (!err)
		h_expect_eq(mas.last, mas.index + size - 1);
	return err;
}

static int gap(struct fixture *fx, unsigned long min, unsigned long max, unsigned long size,
	       unsigned long *at)
{
	MA_STATE(mas, &fx->mt, 0, 0);
	int err;

	mtree_lock(&fx->mt);
	err = mas_empty_area(&mas, min, max, size);
	mtree_unlock(&fx->mt);
	*at = mas.index;
	if (!err)
		h_expect_eq(mas.last, mas.index + size - 1);
	return err;
}

static void compare_gaps(struct fixture *fx, unsigned long min, unsigned long max,
			 unsigned long size)
{
	unsigned long got = 0, want = 0;
	int err;

	err = gap_rev(fx, min, max, size, &got);
	h_expect_eq(err, oracle_gap_rev(&fx->o, min, max, size, &want));
	if (!err)
		h_expect_eq(got, want);
	err = gap(fx, min, max, size, &got);
	h_expect_eq(err, oracle_gap(&fx->o, min, max, size, &want));
	if (!err)
		h_expect_eq(got, want);
}

/* bugzilla 216911: the place found must not begin below min, wherever min cuts a hole. */
HTEST(gap_search_returns_a_place_below_min)
{
	struct fixture *fx = fx_new(FX_VMA);
	unsigned long min, max, size;

	fx_fill(fx, 0x10000, 60, 0x3000, 0x5000);
	for (min = 0xf000; min < 0x40000; min += 0x1000)
		for (max = min; max < 0x48000; max += 0x1000)
			for (size = 0x1000; size <= 0x6000; size += 0x1000)
				compare_gaps(fx, min, max - 1, size);
	fx_free(fx);
}

/* MAP_32BIT: a search in a low window fails, the next one, higher, must not be misled by it. */
HTEST(gap_search_after_one_that_failed)
{
	struct fixture *fx = fx_new(FX_VMA);
	MA_STATE(mas, &fx->mt, 0, 0);
	unsigned long base;

	fx_fill(fx, 0x40000000, 200, 0x1000, 0);
	fx_fill(fx, 0x7f0000000000, 200, 0x1000, 0x2000);
	mtree_lock(&fx->mt);
	for (base = 0x40000000; base < 0x40000000 + 150 * 0x1000; base += 0x3000) {
		h_expect_eq(mas_empty_area_rev(&mas, base, base + 0x20000, 0x1000), -EBUSY);
		h_expect_eq(mas.status, ma_error);
		h_expect_eq(xa_err(mas.node), -EBUSY);
		mas_reset(&mas);
		h_expect_eq(mas_empty_area_rev(&mas, 0x7f0000000000, 0x7f0000100000, 0x2000), 0);
		h_expect_eq(mas.index, 0x7f00000fd000);
		mas_reset(&mas);
		h_expect_eq(mas_empty_area(&mas, base, base + 0x20000, 0x1000), -EBUSY);
		mas_reset(&mas);
		h_expect_eq(mas_empty_area(&mas, 0x7f0000000000, 0x7f0000100000, 0x2000), 0);
		h_expect_eq(mas.index, 0x7f0000001000);
		mas_reset(&mas);
	}
	mtree_unlock(&fx->mt);
	fx_free(fx);
}

/* Dec 2024: the second pass of a cyclic allocation starts from a clean state. */
HTEST(cyclic_allocation_resets_before_its_second_pass)
{
	struct fixture *fx = fx_new(MT_FLAGS_ALLOC_RANGE);
	unsigned long next = 0, want_next = 0, at = 0, want = 0;
	int i, err;

	for (i = 0; i < 3000; i++) {
		err = mtree_alloc_cyclic(&fx->mt, &at, fx_entry(i), 1, 1024, &next, GFP_KERNEL);
		h_expect_eq(err,
			    oracle_alloc_cyclic(&fx->o, &want, fx_entry(i), 1, 1024, &want_next));
		h_expect_eq(next, want_next);
		if (err >= 0)
			h_expect_eq(at, want);
		if (i % 3 == 0 && fx->o.n)
			h_expect_eq(mtree_erase(&fx->mt, 1 + i % 1024),
				    oracle_erase(&fx->o, 1 + i % 1024));
		if (i % 64 == 0)
			fx_same(fx);
		nodes_quiesce();
	}
	fx_free(fx);
}

/* The top of the key space: *next becomes 0, the call after that says that it wrapped. */
HTEST(cyclic_allocation_past_the_top)
{
	struct fixture *fx = fx_new(MT_FLAGS_ALLOC_RANGE);
	unsigned long next = ULONG_MAX - 2, at = 0;
	int i;

	for (i = 2; i >= 0; i--) {
		h_expect_eq(mtree_alloc_cyclic(&fx->mt, &at, fx_entry(i), 5, ULONG_MAX, &next,
					       GFP_KERNEL),
			    0);
		h_expect_eq(at, ULONG_MAX - i);
	}
	h_expect_eq(next, 0);
	h_expect_eq(mtree_alloc_cyclic(&fx->mt, &at, fx_entry(9), 5, ULONG_MAX, &next, GFP_KERNEL),
		    1);
	h_expect_eq(at, 5);
	h_expect_eq(mtree_alloc_cyclic(&fx->mt, &at, fx_entry(9), 5, ULONG_MAX, &next, GFP_KERNEL),
		    0);
	h_expect_eq(at, 6);
	mt_validate(&fx->mt);
	fx_free(fx);
}

/* The other writer of the test below: takes the place of the entry about to be replaced. */
struct intruder {
	struct fixture *fx;
	unsigned long first, last;
	void *entry;
	int came;
};

static void intrude(void *arg)
{
	struct intruder *in = arg;

	in->came++;
	h_expect_eq(mtree_store_range(&in->fx->mt, in->first, in->last, in->entry, GFP_NOWAIT), 0);
	oracle_store(&in->fx->o, in->first, in->last, in->entry);
}

static void race_for(struct fixture *fx, struct intruder *in, void *entry)
{
	unsigned long at = fx->o.p[fx->o.n / 2].first;
	void *old;

	in->fx = fx;
	in->first = at - 20;
	in->last = at + 1;
	nodes_fail_nowait(true);
	nodes_on_blocking(intrude, in);
	if (entry) {
		h_expect_eq(mtree_store_range(&fx->mt, at + 1, at + 2, entry, GFP_KERNEL), 0);
		oracle_store(&fx->o, at + 1, at + 2, entry);
	} else {
		old = mtree_erase(&fx->mt, at); /* the oracle hears of the intruder first */
		h_expect_eq(old, oracle_erase(&fx->o, at));
	}
	nodes_on_blocking(NULL, NULL);
	nodes_fail_nowait(false);
	fx_same(fx);
}

/*
 * check_nomem_writer_race: memory is short, the lock is dropped, somebody else changes the tree;
 * the second try must look again and not use what the first one saw.
 */
HTEST(memory_short_writer_loses_the_race)
{
	static void *const other[] = {NULL, (void *)0x77777770};
	int came = 0;
	size_t n, i;

	for (n = 8; n < 60; n++)
		for (i = 0; i < 4; i++) {
			struct fixture *fx = fx_new(FX_VMA);
			struct intruder in = {.entry = other[i & 1]};

			fx_fill(fx, 1000, n, 3, n & 1 ? 2 : 0);
			race_for(fx, &in, i & 2 ? fx_entry(777) : NULL);
			came += in.came;
			fx_free(fx);
		}
	h_expect(came > 50);
}

/*
 * A reader's state stands somewhere, a writer changes the tree, the reader goes on. With RCU mode
 * it must find pieces that are there, further on than where it was. (6.4 stable: readers that had
 * cached a node's end missed what was appended.)
 */
struct stroll {
	struct fixture *fx;
	struct ma_state mas;
	unsigned long rng, grain;
	bool up;
};

/* Somebody stores near what the reader has not seen yet, and near what it has. */
static void write_somewhere(struct stroll *w, int nr)
{
	unsigned long first, last;

	w->rng = w->rng * 6364136223846793005 + 1442695040888963407;
	first = w->fx->o.p[(w->rng >> 33) % w->fx->o.n].first + (w->rng >> 60) * w->grain;
	last = first + ((w->rng >> 20) % 4 + 1) * w->grain - 1;
	fx_store(w->fx, first, last, w->rng & 1024 ? fx_entry(nr) : NULL);
}

/* One step: what it finds is there now, and lies beyond where it was. False at the end. */
static bool step_on(struct stroll *w)
{
	unsigned long was = w->up ? w->mas.last : w->mas.index;
	void *entry = w->up ? mas_next(&w->mas, ULONG_MAX) : mas_prev(&w->mas, 0);

	if (!entry) {
		h_expect_eq(w->up ? oracle_next(&w->fx->o, was, ULONG_MAX)
				  : oracle_prev(&w->fx->o, was, 0),
			    NULL);
		return false;
	}
	h_expect(w->up ? w->mas.index > was : w->mas.last < was);
	h_expect_eq(oracle_piece(&w->fx->o, w->mas.index).entry, entry);
	h_expect_eq(oracle_piece(&w->fx->o, w->mas.last).entry, entry);
	return true;
}

static void step_between_writes(struct fixture *fx, unsigned long seed, unsigned long grain)
{
	struct stroll w = {.fx = fx, .rng = seed * 2654435761u, .grain = grain, .up = seed & 1};
	int i = 0;

	fx->reading = true;
	rcu_read_lock();
	mas_init(&w.mas, &fx->mt, w.up ? 0 : ULONG_MAX);
	do {
		if (fx->o.n)
			write_somewhere(&w, i);
	} while (i++ < 200 && step_on(&w));
	rcu_read_unlock();
	fx->reading = false;
}

HTEST(append_seen_by_a_reader_that_cached_the_end)
{
	unsigned long seed;

	for (seed = 0; seed < 600; seed++) {
		unsigned long grain = seed & 2 ? 1 : 0x1000;
		struct fixture *fx = fx_new(FX_VMA);

		fx_fill(fx, 100 * grain, 10 + seed % 60, 4 * grain, seed % 3 * 2 * grain);
		fx->quiet = true;
		step_between_writes(fx, seed, grain);
		fx_same(fx);
		fx_free(fx);
	}
}

/* Stack growth: the boundary of one entry moves down, page by page, readers beside it. */
HTEST(stack_growth_in_place_under_rcu)
{
	struct fixture *fx = fx_new(FX_VMA);
	unsigned long low = 0x7ffffff00000, high = 0x7ffffffff000;
	MA_STATE(reader, &fx->mt, high - 1, high - 1);
	int i;

	fx_fill(fx, 0x7f0000000000, 50, 0x1000, 0x1000);
	fx_store(fx, low, high - 1, fx_entry(500));
	for (i = 0; i < 100; i++) {
		MA_STATE(mas, &fx->mt, 0, 0);

		rcu_read_lock();
		mas_set(&reader, high - 1);
		h_expect_eq(mas_walk(&reader), fx_entry(500));
		low -= 0x1000;
		mtree_lock(&fx->mt);
		mas_set_range(&mas, low, high - 1);
		h_expect_eq(mas_preallocate(&mas, fx_entry(500), GFP_KERNEL), 0);
		mas_store_prealloc(&mas, fx_entry(500));
		mtree_unlock(&fx->mt);
		oracle_store(&fx->o, low, high - 1, fx_entry(500));
		h_expect_eq(mas_prev(&reader, 0), fx_entry(49));
		h_expect_eq(mas_next(&reader, ULONG_MAX), fx_entry(500));
		h_expect_eq(reader.index, low);
		rcu_read_unlock();
		fx_same(fx);
		nodes_quiesce();
	}
	fx_free(fx);
}

/* June 2025: a limit was hit before any walk; going on must not use a node that is not there. */
HTEST(overflow_without_a_node_then_more)
{
	struct fixture *fx = fx_new(FX_VMA);
	MA_STATE(mas, &fx->mt, 0, 0);

	fx_fill(fx, 1000, 40, 10, 10);
	mtree_lock(&fx->mt);
	mas_set(&mas, 1005);
	h_expect_eq(mas_next(&mas, 1000), NULL);
	h_expect_eq(mas.status, ma_overflow);
	h_expect_eq(mas_prev(&mas, 0), fx_entry(0));
	mas_set(&mas, 1025);
	h_expect_eq(mas_prev(&mas, 1100), NULL);
	h_expect_eq(mas.status, ma_underflow);
	h_expect_eq(mas_next(&mas, ULONG_MAX), fx_entry(1));
	mas_set_range(&mas, 1045, 1046);
	h_expect_eq(mas_next(&mas, 1000), NULL);
	h_expect_eq(mas_store_gfp(&mas, fx_entry(900), GFP_KERNEL), 0);
	oracle_store(&fx->o, 1045, 1046, fx_entry(900));
	h_expect_eq(mas.index, 1045);
	h_expect_eq(mas_next(&mas, ULONG_MAX), fx_entry(2));
	mtree_unlock(&fx->mt);
	fx_same(fx);
	fx_free(fx);
}

/* check_iteration: a loop with a limit overwrites the entry at the limit and goes on. */
HTEST(find_loop_overwrites_the_entry_at_its_limit)
{
	unsigned long limit;

	for (limit = 100; limit < 1200; limit += 7) {
		struct fixture *fx = fx_new(FX_VMA);
		MA_STATE(mas, &fx->mt, 0, 0);
		unsigned long seen = 0;
		void *entry;

		fx_fill(fx, 100, 100, 10, 0);
		mtree_lock(&fx->mt);
		mas_for_each(&mas, entry, limit) {
			struct piece p = oracle_piece(&fx->o, mas.index);

			seen++;
			h_expect_eq(entry, p.entry);
			if (p.last < limit)
				continue;
			mas_set_range(&mas, p.first, p.last);
			h_expect_eq(mas_store_gfp(&mas, fx_entry(5000), GFP_KERNEL), 0);
			oracle_store(&fx->o, p.first, p.last, fx_entry(5000));
		}
		h_expect_eq(mas.status, ma_active);
		mtree_unlock(&fx->mt);
		h_expect_eq(seen, limit >= 1100 ? 100 : (limit - 100) / 10 + 1);
		fx_same(fx);
		fx_free(fx);
	}
}

/* The page-fault path: a walk at every key finds its piece, with its bounds, after every change. */
HTEST(walk_of_the_fault_path_at_every_key)
{
	struct fixture *fx = fx_new(FX_VMA);
	unsigned long at;
	int round;

	fx_fill(fx, 100, 60, 3, 2);
	for (round = 0; round < 40; round++) {
		for (at = 90; at < 420; at++) {
			struct piece p = oracle_piece(&fx->o, at);
			MA_STATE(mas, &fx->mt, at, at);

			rcu_read_lock();
			h_expect_eq(mas_walk(&mas), p.entry);
			h_expect_eq(mas.index, p.first);
			h_expect_eq(mas.last, p.last);
			rcu_read_unlock();
		}
		at = 100 + round * 7;
		fx_store(fx, at, at + round % 5, round & 1 ? NULL : fx_entry(1000 + round));
	}
	fx_free(fx);
}
