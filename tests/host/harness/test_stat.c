/*
 * test_stat.c - order statistics and fits against values worked out by hand.
 */
#include "tests/bench_stat.h"
#include "tests/host/htest.h"

HTEST(stat_of_one)
{
	u64 v[] = {7};
	struct bench_stat s = bench_stat_of(v, 1);

	h_expect_eq(s.min, 7);
	h_expect_eq(s.median, 7);
	h_expect_eq(s.p95, 7);
	h_expect_eq(s.max, 7);
}

HTEST(stat_is_always_a_sample)
{
	u64 v[] = {5, 1, 4, 2, 3, 100};
	struct bench_stat s = bench_stat_of(v, 6);

	h_expect_eq(s.nr, 6);
	h_expect_eq(s.min, 1);
	h_expect_eq(s.median, 3); /* the third of six: half are not above it */
	h_expect_eq(s.p95, 100);
	h_expect_eq(s.max, 100);
}

HTEST(stat_p95_leaves_one_in_twenty_above)
{
	u64 v[100];
	struct bench_stat s;

	for (unsigned i = 0; i < 100; i++)
		v[i] = 100 - i; /* 100..1 */
	s = bench_stat_of(v, 100);
	h_expect_eq(s.median, 50);
	h_expect_eq(s.p95, 95);
}

HTEST(stat_orders_values_beyond_32_bits)
{
	u64 v[] = {1ul << 63, 1ul << 32, 3};
	struct bench_stat s = bench_stat_of(v, 3);

	h_expect_eq(s.min, 3);
	h_expect_eq(s.median, 1ul << 32);
	h_expect_eq(s.max, 1ul << 63);
}

HTEST(fit_of_an_exact_line)
{
	u64 x[] = {512, 1024, 4096, 131072};
	u64 y[4];
	struct bench_fit f;

	for (unsigned i = 0; i < 4; i++)
		y[i] = 11 * x[i] + 1234567;
	h_assert(bench_fit_of(x, y, 4, &f));
	h_expect_eq(f.slope_milli, 11000);
	h_expect_eq(f.intercept_milli, 1234567000);
	h_expect_eq(f.r2_micro, 1000000);
	h_expect_eq(f.nr, 4);
}

/* x 1 2 3, y 1 3 2: slope 1/2, intercept 1, r2 1/4 by hand. */
HTEST(fit_of_a_scattered_line)
{
	u64 x[] = {1, 2, 3};
	u64 y[] = {1, 3, 2};
	struct bench_fit f;

	h_assert(bench_fit_of(x, y, 3, &f));
	h_expect_eq(f.slope_milli, 500);
	h_expect_eq(f.intercept_milli, 1000);
	h_expect_eq(f.r2_micro, 250000);
}

HTEST(fit_of_falling_and_flat)
{
	u64 x[] = {1, 2, 3};
	u64 falling[] = {30, 20, 10};
	u64 flat[] = {5, 5, 5};
	struct bench_fit f;

	h_assert(bench_fit_of(x, falling, 3, &f));
	h_expect_eq(f.slope_milli, -10000);
	h_assert(bench_fit_of(x, flat, 3, &f));
	h_expect_eq(f.slope_milli, 0);
	h_expect_eq(f.r2_micro, 1000000);
}

HTEST(fit_refuses_what_has_no_slope)
{
	u64 same[] = {4, 4, 4};
	u64 y[] = {1, 2, 3};
	struct bench_fit f = {.nr = 99};

	h_expect(!bench_fit_of(same, y, 3, &f));
	h_expect(!bench_fit_of(y, y, 1, &f));
	h_expect_eq(f.nr, 99); /* output written only on success */
}
