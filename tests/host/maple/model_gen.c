/*
 * model_gen.c - where the model's next call strikes.
 *
 * Owns: the random stream, the shapes of key space, the choice of index, range and entry.
 * Idea: bugs live at edges, so most keys are taken from the ends of pieces that exist, one off in
 *       either direction, and most ranges begin or end at such an edge. The opening sequence of a
 *       life (up, down, sawtooth) gives trees the shapes that random stores never reach.
 */
#include "tests/host/maple/model.h"

#define PAGE 4096ul

static const struct model_shape shapes[] = {
	{"dense", 100, 1, 0, false},
	{"bottom", 0, 1, 0, false},
	{"top", ULONG_MAX, 1, 0, false},
	{"top pages", ULONG_MAX, PAGE, 0, false},
	{"pages", 0x555555554000, PAGE, 0, false},
	{"spread", 0x1000, 0x123456789, 0, false},
	{"huge", 0, 1ul << 48, 1ul << 16, false},
	{"four cells", 0, 1ul << 62, 4, true},
	{"tiny", 0, 1, 24, true},
	{"tiny top", ULONG_MAX, 1, 24, true},
};
#define NR_LARGE 7 /* the shapes before this one have room for large trees */

/* The next @bytes of what a fuzzer decided, 0 when it has said all. */
static uint64_t fed(struct model *m, unsigned int bytes)
{
	uint64_t z = 0;

	while (bytes-- && m->feed_left) {
		z = z << 8 | *m->feed++;
		m->feed_left--;
	}
	return z;
}

uint64_t model_rand(struct model *m)
{
	uint64_t z;

	if (m->feed)
		return fed(m, 8);
	z = (m->rng += 0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

unsigned long model_below(struct model *m, unsigned long n)
{
	if (n <= 1)
		return 0;
	if (m->feed)
		return fed(m, 1 + (63 - __builtin_clzl(n - 1)) / 8) % n;
	return model_rand(m) % n;
}

bool model_one_in(struct model *m, unsigned int n)
{
	return n && model_below(m, n) == n - 1;
}

static size_t choose_target(struct model *m, size_t cap)
{
	static const size_t sizes[] = {2, 12, 20, 40, 40, 120, 120, 300, 300, 1000};
	size_t n = sizes[model_below(m, ARRAY_SIZE(sizes))];

	return n < cap / 4 ? n : cap / 4;
}

/* Everything about a life that is not a call follows from its random stream. */
void model_choose_life(struct model *m, size_t cap)
{
	static const unsigned int grid[] = {0, 0, 64, 2};
	static const unsigned int starve[] = {0, 0, 8, 64};
	struct model_shape *s = &m->shape;
	bool large = m->target;

	m->flags = model_one_in(m, 2) ? MT_FLAGS_ALLOC_RANGE : 0;
	m->flags |= model_one_in(m, 2) ? MT_FLAGS_USE_RCU : 0;
	m->flags |= model_one_in(m, 2) ? MT_FLAGS_LOCK_EXTERN : 0;
	if (!large)
		m->target = choose_target(m, cap);
	*s = shapes[model_below(m, large ? NR_LARGE : ARRAY_SIZE(shapes))];
	if (!s->grains)
		s->grains = m->target * 4 + 8;
	if (s->base == ULONG_MAX)
		s->base = ULONG_MAX - s->grains * s->grain + 1;
	m->order = large ? 1 + model_below(m, ORDER_NR - 1) : model_below(m, ORDER_NR);
	m->off_grid = s->grain > 1 ? grid[model_below(m, ARRAY_SIZE(grid))] : 0;
	m->starve = starve[model_below(m, ARRAY_SIZE(starve))];
	m->built = 0;
}

/* Whether the tree is still being filled in the life's order. */
bool model_opening(const struct model *m)
{
	return m->order != ORDER_NONE && m->built < m->target;
}

static unsigned long cell(struct model *m, unsigned long nr)
{
	return m->shape.base + nr * m->shape.grain;
}

static unsigned long jitter(struct model *m, unsigned long index)
{
	if (model_one_in(m, m->off_grid))
		index += model_below(m, m->shape.grain);
	return index;
}

static struct piece *some_piece(struct model *m)
{
	return &m->o.p[model_below(m, m->o.n)];
}

/* Any key that a read or a limit may use: not bound to the grid. */
unsigned long model_index(struct model *m)
{
	static const unsigned long corners[] = {0, 1, 2, ULONG_MAX - 1, ULONG_MAX};
	struct piece *p;

	if (m->o.n && model_below(m, 4)) {
		p = some_piece(m);
		switch (model_below(m, 4)) {
		case 0: return p->first - model_below(m, 2);
		case 1: return p->last + model_below(m, 2);
		default: return p->first + model_below(m, p->last - p->first);
		}
	}
	if (model_one_in(m, 8))
		return corners[model_below(m, ARRAY_SIZE(corners))];
	if (model_one_in(m, 32))
		return model_rand(m);
	return cell(m, model_below(m, m->shape.grains)) + model_below(m, m->shape.grain);
}

static void swap_to_order(unsigned long *first, unsigned long *last)
{
	unsigned long t = *first;

	if (*first > *last) {
		*first = *last;
		*last = t;
	}
}

/* A run of cells, short as a rule. */
static void range_of_cells(struct model *m, unsigned long *first, unsigned long *last)
{
	unsigned long at = model_below(m, m->shape.grains);
	unsigned long room = m->shape.grains - at;
	unsigned long n = 1 + model_below(m, model_one_in(m, 3) ? 8 : 1);

	if (n > room)
		n = room;
	*first = jitter(m, cell(m, at));
	*last = jitter(m, cell(m, at + n) - 1);
	swap_to_order(first, last);
}

/* Part of a stored piece: all of it, its head, its tail, or its middle. */
static void range_in_piece(struct model *m, unsigned long *first, unsigned long *last)
{
	struct piece *p = some_piece(m);
	unsigned long cells = (p->last - p->first) / m->shape.grain;
	unsigned long a = model_below(m, cells + 1), b = model_below(m, cells + 1);

	*first = p->first;
	*last = p->last;
	swap_to_order(&a, &b);
	if (model_below(m, 3))
		*first = jitter(m, p->first + a * m->shape.grain);
	if (b < cells && model_below(m, 3))
		*last = jitter(m, p->first + (b + 1) * m->shape.grain - 1);
	if (*last > p->last)
		*last = p->last;
	swap_to_order(first, last);
}

/* From one stored piece to another one or many further: what spanning stores are made of. */
static void range_over_pieces(struct model *m, unsigned long *first, unsigned long *last)
{
	size_t a = model_below(m, m->o.n), reach = m->target > 64 ? 8 : 3, b;

	if (model_one_in(m, 16))
		reach = 64 + (model_one_in(m, 64) ? m->target / 8 : 0);
	b = a + model_below(m, reach);
	if (b >= m->o.n)
		b = m->o.n - 1;
	*first = m->o.p[a].first;
	*last = m->o.p[b].last;
	if (model_one_in(m, 3) && *first >= m->shape.grain)
		*first -= m->shape.grain;
	if (model_one_in(m, 3) && *last <= ULONG_MAX - m->shape.grain)
		*last += m->shape.grain;
	if (model_one_in(m, 4))
		*first = m->o.p[a].last - (m->o.p[a].last - m->o.p[a].first) % m->shape.grain;
	swap_to_order(first, last);
}

static void range_anywhere(struct model *m, unsigned long *first, unsigned long *last)
{
	*first = model_index(m);
	*last = model_index(m);
	swap_to_order(first, last);
	if (model_one_in(m, 16))
		*first = 0;
	if (model_one_in(m, 16))
		*last = ULONG_MAX;
}

/* The opening sequence: one cell after another, every other one, up or down. */
static void range_of_opening(struct model *m, unsigned long *first, unsigned long *last)
{
	unsigned long nr = m->built++;

	switch (m->order) {
	case ORDER_SAW: nr = nr % 2 ? nr : m->target - nr; break;
	case ORDER_DOWN: nr = m->target - nr; break;
	case ORDER_SHUFFLED: nr *= 7919; break;
	default: break;
	}
	nr = (nr + nr / 3) % m->shape.grains; /* a hole after each third cell */
	*first = cell(m, nr);
	*last = cell(m, nr + 1) - 1;
}

/* Whether a range may now reach over any number of pieces: rarely, or no tree would grow. */
bool model_wild(struct model *m)
{
	if (m->shape.wild)
		return model_one_in(m, 3);
	return model_one_in(m, m->target > 200 ? 20000 : 100);
}

void model_range(struct model *m, unsigned long *first, unsigned long *last)
{
	if (model_opening(m)) {
		range_of_opening(m, first, last);
		return;
	}
	if (model_wild(m)) {
		range_anywhere(m, first, last);
		return;
	}
	switch (m->o.n ? model_below(m, 8) : 0) {
	case 0:
	case 1:
	case 2: range_of_cells(m, first, last); break;
	case 3:
	case 4:
	case 5: range_in_piece(m, first, last); break;
	case 6: range_over_pieces(m, first, last); break;
	default:
		*first = model_index(m);
		*last = *first;
		if (m->shape.grain > 1 && !m->off_grid) {
			*first -= (*first - m->shape.base) % m->shape.grain;
			*last = *first + m->shape.grain - 1;
			swap_to_order(first, last);
		}
	}
}

/* Any entry a state may store: pointers, values, the zero entry, pointers with low bits 10. */
void *model_entry(struct model *m)
{
	unsigned long stamp = ++m->stamp;

	switch (model_below(m, 16)) {
	case 0: return XA_ZERO_ENTRY;
	case 1:
		if (m->last_entry)
			return m->last_entry;
		break;
	case 2:
	case 3: return m->last_entry = (void *)(stamp << 1 | 1);
	case 4: return m->last_entry = (void *)((stamp << 12) + 4096 + 2);
	case 5: return m->last_entry = (void *)(stamp << 2);
	}
	return m->last_entry = (void *)(0xffff888000000000 + (stamp << 8));
}

/* NULL more often when the tree is fuller than it should be. */
void *model_write_entry(struct model *m)
{
	bool full = m->o.n > m->target;

	if (!model_opening(m) && model_below(m, 8) < (full ? 6 : 2))
		return NULL;
	return model_entry(m);
}
