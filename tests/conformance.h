/*
 * conformance.h - walkers against address spaces without VMAs, case by case.
 *
 * Owns: the ways by which an mm comes to have no VMA, the walkers in both forms, what each did.
 * Not here: what is expected (unit/conformance.c); searches (the lab).
 */
#ifndef TESTS_CONFORMANCE_H
#define TESTS_CONFORMANCE_H

#include "kernel/core/oops.h"

/* What came of one walk. */
enum conf_result {
	CONF_SURVIVES, /* it met no VMA, and coped */
	CONF_NULL,     /* it used a first VMA that is not there */
	CONF_MARKER,   /* it used the marker as a VMA */
	CONF_FOREIGN,  /* it used a VMA of another mm */
	CONF_OTHER,    /* it failed in some other way */
	CONF_NR
};

/* In a table, and in a record. */
extern const char conf_letter[CONF_NR + 1];
extern const char *const conf_result_name[CONF_NR];

#define CONF_SOURCES 7u
#define CONF_FORMS   15u

extern const char *const conf_source_name[CONF_SOURCES];
/* "numa-old", "numa", ... and last "exit": exit_mmap itself. */
extern const char *const conf_form_name[CONF_FORMS];

struct conf_row {
	enum conf_result result[CONF_FORMS];
	bool run[CONF_FORMS];	    /* false: it does not apply */
	char where[CONF_FORMS][64]; /* of a failure: the function, or the VMA's mm */
};

/*
 * conformance_run - make an mm by source @source and let every form of every walker walk it.
 *
 * Context:  a thread that uses no mm; checks on, so that what a failed walk held is released
 * Returns:  0 with *@row filled; -errno: the mm could not be made
 */
int __must_check conformance_run(unsigned source, struct conf_row *row);

#endif
