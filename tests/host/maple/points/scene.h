/*
 * scene.h - a small tree, a few writes near a key, a reader of that key.
 *
 * Owns: the scene and the names its parts know each other by.
 * Parts: scene.c makes scenes and does the writes; verdict.c judges what a reader saw;
 *        test_points.c lets them interrupt each other.
 */
#ifndef TESTS_HOST_MAPLE_POINTS_SCENE_H
#define TESTS_HOST_MAPLE_POINTS_SCENE_H

#include "tests/host/maple/fixture.h"

#define MAX_WRITES 6
#define MAX_STOPS  3
#define MAX_PIECES 400

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

/* scene.c */
unsigned long scene_below(struct scene *s, unsigned long n);
void make_scene(struct scene *s, uint64_t seed);
void write_one(struct scene *s, const struct write *w);
void fresh_tree(struct scene *s);
void clear_tree(struct scene *s);

/* verdict.c; all mark the scene failed and say why */
void wrong(struct scene *s, const char *what, unsigned long key);
void judge_step(struct scene *s, unsigned long from, bool up);

/*
 * Where a step begins whose state stands at @key, on @entry or (NULL) on whatever is there: behind
 * the furthest end that it had at any time, since a piece that was seen and has grown is not new.
 */
unsigned long goes_on_from(const struct scene *s, unsigned long key, const void *entry, bool up);
void judge(struct scene *s);
void judge_still(struct scene *s);

#endif
