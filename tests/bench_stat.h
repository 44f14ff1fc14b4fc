/*
 * bench_stat.h - order statistics and straight lines. Pure.
 */
#ifndef TESTS_BENCH_STAT_H
#define TESTS_BENCH_STAT_H

#include "kernel/base/compiler.h"

/* Of @nr samples: total clock counts of the measured region. */
struct bench_stat {
	unsigned nr;
	u64 min, median, p95, max;
};

/*
 * bench_stat_of - sorts @sample and reads the order statistics off it.
 *
 * The quantile q of n samples is the smallest one with at least q*n samples not above it (nearest
 * rank), so every figure is one that was measured. @nr > 0.
 */
struct bench_stat bench_stat_of(u64 *sample, unsigned nr);

/*
 * y = intercept + slope * x, in thousandths. r2 is the share of y's variance explained, in
 * millionths; all of it where y does not vary.
 */
struct bench_fit {
	unsigned nr;
	s64 slope_milli, intercept_milli;
	s64 r2_micro;
};

/* bench_fit_of - ordinary least squares over @nr points; false (and no output) unless x varies. */
bool __must_check bench_fit_of(const u64 *x, const u64 *y, unsigned nr, struct bench_fit *fit);

#endif
