/*
 * measure.c - what several questions measure with: one bench, one search, one fork.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/core/clock.h"
#include "kernel/shell/env.h"
#include "mm/page_alloc.h"
#include "tests/questions/question.h"

#define WORDS_MAX 32
#define LINE_MAX  512

/* ---- a bench ---- */

const struct bench_result *q_bench(const char *name, u64 x)
{
	static struct bench_result result;
	static struct bench_run run;
	struct bench_opts opts = {
		.glob = name,
		.nr_samples = clock_is_insn() ? 1 : 7,
		.nr_warm = 2,
		.seed = SEED_DEFAULT,
	};

	run = (struct bench_run){.bc = registry_find(bench, name), .opts = &opts};
	if (!run.bc) {
		q_fail("there is no bench %s", name);
		return NULL;
	}
	if (bench_measure(&run, x, &result) != BENCH_RAN) {
		q_fail("%s: %s", name, run.why);
		return NULL;
	}
	return &result;
}

bool q_bench_milli(const char *name, u64 x, u64 *milli)
{
	const struct bench_result *result = q_bench(name, x);

	if (!result)
		return false;
	*milli = result->total.median * 1000 / result->units;
	return true;
}

/* ---- words ---- */

static int split(char *line, char **words)
{
	char *save = NULL;
	int nr = 0;

	for (char *w = strtok_r(line, " ", &save); w && nr < WORDS_MAX;
	     w = strtok_r(NULL, " ", &save))
		words[nr++] = w;
	return nr;
}

/* ---- a search of the lab ---- */

const struct lab_result *q_search(const char *fmt, ...)
{
	static struct scenario sc;
	static struct lab_result res;
	char line[LINE_MAX], *words[WORDS_MAX], why[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (scenario_parse(&sc, split(line, words), words, why, sizeof(why)) ||
	    lab_search(&sc, &res, false, why, sizeof(why))) {
		q_fail("%s", why);
		return NULL;
	}
	if (res.aborted) {
		q_fail("ended by a key");
		return NULL;
	}
	return &res;
}

/* ---- a fork ---- */

const struct fork_run *q_fork(const char *fmt, ...)
{
	static struct kv kv;
	static struct fork_run run;
	struct fork_shape shape;
	struct fork_stage stage;
	char line[LINE_MAX], *words[WORDS_MAX];
	int nr, err;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	nr = split(line, words);
	kv_parse_words(&kv, nr, words);
	fork_shape_parse(&shape, &kv, frames_total() / 2);
	if (kv_done(&kv)) {
		q_fail("%s", kv.error);
		return NULL;
	}
	err = fork_stage_build(&shape, &stage);
	/* The first run warms up what the second takes from lists. */
	for (int i = 0; i < 2 && !err; i++)
		err = fork_run_once(&shape, &stage, &run);
	if (err || fork_stage_end(&stage)) {
		q_fail("the parent cannot be made: %s", strerror(-err));
		return NULL;
	}
	return &run;
}

const struct fork_moment *q_moment(const struct fork_run *run, enum mm_mark mark)
{
	for (unsigned i = 0; i < run->nr_moments; i++) {
		if (run->moment[i].mark == mark)
			return &run->moment[i];
	}
	return NULL;
}

u64 q_between(const struct fork_run *run, enum mm_mark from, enum mm_mark to)
{
	const struct fork_moment *a = q_moment(run, from), *b = q_moment(run, to);

	return a && b && b->clock > a->clock ? b->clock - a->clock : 0;
}
