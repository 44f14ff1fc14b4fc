/*
 * bench_write.c - the operations that change the tree.
 *
 * Each strikes every suitable place of freshly built trees, in random order: a split in every
 * range of three pages or more, an insert in every gap of three, and so on. What undoes another
 * (merge after split, erase after insert, shrink after grow) is measured on what that one left.
 */
#include "tests/host/maple/bench.h"

#define PAGE MTB_PAGE

/* Another entry in the place of @entry. */
static inline void *other(void *entry)
{
	return (char *)entry + 8;
}

static unsigned long pages_of(const struct range *r)
{
	return (r->last - r->first + 1) / PAGE;
}

/* Pages free behind range @i. */
static unsigned long room_behind(const struct mtb *b, unsigned int i)
{
	return i + 1 < b->n ? (b->r[i + 1].first - b->r[i].last - 1) / PAGE : 0;
}

typedef bool (*strike_fn)(struct mtb *b, struct ma_state *mas, unsigned int i);

/* @strike at each range of each tree in random order; those that return true are counted. */
static void strike_all(struct mtb *b, strike_fn strike, bool measured)
{
	unsigned int t, i, ops = 0;

	mtb_shuffle(b);
	if (measured)
		mtb_begin(b);
	for (t = 0; t < b->nr_trees; t++) {
		MA_STATE(mas, &b->trees[t], 0, 0);

		for (i = 0; i < b->n; i++) {
			if (!strike(b, &mas, b->order[i]))
				continue;
			mtb_tick(b);
			ops++;
		}
	}
	mtb_env_drain();
	if (measured)
		mtb_end(b, ops);
}

static void store(struct ma_state *mas, unsigned long first, unsigned long last, void *entry)
{
	mas_set_range(mas, first, last);
	if (mas_store_gfp(mas, entry, GFP_KERNEL))
		mtb_env_fail("a write");
}

static void store_prepared(struct ma_state *mas, unsigned long first, unsigned long last,
			   void *entry)
{
	mas_set_range(mas, first, last);
	if (mas_preallocate(mas, entry, GFP_KERNEL))
		mtb_env_fail("a write");
	mas_store_prealloc(mas, entry);
}

static bool strike_exact(struct mtb *b, struct ma_state *mas, unsigned int i)
{
	store(mas, b->r[i].first, b->r[i].last, other(b->r[i].entry));
	return true;
}

/* The middle page of a range becomes a range of its own. */
static bool strike_split(struct mtb *b, struct ma_state *mas, unsigned int i)
{
	unsigned long at = b->r[i].first + pages_of(&b->r[i]) / 2 * PAGE;

	if (pages_of(&b->r[i]) < 3)
		return false;
	store(mas, at, at + PAGE - 1, other(b->r[i].entry));
	return true;
}

static bool strike_merge(struct mtb *b, struct ma_state *mas, unsigned int i)
{
	if (pages_of(&b->r[i]) < 3)
		return false;
	store(mas, b->r[i].first, b->r[i].last, b->r[i].entry);
	return true;
}

/* One page in the middle of a gap. */
static bool strike_insert(struct mtb *b, struct ma_state *mas, unsigned int i)
{
	unsigned long at = b->r[i].last + 1 + room_behind(b, i) / 2 * PAGE;

	if (room_behind(b, i) < 3)
		return false;
	store(mas, at, at + PAGE - 1, other(b->r[i].entry));
	return true;
}

static bool strike_erase(struct mtb *b, struct ma_state *mas, unsigned int i)
{
	if (room_behind(b, i) < 3)
		return false;
	mas_set(mas, b->r[i].last + 1 + room_behind(b, i) / 2 * PAGE);
	if (!mas_erase(mas))
		mtb_env_fail("a write");
	return true;
}

/* The end of a range moves a page up into the gap behind it. */
static bool strike_grow(struct mtb *b, struct ma_state *mas, unsigned int i)
{
	if (room_behind(b, i) < 3)
		return false;
	store_prepared(mas, b->r[i].first, b->r[i].last + PAGE, b->r[i].entry);
	return true;
}

static bool strike_shrink(struct mtb *b, struct ma_state *mas, unsigned int i)
{
	if (room_behind(b, i) < 3)
		return false;
	store_prepared(mas, b->r[i].last + 1, b->r[i].last + PAGE, NULL);
	return true;
}

static bool strike_give_up(struct mtb *b, struct ma_state *mas, unsigned int i)
{
	if (room_behind(b, i) < 3)
		return false;
	mas_set_range(mas, b->r[i].first, b->r[i].last + PAGE);
	if (mas_preallocate(mas, b->r[i].entry, GFP_KERNEL))
		mtb_env_fail("a write");
	mas_destroy(mas);
	return true;
}

/* NULL over 32 neighbours, leaving the next 32 in place. */
static bool strike_null_span(struct mtb *b, struct ma_state *mas, unsigned int i)
{
	if (i % 64 || i + 32 > b->n)
		return false;
	store(mas, b->r[i].first, b->r[i + 31].last, NULL);
	return true;
}

static void run_store_exact(struct mtb *b)
{
	strike_all(b, strike_exact, true);
}

static void run_split(struct mtb *b)
{
	strike_all(b, strike_split, true);
}

static void run_merge(struct mtb *b)
{
	strike_all(b, strike_split, false);
	strike_all(b, strike_merge, true);
}

static void run_insert(struct mtb *b)
{
	strike_all(b, strike_insert, true);
}

static void run_erase(struct mtb *b)
{
	strike_all(b, strike_insert, false);
	strike_all(b, strike_erase, true);
}

static void run_grow(struct mtb *b)
{
	strike_all(b, strike_grow, true);
}

static void run_shrink(struct mtb *b)
{
	strike_all(b, strike_grow, false);
	strike_all(b, strike_shrink, true);
}

static void run_give_up(struct mtb *b)
{
	strike_all(b, strike_give_up, true);
}

static void run_null_span(struct mtb *b)
{
	strike_all(b, strike_null_span, true);
}

static void run_build(struct mtb *b, bool in_order)
{
	mtb_empty(b);
	mtb_shuffle(b);
	mtb_begin(b);
	mtb_build(b, in_order);
	mtb_end(b, (uint64_t)b->nr_trees * b->n);
}

static void run_build_seq(struct mtb *b)
{
	run_build(b, true);
}

static void run_build_rand(struct mtb *b)
{
	run_build(b, false);
}

static void duplicate(const struct mtb *b, struct maple_tree *from, struct maple_tree *to)
{
	mtb_init_tree(b, to);
	if (__mt_dup(from, to, GFP_KERNEL))
		mtb_env_fail("a write");
}

static void run_dup(struct mtb *b)
{
	struct maple_tree copy;
	unsigned int t;

	for (t = 0; t < b->nr_trees; t++) {
		mtb_begin(b);
		duplicate(b, &b->trees[t], &copy);
		mtb_end(b, b->n);
		__mt_destroy(&copy);
		mtb_env_barrier();
	}
}

/* What fork does with the copy: each entry found is replaced by the child's own. */
static void run_dup_replace(struct mtb *b)
{
	struct maple_tree copy;
	unsigned int t;
	void *entry;

	for (t = 0; t < b->nr_trees; t++) {
		MA_STATE(mas, &copy, 0, 0);

		duplicate(b, &b->trees[t], &copy);
		mtb_begin(b);
		mas_for_each(&mas, entry, ULONG_MAX)
			mas_store(&mas, other(entry));
		mtb_end(b, b->n);
		__mt_destroy(&copy);
		mtb_env_barrier();
	}
}

static void run_destroy(struct mtb *b)
{
	unsigned int t;

	mtb_begin(b);
	for (t = 0; t < b->nr_trees; t++) {
		__mt_destroy(&b->trees[t]);
		mtb_tick(b);
	}
	mtb_env_drain();
	mtb_end(b, (uint64_t)b->nr_trees * b->n);
}

const struct mtb_op mtb_writes[] = {
	{"store_exact", run_store_exact, false, 0},
	{"store_split3", run_split, false, 0},
	{"store_merge3", run_merge, false, 0},
	{"store_insert", run_insert, false, 0},
	{"mas_erase", run_erase, false, 0},
	{"prealloc_grow", run_grow, false, 0},
	{"prealloc_shrink", run_shrink, false, 0},
	{"prealloc_destroy", run_give_up, false, 0},
	{"store_null_span32", run_null_span, false, 64},
	{"build_seq", run_build_seq, false, 0},
	{"build_rand", run_build_rand, false, 0},
	{"mt_dup", run_dup, false, 0},
	{"dup_replace_each", run_dup_replace, false, 0},
	{"destroy", run_destroy, false, 0},
};
const unsigned int mtb_nr_writes = ARRAY_SIZE(mtb_writes);
