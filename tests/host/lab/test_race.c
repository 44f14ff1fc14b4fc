/*
 * test_race.c - vector clocks and shadow: what is ordered is silent, what is not is reported.
 */
#include "tests/host/htest.h"
#include "tests/lab/race.h"
#include "tests/lab/verdict.h"

#include <stdlib.h>

static struct race *new_race(void)
{
	static struct race r;

	free(r.cell);
	free(r.sync);
	r.cell = calloc(RACE_CELLS, sizeof(*r.cell));
	r.sync = calloc(RACE_SYNCS, sizeof(*r.sync));
	h_assert(r.cell && r.sync);
	race_begin(&r);
	return &r;
}

static bool touch(struct race *r, u16 who, u64 addr, unsigned size, bool write, bool marked)
{
	struct race_access a = {.addr = addr,
				.size = size,
				.entity = who,
				.write = write,
				.marked = marked,
				.ip = 0xffffffff80001000ull + who};
	struct race_report rep = {.entity = 99};
	bool found = race_access(r, &a, &rep);

	h_expect(!found || rep.entity != who);
	h_expect(!found || rep.ip == 0xffffffff80001000ull + rep.entity);
	return found;
}

HTEST(race_unordered_plain_write_and_read)
{
	struct race *r = new_race();

	h_expect(!touch(r, 0, 64, 8, true, false));
	h_expect(touch(r, 1, 64, 8, false, false));
	h_expect(touch(r, 2, 68, 2, true, false));
}

HTEST(race_two_reads_or_two_marked_are_silent)
{
	struct race *r = new_race();

	h_expect(!touch(r, 0, 64, 8, false, false));
	h_expect(!touch(r, 1, 64, 8, false, false));
	h_expect(!touch(r, 0, 128, 8, true, true));
	h_expect(!touch(r, 1, 128, 8, true, true));
	h_expect(touch(r, 2, 128, 8, false, false));
}

HTEST(race_other_bytes_are_silent)
{
	struct race *r = new_race();

	h_expect(!touch(r, 0, 64, 4, true, false));
	h_expect(!touch(r, 1, 68, 4, true, false));
	h_expect(touch(r, 2, 66, 4, true, false));
}

HTEST(race_across_two_granules)
{
	struct race *r = new_race();

	h_expect(!touch(r, 0, 72, 1, true, false));
	h_expect(touch(r, 1, 68, 8, true, false));
}

HTEST(race_lock_orders)
{
	struct race *r = new_race();

	race_acquire(r, 0, 1000);
	h_expect(!touch(r, 0, 64, 8, true, false));
	race_release(r, 0, 1000);
	race_acquire(r, 1, 1000);
	h_expect(!touch(r, 1, 64, 8, true, false));
	race_release(r, 1, 1000);
	h_expect(touch(r, 0, 64, 8, false, false));
	race_acquire(r, 2, 1000);
	h_expect(!touch(r, 2, 64, 8, false, true));
}

HTEST(race_release_orders_only_what_came_before)
{
	struct race *r = new_race();

	race_release(r, 0, 1000);
	h_expect(!touch(r, 0, 64, 8, true, false));
	race_acquire(r, 1, 1000);
	h_expect(touch(r, 1, 64, 8, false, false));
}

HTEST(race_is_transitive)
{
	struct race *r = new_race();

	h_expect(!touch(r, 0, 64, 8, true, false));
	race_release(r, 0, 1);
	race_acquire(r, 1, 1);
	race_release(r, 1, 2);
	race_acquire(r, 2, 2);
	h_expect(!touch(r, 2, 64, 8, true, false));
}

HTEST(race_next_run_starts_clean)
{
	struct race *r = new_race();

	h_expect(!touch(r, 0, 64, 8, true, false));
	race_begin(r);
	h_expect(!touch(r, 1, 64, 8, true, false));
}

HTEST(verdict_needs_every_place_reached)
{
	static const char *const names[] = {"W0", "W1"};
	struct lab_summary s = {.nr_reach = 2, .reach_names = names};
	struct lab_outcome fine = {0}, bad = {.verdict = LV_LEAK, .why = "x"};
	u32 none[LV_NR] = {0}, waste[LV_NR] = {[LV_WASTE] = 7};

	for (unsigned i = 0; i < 100; i++)
		lab_summary_add(&s, &fine, i < 19 ? 3 : 1, none);
	h_expect_eq(lab_summary_verdict(&s), LV_UNREACHED);
	h_expect_eq(lab_summary_missing(&s), 1);
	lab_summary_add(&s, &fine, 3, none);
	h_expect_eq(lab_summary_missing(&s), -1);
	h_expect_eq(lab_summary_verdict(&s), LV_SAFE);
	lab_summary_add(&s, &fine, 3, waste);
	h_expect_eq(lab_summary_verdict(&s), LV_WASTE);
	h_expect_eq(s.noted_amount[LV_WASTE], 7);
	lab_summary_add(&s, &bad, 0, none);
	h_expect_eq(lab_summary_verdict(&s), LV_LEAK);
	h_expect_eq(s.first_run, 102);
	h_expect_eq(lab_verdict_by_name("leak"), LV_LEAK);
	h_expect_eq(lab_verdict_by_name("leaks"), LV_NR);
}
