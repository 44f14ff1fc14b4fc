/*
 * test_points.c - a writer at every place inside a reader, and a reader inside a writer.
 *
 * Owns: scenarios, plans of interruption, the verdict on what the reader then saw.
 * Idea: readers take no lock, so a writer may run between any two of their loads. Here every load
 *       of a shared word is a hook (points/kernel/core/once.h) and the writer runs inside it, in
 *       the same thread: each interleaving is chosen, none is left to chance. A plan says after
 *       which load how many of the scenario's writes are done; all plans with one interruption
 *       are run, and a sample of those with two and three. The other way round, a reader runs
 *       before every store of each write, and what was before and after that write is legal.
 * Verdict: the oracle knows the pieces after each write. A value seen at a key must have been
 *       there at some time while the reader ran. No piece may be passed over that was there all
 *       the time, be it that its ends moved (the same entry) or its value (the same ends).
 */
#include "tests/host/maple/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include "tests/host/maple/nodes.h"

#define MAX_WRITES 6
#define MAX_STOPS  3
#define MAX_PIECES 400
#define MAX_POINTS 3000
#define SCAN_STEPS 5
#define SAMPLES	   60 /* plans of two and three interruptions to a scene */

enum reader {
	R_LOAD,
	R_WALK,
	R_FIND,
	R_MT_FIND,
	R_NEXT,
	R_MT_NEXT,
	R_FIND_REV,
	R_PREV,
	R_SCAN,
	R_SCAN_BACK,
	R_NR,
};

struct write {
	unsigned long first, last;
	void *entry;
	bool erase;
};

struct stop {
	unsigned int point; /* before the reader's load of this number */
	unsigned int upto;  /* writes done then */
};

struct scene {
	struct fixture *base;
	uint64_t rng;
	unsigned long grain;
	unsigned long stamp;
	unsigned int nr_writes;
	struct write writes[MAX_WRITES];
	struct oracle at[MAX_WRITES + 1]; /* after so many writes */
	struct piece pieces[MAX_WRITES + 1][MAX_PIECES];
	enum reader reader;
	unsigned long key;

	/* the run */
	struct maple_tree mt;
	struct stop stops[MAX_STOPS];
	unsigned int nr_stops, next_stop, point;
	unsigned int since,
		done; /* the reader ran while so many writes were done, first and last */
	unsigned int store, read_at; /* stores of the writer so far; where the reader comes in */
	unsigned long index, last;   /* what the reader's state says after a call */
	void *seen;
	bool judged; /* a scan judges itself, step by step */
	bool failed;
};

static struct scene *watched; /* the reader of this scene is running */
static struct scene *writing; /* a write of this scene is running, and a reader will come in */

static unsigned long below(struct scene *s, unsigned long n)
{
	s->rng = s->rng * 6364136223846793005 + 1442695040888963407;
	return (s->rng >> 33) % n;
}

/* ---- the writer ---- */

static void write_one(struct scene *s, const struct write *w)
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

void host_point(void)
{
	struct scene *s = watched;

	if (!s)
		return;
	watched = NULL;
	while (s->next_stop < s->nr_stops && s->stops[s->next_stop].point <= s->point) {
		while (s->done < s->stops[s->next_stop].upto)
			write_one(s, &s->writes[s->done]);
		s->next_stop++;
	}
	s->point++;
	h_assert(s->point < MAX_POINTS); /* a reader that never ends */
	watched = s;
}

/* ---- the scene ---- */

static void *new_entry(struct scene *s)
{
	return fx_entry(1000 + ++s->stamp);
}

/* A write near the reader's key: an end that moves, another value, a part, a hole, a wide store. */
static void choose_write(struct scene *s, struct write *w, const struct oracle *o)
{
	size_t near = oracle_seek(o, s->key), back = below(s, 3);
	unsigned long by = (1 + below(s, 3)) * s->grain;
	struct piece p, hole;

	near = near > back ? near - back : 0;
	p = o->p[near < o->n ? near : o->n - 1];
	*w = (struct write){p.first, p.last, p.entry, false};
	switch (below(s, 8)) {
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
		w->first = s->key - s->key % s->grain + (below(s, 7) - 3) * s->grain;
		w->last = w->first + s->grain - 1;
		w->entry = below(s, 4) ? new_entry(s) : NULL;
		break;
	default: /* over several */
		near += 1 + below(s, 6);
		w->last = o->p[near < o->n ? near : o->n - 1].last;
		w->entry = below(s, 2) ? new_entry(s) : NULL;
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
	s->nr_writes = 1 + below(s, MAX_WRITES);
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

static void make_scene(struct scene *s, uint64_t seed)
{
	static const size_t sizes[] = {3, 12, 29, 30, 40, 70, 150};
	static const unsigned long grains[] = {1, 0x1000, 1ul << 46};
	unsigned long base, cells;
	size_t n;

	memset(s, 0, sizeof(*s));
	s->rng = seed * 0x9e3779b97f4a7c15 + 1;
	below(s, 2);
	s->grain = grains[below(s, ARRAY_SIZE(grains))];
	n = sizes[below(s, ARRAY_SIZE(sizes))];
	s->base = fx_new(below(s, 2) ? FX_VMA : MT_FLAGS_USE_RCU);
	s->base->quiet = true;
	base = 16 * s->grain;
	cells = 2 + below(s, 6);
	fx_fill(s->base, base, n, s->grain * cells, s->grain * below(s, 5));
	s->key = base + below(s, n * (cells + 2)) * s->grain + below(s, s->grain);
	s->reader = below(s, R_NR);
	choose_writes(s);
}

/* ---- the verdict ---- */

static void *value(const struct scene *s, unsigned int version, unsigned long key)
{
	return oracle_piece(&s->at[version], key).entry;
}

/* Did @key hold @entry at some time of the run? */
static bool ever(const struct scene *s, unsigned long key, const void *entry)
{
	unsigned int v;

	for (v = s->since; v <= s->done; v++)
		if (value(s, v, key) == entry)
			return true;
	return false;
}

/* Was the piece at @key there all the time? From write to write it keeps its entry or its ends. */
static bool stayed(const struct scene *s, unsigned long key)
{
	struct piece was = oracle_piece(&s->at[s->since], key), is;
	unsigned int v;

	for (v = s->since + 1; v <= s->done && was.entry; v++) {
		is = oracle_piece(&s->at[v], key);
		if (is.entry != was.entry && (is.first != was.first || is.last != was.last))
			return false;
		was = is;
	}
	return was.entry;
}

static void wrong(struct scene *s, const char *what, unsigned long key)
{
	static const char *const names[] = {"mtree_load", "mas_walk", "mas_find",     "mt_find",
					    "mas_next",	  "mt_next",  "mas_find_rev", "mas_prev",
					    "scan",	  "scan back"};
	unsigned int i;

	if (s->failed)
		return;
	s->failed = true;
	printf("# %s(%#lx) saw %p on [%#lx, %#lx]: %s %#lx\n", names[s->reader], s->key, s->seen,
	       s->index, s->last, what, key);
	for (i = 0; i < s->nr_stops; i++)
		printf("#   before load %u: writes up to %u\n", s->stops[i].point,
		       s->stops[i].upto);
	for (i = 0; i < s->done; i++)
		printf("#   write %u: [%#lx, %#lx] %s %p\n", i + 1, s->writes[i].first,
		       s->writes[i].last, s->writes[i].erase ? "erase" : "store",
		       s->writes[i].entry);
}

typedef void (*key_check)(struct scene *s, unsigned long key);

/* @check at each end of each piece of each time that lies in [@from, @to], and at these two. */
static void for_keys(struct scene *s, unsigned long from, unsigned long to, key_check check)
{
	unsigned int v;
	size_t i;

	check(s, from);
	check(s, to);
	for (v = s->since; v <= s->done; v++)
		for (i = oracle_seek(&s->at[v], from); i < s->at[v].n; i++) {
			const struct piece *p = &s->at[v].p[i];

			if (p->first > to)
				break;
			if (p->first >= from)
				check(s, p->first);
			if (p->last <= to)
				check(s, p->last);
		}
}

static void check_seen(struct scene *s, unsigned long key)
{
	if (!ever(s, key, s->seen))
		wrong(s, "that was never so at", key);
}

static void check_passed(struct scene *s, unsigned long key)
{
	if (stayed(s, key))
		wrong(s, "passed over", key);
}

/* Furthest end, at any time, of the piece that holds the key: a step begins behind it. */
static unsigned long behind_key(const struct scene *s)
{
	unsigned long end = 0;
	unsigned int v;

	for (v = s->since; v <= s->done; v++) {
		struct piece p = oracle_piece(&s->at[v], s->key);

		end = p.last > end ? p.last : end;
	}
	return end == ULONG_MAX ? end : end + 1;
}

static unsigned long before_key(const struct scene *s)
{
	unsigned long start = ULONG_MAX;
	unsigned int v;

	for (v = s->since; v <= s->done; v++) {
		struct piece p = oracle_piece(&s->at[v], s->key);

		start = p.first < start ? p.first : start;
	}
	return start ? start - 1 : 0;
}

static void judge_step(struct scene *s, unsigned long from, bool up)
{
	unsigned long stop = up ? s->index - 1 : s->last + 1;

	if (!s->seen)
		stop = up ? ULONG_MAX : 0;
	else if (up ? s->index == 0 : s->last == ULONG_MAX)
		return;
	if (s->seen && s->reader != R_MT_NEXT)
		for_keys(s, s->index, s->last, check_seen);
	if (s->reader == R_MT_NEXT && s->seen)
		return; /* the entry alone: where it stood is not told */
	if (up && stop >= from)
		for_keys(s, from, stop, check_passed);
	if (!up && stop <= from)
		for_keys(s, stop, from, check_passed);
}

/* mt_find tells the last key of what it found: the piece began where it did at some time. */
static void find_begin(struct scene *s)
{
	unsigned int v;

	for (v = s->since; v <= s->done && s->seen; v++) {
		struct piece p = oracle_piece(&s->at[v], s->last);

		if (p.entry == s->seen && p.first < s->index)
			s->index = p.first;
	}
	if (s->index < s->key)
		s->index = s->key;
}

static void judge(struct scene *s)
{
	if (s->judged)
		return;
	if (s->reader == R_MT_FIND)
		find_begin(s);
	switch (s->reader) {
	case R_LOAD: check_seen(s, s->key); break;
	case R_WALK:
		if (s->index > s->key || s->last < s->key)
			wrong(s, "the range leaves out", s->key);
		else
			for_keys(s, s->index, s->last, check_seen);
		break;
	case R_FIND:
	case R_MT_FIND: judge_step(s, s->key, true); break;
	case R_FIND_REV: judge_step(s, s->key, false); break;
	case R_PREV: judge_step(s, before_key(s), false); break;
	default: judge_step(s, behind_key(s), true);
	}
}

/* ---- the reader ---- */

/*
 * A few steps of one state, each judged by what was written until then: it goes on from the end
 * of what it returned before.
 */
static void scan(struct scene *s, struct ma_state *mas, bool up)
{
	unsigned long from = s->key;
	int step;

	for (step = 0; step < SCAN_STEPS; step++) {
		watched = s;
		if (up)
			s->seen = step % 2 ? mas_next(mas, ULONG_MAX) : mas_find(mas, ULONG_MAX);
		else
			s->seen = step % 2 ? mas_prev(mas, 0) : mas_find_rev(mas, 0);
		watched = NULL;
		s->index = mas->index;
		s->last = mas->last;
		if (s->seen && (up ? s->last < from : s->index > from))
			wrong(s, "went back behind", from);
		judge_step(s, from, up);
		if (!s->seen || (up ? s->last == ULONG_MAX : s->index == 0))
			break;
		from = up ? s->last + 1 : s->index - 1;
	}
	s->judged = true;
}

static void read_once(struct scene *s)
{
	MA_STATE(mas, &s->mt, s->key, s->key);
	unsigned long at = s->key;

	rcu_read_lock();
	watched = s;
	s->judged = false;
	switch (s->reader) {
	case R_LOAD: s->seen = mtree_load(&s->mt, s->key); break;
	case R_WALK: s->seen = mas_walk(&mas); break;
	case R_FIND: s->seen = mas_find(&mas, ULONG_MAX); break;
	case R_MT_FIND:
		s->seen = mt_find(&s->mt, &at, ULONG_MAX);
		mas.index = mas.last = at - 1; /* its last key; where it began is not told */
		break;
	case R_NEXT: s->seen = mas_next(&mas, ULONG_MAX); break;
	case R_MT_NEXT: s->seen = mt_next(&s->mt, s->key, ULONG_MAX); break;
	case R_FIND_REV: s->seen = mas_find_rev(&mas, 0); break;
	case R_SCAN:
	case R_SCAN_BACK: scan(s, &mas, s->reader == R_SCAN); break;
	default: s->seen = mas_prev(&mas, 0);
	}
	watched = NULL;
	rcu_read_unlock();
	s->index = mas.index;
	s->last = mas.last;
}

static void fresh_tree(struct scene *s)
{
	s->next_stop = 0;
	s->point = 0;
	s->since = 0;
	s->done = 0;
	mt_init_flags(&s->mt, s->base->mt.ma_flags & ~MT_FLAGS_HEIGHT_MASK);
	h_assert_eq(mtree_dup(&s->base->mt, &s->mt, GFP_NOWAIT), 0);
}

static void clear_tree(struct scene *s)
{
	mt_validate(&s->mt);
	mtree_destroy(&s->mt);
	nodes_quiesce();
}

/*
 * Nothing moves: each key of the entry that was told must read as that entry. (Of a free range not
 * so much is asked: its far end may already be where the running write will put it.)
 */
static void check_agrees(struct scene *s, unsigned long key)
{
	if (mtree_load(&s->mt, key) != s->seen)
		wrong(s, "and reads otherwise at", key);
}

static void judge_still(struct scene *s)
{
	bool tells_range = s->reader != R_LOAD && s->reader != R_MT_NEXT && s->reader != R_MT_FIND;

	if (tells_range && s->seen)
		for_keys(s, s->index, s->last, check_agrees);
}

/* One plan: run, judge, and hold the tree against the oracle. False ends the scene. */
static bool try_plan(struct scene *s)
{
	fresh_tree(s);
	read_once(s);
	judge(s);
	clear_tree(s);
	return !s->failed;
}

static void plan_stops(struct scene *s, unsigned int nr, unsigned int points)
{
	unsigned int i, point = 0, upto = 0;

	for (i = 0; i < nr && upto < s->nr_writes; i++) {
		point += below(s, points / nr + 1);
		upto += 1 + below(s, s->nr_writes - upto);
		s->stops[i] = (struct stop){point, upto};
	}
	s->nr_stops = i;
}

static unsigned long play(struct scene *s)
{
	unsigned int points, i, upto;
	unsigned long runs = 0;

	s->nr_stops = 0;
	if (!try_plan(s))
		return 1;
	points = s->point;
	for (i = 0; i <= points; i++)
		for (upto = 1; upto <= s->nr_writes; upto++, runs++) {
			s->stops[0] = (struct stop){i, upto};
			s->nr_stops = 1;
			if (!try_plan(s))
				return runs;
		}
	for (i = 0; i < SAMPLES; i++, runs++) {
		plan_stops(s, 2 + i % 2, points + 20);
		if (!try_plan(s))
			return runs;
	}
	return runs;
}

/* Every reader at every key that the running write may be felt at. */
static void read_all(struct scene *s)
{
	const struct write *w = &s->writes[s->since];
	unsigned long keys[] = {s->key, w->first - 1, w->first, w->last, w->last + 1};
	unsigned int i;

	for (s->reader = 0; s->reader < R_NR; s->reader++)
		for (i = 0; i < ARRAY_SIZE(keys) && !s->failed; i++) {
			s->key = keys[i];
			read_once(s);
			judge(s);
			judge_still(s);
		}
	s->key = keys[0];
}

/* In the middle of write number s->done: what was before it and what will be are both right. */
void host_store_point(void)
{
	struct scene *s = writing;

	if (!s || s->store++ != s->read_at)
		return;
	writing = NULL;
	s->since = s->done++;
	read_all(s);
	s->done--;
	writing = s;
}

/* A reader before every store of every write, each on a tree of its own. */
static unsigned long play_inside_out(struct scene *s)
{
	unsigned int w, i;
	unsigned long runs = 0;

	s->nr_stops = 0;
	for (w = 0; w < s->nr_writes; w++)
		for (s->read_at = 0;; s->read_at++, runs++) {
			fresh_tree(s);
			for (i = 0; i < w; i++)
				write_one(s, &s->writes[i]);
			s->store = 0;
			writing = s;
			write_one(s, &s->writes[w]);
			writing = NULL;
			clear_tree(s);
			if (s->failed)
				return runs;
			if (s->store <= s->read_at)
				break;
		}
	return runs;
}

static void play_all(unsigned long (*how)(struct scene *s))
{
	const char *text = getenv("MAPLE_SCENES");
	unsigned long scenes = text ? strtoul(text, NULL, 0) : 1500, i, runs = 0, failed = 0;
	static struct scene s;

	for (i = 0; i < scenes; i++) {
		make_scene(&s, htest_seed() * 1000000 + i);
		runs += how(&s);
		failed += s.failed;
		if (s.failed)
			printf("#   scene %lu of seed %lu, %zu entries, grain %#lx\n", i,
			       htest_seed(), s.base->o.n, s.grain);
		fx_free(s.base);
		if (failed >= 8)
			break;
	}
	printf("# %lu scenes, %lu interleavings, %lu scenes failed, seed %lu\n", i, runs, failed,
	       htest_seed());
	h_expect_eq(failed, 0);
	h_expect(runs > 1000);
}

HTEST(a_writer_at_every_load_of_a_reader)
{
	play_all(play);
}

HTEST(a_reader_at_every_store_of_a_writer)
{
	play_all(play_inside_out);
}
