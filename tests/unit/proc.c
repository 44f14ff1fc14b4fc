/*
 * proc.c - processes: beginning, ending, waiting, killing, and what becomes of the family.
 */
#include <errno.h>

#include "kernel/base/err.h"
#include "kernel/core/atomic.h"
#include "kernel/core/fault.h"
#include "kernel/core/setting.h"
#include "kernel/proc/task.h"
#include "kernel/proc/task_user.h"
#include "mm/mm.h"
#include "mm/mman.h"
#include "tests/ktest.h"
#include "tests/mm_user.h"

#define RW (PROT_READ | PROT_WRITE)

/* The process @pid (negative: it could not begin) ended with @code. */
#define t_expect_end(t, pid, code)                                                                 \
	do {                                                                                       \
		int pid_ = (pid), code_ = -1;                                                      \
		t_assert(t, pid_ > 0);                                                             \
		t_expect_eq(t, task_wait((u32)pid_, &code_), pid_);                                \
		t_expect_eq(t, code_, code);                                                       \
	} while (0)

static int use_memory(void *arg)
{
	struct mm_struct *mm = current->mm;

	if (user_mmap(mm, USER_BASE, 8, RW))
		return 1;
	for (u64 i = 0; i < 8; i++)
		task_store_u64(USER_BASE + i * PAGE_SIZE, i * 3);
	for (u64 i = 0; i < 8; i++) {
		if (task_load_u64(USER_BASE + i * PAGE_SIZE) != i * 3)
			return 2;
	}
	task_store_u32(USER_BASE + 4, 77);
	return task_load_u32(USER_BASE + 4) == 77 ? 42 : 3;
}

KTEST(proc, runs_and_is_waited_for, KT_UNIT)
{
	int code;

	t_expect_end(t, process_run("one", use_memory, NULL), W_EXITCODE(42, 0));
	t_expect_eq(t, task_wait(0, &code), -ECHILD);
	t_expect_eq(t, task_wait(12345, NULL), -ECHILD);
}

/* ---- signals ---- */

static int bad_store(void *arg)
{
	task_store_u64((unsigned long)arg, 1);
	return 0; /* never here */
}

static int store_read_only(void *arg)
{
	if (user_mmap(current->mm, USER_BASE, 1, PROT_READ))
		return 1;
	(void)task_load_u64(USER_BASE);
	task_store_u64(USER_BASE, 1);
	return 2;
}

static int lost_contents(void *arg)
{
	if (user_mmap(current->mm, USER_BASE, 1, RW))
		return 1;
	set_bit(MMF_UNSTABLE, &current->mm->flags);
	(void)task_load_u64(USER_BASE);
	return 2;
}

KTEST(proc, bad_access_is_a_signal, KT_UNIT)
{
	t_expect_end(t, process_run("segv", bad_store, (void *)USER_BASE), SIGSEGV);
	t_expect_end(t, process_run("high", bad_store, (void *)0xffff800000000000ul), SIGSEGV);
	t_expect_end(t, process_run("ro", store_read_only, NULL), SIGSEGV);
	t_expect_end(t, process_run("bus", lost_contents, NULL), SIGBUS);
}

static int touch_for_ever(void *arg)
{
	if (user_mmap(current->mm, USER_BASE, 1, RW))
		return 1;
	for (u64 i = 0;; i++) {
		task_store_u64(USER_BASE, i);
		atomic_set((atomic_t *)arg, 1);
		yield();
	}
}

static int sleep_for_ever(void *arg)
{
	atomic_set((atomic_t *)arg, 1);
	while (!sleep_ns_killable(TIME_NEVER))
		;
	return 5; /* the signal counts */
}

static void wait_for(atomic_t *flag, int value)
{
	while (atomic_read(flag) < value)
		yield();
}

KTEST(proc, kill_ends_running_and_sleeping, KT_UNIT)
{
	atomic_t seen = ATOMIC_INIT(0);
	int pid;

	t_expect_eq(t, task_kill(1 << 30, SIGKILL), -ESRCH);
	pid = process_run("toucher", touch_for_ever, &seen);
	t_assert(t, pid > 0);
	wait_for(&seen, 1);
	t_expect_eq(t, task_kill((u32)pid, 1), -EINVAL);
	t_expect_eq(t, task_kill((u32)pid, SIGKILL), 0);
	t_expect_end(t, pid, SIGKILL);

	atomic_set(&seen, 0);
	pid = process_run("sleeper", sleep_for_ever, &seen);
	t_assert(t, pid > 0);
	wait_for(&seen, 1);
	t_expect_eq(t, task_kill((u32)pid, SIGKILL), 0);
	t_expect_end(t, pid, SIGKILL);
}

/* Killed before its first instruction: it never gets there. */
KTEST(proc, killed_before_it_runs, KT_UNIT)
{
	struct clone_args args = {.flags = CLONE_NEWMM, .name = "unborn", .fn = use_memory};
	struct task_struct *tsk = copy_process(&args);
	u32 pid;

	t_assert(t, !IS_ERR(tsk));
	pid = tsk->pid;
	t_expect_eq(t, task_kill(pid, SIGKILL), 0);
	wake_up_new_task(tsk);
	put_task_struct(tsk);
	t_expect_end(t, (int)pid, SIGKILL);
}

/* ---- threads ---- */

#define NR_THREADS 4

struct family {
	atomic_t begun, done;
	bool leader_first; /* the leader does not wait for the others */
	bool exit_all;	   /* the last thread ends the process */
};

static int member(void *arg)
{
	struct family *f = arg;
	int nr = atomic_inc_return(&f->begun);

	wait_for(&f->begun, NR_THREADS);
	task_store_u64(USER_BASE + (u64)nr * PAGE_SIZE, nr);
	atomic_inc(&f->done);
	if (f->exit_all) {
		if (nr == NR_THREADS)
			do_group_exit(W_EXITCODE(9, 0));
		while (!sleep_ns_killable(TIME_NEVER))
			;
	}
	return 100 + nr;
}

static int family_leader(void *arg)
{
	struct family *f = arg;
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_THREAD, .name = "member", .fn = member, .arg = f};
	u64 sum = 0;

	if (user_mmap(current->mm, USER_BASE, NR_THREADS + 1, RW))
		return 1;
	for (int i = 0; i < NR_THREADS; i++) {
		if (kernel_clone(&args) < 0)
			do_group_exit(W_EXITCODE(2, 0));
	}
	if (f->leader_first)
		return 7;
	while (atomic_read(&f->done) < NR_THREADS) {
		task_signal_point();
		yield();
	}
	for (u64 i = 1; i <= NR_THREADS; i++)
		sum += task_load_u64(USER_BASE + i * PAGE_SIZE);
	if (f->exit_all) {
		while (!sleep_ns_killable(TIME_NEVER))
			;
	}
	return sum == NR_THREADS * (NR_THREADS + 1) / 2 ? 8 : 3;
}

KTEST(proc, threads_share_memory_and_end, KT_UNIT)
{
	struct family f = {.leader_first = false};

	t_expect_end(t, process_run("family", family_leader, &f), W_EXITCODE(8, 0));
	t_expect_eq(t, atomic_read(&f.done), NR_THREADS);

	/* The process is its threads: it ends with the last of them, and with its leader's code. */
	f = (struct family){.leader_first = true};
	t_expect_end(t, process_run("family", family_leader, &f), W_EXITCODE(7, 0));
	t_expect_eq(t, atomic_read(&f.done), NR_THREADS);

	f = (struct family){.exit_all = true};
	t_expect_end(t, process_run("family", family_leader, &f), W_EXITCODE(9, 0));
}

/* ---- the tree ---- */

struct tree {
	atomic_t grandchild; /* 1: runs, 2: may end */
	u32 pid;	     /* its own */
	int child_code;
};

static int grandchild(void *arg)
{
	struct tree *tree = arg;

	atomic_set(&tree->grandchild, 1);
	wait_for(&tree->grandchild, 2);
	return 0;
}

static int parent_that_leaves(void *arg)
{
	struct tree *tree = arg;

	int pid = process_run("grandchild", grandchild, tree);

	if (pid < 0)
		return 1;
	tree->pid = (u32)pid;
	wait_for(&tree->grandchild, 1);
	return 6;
}

static int parent_that_waits(void *arg)
{
	struct tree *tree = arg;
	int pid = process_run("child", use_memory, NULL);

	return task_wait(0, &tree->child_code) == pid ? 4 : 5;
}

/* A zombie nobody waited for goes with its parent. */
static int parent_that_forgets(void *arg)
{
	return process_run("forgotten", use_memory, NULL) < 0;
}

static void wait_until_gone(u32 pid)
{
	struct task_struct *tsk;

	while ((tsk = find_get_task(pid))) {
		put_task_struct(tsk);
		yield();
	}
}

KTEST(proc, orphans_are_let_go, KT_UNIT)
{
	struct tree tree = {.child_code = -1};

	t_expect_end(t, process_run("leaver", parent_that_leaves, &tree), W_EXITCODE(6, 0));
	t_expect_eq(t, task_wait(0, NULL), -ECHILD);
	atomic_set(&tree.grandchild, 2);
	wait_until_gone(tree.pid);

	t_expect_end(t, process_run("waiter", parent_that_waits, &tree), W_EXITCODE(4, 0));
	t_expect_eq(t, tree.child_code, W_EXITCODE(42, 0));
	t_expect_end(t, process_run("forgetter", parent_that_forgets, NULL), W_EXITCODE(0, 0));
}

/* ---- what can fail ---- */

static int run_once(struct ktest *t)
{
	int pid = process_run("swept", use_memory, NULL);

	if (pid > 0)
		t_expect_end(t, pid, W_EXITCODE(42, 0));
	return min(pid, 0);
}

KTEST(proc, survives_every_enomem, KT_SWEEP)
{
	fault_sweep(t, run_once(t), t_expect_eq(t, task_wait(0, NULL), -ECHILD));
}

/* ---- fork, behind the copy ---- */

struct forker {
	int err;
	u64 at;
};

static int fork_failing(void *arg)
{
	struct clone_args args = {.name = "child", .fn = use_memory};
	struct forker *f = arg;

	if (user_mmap(current->mm, USER_BASE, 2, RW))
		return 1;
	task_store_u64(USER_BASE, 5);
	f->err = kernel_clone(&args);
	return task_load_u64(USER_BASE) == 5 ? 11 : 2;
}

/* The child is complete and known to nobody: it goes like any mm. */
KTEST(proc, fork_fails_behind_the_copy, KT_UNIT)
{
	struct fault_site *site = fault_site_find("F24");
	struct fault_attr attr = {.times = -1, .seed = 1}, off = FAULT_ATTR_OFF;

	/* The parent itself passes the site twice: its thread, its pid. */
	for (attr.at = 2; attr.at <= 3; attr.at++) {
		struct forker f = {.err = 0};

		fault_site_set(site, &attr);
		t_expect_end(t, process_run("forker", fork_failing, &f), W_EXITCODE(11, 0));
		t_expect_eq(t, site->attr.fired, 1);
		t_expect_eq(t, f.err, attr.at == 2 ? -ENOMEM : -EAGAIN);
		fault_site_set(site, &off);
	}
}

KTEST(proc, no_more_pids_than_allowed, KT_UNIT)
{
	atomic_t seen = ATOMIC_INIT(0);
	int pid = process_run("one", sleep_for_ever, &seen);

	t_assert(t, pid > 0);
	t_expect_eq(t, setting_parse(setting_find("pid_max"), "1"), 0);
	t_expect_eq(t, process_run("two", sleep_for_ever, &seen), -EAGAIN);
	t_expect_eq(t, setting_parse(setting_find("pid_max"), "32768"), 0);
	t_expect_eq(t, task_kill((u32)pid, SIGKILL), 0);
	t_expect_end(t, pid, SIGKILL);
}

KTEST(proc, refuses_what_makes_no_sense, KT_UNIT)
{
	struct clone_args thread = {.flags = CLONE_VM | CLONE_THREAD, .name = "x", .fn = member};
	struct clone_args flags = {.flags = CLONE_NEWMM | CLONE_VM, .name = "x", .fn = member};
	struct clone_args nothing = {.flags = CLONE_NEWMM, .name = "x"};

	t_expect_eq(t, kernel_clone(&thread), -EINVAL);
	t_expect_eq(t, kernel_clone(&flags), -EINVAL);
	t_expect_eq(t, kernel_clone(&nothing), -EINVAL);
}
