/*
 * ktap.h - KTAP version 1, nested, as Linux's `kunit.py parse` reads it. Pure.
 */
#ifndef TESTS_KTAP_H
#define TESTS_KTAP_H

#include "kernel/base/compiler.h"

#define KTAP_MAX_DEPTH 4
#define KTAP_LINE_MAX  256

enum ktap_status { KTAP_PASS, KTAP_FAIL, KTAP_SKIP };

/* One report: a stack of plans, the innermost last. */
struct ktap {
	void (*line)(const char *line); /* gets each line, without its newline */
	unsigned depth;
	struct {
		unsigned planned, reported, failed, skipped;
	} level[KTAP_MAX_DEPTH];
};

/* Open a plan of @planned results; @name is NULL for the outermost and the subtest's name below. */
void ktap_begin(struct ktap *k, const char *name, unsigned planned);

/* One result of the innermost plan. @reason stands behind SKIP and may be NULL otherwise. */
void ktap_result(struct ktap *k, enum ktap_status status, const char *name, const char *reason);

/* A diagnostic; each line of @text becomes one. */
void ktap_note(struct ktap *k, const char *text);

/*
 * Close the innermost plan; its status follows from its results: failed if one failed or if fewer
 * were reported than planned (said in a diagnostic), skipped if there were some and all were
 * skipped.
 */
enum ktap_status ktap_end(struct ktap *k);

#endif
