/*
 * robust_list.c - lists of locks that are wrong, long, half done, gone, or not in memory.
 */
#include <errno.h>

#include "kernel/core/atomic.h"
#include "kernel/proc/task.h"
#include "kernel/proc/task_user.h"
#include "mm/mman.h"
#include "tests/ktest.h"
#include "tests/mm_file.h"
#include "tests/mm_swap.h"
#include "tests/mm_user.h"
#include "tests/robust_mutex.h"

#define RW     (PROT_READ | PROT_WRITE)
#define SHARED 0x50000000ul
#define PAGES  10u
#define HEAD   USER_BASE
#define MINE   (rmutex_tid())

/* What an owner does to its list before it ends. */
struct list_case {
	struct file *file;
	void (*make)(struct list_case *c);
	atomic_t ready;
};

static unsigned long lock_at(unsigned long i)
{
	return SHARED + i * RMUTEX_BYTES;
}

static unsigned long word_at(unsigned long i)
{
	return lock_at(i) + RMUTEX_WORD;
}

static u32 word_of(const struct list_case *c, unsigned long i)
{
	u32 word = ~0u;

	(void)!file_read(c->file, &word, sizeof(word), i * RMUTEX_BYTES + RMUTEX_WORD);
	return word;
}

static int owner(void *arg)
{
	struct list_case *c = arg;
	struct mm_struct *mm = current->mm;

	if (user_mmap(mm, USER_BASE, 16, RW) ||
	    file_mmap(mm, SHARED, PAGES, RW, MAP_SHARED, c->file, 0))
		return 1;
	rmutex_thread_init(HEAD);
	c->make(c);
	return 0;
}

static void run(struct ktest *t, struct list_case *c, void (*make)(struct list_case *))
{
	int pid, code = -1;

	c->make = make;
	c->file = t_file(t, "list", PAGES, 0);
	pid = process_run("owner", owner, c);
	t_assert(t, pid > 0);
	t_expect_eq(t, task_wait((u32)pid, &code), pid);
	t_expect_eq(t, code, 0);
}

/* The list is the locks @first to @last; the caller owns them if @owned. */
static void list_locks(unsigned long first, unsigned long last, bool owned)
{
	task_store_u64(HEAD, lock_at(first));
	for (unsigned long i = first; i <= last; i++) {
		task_store_u64(lock_at(i), i == last ? HEAD : lock_at(i + 1));
		if (owned)
			task_store_u32(word_at(i), MINE);
	}
}

/* ---- lists that are no lists ---- */

static void leads_nowhere(struct list_case *c)
{
	list_locks(0, 3, true);
	task_store_u64(lock_at(1), 0x10000);
	task_store_u32(word_at(2), MINE);
}

static void is_a_circle(struct list_case *c)
{
	list_locks(0, 3, true);
	task_store_u64(lock_at(3), lock_at(1));
}

static void has_a_bad_offset(struct list_case *c)
{
	list_locks(0, 3, true);
	task_store_u64(HEAD + 8, RMUTEX_WORD + 1);
}

static void has_a_bad_head(struct list_case *c)
{
	list_locks(0, 3, true);
	(void)!set_robust_list(0xffffffffffff0000ul, RMUTEX_HEAD_BYTES);
}

static void was_unmapped(struct list_case *c)
{
	list_locks(0, 3, true);
	if (vm_munmap(current->mm, HEAD, PAGE_SIZE))
		do_group_exit(W_EXITCODE(9, 0));
}

KTEST(robust_list, a_bad_list_ends_where_it_is_bad, KT_UNIT)
{
	struct list_case c = {.ready = ATOMIC_INIT(0)};

	run(t, &c, leads_nowhere);
	t_expect_eq(t, word_of(&c, 0), FUTEX_OWNER_DIED);
	t_expect_eq(t, word_of(&c, 1), FUTEX_OWNER_DIED);
	t_expect(t, !(word_of(&c, 2) & FUTEX_OWNER_DIED));
	fput(c.file);

	run(t, &c, is_a_circle);
	for (unsigned i = 0; i < 4; i++)
		t_expect_eq(t, word_of(&c, i), FUTEX_OWNER_DIED);
	fput(c.file);

	run(t, &c, has_a_bad_offset);
	t_expect(t, !(word_of(&c, 0) & FUTEX_OWNER_DIED));
	fput(c.file);
	run(t, &c, has_a_bad_head);
	t_expect(t, !(word_of(&c, 0) & FUTEX_OWNER_DIED));
	fput(c.file);
	run(t, &c, was_unmapped);
	t_expect(t, !(word_of(&c, 0) & FUTEX_OWNER_DIED));
	fput(c.file);
}

/* ---- how long one may be ---- */

static void is_too_long(struct list_case *c)
{
	list_locks(0, ROBUST_LIST_LIMIT + 3, false);
	task_store_u32(word_at(0), MINE);
	task_store_u32(word_at(ROBUST_LIST_LIMIT - 1), MINE);
	task_store_u32(word_at(ROBUST_LIST_LIMIT), MINE);
}

KTEST(robust_list, entries_beyond_the_limit_are_not_looked_at, KT_UNIT)
{
	struct list_case c = {.ready = ATOMIC_INIT(0)};

	run(t, &c, is_too_long);
	t_expect_eq(t, word_of(&c, 0), FUTEX_OWNER_DIED);
	t_expect_eq(t, word_of(&c, ROBUST_LIST_LIMIT - 1), FUTEX_OWNER_DIED);
	t_expect(t, !(word_of(&c, ROBUST_LIST_LIMIT) & FUTEX_OWNER_DIED));
	t_expect(t, word_of(&c, ROBUST_LIST_LIMIT) != 0);
	fput(c.file);
}

/* ---- what is whose ---- */

static void has_others(struct list_case *c)
{
	list_locks(0, 2, true);
	task_store_u32(word_at(1), MINE + 1);
	task_store_u32(word_at(2), MINE | FUTEX_WAITERS);
}

KTEST(robust_list, only_what_the_owner_has_is_marked, KT_UNIT)
{
	struct list_case c = {.ready = ATOMIC_INIT(0)};

	run(t, &c, has_others);
	t_expect_eq(t, word_of(&c, 0), FUTEX_OWNER_DIED);
	t_expect(t, !(word_of(&c, 1) & FUTEX_OWNER_DIED));
	t_expect_eq(t, word_of(&c, 2), FUTEX_OWNER_DIED | FUTEX_WAITERS);
	fput(c.file);
}

/* ---- in the middle of taking one or giving it back ---- */

static void took_and_did_not_list(struct list_case *c)
{
	list_locks(0, 0, true);
	rmutex_set_pending(HEAD, lock_at(1));
	task_store_u32(word_at(1), MINE);
}

/* Listed and pending: once. */
static void listed_and_not_done(struct list_case *c)
{
	list_locks(0, 1, true);
	rmutex_set_pending(HEAD, lock_at(1));
}

/* It was about to take what another has. */
static void wanted_anothers(struct list_case *c)
{
	rmutex_set_pending(HEAD, lock_at(1));
	task_store_u32(word_at(1), MINE + 1);
}

KTEST(robust_list, what_is_pending_counts, KT_UNIT)
{
	struct list_case c = {.ready = ATOMIC_INIT(0)};

	run(t, &c, took_and_did_not_list);
	t_expect_eq(t, word_of(&c, 0), FUTEX_OWNER_DIED);
	t_expect_eq(t, word_of(&c, 1), FUTEX_OWNER_DIED);
	fput(c.file);
	run(t, &c, listed_and_not_done);
	t_expect_eq(t, word_of(&c, 1), FUTEX_OWNER_DIED);
	fput(c.file);
	run(t, &c, wanted_anothers);
	t_expect(t, !(word_of(&c, 1) & FUTEX_OWNER_DIED));
	fput(c.file);
}

static int sleeper(void *arg)
{
	struct list_case *c = arg;

	if (file_mmap(current->mm, SHARED, PAGES, RW, MAP_SHARED, c->file, 0))
		return 1;
	return futex_wait(word_at(1), 0) ? 2 : 0;
}

/* Given back, and ended before it could wake anybody. */
static void gave_back_and_did_not_tell(struct list_case *c)
{
	rmutex_set_pending(HEAD, lock_at(1));
	while (futex_waiters_live() != 1)
		yield();
}

KTEST(robust_list, a_wake_up_that_is_due_comes, KT_UNIT)
{
	struct list_case c = {.file = t_file(t, "list", PAGES, 0),
			      .make = gave_back_and_did_not_tell};
	int code = -1, pid = process_run("sleeper", sleeper, &c);
	int other = process_run("owner", owner, &c);

	t_assert(t, pid > 0 && other > 0);
	t_expect_eq(t, task_wait((u32)other, &code), other);
	t_expect_eq(t, task_wait((u32)pid, &code), pid);
	t_expect_eq(t, code, 0);
	fput(c.file);
}

/* ---- not in memory ---- */

static void sleeps_with_locks(struct list_case *c)
{
	list_locks(0, 3, true);
	/* A list of private pages: the third lock lies there. */
	task_store_u64(lock_at(1), USER_BASE + PAGE_SIZE);
	task_store_u64(USER_BASE + PAGE_SIZE, lock_at(3));
	task_store_u32(USER_BASE + PAGE_SIZE + RMUTEX_WORD, MINE);
	atomic_set(&c->ready, 1);
	while (!sleep_ns_killable(TIME_NEVER))
		;
}

/* The head and a page of the list are on a swap device when the owner is killed. */
KTEST(robust_list, swapped_out_it_is_brought_back, KT_UNIT)
{
	struct list_case c = {.file = t_file(t, "list", PAGES, 0), .make = sleeps_with_locks};
	struct block_device *bdev = t_swapon(t, 16);
	int code = -1, pid = process_run("owner", owner, &c);
	struct task_struct *tsk;
	struct mm_struct *mm;

	t_assert(t, pid > 0 && bdev);
	while (atomic_read(&c.ready) != 1)
		yield();
	tsk = find_get_task((u32)pid);
	t_assert(t, tsk);
	mm = get_task_mm(tsk);
	put_task_struct(tsk);
	t_assert(t, mm);
	t_expect_eq(t, user_swap_out(mm, USER_BASE, 2), 2);
	mmput(mm);
	t_expect_eq(t, task_kill((u32)pid, SIGKILL), 0);
	t_expect_eq(t, task_wait((u32)pid, &code), pid);
	t_expect_eq(t, code, SIGKILL);
	t_expect_eq(t, word_of(&c, 0), FUTEX_OWNER_DIED);
	t_expect_eq(t, word_of(&c, 1), FUTEX_OWNER_DIED);
	t_expect_eq(t, word_of(&c, 3), FUTEX_OWNER_DIED);
	t_swapoff(t, bdev);
	fput(c.file);
}
