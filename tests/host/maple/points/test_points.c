/*
 * test_points.c - a writer at every place inside a reader, and a reader inside a writer.
 *
 * Owns: the hooks, the readers, plans of interruption. Not here: scenes (scene.c), the verdict
 * (verdict.c).
 * Idea: readers take no lock, so a writer may run between any two of their loads. Here every load
 *       of a shared word is a hook (points/kernel/core/once.h) and the writer runs inside it, in
 *       the same thread: each interleaving is chosen, none is left to chance. A plan says after
 *       which load how many of the scenario's writes are done; all plans with one interruption
 *       are run, and a sample of those with two and three. The other way round, a reader runs
 *       before every store of each write, and what was before and after that write is legal.
 */
#include "tests/host/maple/points/scene.h"

#include <stdio.h>
#include <stdlib.h>
#include "tests/host/maple/nodes.h"

#define MAX_POINTS 3000
#define SCAN_STEPS 5
#define SAMPLES	   60 /* plans of two and three interruptions to a scene */

static struct scene *watched; /* the reader of this scene is running */
static struct scene *writing; /* a write of this scene is running, and a reader will come in */

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

/* ---- the reader ---- */

/* A few steps of one state, each judged by what was written until then. */
static void scan(struct scene *s, struct ma_state *mas, bool up)
{
	unsigned long at = s->key, from = at;
	void *was = NULL;
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
		judge_step(s, was ? goes_on_from(s, at, was, up) : from, up);
		if (!s->seen || (up ? s->last == ULONG_MAX : s->index == 0))
			break;
		was = s->seen;
		at = up ? s->last : s->index;
		from = up ? at + 1 : at - 1;
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
		point += scene_below(s, points / nr + 1);
		upto += 1 + scene_below(s, s->nr_writes - upto);
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
