/*
 * scaling.h - how long the same work takes in virtual time when more vCPUs share it.
 */
#ifndef TESTS_LAB_SCALING_H
#define TESTS_LAB_SCALING_H

#include "kernel/base/compiler.h"

#define SCALING_SIZES 4

/* vCPUs of a column, each with one actor. */
extern const unsigned scaling_vcpus[SCALING_SIZES];

struct scaling_row {
	const char *name; /* of the case */
	const char *what;
};
extern const struct scaling_row scaling_rows[]; /* ends with a NULL name */

/*
 * scaling_measure - virtual time at which the last of @vcpus actors of case @name was done.
 *
 * Returns 0, or a negative errno with a clear line in @why. Context: as lab_search(); the clock
 * must count instructions
 */
int __must_check scaling_measure(const char *name, unsigned vcpus, u64 *vtime, char *why,
				 size_t len);

#endif
