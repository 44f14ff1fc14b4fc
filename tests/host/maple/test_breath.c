/*
 * test_breath.c - entries whose ends move while readers look: heaps, stacks, and what is beside.
 *
 * A grown end is a single store into a node that readers are in, so they may see the range change
 * between two looks at it. Each entry here keeps its middle cell for ever. A reader that asks for a
 * key beside it may find the key free or in the entry, but the next (previous) entry from there is
 * this one and no other, and no free range may reach into its middle. While an entry is small it
 * may be exchanged for another value for a while: that value must be seen in the middle only.
 */
#include "tests/host/maple/fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include "tests/host/maple/nodes.h"

#define NR	40
#define WIDTH	16 /* cells from one middle to the next */
#define REACH	7  /* cells an end may be away from the middle */
#define READERS 2

struct lungs {
	struct maple_tree mt;
	unsigned long cell, base;
	unsigned int low[NR], high[NR]; /* [writer] how far each entry reaches */
	unsigned long writes, looks, faults;
	int done;
};

struct looker {
	struct lungs *l;
	pthread_t thread;
	uint64_t rng;
	unsigned long looks;
};

static unsigned long below(uint64_t *rng, unsigned long n)
{
	*rng = *rng * 6364136223846793005 + 1442695040888963407;
	return (*rng >> 33) % n;
}

static void *entry_of(unsigned int i)
{
	return xa_mk_value(1000 + i);
}

/* What stands there instead, now and then, while the entry is one cell. */
static void *small_of(unsigned int i)
{
	return xa_mk_value(5000 + i);
}

/* First key of the middle cell of entry @i. */
static unsigned long middle(const struct lungs *l, unsigned int i)
{
	return l->base + (i * WIDTH + WIDTH / 2) * l->cell;
}

static void wrong(struct lungs *l, const char *what, unsigned long index, const void *seen)
{
	if (__atomic_fetch_add(&l->faults, 1, __ATOMIC_RELAXED) < 5)
		printf("# %s: from %#lx saw %p\n", what, index, seen);
}

/* Another value for the middle cell, and back. */
static void dress_up(struct lungs *l, unsigned int i)
{
	MA_STATE(mas, &l->mt, 0, 0);

	mtree_lock(&l->mt);
	mas_set_range(&mas, middle(l, i), middle(l, i) + l->cell - 1);
	h_expect_eq(mas_store_gfp(&mas, small_of(i), GFP_NOWAIT), 0);
	mas_set_range(&mas, middle(l, i), middle(l, i) + l->cell - 1);
	h_expect_eq(mas_store_gfp(&mas, entry_of(i), GFP_NOWAIT), 0);
	mtree_unlock(&l->mt);
}

/* Give or take keys at one end of entry @i: as brk does, prepared and then stored. */
static void breathe(struct lungs *l, uint64_t *rng)
{
	unsigned int i = below(rng, NR), *end = below(rng, 2) ? &l->low[i] : &l->high[i];
	unsigned int to = below(rng, 2) ? 0 : below(rng, REACH + 1);
	unsigned long first, last, mid = middle(l, i);
	bool grow = to > *end;
	MA_STATE(mas, &l->mt, 0, 0);

	if (!l->low[i] && !l->high[i])
		dress_up(l, i);
	if (to == *end)
		return;
	if (grow) {
		first = mid - (end == &l->low[i] ? to : l->low[i]) * l->cell;
		last = mid + (end == &l->high[i] ? to + 1 : l->high[i] + 1) * l->cell - 1;
	} else if (end == &l->low[i]) {
		first = mid - *end * l->cell;
		last = mid - to * l->cell - 1;
	} else {
		first = mid + (to + 1) * l->cell;
		last = mid + (*end + 1) * l->cell - 1;
	}
	mtree_lock(&l->mt);
	mas_set_range(&mas, first, last);
	h_expect_eq(mas_preallocate(&mas, grow ? entry_of(i) : NULL, GFP_KERNEL), 0);
	mas_store_prealloc(&mas, grow ? entry_of(i) : NULL);
	mtree_unlock(&l->mt);
	*end = to;
}

/* Is @entry, seen on [index, last], entry @i as it was at some time? */
static bool is_entry(const struct lungs *l, const struct ma_state *mas, unsigned int i,
		     const void *entry)
{
	unsigned long mid = middle(l, i), end = mid + l->cell - 1;

	if (entry == small_of(i))
		return mas->index == mid && mas->last == end;
	return entry == entry_of(i) && mas->index <= mid && mas->last >= end;
}

static void look_up(struct lungs *l, struct ma_state *mas, unsigned int i, unsigned long index)
{
	void *entry = mas_walk(mas);

	if (entry && !is_entry(l, mas, i, entry))
		wrong(l, "an entry where it never was", index, entry);
	if (entry)
		return;
	if (mas->last >= middle(l, i))
		wrong(l, "a free range reaches into an entry above", index, entry);
	entry = mas_next(mas, ULONG_MAX);
	/* What grew over keys that were passed begins behind them. */
	if (!is_entry(l, mas, i, entry))
		wrong(l, "the next entry was skipped or never was", index, entry);
}

static void look_down(struct lungs *l, struct ma_state *mas, unsigned int i, unsigned long index)
{
	void *entry = mas_walk(mas);

	if (entry && !is_entry(l, mas, i, entry))
		wrong(l, "an entry where it never was", index, entry);
	if (entry)
		return;
	if (mas->index <= middle(l, i))
		wrong(l, "a free range reaches into an entry below", index, entry);
	entry = mas_prev(mas, 0);
	if (!is_entry(l, mas, i, entry))
		wrong(l, "the previous entry was skipped or never was", index, entry);
}

/* A key beside the middle is free or in the entry, never in what only the middle held. */
static void load_beside(struct lungs *l, unsigned int i, unsigned long index)
{
	unsigned long at = index;
	void *entry = mtree_load(&l->mt, index);

	if (entry && entry != entry_of(i))
		wrong(l, "mtree_load saw an entry where it never was", index, entry);
	entry = mt_find(&l->mt, &at, index);
	if (entry && entry != entry_of(i))
		wrong(l, "mt_find saw an entry where it never was", index, entry);
}

static void *look(void *arg)
{
	struct looker *who = arg;
	struct lungs *l = who->l;

	while (!__atomic_load_n(&l->done, __ATOMIC_SEQ_CST)) {
		unsigned int i = below(&who->rng, NR);
		unsigned long away = (1 + below(&who->rng, REACH)) * l->cell;
		unsigned long mid = middle(l, i), jitter = below(&who->rng, l->cell);
		MA_STATE(mas, &l->mt, 0, 0);

		rcu_read_lock();
		if (below(&who->rng, 2)) {
			mas_set(&mas, mid - away + jitter);
			look_up(l, &mas, i, mid - away + jitter);
		} else {
			mas_set(&mas, mid + away + jitter);
			look_down(l, &mas, i, mid + away + jitter);
		}
		rcu_read_unlock();
		load_beside(l, i, mid - away + jitter);
		who->looks++;
	}
	rcu_thread_exit();
	return NULL;
}

static void run_lungs(unsigned long base, unsigned long cell, unsigned int flags)
{
	const char *text = getenv("MAPLE_WRITES");
	struct lungs *l = calloc(1, sizeof(*l));
	struct looker lookers[READERS] = {0};
	uint64_t rng = htest_seed();
	unsigned int i;

	l->writes = (text ? strtoul(text, NULL, 0) : 20000) * 4;
	l->base = base;
	l->cell = cell;
	mt_init_flags(&l->mt, flags | MT_FLAGS_USE_RCU);
	for (i = 0; i < NR; i++)
		h_expect_eq(mtree_store_range(&l->mt, middle(l, i), middle(l, i) + cell - 1,
					      entry_of(i), GFP_KERNEL),
			    0);
	for (i = 0; i < READERS; i++) {
		lookers[i].l = l;
		lookers[i].rng = htest_seed() + i + 1;
		pthread_create(&lookers[i].thread, NULL, look, &lookers[i]);
	}
	for (i = 0; i < l->writes; i++) {
		breathe(l, &rng);
		if (i % 16 == 0)
			rcu_poll();
	}
	__atomic_store_n(&l->done, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < READERS; i++) {
		pthread_join(lookers[i].thread, NULL);
		l->looks += lookers[i].looks;
	}
	printf("# %lu writes, %lu looks, %lu faults, seed %lu\n", l->writes, l->looks, l->faults,
	       htest_seed());
	h_expect_eq(l->faults, 0);
	h_expect(l->looks > 1000);
	mt_validate(&l->mt);
	mtree_destroy(&l->mt);
	nodes_quiesce();
	h_expect_eq(nodes_live(), 0);
	free(l);
}

HTEST(readers_beside_entries_that_breathe_pages)
{
	run_lungs(0x10000000, 0x1000, MT_FLAGS_ALLOC_RANGE);
}

HTEST(readers_beside_entries_that_breathe_keys)
{
	run_lungs(0x10000001, 3, 0);
}

/* Ranges too long or too high for any packed form of a leaf. */
HTEST(readers_beside_entries_that_breathe_wide)
{
	run_lungs(1ul << 55, 1ul << 45, MT_FLAGS_ALLOC_RANGE);
}
