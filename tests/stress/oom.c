/*
 * oom.c - more is wanted than there is: hogs die, and nobody else does.
 *
 * Each hog alone wants more than memory and swap together, so each must end by the OOM killer; the
 * small ones, which verify what they wrote all the while, must live on. What kind of hog it is is
 * drawn: alone, with threads that sleep, sharing its memory with another process, or with a thread
 * that no signal reaches, so that only the reaper can free what it has.
 */
#include "kernel/base/err.h"
#include "kernel/core/setting.h"
#include "kernel/proc/oom.h"
#include "kernel/proc/task_user.h"
#include "mm/mm.h"
#include "mm/mman.h"
#include "tests/ktest.h"
#include "tests/mm_pressure.h"
#include "tests/mm_swap.h"
#include "tests/mm_user.h"
#include "tests/oom_test.h"

#define RW	    (PROT_READ | PROT_WRITE)
#define ROOM	    900ul  /* frames there are */
#define SLOTS	    400ul  /* and slots, if any */
#define HOG_PAGES   4000ul /* wanted by each hog */
#define SMALL_PAGES 20ul
#define HOGS_MAX    2u
#define SMALLS_MAX  3u

enum hog_kind { ALONE, WITH_THREADS, SHARING, BLOCKED, KINDS };

struct actor {
	enum hog_kind kind;
	u32 pid;
	struct task_struct *tsk; /* of a hog */
	struct mm_struct *mm;	 /* of a hog: mm_count taken */
	u64 seed;
	u64 wrong; /* words that a small one found changed */
};

/* Field key: [A] atomic */
static struct {
	atomic_t ready, go, end; /* [A] */
	struct wait_queue_head wait;
	struct actor hog[HOGS_MAX], small[SMALLS_MAX];
	unsigned nr_hogs, nr_smalls;
} mix;

/* ---- bodies ---- */

static int sleep_killable(void *arg)
{
	(void)arg;
	while (!sleep_ns_killable(TIME_NEVER))
		;
	return 0;
}

static int sleep_blocked(void *arg)
{
	(void)arg;
	wait_event(&mix.wait, atomic_read(&mix.end));
	return 0;
}

static int make_company(const struct actor *a)
{
	struct clone_args args = {.name = "company", .fn = sleep_killable};

	if (a->kind == ALONE)
		return 0;
	args.flags = a->kind == SHARING ? CLONE_VM : CLONE_VM | CLONE_THREAD;
	if (a->kind == BLOCKED)
		args.fn = sleep_blocked;
	return kernel_clone(&args);
}

static void be_ready(void)
{
	atomic_inc(&mix.ready);
	while (!atomic_read(&mix.go) && !fatal_signal_pending(current))
		yield();
}

static int hog(void *arg)
{
	struct actor *a = arg;

	if (user_mmap(current->mm, USER_BASE, HOG_PAGES, RW) || make_company(a) < 0)
		return 1;
	be_ready();
	for (unsigned long i = 0; i < HOG_PAGES; i++)
		task_store_u64(USER_BASE + i * PAGE_SIZE, i);
	return 2; /* it cannot have had all of it */
}

static int small(void *arg)
{
	struct actor *a = arg;

	if (user_mmap(current->mm, USER_BASE, SMALL_PAGES, RW))
		return 1;
	for (unsigned long i = 0; i < SMALL_PAGES; i++)
		task_store_u64(USER_BASE + i * PAGE_SIZE, a->seed + i);
	be_ready();
	while (!atomic_read(&mix.end)) {
		for (unsigned long i = 0; i < SMALL_PAGES; i++)
			a->wrong += task_load_u64(USER_BASE + i * PAGE_SIZE) != a->seed + i;
		yield();
	}
	return 42;
}

/* ---- a mix ---- */

static void start_one(struct ktest *t, struct actor *a, task_fn fn, const char *name)
{
	struct clone_args args = {.flags = CLONE_NEWMM, .name = name, .fn = fn, .arg = a};
	struct task_struct *tsk = copy_process(&args);

	t_assert(t, !IS_ERR(tsk));
	a->pid = tsk->pid;
	a->tsk = tsk;
	a->mm = tsk->mm;
	mmgrab(a->mm);
	wake_up_new_task(tsk);
}

static void end_one(struct ktest *t, struct actor *a, int expect)
{
	int code = -1;

	t_expect_eq(t, task_wait(a->pid, &code), (int)a->pid);
	t_expect_eq(t, code, expect);
	put_task_struct(a->tsk);
	mmdrop(a->mm);
}

static void start_mix(struct ktest *t)
{
	atomic_set(&mix.ready, 0);
	atomic_set(&mix.go, 0);
	atomic_set(&mix.end, 0);
	init_waitqueue_head(&mix.wait);
	mix.nr_hogs = 1 + (unsigned)t_rand_below(t, HOGS_MAX);
	mix.nr_smalls = 1 + (unsigned)t_rand_below(t, SMALLS_MAX);
	for (unsigned i = 0; i < mix.nr_hogs; i++) {
		mix.hog[i] = (struct actor){.kind = (enum hog_kind)t_rand_below(t, KINDS)};
		start_one(t, &mix.hog[i], hog, "hog");
	}
	for (unsigned i = 0; i < mix.nr_smalls; i++) {
		mix.small[i] = (struct actor){.seed = t_rand(t)};
		start_one(t, &mix.small[i], small, "small");
	}
	while (atomic_read(&mix.ready) < (int)(mix.nr_hogs + mix.nr_smalls))
		yield();
}

/* Each hog's memory is gone, whether it could end or not. */
static void wait_for_memory(struct ktest *t)
{
	for (unsigned i = 0; i < mix.nr_hogs; i++) {
		struct actor *a = &mix.hog[i];

		while (!test_bit(MMF_OOM_SKIP, &a->mm->flags))
			yield();
		t_expect_eq(t, get_mm_counter(a->mm, MM_ANONPAGES), 0);
		t_expect_eq(t, get_mm_counter(a->mm, MM_SWAPENTS), 0);
	}
}

static void run_mix(struct ktest *t, bool with_swap)
{
	struct block_device *bdev = with_swap ? t_swapon(t, SLOTS) : NULL;

	start_mix(t);
	t_hoard(t, ROOM);
	atomic_set(&mix.go, 1);
	wait_for_memory(t);
	t_hoard_release(t);
	atomic_set(&mix.end, 1);
	wake_up_all(&mix.wait);
	for (unsigned i = 0; i < mix.nr_hogs; i++)
		end_one(t, &mix.hog[i], SIGKILL);
	for (unsigned i = 0; i < mix.nr_smalls; i++) {
		t_expect_eq(t, mix.small[i].wrong, 0);
		end_one(t, &mix.small[i], W_EXITCODE(42, 0));
	}
	if (with_swap)
		t_swapoff(t, bdev);
	oom_reaper_forget();
}

/* scale=100 is two hundred mixes. */
KTEST(stress, hogs_end_and_nobody_else, KT_STRESS)
{
	t_rules(t, "reap_immediate");
	/* A host that stands still for a second must not make the reaper give up. */
	t_expect_eq(t, setting_parse(setting_find("oom_retry_ms"), "2000"), 0);
	for (u64 n = 0; n < t_scale(t, 2); n++)
		run_mix(t, n % 2);
	t_expect_eq(t, setting_parse(setting_find("oom_retry_ms"), "100"), 0);
	t_rules_end();
}
