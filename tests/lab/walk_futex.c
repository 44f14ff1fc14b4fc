/*
 * walk_futex.c - locks in shared memory whose owner ends while others go to sleep for them.
 *
 * Owns: the cases `futex-exit` and `futex-baton`, and their wrong forms.
 * Idea: the owner's exit is the real one, but for its memory, which the check lets go. In
 *       `futex-exit` it is killed with a lock on its list, while the waiter marks the word, lists
 *       itself, reads, sleeps. In `futex-baton` the lock is given back to one of two waiters, which
 *       is killed: between the wake-up and its taking of the word nothing says that the other is to
 *       be woken but the note of what it was about to take.
 */
#include "kernel/base/err.h"
#include "kernel/core/user.h"
#include "kernel/proc/task.h"
#include "kernel/proc/task_user.h"
#include "kernel/sched/work.h"
#include "mm/file.h"
#include "mm/mm.h"
#include "mm/mman.h"
#include "tests/lab/case.h"
#include "tests/mm_file.h"
#include "tests/mm_user.h"
#include "tests/robust_mutex.h"

#define RW   (PROT_READ | PROT_WRITE)
#define HEAD USER_BASE
#define LOCK (USER_BASE + 16 * PAGE_SIZE) /* in the file */
#define WORD (LOCK + RMUTEX_WORD)

#define TASKS_MAX 3

static struct file *file __lab_world;
static struct task_struct *tasks[TASKS_MAX] __lab_world;
static struct mm_struct *mms[TASKS_MAX] __lab_world;
static unsigned nr_tasks __lab_world;
static u32 victim __lab_world; /* whom the killer kills */

/* ---- actors ---- */

static void killer(void *arg)
{
	(void)arg;
	lab_assert(task_kill(victim, SIGKILL) == 0);
}

enum { MUT_READ_FIRST, MUT_NO_LIST, MUT_WAKE_FIRST };
enum { REACH_WOKEN, REACH_SEEN };

/* The mistake: what is stored and told between the look and the listing is missed. */
static void wait_wrongly(u32 val)
{
	struct futex_q q;
	u32 seen = task_load_u32(WORD);

	if (seen != val || futex_queue(&q, WORD, val))
		return;
	(void)!futex_sleep(&q);
	futex_unqueue(&q);
}

static void wait_for_owner(u32 seen)
{
	u32 waited = seen | FUTEX_WAITERS;
	int err;

	if (task_cmpxchg_u32(WORD, seen, waited) != seen)
		return;
	if (case_mutant(MUT_READ_FIRST)) {
		wait_wrongly(waited);
		return;
	}
	err = futex_wait(WORD, waited);
	lab_assert(err == 0 || err == -EAGAIN);
	lab_reach(err ? REACH_SEEN : REACH_WOKEN);
}

static int waiter(void *arg)
{
	u32 seen;

	(void)arg;
	while ((seen = task_load_u32(WORD)) & FUTEX_TID_MASK)
		wait_for_owner(seen);
	lab_assert(seen & FUTEX_OWNER_DIED);
	return 0;
}

/* Has the lock already. */
static int owner(void *arg)
{
	(void)arg;
	while (!sleep_ns_killable(TIME_NEVER))
		;
	if (!case_mutant(MUT_WAKE_FIRST))
		return 0;
	/* The mistake: who is woken finds the word as it was. */
	thread_kill_taken();
	futex_wake(WORD, 1);
	lab_assert(put_user((u32)FUTEX_OWNER_DIED, WORD) == 0);
	return 0;
}

/* ---- setting up and looking ---- */

/* A process that has the file mapped and an empty list. */
static int make_task(const char *name, task_fn fn)
{
	struct clone_args args = {.flags = CLONE_NEWMM, .name = name, .fn = fn};
	struct task_struct *tsk = copy_process(&args);
	int err;

	if (IS_ERR(tsk))
		return (int)PTR_ERR(tsk);
	mms[nr_tasks] = tsk->mm;
	mmget(tsk->mm);
	tasks[nr_tasks++] = tsk;
	err = user_mmap(tsk->mm, HEAD, 1, RW);
	if (!err)
		err = file_mmap(tsk->mm, LOCK, 1, RW, MAP_SHARED, file, 0);
	if (err)
		return err;
	mm_use(tsk->mm);
	err = put_user((u64)HEAD, HEAD) || put_user((u64)RMUTEX_WORD, HEAD + 8) ||
	      put_user((u64)0, LOCK);
	mm_unuse(tsk->mm);
	tsk->robust_list = HEAD;
	lab_actor_task(tsk, nr_tasks - 1);
	return err ? -EFAULT : 0;
}

/* The first process has the lock, as rmutex_lock() leaves it. */
static int give_lock(struct task_struct *tsk, u32 bits)
{
	int err;

	mm_use(tsk->mm);
	err = put_user((u64)LOCK, HEAD) || put_user((u64)HEAD, LOCK) ||
	      put_user(tsk->pid | bits, WORD);
	mm_unuse(tsk->mm);
	return err ? -EFAULT : 0;
}

static int begin(void)
{
	file = file_create("lock", PAGE_SIZE);
	if (IS_ERR(file))
		return -ENOMEM;
	lab_name((void *)WORD, sizeof(u32), "word");
	lab_name((void *)HEAD, RMUTEX_HEAD_BYTES, "head");
	return 0;
}

static void check(unsigned actors)
{
	(void)actors;
	for (unsigned i = 0; i < nr_tasks; i++) {
		lab_assert(task_wait(tasks[i]->pid, NULL) > 0);
		put_task_struct(tasks[i]);
		mmput(mms[i]);
	}
	lab_assert(futex_waiters_live() == 0);
	flush_workqueue(&system_wq); /* their threads are joined */
	fput(file);
}

/* ---- futex-exit ---- */

static int exit_setup(unsigned actors)
{
	int err = begin();

	(void)actors;
	if (!err)
		err = make_task("owner", owner);
	if (!err)
		err = make_task("waiter", waiter);
	if (!err)
		err = give_lock(tasks[0], 0);
	if (err)
		return err;
	if (case_mutant(MUT_NO_LIST) || case_mutant(MUT_WAKE_FIRST))
		tasks[0]->robust_list = 0;
	victim = tasks[0]->pid;
	return lab_actor("killer", 2, killer, NULL);
}

static const char *const exit_reach[] = {"woken", "seen", NULL};
static const struct lab_mutant exit_mutants[] = {
	[MUT_READ_FIRST] = {"read-first", "the waiter reads, then lists itself", LV_STRANDED},
	[MUT_NO_LIST] = {"no-list", "the owner never told of its list", LV_STRANDED},
	[MUT_WAKE_FIRST] = {"wake-first", "waiters are woken, then the word is stored",
			    LV_STRANDED},
	{NULL, NULL, LV_SAFE},
};

static const struct lab_case case_futex_exit = {
	.name = "futex-exit",
	.kind = "walk",
	.what = "the owner of a lock is killed while another goes to sleep for it",
	.actors = 3,
	.actors_min = 3,
	.actors_max = 3,
	.reach = exit_reach,
	.mutants = exit_mutants,
	.setup = exit_setup,
	.check = check,
};
LAB_CASE(case_futex_exit);

/* ---- futex-baton ---- */

enum { MUT_NO_NOTE };
enum { REACH_GOT, REACH_DIED };

static int giver(void *arg)
{
	(void)arg;
	rmutex_unlock(HEAD, LOCK);
	return 0;
}

/* Takes the lock if it lives, and gives it back. */
static int first_taker(void *arg)
{
	(void)arg;
	if (case_mutant(MUT_NO_NOTE))
		(void)!set_robust_list(0, RMUTEX_HEAD_BYTES);
	(void)!rmutex_lock(HEAD, LOCK);
	rmutex_unlock(HEAD, LOCK);
	return 0;
}

static int second_taker(void *arg)
{
	(void)arg;
	lab_reach(rmutex_lock(HEAD, LOCK) == -EOWNERDEAD ? REACH_DIED : REACH_GOT);
	rmutex_unlock(HEAD, LOCK);
	return 0;
}

static int baton_setup(unsigned actors)
{
	int err = begin();

	(void)actors;
	if (!err)
		err = make_task("giver", giver);
	if (!err)
		err = make_task("victim", first_taker);
	if (!err)
		err = make_task("taker", second_taker);
	if (!err)
		err = give_lock(tasks[0], FUTEX_WAITERS);
	if (err)
		return err;
	victim = tasks[1]->pid;
	return lab_actor("killer", 3, killer, NULL);
}

static const char *const baton_reach[] = {"got?", "died?", NULL};
static const struct lab_mutant baton_mutants[] = {
	[MUT_NO_NOTE] = {"no-note", "the one that is killed has no list and no note", LV_STRANDED},
	{NULL, NULL, LV_SAFE},
};

static const struct lab_case case_futex_baton = {
	.name = "futex-baton",
	.kind = "walk",
	.slow = true,
	.what = "a waiter is killed when it was given the lock, another still waits",
	.actors = 4,
	.actors_min = 4,
	.actors_max = 4,
	.reach = baton_reach,
	.mutants = baton_mutants,
	.setup = baton_setup,
	.check = check,
};
LAB_CASE(case_futex_baton);
