/*
 * oom.c - who is ended when there is no memory, what is freed of it and by whom, and freezing.
 */
#include <errno.h>
#include <limits.h>

#include "kernel/base/err.h"
#include "kernel/core/setting.h"
#include "kernel/proc/freezer.h"
#include "kernel/proc/oom.h"
#include "kernel/proc/task_user.h"
#include "mm/mm.h"
#include "mm/mman.h"
#include "mm/mmap_lock.h"
#include "tests/ktest.h"
#include "tests/mm_pressure.h"
#include "tests/mm_user.h"
#include "tests/oom_test.h"

#define RW (PROT_READ | PROT_WRITE)

/* ---- processes to end ---- */

struct body {
	unsigned long nr_pages; /* it touches */
	unsigned nr_threads;	/* besides the first, which touch nothing */
	atomic_t ready;		/* threads that have done so */
	atomic_t may_end;	/* those that are blocked go on */
	bool blocked;		/* they wait where no signal reaches them, */
	bool locked;		/* with their mmap_lock held */
	struct wait_queue_head wait;
};

static int stay_blocked(struct body *b) NO_LOCK_ANALYSIS
{
	struct mm_struct *mm = current->mm;

	if (b->locked)
		mmap_write_lock(mm);
	atomic_inc(&b->ready);
	wait_event(&b->wait, atomic_read(&b->may_end));
	if (b->locked)
		mmap_write_unlock(mm);
	return 0;
}

static int stay(void *arg)
{
	struct body *b = arg;

	if (b->blocked)
		return stay_blocked(b);
	atomic_inc(&b->ready);
	while (!sleep_ns_killable(TIME_NEVER))
		;
	return 0;
}

static int touch_and_stay(void *arg)
{
	struct body *b = arg;
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_THREAD, .name = "other", .fn = stay, .arg = b};

	if (user_mmap(current->mm, USER_BASE, b->nr_pages, RW))
		return 1;
	for (unsigned long i = 0; i < b->nr_pages; i++)
		task_store_u64(USER_BASE + i * PAGE_SIZE, i);
	for (unsigned i = 0; i < b->nr_threads; i++) {
		if (kernel_clone(&args) < 0)
			return 2;
	}
	return stay(b);
}

/* Its pid, once all its threads stay where they are. */
static u32 start(struct ktest *t, struct body *b)
{
	int pid;

	init_waitqueue_head(&b->wait);
	pid = process_run("body", touch_and_stay, b);
	t_assert(t, pid > 0);
	while (atomic_read(&b->ready) <= (int)b->nr_threads)
		yield();
	return (u32)pid;
}

static void let_end(struct body *b)
{
	atomic_set(&b->may_end, 1);
	wake_up_all(&b->wait);
}

static void expect_killed(struct ktest *t, u32 pid)
{
	int code = -1;

	t_expect_eq(t, task_wait(pid, &code), (int)pid);
	t_expect_eq(t, code, SIGKILL);
}

static void end(struct ktest *t, u32 pid)
{
	t_expect_eq(t, task_kill(pid, SIGKILL), 0);
	expect_killed(t, pid);
}

static long pages_of(struct mm_struct *mm)
{
	return get_mm_counter(mm, MM_ANONPAGES);
}

/* The address space of @pid with mm_count taken. */
static struct mm_struct *mm_of(struct ktest *t, u32 pid)
{
	struct task_struct *tsk = find_get_task(pid);
	struct mm_struct *mm = NULL;

	t_assert(t, tsk);
	mm = grab_process_mm(tsk, false);
	put_task_struct(tsk);
	t_assert(t, mm);
	return mm;
}

static long score(struct ktest *t, u32 pid)
{
	struct task_struct *tsk = find_get_task(pid);
	long points;

	t_assert(t, tsk);
	points = oom_badness(tsk, 100000);
	put_task_struct(tsk);
	return points;
}

static void wait_for_flag(struct mm_struct *mm, unsigned long flag)
{
	while (!test_bit(flag, &mm->flags))
		yield();
}

/* ---- the choice ---- */

KTEST(oom, the_largest_is_chosen_unless_told_otherwise, KT_UNIT)
{
	struct body big = {.nr_pages = 50}, small = {.nr_pages = 10};
	u32 b, s;

	t_rules(t, "reap_immediate");
	b = start(t, &big);
	s = start(t, &small);
	t_expect_gt(t, score(t, b), score(t, s));
	t_expect_ge(t, score(t, s), 10);

	t_expect_eq(t, oom_set_score_adj(s, 1), 0);
	t_expect_gt(t, score(t, s), score(t, b)); /* a thousandth of 100000 pages */
	t_expect_eq(t, oom_set_score_adj(s, OOM_SCORE_ADJ_MIN), 0);
	t_expect_eq(t, score(t, s), LONG_MIN);
	t_expect_eq(t, oom_set_score_adj(s, 1001), -EINVAL);
	t_expect_eq(t, oom_set_score_adj(1 << 30, 0), -ESRCH);

	t_expect_eq(t, oom_kill_one(), b);
	expect_killed(t, b);
	t_expect_eq(t, oom_kill_one(), 0); /* who is left is not to be ended */
	t_expect_eq(t, oom_set_score_adj(s, 0), 0);
	t_expect_eq(t, oom_kill_one(), s);
	expect_killed(t, s);
	t_rules_end();
}

/* A child begins with its parent's; the next victim only after the first one's memory is gone. */
static int child_adj(void *arg)
{
	struct body *b = arg;
	struct clone_args args = {.name = "child", .fn = stay, .arg = b};

	return kernel_clone(&args) < 0 ? 1 : stay(b);
}

KTEST(oom, a_child_is_as_its_parent, KT_UNIT)
{
	struct body b = {.nr_threads = 1};
	struct clone_args args = {
		.flags = CLONE_NEWMM, .name = "parent", .fn = child_adj, .arg = &b};
	struct task_struct *tsk = copy_process(&args);
	u32 pid;

	t_assert(t, !IS_ERR(tsk));
	pid = tsk->pid;
	t_expect_eq(t, oom_set_score_adj(pid, OOM_SCORE_ADJ_MIN), 0);
	wake_up_new_task(tsk);
	put_task_struct(tsk);
	while (atomic_read(&b.ready) < 2)
		yield();
	t_expect_eq(t, oom_kill_one(), 0);
	t_expect_eq(t, oom_set_score_adj(pid, 0), 0);
	t_expect_eq(t, oom_kill_one(), pid);
	expect_killed(t, pid);
	t_expect_eq(t, task_kill(pid + 1, SIGKILL), 0);
	t_wait_gone(pid + 1);
}

static int share_and_stay(void *arg)
{
	struct clone_args args = {
		.flags = CLONE_VM, .name = "sharer", .fn = touch_and_stay, .arg = arg};

	return kernel_clone(&args) < 0 ? 1 : stay(arg);
}

KTEST(oom, all_who_share_the_memory_are_ended, KT_UNIT)
{
	struct body b = {.nr_pages = 5, .nr_threads = 1};
	int pid = process_run("shares", share_and_stay, &b);
	struct mm_struct *mm;

	t_assert(t, pid > 0);
	while (atomic_read(&b.ready) < 3)
		yield();
	mm = mm_of(t, (u32)pid);
	t_expect_eq(t, atomic_read(&mm->mm_users), 3);
	t_expect(t, !mm_is_dying(mm));
	t_expect_eq(t, oom_kill_one(), (u32)pid);
	t_expect(t, mm_is_dying(mm));
	expect_killed(t, (u32)pid);
	wait_for_flag(mm, MMF_OOM_SKIP); /* its last user has gone: both processes have ended */
	t_wait_gone((u32)pid + 1);
	mmdrop(mm);
}

/* ---- real shortage ---- */

static int hog(void *arg)
{
	struct body *b = arg;

	if (user_mmap(current->mm, USER_BASE, b->nr_pages, RW))
		return 1;
	for (unsigned long i = 0; i < b->nr_pages; i++)
		task_store_u64(USER_BASE + i * PAGE_SIZE, i);
	return 0;
}

KTEST(oom, a_hog_ends_and_the_others_live, KT_UNIT)
{
	struct body small = {.nr_pages = 20}, big = {.nr_pages = 3000};
	struct oom_figures before, after;
	u32 pid = start(t, &small);
	int hog_pid;

	oom_figures(&before);
	t_hoard(t, 600);
	hog_pid = process_run("hog", hog, &big);
	t_expect_gt(t, hog_pid, 0);
	if (hog_pid > 0)
		expect_killed(t, (u32)hog_pid);
	t_hoard_release(t);
	oom_figures(&after);
	t_expect_eq(t, after.kills, before.kills + 1);
	end(t, pid);
}

/* Nobody may be ended: the allocation fails, and who made it sees that. */
KTEST(oom, without_anybody_to_end_it_fails, KT_UNIT)
{
	struct body big = {.nr_pages = 3000};
	struct clone_args args = {.flags = CLONE_NEWMM, .name = "hog", .fn = hog, .arg = &big};
	struct oom_figures before, after;
	struct task_struct *tsk;
	u32 pid;

	oom_figures(&before);
	tsk = copy_process(&args);
	t_assert(t, !IS_ERR(tsk));
	pid = tsk->pid;
	t_expect_eq(t, oom_set_score_adj(pid, OOM_SCORE_ADJ_MIN), 0);
	t_hoard(t, 600);
	wake_up_new_task(tsk);
	put_task_struct(tsk);
	expect_killed(t, pid); /* by its access */
	t_hoard_release(t);
	oom_figures(&after);
	t_expect_eq(t, after.kills, before.kills);
	t_expect_gt(t, after.refused, before.refused);
}

/* ---- a victim that cannot end ---- */

KTEST(oom, the_reaper_frees_what_a_blocked_victim_holds, KT_UNIT)
{
	struct body b = {.nr_pages = 40, .blocked = true};
	struct oom_figures before, after;
	struct mm_struct *mm;
	u32 pid;

	t_rules(t, "reap_immediate");
	oom_figures(&before);
	pid = start(t, &b);
	mm = mm_of(t, pid);
	t_expect_eq(t, oom_kill_one(), pid);
	wait_for_flag(mm, MMF_OOM_SKIP);
	t_expect_eq(t, pages_of(mm), 0);
	t_expect(t, test_bit(MMF_UNSTABLE, &mm->flags));
	t_expect_eq(t, atomic_read(&mm->mm_users), 1);
	oom_reaper_forget();
	oom_figures(&after);
	t_expect_eq(t, after.reaped, before.reaped + 1);
	t_expect_eq(t, after.pages, before.pages + 40);
	let_end(&b);
	expect_killed(t, pid);
	mmdrop(mm);
	t_rules_end();
}

/* The lock is never to be had: after ten tries somebody else may be chosen. */
KTEST(oom, the_reaper_gives_up, KT_UNIT)
{
	struct body b = {.nr_pages = 4, .blocked = true, .locked = true};
	struct oom_figures before, after;
	struct mm_struct *mm;
	u32 pid;

	t_rules(t, "reap_immediate");
	t_expect_eq(t, setting_parse(setting_find("oom_retry_ms"), "1"), 0);
	oom_figures(&before);
	pid = start(t, &b);
	mm = mm_of(t, pid);
	t_expect_eq(t, oom_kill_one(), pid);
	t_expect_eq(t, oom_kill_one(), 0); /* one is ending */
	wait_for_flag(mm, MMF_OOM_SKIP);
	t_expect_eq(t, pages_of(mm), 4);
	oom_reaper_forget();
	oom_figures(&after);
	t_expect_eq(t, after.gave_up, before.gave_up + 1);
	t_expect_eq(t, setting_parse(setting_find("oom_retry_ms"), "100"), 0);
	let_end(&b);
	expect_killed(t, pid);
	mmdrop(mm);
	t_rules_end();
}

/* ---- freezing ---- */

static void freeze(struct ktest *t, u32 pid)
{
	struct task_struct *tsk = find_get_task(pid);

	t_assert(t, tsk);
	t_expect_eq(t, task_freeze(pid), 0);
	put_task_struct(tsk);
}

static int count_for_ever(void *arg)
{
	struct body *b = arg;

	if (user_mmap(current->mm, USER_BASE, 1, RW))
		return 1;
	for (;;) {
		task_store_u64(USER_BASE, 1);
		atomic_inc(&b->ready);
		yield();
	}
}

KTEST(oom, a_frozen_process_stands_until_it_is_thawed, KT_UNIT)
{
	struct body b = {.nr_pages = 1};
	int pid = process_run("counts", count_for_ever, &b), seen;
	struct task_struct *tsk;

	t_assert(t, pid > 0);
	tsk = find_get_task((u32)pid);
	t_assert(t, tsk);
	while (!atomic_read(&b.ready))
		yield();
	t_expect(t, !process_is_frozen(tsk->signal));
	freeze(t, (u32)pid);
	while (!process_is_frozen(tsk->signal))
		yield();
	seen = atomic_read(&b.ready);
	t_expect_eq(t, task_kill((u32)pid, SIGKILL), 0);
	for (unsigned i = 0; i < 20; i++)
		yield();
	t_expect_eq(t, atomic_read(&b.ready), seen);
	t_expect(t, process_is_frozen(tsk->signal)); /* it does not know of its end */
	t_expect_eq(t, task_thaw((u32)pid), 0);
	expect_killed(t, (u32)pid);
	put_task_struct(tsk);
	t_expect_eq(t, task_freeze(1 << 30), -ESRCH);
	t_expect_eq(t, task_thaw(1 << 30), -ESRCH);
}

/* One thread thawed ends, the others keep the memory, which only the reaper frees. */
KTEST(oom, a_victim_thawed_in_part_does_not_end, KT_UNIT)
{
	struct body b = {.nr_pages = 30, .nr_threads = 2};
	struct mm_struct *mm;
	u32 pid;

	t_rules(t, "reap_immediate+thaw_one_thread");
	pid = start(t, &b);
	freeze(t, pid);
	mm = mm_of(t, pid);
	t_expect_eq(t, oom_kill_one(), pid);
	wait_for_flag(mm, MMF_OOM_SKIP);
	while (atomic_read(&mm->mm_users) > 2)
		yield();
	t_expect_eq(t, pages_of(mm), 0);
	for (unsigned i = 0; i < 20; i++)
		yield();
	t_expect_eq(t, atomic_read(&mm->mm_users), 2);
	t_expect_eq(t, task_thaw(pid), 0);
	expect_killed(t, pid);
	mmdrop(mm);
	t_rules_end();
}

KTEST(oom, a_victim_thawed_as_a_whole_ends, KT_UNIT)
{
	struct body b = {.nr_pages = 30, .nr_threads = 2};
	u32 pid;

	t_rules(t, "reap_delay_2s+thaw_process");
	pid = start(t, &b);
	freeze(t, pid);
	t_expect_eq(t, oom_kill_one(), pid);
	expect_killed(t, pid);
	t_rules_end();
}

/* ---- process_mrelease ---- */

KTEST(oom, mrelease_frees_who_is_ending, KT_UNIT)
{
	struct body b = {.nr_pages = 25, .blocked = true};
	u32 pid = start(t, &b);
	struct mm_struct *mm = mm_of(t, pid);

	t_expect_eq(t, process_mrelease(1 << 30), -ESRCH);
	t_expect_eq(t, process_mrelease(pid), -EINVAL);
	t_expect_eq(t, pages_of(mm), 25);
	t_expect_eq(t, task_kill(pid, SIGKILL), 0);
	t_expect_eq(t, process_mrelease(pid), 0);
	t_expect_eq(t, pages_of(mm), 0);
	t_expect(t, !test_bit(MMF_OOM_SKIP, &mm->flags)); /* the reaper may come as well */
	t_expect_eq(t, process_mrelease(pid), 0);
	let_end(&b);
	while (atomic_read(&mm->mm_users))
		yield();
	t_expect_eq(t, process_mrelease(pid), -ESRCH); /* it has left */
	expect_killed(t, pid);
	mmdrop(mm);
}

KTEST(oom, mrelease_that_kills_asks_nobody, KT_UNIT)
{
	struct body b = {.nr_pages = 25, .blocked = true};
	struct mm_struct *mm;
	u32 pid;

	t_rules(t, "mrelease_kill");
	pid = start(t, &b);
	mm = mm_of(t, pid);
	t_expect_eq(t, process_mrelease(pid), 0);
	t_expect_eq(t, pages_of(mm), 0);
	let_end(&b);
	expect_killed(t, pid);
	mmdrop(mm);
	t_rules_end();
}

/* A task that has left its mm, which somebody else keeps: found only if the rules keep it. */
static void release_after_exit(struct ktest *t, const char *rules, int expect, long left)
{
	struct body b = {.nr_pages = 25};
	struct task_struct *tsk;
	struct mm_struct *mm;
	u32 pid;

	t_rules(t, rules);
	pid = start(t, &b);
	tsk = find_get_task(pid);
	t_assert(t, tsk);
	mm = get_task_mm(tsk); /* as a reader of its maps does */
	t_assert(t, mm);
	t_expect_eq(t, task_kill(pid, SIGKILL), 0);
	while (atomic_read(&mm->mm_users) > 1)
		yield();
	t_expect_eq(t, process_mrelease(pid), expect);
	t_expect_eq(t, pages_of(mm), left);
	expect_killed(t, pid);
	put_task_struct(tsk);
	mmput(mm);
	t_rules_end();
}

KTEST(oom, mrelease_finds_what_was_left_if_it_is_kept, KT_UNIT)
{
	release_after_exit(t, "exit_read_then_write", -ESRCH, 25);
	release_after_exit(t, "keep_exit_mm", 0, 0);
}
