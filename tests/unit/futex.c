/*
 * futex.c - sleeping on words of user memory, and locks whose owners end.
 *
 * Idea of the robust half: an owner process takes locks in a shared file mapping and ends in every
 *       way it can; waiters in other processes must come back, one after the other, the first with
 *       -EOWNERDEAD. Tests wait until as many sleep as should, and never by the clock.
 */
#include <errno.h>

#include "kernel/base/err.h"
#include "kernel/core/atomic.h"
#include "kernel/core/user.h"
#include "kernel/proc/task.h"
#include "kernel/proc/task_user.h"
#include "mm/mman.h"
#include "tests/ktest.h"
#include "tests/mm_file.h"
#include "tests/mm_user.h"
#include "tests/robust_mutex.h"

#define RW     (PROT_READ | PROT_WRITE)
#define SHARED 0x50000000ul /* where all map the file */
#define LOCKS  SHARED	    /* its first page: locks, RMUTEX_BYTES each */
#define HEAD   USER_BASE    /* private: the list's head */

static unsigned long lock_at(unsigned long i)
{
	return LOCKS + i * RMUTEX_BYTES;
}

/* The process @pid ended with @code. */
#define t_expect_end(t, pid, code)                                                                 \
	do {                                                                                       \
		int pid_ = (pid), code_ = -1;                                                      \
		t_assert(t, pid_ > 0);                                                             \
		t_expect_eq(t, task_wait((u32)pid_, &code_), pid_);                                \
		t_expect_eq(t, code_, code);                                                       \
	} while (0)

static void wait_for_sleepers(long nr)
{
	while (futex_waiters_live() != nr)
		yield();
}

static void wait_for_value(atomic_t *word, int value)
{
	while (atomic_read(word) != value)
		yield();
}

/* What the processes of a test share. */
struct stage {
	struct file *file;
	atomic_t ready;	    /* owners that have what they take */
	atomic_t owner_died; /* waiters that heard so */
	atomic_t got;	    /* waiters that got their lock */
	unsigned nr_locks;  /* the owner takes so many */
	unsigned long lock; /* the one a waiter takes */
	int (*owner)(struct stage *s);
	u32 owner_pid;
};

static int map_all(struct stage *s)
{
	struct mm_struct *mm = current->mm;
	int err = user_mmap(mm, USER_BASE, 16, RW);

	return err ? err : file_mmap(mm, SHARED, 16, RW, MAP_SHARED, s->file, 0);
}

static u32 word_of(const struct stage *s, unsigned long i)
{
	u32 word = ~0u;

	(void)!file_read(s->file, &word, sizeof(word), i * RMUTEX_BYTES + RMUTEX_WORD);
	return word;
}

static int waiter(void *arg)
{
	struct stage *s = arg;

	if (map_all(s))
		return 1;
	rmutex_thread_init(HEAD);
	if (rmutex_lock(HEAD, s->lock) == -EOWNERDEAD)
		atomic_inc(&s->owner_died);
	atomic_inc(&s->got);
	rmutex_unlock(HEAD, s->lock);
	return 0;
}

static int sleep_for_ever(void)
{
	while (!sleep_ns_killable(TIME_NEVER))
		;
	return 5; /* the signal counts */
}

static int owner_main(void *arg)
{
	struct stage *s = arg;

	if (map_all(s))
		return 1;
	rmutex_thread_init(HEAD);
	for (unsigned i = 0; i < s->nr_locks; i++)
		(void)!rmutex_lock(HEAD, lock_at(i));
	return s->owner(s);
}

/* ---- waiting and waking ---- */

static int wait_on(void *arg)
{
	struct stage *s = arg;

	if (map_all(s))
		return 1;
	return futex_wait(s->lock, 0) ? 2 : 0;
}

static int refuse_what_is_wrong(void *arg)
{
	if (user_mmap(current->mm, USER_BASE, 1, RW))
		return 1;
	task_store_u32(USER_BASE, 7);
	if (futex_wait(USER_BASE, 8) != -EAGAIN || futex_wait(USER_BASE + 2, 7) != -EINVAL)
		return 2;
	if (futex_wait(USER_BASE + PAGE_SIZE, 0) != -EFAULT || futex_wait(~3ul, 0) != -EFAULT)
		return 3;
	if (futex_wake(USER_BASE, 1) != 0 || futex_wake(USER_BASE + PAGE_SIZE, 1) != -EFAULT)
		return 4;
	return set_robust_list(HEAD, 8) == -EINVAL ? 0 : 5;
}

KTEST(futex, refuses_what_is_wrong, KT_UNIT)
{
	t_expect_end(t, process_run("wrong", refuse_what_is_wrong, NULL), 0);
	t_expect_eq(t, futex_waiters_live(), 0);
}

/* A waker in a process of its own: wakes as many as @arg says, of a word of the shared page. */
static struct stage *waker_stage;
static int wake_some(void *arg)
{
	if (map_all(waker_stage))
		return 100;
	return futex_wake(waker_stage->lock, (unsigned)(unsigned long)arg);
}

KTEST(futex, shared_words_are_one_private_ones_many, KT_UNIT)
{
	struct stage s = {.file = t_file(t, "futex", 16, 0), .lock = SHARED + 64};
	int pid[3];

	waker_stage = &s;
	for (unsigned i = 0; i < 3; i++)
		pid[i] = process_run("sleeper", wait_on, &s);
	wait_for_sleepers(3);
	t_expect_end(t, process_run("waker", wake_some, (void *)2), W_EXITCODE(2, 0));
	wait_for_sleepers(1);
	t_expect_end(t, process_run("waker", wake_some, (void *)7), W_EXITCODE(1, 0));
	for (unsigned i = 0; i < 3; i++)
		t_expect_end(t, pid[i], 0);

	/* The same address in other address spaces is another word. */
	s.lock = USER_BASE;
	pid[0] = process_run("sleeper", wait_on, &s);
	wait_for_sleepers(1);
	t_expect_end(t, process_run("waker", wake_some, (void *)7), 0);
	t_expect_eq(t, futex_waiters_live(), 1);
	t_expect_eq(t, task_kill((u32)pid[0], SIGKILL), 0);
	t_expect_end(t, pid[0], SIGKILL);
	fput(s.file);
}

/* ---- an owner that ends ---- */

static int owner_sleeps(struct stage *s)
{
	atomic_set(&s->ready, 1);
	return sleep_for_ever();
}

static int owner_touches(struct stage *s)
{
	for (u64 i = 0; i < ~0ull; i++) {
		task_store_u64(USER_BASE + PAGE_SIZE, i);
		atomic_set(&s->ready, 1);
		yield();
	}
	return 5; /* the signal comes first */
}

static int owner_leaves(struct stage *s)
{
	atomic_set(&s->ready, 1);
	while (futex_waiters_live() != 3)
		yield();
	return 0;
}

static int owner_errs(struct stage *s)
{
	owner_leaves(s);
	task_store_u64(0x20000, 1);
	return 0; /* never here */
}

/* Three processes wait for the lock of one that ends: each gets it, the first hears why. */
static void end_owner(struct ktest *t, int (*owner)(struct stage *), bool kill, int code)
{
	struct stage s = {.file = t_file(t, "futex", 16, 0), .nr_locks = 5, .owner = owner,
			  .lock = lock_at(2)};
	int pid[3], owner_pid = process_run("owner", owner_main, &s);

	t_assert(t, owner_pid > 0);
	wait_for_value(&s.ready, 1);
	for (unsigned i = 0; i < 3; i++)
		pid[i] = process_run("waiter", waiter, &s);
	if (kill) {
		wait_for_sleepers(3);
		t_expect_eq(t, task_kill((u32)owner_pid, SIGKILL), 0);
	}
	t_expect_end(t, owner_pid, code);
	for (unsigned i = 0; i < 3; i++)
		t_expect_end(t, pid[i], 0);
	t_expect_eq(t, atomic_read(&s.got), 3);
	t_expect_eq(t, atomic_read(&s.owner_died), 1);
	for (unsigned i = 0; i < 5; i++)
		t_expect_eq(t, word_of(&s, i), i == 2 ? 0 : FUTEX_OWNER_DIED);
	t_expect_eq(t, futex_waiters_stranded(NULL), 0);
	fput(s.file);
}

KTEST(futex, waiters_hear_that_the_owner_was_killed, KT_UNIT)
{
	end_owner(t, owner_sleeps, true, SIGKILL);
	end_owner(t, owner_touches, true, SIGKILL);
}

KTEST(futex, waiters_hear_that_the_owner_ended, KT_UNIT)
{
	end_owner(t, owner_leaves, false, 0);
	end_owner(t, owner_errs, false, SIGSEGV);
}

/* A waiter that is killed as well leaves, and the owner's end wakes the other. */
KTEST(futex, a_killed_waiter_is_no_waiter, KT_UNIT)
{
	struct stage s = {.file = t_file(t, "futex", 16, 0), .nr_locks = 1, .owner = owner_sleeps,
			  .lock = lock_at(0)};
	int owner_pid = process_run("owner", owner_main, &s), pid[2];

	t_assert(t, owner_pid > 0);
	wait_for_value(&s.ready, 1);
	pid[0] = process_run("waiter", waiter, &s);
	wait_for_sleepers(1);
	pid[1] = process_run("waiter", waiter, &s);
	wait_for_sleepers(2);
	t_expect_eq(t, task_kill((u32)pid[0], SIGKILL), 0);
	t_expect_end(t, pid[0], SIGKILL);
	t_expect_eq(t, futex_waiters_live(), 1);
	t_expect_eq(t, task_kill((u32)owner_pid, SIGKILL), 0);
	t_expect_end(t, owner_pid, SIGKILL);
	t_expect_end(t, pid[1], 0);
	t_expect_eq(t, atomic_read(&s.owner_died), 1);
	fput(s.file);
}

/* ---- threads of one process, private memory ---- */

static int thread_with_lock(void *arg)
{
	struct stage *s = arg;

	rmutex_thread_init(HEAD + 64);
	(void)!rmutex_lock(HEAD + 64, USER_BASE + PAGE_SIZE);
	set_tid_address(USER_BASE + 2 * PAGE_SIZE);
	atomic_set(&s->ready, 1);
	wait_for_value(&s->got, 1);
	return 0;
}

static int leader_that_waits(void *arg)
{
	struct stage *s = arg;
	struct clone_args args = {.flags = CLONE_VM | CLONE_THREAD, .name = "holder",
				  .fn = thread_with_lock, .arg = s};

	if (map_all(s))
		return 1;
	rmutex_thread_init(HEAD);
	task_store_u32(USER_BASE + 2 * PAGE_SIZE, 1);
	if (kernel_clone(&args) < 0)
		return 2;
	wait_for_value(&s->ready, 1);
	atomic_set(&s->got, 1);
	if (rmutex_lock(HEAD, USER_BASE + PAGE_SIZE) != -EOWNERDEAD)
		return 3;
	rmutex_unlock(HEAD, USER_BASE + PAGE_SIZE);
	/* As one waits for a thread to end. */
	while (task_load_u32(USER_BASE + 2 * PAGE_SIZE) == 1)
		(void)!futex_wait(USER_BASE + 2 * PAGE_SIZE, 1);
	return 9;
}

KTEST(futex, a_thread_leaves_its_locks_to_the_others, KT_UNIT)
{
	struct stage s = {.file = t_file(t, "futex", 16, 0)};

	t_expect_end(t, process_run("leader", leader_that_waits, &s), W_EXITCODE(9, 0));
	fput(s.file);
}
