/*
 * oom.c - the scenario kind `oom`: a process is chosen to end, while another waits for its lock.
 *
 * Owns: the victim, who shares its memory, who waits, kills, thaws and reaps; what must hold.
 * Not here: the choice, the kill, the reaper (kernel/proc), the rules, which nothing here knows;
 *           when a waiter is stranded (lockstep_decide.c).
 * Idea: the lock's word lies in a file that both map. The list that names it lies in private memory
 *       of the victim, as a C library puts it: whoever frees that before the owner has read it, on
 *       its way out, takes away the only way by which the waiter could hear of its end. The owner
 *       may be frozen, with all threads or, thawed in part, with all but one.
 *       Virtual time stands still while anybody can run: a delay is as long as all others need.
 */
#include <errno.h>

#include "kernel/base/err.h"
#include "kernel/core/user.h"
#include "kernel/proc/freezer.h"
#include "kernel/proc/oom.h"
#include "kernel/proc/task_user.h"
#include "kernel/sched/timer.h"
#include "kernel/sched/wait.h"
#include "kernel/sched/work.h"
#include "mm/file.h"
#include "mm/mm.h"
#include "mm/mman.h"
#include "mm/semantics.h"
#include "tests/lab/lab.h"
#include "tests/lab/victim.h"
#include "tests/mm_file.h"
#include "tests/mm_user.h"
#include "tests/robust_mutex.h"

#define RW   (PROT_READ | PROT_WRITE)
#define HEAD USER_BASE
#define LOCK (USER_BASE + 0x400000ul) /* in the file */
#define WORD (LOCK + RMUTEX_WORD)

#define THREADS_MAX 3u
#define SHARERS_MAX 2u

enum { REACH_KILLED, REACH_TOLD, REACH_REAPED };
enum { OWNER_LEADER, OWNER_THREAD, OWNER_NONE };

static const char *const owner_names[] = {"leader", "thread", "none", NULL};

/* ---- host side: what was asked for ---- */

static u64 nr_threads, nr_sharers, nr_pages, nr_mrelease, thaw_ms;
static unsigned owner;
static bool freeze;
static struct sem_choice rules;

/* ---- the world ---- */

static struct file *file __lab_world;
static struct mm_struct *dying __lab_world; /* with a mm_count of ours */
static struct task_struct *victim __lab_world, *waiter __lab_world;
static struct task_struct *threads[THREADS_MAX] __lab_world, *sharers[SHARERS_MAX] __lab_world;
static u32 killed __lab_world;
static struct wait_queue_head gate __lab_world;

/* ---- actors ---- */

static void killer(void *arg)
{
	u32 pid = oom_kill_one();

	(void)arg;
	lab_assert(pid == victim->pid);
	lab_reach(REACH_KILLED);
	WRITE_ONCE(killed, 1);
	wake_up_all(&gate);
}

static void thawer(void *arg)
{
	(void)arg;
	wait_event(&gate, READ_ONCE(killed));
	sleep_ns(thaw_ms * NSEC_PER_MSEC);
	(void)!task_thaw(victim->pid); /* it may be gone */
}

static void releaser(void *arg)
{
	int err;

	(void)arg;
	wait_event(&gate, READ_ONCE(killed));
	err = process_mrelease(victim->pid);
	if (err && get_mm_counter(dying, MM_ANONPAGES))
		lab_note(LV_REFUSED);
}

/* Wants the lock, and is told when its owner has died. */
static int wait_for_lock(void *arg)
{
	u32 seen;

	(void)arg;
	while ((seen = task_load_u32(WORD)) & FUTEX_TID_MASK) {
		u32 waited = seen | FUTEX_WAITERS;

		if (task_cmpxchg_u32(WORD, seen, waited) == seen)
			(void)!futex_wait(WORD, waited);
	}
	lab_assert(seen & FUTEX_OWNER_DIED);
	lab_reach(REACH_TOLD);
	return 0;
}

/* ---- making them ---- */

/* An address space with the lock's file; with memory of its own too if @pages. */
static struct mm_struct *make_space(u64 pages)
{
	struct mm_struct *mm = mm_alloc();
	int err = mm ? file_mmap(mm, LOCK, 1, RW, MAP_SHARED, file, 0) : -ENOMEM;

	if (!err && pages)
		err = user_mmap(mm, HEAD, pages, RW);
	if (!err && pages) {
		mm_use(mm);
		err = user_touch(HEAD, pages, 1);
		mm_unuse(mm);
	}
	return err ? NULL : mm;
}

/* @tsk has the lock, as rmutex_lock() leaves it. Its mm is @dying. */
static int give_lock(struct task_struct *tsk)
{
	int err;

	mm_use(dying);
	err = put_user((u64)LOCK, HEAD) || put_user((u64)RMUTEX_WORD, HEAD + 8) ||
	      put_user((u64)0, HEAD + 16) || put_user((u64)HEAD, LOCK) || put_user(tsk->pid, WORD);
	mm_unuse(dying);
	tsk->robust_list = HEAD;
	return err ? -EFAULT : 0;
}

static int make_victim(unsigned *cpu)
{
	dying = make_space(nr_pages);
	if (!dying)
		return -ENOMEM;
	mmgrab(dying);
	victim = victim_process("victim", dying, victim_sleep, NULL, (*cpu)++);
	if (!victim)
		return -ENOMEM;
	victim->signal->freezing = freeze;
	for (unsigned i = 0; i < nr_threads; i++) {
		threads[i] = victim_more(victim, CLONE_VM | CLONE_THREAD, "thread", victim_sleep,
					 NULL, (*cpu)++);
		if (!threads[i])
			return -ENOMEM;
	}
	for (unsigned i = 0; i < nr_sharers; i++) {
		sharers[i] = victim_more(victim, CLONE_VM, "sharer", victim_sleep, NULL, (*cpu)++);
		if (!sharers[i])
			return -ENOMEM;
	}
	return 0;
}

static int make_waiter(unsigned *cpu)
{
	struct mm_struct *mm = make_space(0);
	int err = mm ? give_lock(owner == OWNER_LEADER ? victim : threads[0]) : -ENOMEM;

	if (err)
		return err;
	waiter = victim_process("waiter", mm, wait_for_lock, NULL, (*cpu)++);
	if (!waiter)
		return -ENOMEM;
	waiter->signal->oom_score_adj = OOM_SCORE_ADJ_MIN;
	return 0;
}

static int setup(void)
{
	const struct sem_set *set = sem_set_of(&rules);
	unsigned cpu = 0;
	int err;

	init_waitqueue_head(&gate);
	sem_install(set);
	file = file_create("lock", PAGE_SIZE);
	err = IS_ERR(file) || !set ? -ENOMEM : oom_world_init();
	if (!err)
		err = make_victim(&cpu);
	if (!err && owner != OWNER_NONE)
		err = make_waiter(&cpu);
	if (!err)
		err = lab_actor("killer", cpu++, killer, NULL);
	if (!err && nr_mrelease)
		err = lab_actor("mrelease", cpu++, releaser, NULL);
	if (!err && thaw_ms)
		err = lab_actor("thawer", cpu++, thawer, NULL);
	if (err)
		return err;
	lab_name(dying, sizeof(*dying), "mm");
	lab_name((void *)WORD, sizeof(u32), "word");
	lab_name((void *)HEAD, RMUTEX_HEAD_BYTES, "head");
	return 0;
}

static void check(void)
{
	if (atomic_long_read(&dying->nr_reaped))
		lab_reach(REACH_REAPED);
	lab_assert(victim->signal->oom_mm == dying);
	for (unsigned i = 0; i < nr_threads; i++)
		put_task_struct(threads[i]);
	for (unsigned i = 0; i < nr_sharers; i++)
		put_task_struct(sharers[i]); /* children of the victim, then of nobody who waits */
	oom_world_end();
	victim_wait(victim);
	if (owner != OWNER_NONE)
		victim_wait(waiter);
	flush_workqueue(&system_wq); /* threads are joined, mms dropped */
	lab_assert(get_mm_counter(dying, MM_ANONPAGES) == 0);
	lab_assert(atomic_read(&dying->mm_users) == 0);
	mmdrop(dying);
	fput(file);
	sem_install(NULL);
}

/* ---- words ---- */

static void parse_rules(struct kv *kv)
{
	const char *sem = NULL;
	char why[160];

	rules = (struct sem_choice){0};
	if (kv_str(kv, "sem", &sem) && sem && sem_parse(sem, &rules, why, sizeof(why)))
		kv_fail(kv, "sem=%s: %s", sem, why);
}

static void parse(struct scenario *sc, struct kv *kv)
{
	nr_threads = nr_sharers = nr_mrelease = 0;
	nr_pages = 2;
	thaw_ms = 0;
	freeze = false;
	owner = OWNER_LEADER;
	kv_u64(kv, "pages", 1, 256, &nr_pages);
	kv_u64(kv, "threads", 0, THREADS_MAX, &nr_threads);
	kv_u64(kv, "sharers", 0, SHARERS_MAX, &nr_sharers);
	kv_u64(kv, "mrelease", 0, 1, &nr_mrelease);
	kv_choice(kv, "owner", owner_names, &owner);
	kv_bool(kv, "freeze", &freeze);
	if (freeze)
		thaw_ms = 5000;
	kv_u64(kv, "thaw", 1, 1000000, &thaw_ms);
	parse_rules(kv);
	if (owner == OWNER_THREAD && !nr_threads)
		kv_fail(kv, "owner=thread: only with threads=");
	if (thaw_ms && !freeze)
		kv_fail(kv, "thaw: only with freeze=on");
	if (sc->cpus == 0)
		sc->cpus = 2 + (unsigned)(nr_threads + nr_sharers + nr_mrelease) +
			   (owner != OWNER_NONE) + (thaw_ms != 0);
}

static const char *const *reach(void)
{
	static const char *const none[] = {"killed", NULL};
	static const char *const told[] = {"killed", "told", "reaped?", NULL};

	return owner == OWNER_NONE ? none : told;
}

static const struct scenario_kind oom_kind = {
	.name = "oom",
	.usage =
		"pages= threads=0..3 sharers=0..2 sem=   the victim: who else uses its memory\n"
		"  owner=leader|thread|none   who has the lock another waits for\n"
		"  freeze=on thaw=MS          it is frozen, and thawed after so long (5000)\n"
		"  mrelease=1                 somebody frees its memory once it is killed",
	.parse = parse,
	.setup = setup,
	.check = check,
	.reach = reach,
};
SCENARIO_KIND(oom_kind);
