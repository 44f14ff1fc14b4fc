/*
 * scene.c - makes scenes, and does their writes.
 *
 * Ranges are of pages, of single keys, or too long for any packed form of a leaf. Writes strike
 * near the reader's key and its neighbours: ends that move, values exchanged, parts and wholes
 * freed, stores over several.
 */
#include "tests/host/maple/points/scene.h"

#include "tests/host/maple/nodes.h"

unsigned long scene_below(struct scene *s, unsigned long n)
{
	s->rng = s->rng * 6364136223846793005 + 1442695040888963407;
	return (s->rng >> 33) % n;
}

static void *new_entry(struct scene *s)
{
	return fx_entry(1000 + ++s->stamp);
}

/* A write near the reader's key: an end that moves, another value, a part, a hole, a wide store. */
static void choose_write(struct scene *s, struct write *w, const struct oracle *o)
{
	size_t near = oracle_seek(o, s->key), back = scene_below(s, 3);
	unsigned long by = (1 + scene_below(s, 3)) * s->grain;
	struct piece p, hole;

	near = near > back ? near - back : 0;
	p = o->p[near < o->n ? near : o->n - 1];
	*w = (struct write){p.first, p.last, p.entry, false};
	switch (scene_below(s, 8)) {
	case 0: /* its tail grows into the hole behind */
		hole = oracle_piece(o, p.last + 1);
		w->last = !hole.entry && hole.last - p.last > by ? p.last + by : p.last;
		break;
	case 1: /* its head grows into the hole in front */
		hole = oracle_piece(o, p.first - 1);
		w->first = !hole.entry && p.first - hole.first > by ? p.first - by : p.first;
		break;
	case 2: /* its tail is freed */
		w->entry = NULL;
		w->first = p.last - p.first >= by ? p.last - by + 1 : p.first;
		break;
	case 3: /* its head is freed */
		w->entry = NULL;
		w->last = p.last - p.first >= by ? p.first + by - 1 : p.last;
		break;
	case 4: w->entry = new_entry(s); break;
	case 5: w->erase = true; break;
	case 6: /* one cell of something else, anywhere near */
		w->first = s->key - s->key % s->grain + (scene_below(s, 7) - 3) * s->grain;
		w->last = w->first + s->grain - 1;
		w->entry = scene_below(s, 4) ? new_entry(s) : NULL;
		break;
	default: /* over several */
		near += 1 + scene_below(s, 6);
		w->last = o->p[near < o->n ? near : o->n - 1].last;
		w->entry = scene_below(s, 2) ? new_entry(s) : NULL;
	}
	if (w->last < w->first)
		w->last = p.last;
}

static void copy_oracle(struct scene *s, unsigned int to, const struct oracle *from)
{
	struct oracle *o = &s->at[to];

	*o = *from;
	o->p = s->pieces[to];
	o->cap = MAX_PIECES;
	memcpy(o->p, from->p, from->n * sizeof(*o->p));
}

/* The last two of every three writes undo what a range did, so that things come back. */
static void choose_writes(struct scene *s)
{
	unsigned int i;

	copy_oracle(s, 0, &s->base->o);
	s->nr_writes = 1 + scene_below(s, MAX_WRITES);
	for (i = 0; i < s->nr_writes; i++) {
		struct write *w = &s->writes[i];

		if (!s->at[i].n) {
			s->nr_writes = i;
			return;
		}
		choose_write(s, w, &s->at[i]);
		copy_oracle(s, i + 1, &s->at[i]);
		if (w->erase)
			oracle_erase(&s->at[i + 1], w->first);
		else
			oracle_store(&s->at[i + 1], w->first, w->last, w->entry);
	}
}

void make_scene(struct scene *s, uint64_t seed)
{
	static const size_t sizes[] = {3, 12, 29, 30, 40, 70, 150};
	static const unsigned long grains[] = {1, 0x1000, 1ul << 46};
	unsigned long base, cells;
	size_t n;

	memset(s, 0, sizeof(*s));
	s->rng = seed * 0x9e3779b97f4a7c15 + 1;
	scene_below(s, 2);
	s->grain = grains[scene_below(s, ARRAY_SIZE(grains))];
	n = sizes[scene_below(s, ARRAY_SIZE(sizes))];
	s->base = fx_new(scene_below(s, 2) ? FX_VMA : MT_FLAGS_USE_RCU);
	s->base->quiet = true;
	base = 16 * s->grain;
	cells = 2 + scene_below(s, 6);
	fx_fill(s->base, base, n, s->grain * cells, s->grain * scene_below(s, 5));
	s->key = base + scene_below(s, n * (cells + 2)) * s->grain + scene_below(s, s->grain);
	s->reader = scene_below(s, R_NR);
	choose_writes(s);
}

void write_one(struct scene *s, const struct write *w)
{
	MA_STATE(mas, &s->mt, w->first, w->last);

	mtree_lock(&s->mt);
	if (w->erase) {
		mas_erase(&mas);
	} else {
		h_assert_eq(mas_preallocate(&mas, w->entry, GFP_NOWAIT), 0);
		mas_store_prealloc(&mas, w->entry);
	}
	mtree_unlock(&s->mt);
	s->done++;
}

void fresh_tree(struct scene *s)
{
	s->next_stop = 0;
	s->point = 0;
	s->since = 0;
	s->done = 0;
	mt_init_flags(&s->mt, s->base->mt.ma_flags & ~MT_FLAGS_HEIGHT_MASK);
	h_assert_eq(mtree_dup(&s->base->mt, &s->mt, GFP_NOWAIT), 0);
}

void clear_tree(struct scene *s)
{
	mt_validate(&s->mt);
	mtree_destroy(&s->mt);
	nodes_quiesce();
}
