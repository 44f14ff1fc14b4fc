/*
 * points.c - what a schedule point costs, off and on.
 *
 * Off is what every measured figure contains: one nop. On is what a lockstep or event run pays per
 * point besides its own decision; here the listener is the scheduler of the parallel mode, which
 * only counts.
 */
#include "kernel/core/once.h"
#include "kernel/core/point.h"
#include "tests/bench.h"
#include "tests/bench/repeat.h"

#define ROUNDS 50
#define OPS    (ROUNDS * REPEAT_UNROLL)

static unsigned long word;

BENCH(point_off, "point", BENCH_ONCE)
{
	bench_start(b);
	REPEAT(ROUNDS, point(PT_DELAY, &word, 0, MO_RELAXED, 0));
	bench_stop(b, OPS);
}

BENCH(point_on, "point", BENCH_ONCE)
{
	bool were_on = points_enabled();

	points_set(true);
	bench_start(b);
	REPEAT(ROUNDS, point(PT_DELAY, &word, 0, MO_RELAXED, 0));
	bench_stop(b, OPS);
	points_set(were_on);
}

BENCH(load_without_point, "load", BENCH_ONCE)
{
	bench_start(b);
	REPEAT(ROUNDS, (void)READ_ONCE_NOPOINT(word));
	bench_stop(b, OPS);
}

BENCH(load_with_point_off, "load", BENCH_ONCE)
{
	bench_start(b);
	REPEAT(ROUNDS, (void)READ_ONCE(word));
	bench_stop(b, OPS);
}
