/*
 * crowd.c - see crowd.h.
 */
#include "tests/host/maple/crowd.h"

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
	if (__atomic_fetch_add(&c->faults, 1, __ATOMIC_RELAXED) < 6)
		crowd_env_wrong(c, what, index, seen);
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

void crowd_write(struct person *p, unsigned long nr)
{
	if (p->crowd->world == WORLD_FREE && nr % 5000 == 4999)
		destroy_all(p->crowd);
	write_once(p);
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

void crowd_read(struct person *p)
{
	int i;

	for (i = 0; i < 200; i++)
		look_at_one(p);
	look_beside(p);
	if (below(p, 2))
		pass_forward(p);
	else
		pass_backward(p);
}

/* ---- before anybody starts ---- */

static void raise_pillars(struct crowd *c)
{
	unsigned int cell;

	for (cell = 0; cell < CELLS; cell++) {
		unsigned long stamp;

		if (!is_pillar(c, cell))
			continue;
		stamp = witness_begin(&c->w, cell, cell, false, NULL);
		if (mtree_store_range(&c->mt, cell_first(cell), cell_last(cell),
				      witness_entry(&c->w, stamp), GFP_KERNEL))
			wrong(c, "a pillar could not be raised", cell_first(cell), NULL);
		witness_done(&c->w, stamp);
	}
}

void crowd_init(struct crowd *c, enum world world, unsigned int flags, struct stamp *stamps,
		unsigned long max_stamp)
{
	c->world = world;
	c->faults = 0;
	witness_init(&c->w, stamps, max_stamp);
	mt_init_flags(&c->mt, flags | MT_FLAGS_USE_RCU);
	raise_pillars(c);
}
