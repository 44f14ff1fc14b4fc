/*
 * bench_stat.c - order statistics and straight lines.
 *
 * Owns: what a row of samples and a row of sweep points say. Not here: taking or printing them.
 * Idea: sums are taken about the means, so that a slope of a few instructions is not lost beside an
 *       intercept of millions; and in a fixed order, so that equal samples give equal bits.
 *       Floating point stays inside this file, the only one here that is built for it: what comes
 *       out is integers.
 */
#include "tests/bench_stat.h"

#include <stdlib.h>

static int u64_compare(const void *pa, const void *pb)
{
	u64 a = *(const u64 *)pa;
	u64 b = *(const u64 *)pb;

	return (a > b) - (a < b);
}

/* The smallest sample with at least @percent of all not above it. */
static u64 nearest_rank(const u64 *sorted, unsigned nr, unsigned percent)
{
	unsigned rank = (nr * percent + 99) / 100;

	return sorted[rank ? rank - 1 : 0];
}

struct bench_stat bench_stat_of(u64 *sample, unsigned nr)
{
	qsort(sample, nr, sizeof(*sample), u64_compare);
	return (struct bench_stat){
		.nr = nr,
		.min = sample[0],
		.median = nearest_rank(sample, nr, 50),
		.p95 = nearest_rank(sample, nr, 95),
		.max = sample[nr - 1],
	};
}

static s64 round_to_s64(double v)
{
	return (s64)(v < 0 ? v - 0.5 : v + 0.5);
}

static double mean_of(const u64 *v, unsigned nr)
{
	double sum = 0;

	for (unsigned i = 0; i < nr; i++)
		sum += (double)v[i];
	return sum / nr;
}

bool bench_fit_of(const u64 *x, const u64 *y, unsigned nr, struct bench_fit *fit)
{
	double x_mean, y_mean, sxx = 0, sxy = 0, syy = 0, rest = 0;
	double slope, intercept;

	if (nr < 2)
		return false;
	x_mean = mean_of(x, nr);
	y_mean = mean_of(y, nr);
	for (unsigned i = 0; i < nr; i++) {
		double dx = (double)x[i] - x_mean;
		double dy = (double)y[i] - y_mean;

		sxx += dx * dx;
		sxy += dx * dy;
		syy += dy * dy;
	}
	if (sxx == 0)
		return false;

	slope = sxy / sxx;
	intercept = y_mean - slope * x_mean;
	for (unsigned i = 0; i < nr; i++) {
		double off = (double)y[i] - (intercept + slope * (double)x[i]);

		rest += off * off;
	}
	*fit = (struct bench_fit){
		.nr = nr,
		.slope_milli = round_to_s64(slope * 1e3),
		.intercept_milli = round_to_s64(intercept * 1e3),
		.r2_micro = syy == 0 ? 1000000 : round_to_s64((1.0 - rest / syy) * 1e6),
	};
	return true;
}
