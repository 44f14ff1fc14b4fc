/*
 * refs.c - questions 16 and 18: how often the struct ends, and how soon a killed fork does.
 */
#include <string.h>

#include "kernel/core/fault.h"
#include "kernel/core/setting.h"
#include "tests/questions/question.h"

static bool is_about_forks(const struct semantics *sem)
{
	return sem->axis == SEM_FORK || sem->axis == SEM_GATE || sem->axis == SEM_WALKREF;
}

/* ---- 16 ---- */

static bool is_fork_site(const struct fault_site *site)
{
	return (site->name[0] == 'F' || site->name[0] == 'R') && site->name[1] >= '0' &&
	       site->name[1] <= '9';
}

struct ends {
	u64 runs, failed, children, ends, most;
};

static void count_run(struct ends *e, const struct fork_run *run)
{
	e->runs++;
	e->failed += run->fired;
	e->children += run->child_id != 0;
	e->ends += run->nr_ends;
	e->most = max(e->most, (u64)run->nr_ends);
}

/* Every site at its first, second and fourth occurrence under one rule set. */
static int fail_everywhere(const struct semantics *sem, struct ends *e)
{
	static struct fork_run run;
	struct fork_shape shape = {.vmas = 17,
				   .pages = 3,
				   .swap = 1,
				   .pinned = 2,
				   .file = 3,
				   .shared = 2,
				   .dontcopy = 4,
				   .k = SHAPE_NO,
				   .kill = SHAPE_NO};
	struct fork_stage stage;
	struct fault_site *site;
	int err;

	shape.sem.chosen[sem->axis] = sem;
	err = fork_stage_build(&shape, &stage);
	if (err)
		return q_fail("no parent: %d", err);
	fork_run_begin();
	for_each_registered(fault_site, site) {
		if (!is_fork_site(site))
			continue;
		shape.site = site;
		for (shape.occ = 0; shape.occ < 4 && !err; shape.occ += 1 + shape.occ) {
			err = fork_run_once(&shape, &stage, &run);
			if (!err)
				count_run(e, &run);
		}
	}
	fork_run_end();
	if (err | fork_stage_end(&stage))
		return q_fail("no memory to watch: %d", err);
	return 0;
}

QUESTION(16, "Are there really double `__mmdrop` calls?",
	 "Every struct has a generation that its last mmdrop ends: a second one stops the "
	 "machine. Forks of a parent of 17 VMAs (swap, file, pinned page, a VMA that is not "
	 "copied) under every rule set, failed at every site of fork at its 1st, 2nd and 4th "
	 "occurrence, and the ends of the child that were seen.",
	 "It is asked of this implementation, whose steps and references are Linux's but whose "
	 "code is not. Schedules with walkers are the lab's: it asks the same of every run "
	 "(verdict uaf).")
{
	const struct semantics *sem;

	Q_COLUMNS("semantics", "forks", "failed", "children", "last drops", "most for one");
	for_each_registered(semantics, sem) {
		struct ends e = {0};

		if (!is_about_forks(sem))
			continue;
		if (fail_everywhere(sem, &e))
			return -1;
		q_str(sem->name);
		q_u64(e.runs), q_u64(e.failed), q_u64(e.children), q_u64(e.ends), q_u64(e.most);
		q_row();
	}
	return 0;
}

/* ---- 18 ---- */

static int row_of_kill(const char *test, u64 kill)
{
	const struct fork_run *run = q_fork("vmas=64 pages=8 kill=%lu", kill);

	if (!run)
		return -1;
	q_str(test);
	q_u64(kill);
	q_str(run->err ? "aborted" : "completed");
	q_s64(run->map_count);
	q_s64(run->map_count - (s64)kill);
	q_u64(q_between(run, MARK_COPY, run->err ? MARK_RECOVER : MARK_LIVE));
	q_row();
	return 0;
}

QUESTION(18, "Does the killable VMA lock still abort a killed fork promptly?",
	 "A parent of 64 VMAs of 8 pages gets SIGKILL just before VMA k is locked; the old test "
	 "asks for a fatal signal in the copy loop, the new one is the killable write lock of "
	 "the VMA. How many VMAs are copied after the signal, and the clock from the first VMA "
	 "to the end of the copy.",
	 "Nobody holds a VMA here: the killable lock looks at signals only when it has to wait, "
	 "so without a reader in the way it does not end the copy. With readers it ends at the "
	 "first VMA whose reader it waits for, which depends on the load. A VMA that is being "
	 "copied is finished under both.")
{
	static const char *const title[] = {"", "test in the loop", "killable VMA lock"};
	static const u64 kills[] = {0, 8, 32, 63};
	const struct setting *setting = setting_find("fork_kill_test");
	u64 before;
	int err = 0;

	if (!setting)
		return q_fail("there is no setting fork_kill_test");
	before = setting->get();
	Q_COLUMNS("test", "SIGKILL at", "fork", "VMAs copied", "after it", "clock");
	for (u64 test = KILL_LOOP; test <= KILL_VMA_LOCK && !err; test++) {
		err = setting->set(test);
		for (unsigned i = 0; i < ARRAY_SIZE(kills) && !err; i++)
			err = row_of_kill(title[test], kills[i]);
	}
	if (setting->set(before))
		return q_fail("the setting cannot be put back");
	return err;
}
