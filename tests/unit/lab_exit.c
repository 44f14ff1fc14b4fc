/*
 * lab_exit.c - dying address spaces in the lab: rules that are sound are, and those that are not
 *              are found out.
 */

#include <errno.h>
#include <string.h>

#include "tests/ktest.h"
#include "tests/lab/exit_figures.h"
#include "tests/lab/lab.h"
#include "tests/lab/world.h"

static struct scenario sc;
static struct lab_result res;

static void search(struct ktest *t, const char *words)
{
	char why[256];

	if (world_arena_bytes() == 0)
		t_skip(t, "no lab arena on this machine");
	if (scenario_read(&sc, why, sizeof(why), "%s", words) ||
	    lab_search(&sc, &res, false, why, sizeof(why)))
		t_fail(t, "%s: %s", words, why);
}

/* Nothing bad in any run. */
static void expect_sound(struct ktest *t, const char *words)
{
	search(t, words);
	t_expect(t, !lab_verdicts[res.verdict].bad);
	if (lab_verdicts[res.verdict].bad)
		t_note(t, "%s: %s", words, res.summary.first.why);
}

static void expect_found(struct ktest *t, const char *words, enum lab_verdict verdict)
{
	search(t, words);
	t_expect_eq(t, res.verdict, verdict);
	t_expect(t, res.reproduced);
	t_note(t, "%s: schedule %lu: %s", words, res.summary.first_run + 1, res.summary.first.why);
}

#define EXIT "exit vmas=2 pages=1 threads=1 strategy=random:8 sem="

KTEST(lab_exit, every_rule_of_exit_beside_a_reaper, KT_UNIT)
{
	expect_sound(t, EXIT "exit_read_then_write+reap_same_order");
	expect_sound(t, EXIT "exit_read_then_write+reap_reverse");
	expect_sound(t, EXIT "exit_read_then_write+reap_chunked_yield");
	expect_sound(t, EXIT "exit_skip_early+reap_reverse");
	expect_sound(t, EXIT "exit_write_throughout+reap_reverse");
}

KTEST(lab_exit, exit_beside_those_who_walk_it, KT_UNIT)
{
	expect_sound(t, "exit vmas=2 pages=2 swap=1 walkers=swapoff strategy=random:8");
	expect_sound(t, "exit vmas=2 pages=1 walkers=maps,pin mrelease=1 strategy=random:8");
}

/* Not one of the process lets go last: all its memory is there until then. */
KTEST(lab_exit, a_reader_keeps_what_a_dead_process_had, KT_UNIT)
{
	expect_sound(t, "exit vmas=1 pages=2 reapers=0 walkers=maps linger=20 strategy=random:40");
	t_expect_gt(t, res.summary.noted[LV_LATE], 0);
	t_expect_eq(t, res.summary.noted_amount[LV_LATE], 2 * res.summary.noted[LV_LATE]);
	expect_sound(t, "exit vmas=1 pages=2 reapers=0 walkers=maps linger=20 strategy=random:10 "
			"sem=count_only_walkers");
	t_expect_eq(t, res.summary.noted[LV_LATE], 0);
}

/* The task has left its memory, which is still there: only if the task kept it it is found. */
KTEST(lab_exit, mrelease_comes_behind_exit_mm, KT_UNIT)
{
	expect_sound(t, "exit vmas=1 pages=1 reapers=0 mrelease=1 strategy=random:20");
	t_expect_gt(t, res.summary.noted[LV_REFUSED], 0);
	expect_sound(t, "exit vmas=1 pages=1 reapers=0 mrelease=1 strategy=random:10 "
			"sem=keep_exit_mm");
	t_expect_eq(t, res.summary.noted[LV_REFUSED], 0);
}

/* Who kills first and then calls may come too late; where the call itself kills it never does. */
KTEST(lab_exit, mrelease_that_kills_finds_it, KT_UNIT)
{
	expect_sound(t, "exit vmas=1 pages=1 reapers=0 mrelease=1 killer=mrelease "
			"strategy=random:60");
	t_expect_gt(t, res.summary.noted[LV_REFUSED], 0);
	expect_sound(t, "exit vmas=1 pages=1 reapers=0 mrelease=1 killer=mrelease "
			"strategy=random:20 sem=mrelease_kill");
	t_expect_eq(t, res.summary.noted[LV_REFUSED], 0);
	t_expect_gt(t, res.summary.reached[0], 0);
}

KTEST(lab_exit, a_reaper_that_takes_no_lock, KT_UNIT)
{
	expect_found(t, "exit vmas=2 pages=2 mutant=no-lock strategy=random:100", LV_CORRUPT);
}

KTEST(lab_exit, a_reaper_that_does_not_say_what_it_does, KT_UNIT)
{
	expect_found(t, "exit vmas=1 pages=1 threads=1 mutant=no-flag strategy=random:500",
		     LV_CORRUPT);
}

/* What a table of contention is made of holds together, whatever clock virtual time is made of. */
KTEST(lab_exit, figures_add_up, KT_UNIT)
{
	const struct exit_figures *f = &exit_figures;

	expect_sound(t, "exit vmas=2 pages=8 reapers=2 sem=reap_reverse strategy=vtime");
	t_expect_eq(t, f->nr_reapers, 2);
	t_expect_eq(t, f->pages, 16);
	t_expect_le(t, f->pages_reaped, f->pages);
	t_expect_le(t, f->zap.begin, f->zap.end);
	t_expect_le(t, f->zap.waited, f->zap.end - f->zap.begin);
	t_expect_le(t, f->zap.end, f->lock.begin);
	t_expect_le(t, f->lock.end, f->done);
	t_expect_le(t, f->overlap, f->zap.end - f->zap.begin);
}

/* Much can be resident where all of it is one file's pages; not where each has its own. */
KTEST(lab_exit, what_is_shared_fits, KT_UNIT)
{
	char why[256];

	t_expect_eq(
		t, scenario_read(&sc, why, sizeof(why), "exit vmas=64 file=64 pages=1024 world=16"),
		0);
	t_expect_eq(t, scenario_read(&sc, why, sizeof(why), "exit vmas=64 pages=1024 world=16"),
		    -EINVAL);
	t_expect(t, strstr(why, "there is room for") != NULL);
}

/* ---- who waits for a lock that the victim has ---- */

KTEST(lab_exit, a_victim_with_time_tells_who_waits, KT_UNIT)
{
	expect_sound(t, "oom strategy=random:15");
	t_expect_eq(t, res.summary.reached[1], res.summary.runs);
	expect_sound(t, "oom threads=1 owner=thread freeze=on strategy=random:8");
	expect_sound(t, "oom threads=1 sharers=1 owner=none strategy=random:8");
	expect_sound(t, "oom threads=1 owner=none freeze=on sem=thaw_one_thread strategy=random:8");
}

KTEST(lab_exit, reaped_too_early_it_strands_them, KT_UNIT)
{
	expect_found(t, "oom sem=reap_immediate strategy=random:200", LV_STRANDED);
	expect_found(t, "oom mrelease=1 strategy=random:200", LV_STRANDED);
}

/* One thread is thawed, another has the lock: two seconds later its list is gone. */
KTEST(lab_exit, thawed_in_part_it_strands_them, KT_UNIT)
{
	expect_found(t,
		     "oom threads=1 owner=thread freeze=on sem=thaw_one_thread "
		     "strategy=random:20",
		     LV_STRANDED);
	expect_found(t,
		     "oom threads=1 owner=thread freeze=on "
		     "sem=thaw_one_thread+reap_delay_unless_frozen strategy=random:20",
		     LV_STRANDED);
}
