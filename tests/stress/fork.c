/*
 * fork.c - processes that fork while their threads write, on all CPUs.
 *
 * Idea: each writer counts up in two words of its page, first one, then the other. Whenever a child
 *       looks, it finds both words equal or one apart, and finds them so for ever: what it got is a
 *       moment of its parent's memory. A translation that was not flushed would let a writer change
 *       the page of a child.
 */
#include "kernel/core/atomic.h"
#include "kernel/proc/task.h"
#include "kernel/proc/task_user.h"
#include "mm/mm.h"
#include "mm/mman.h"
#include "mm/reclaim.h"
#include "tests/ktest.h"
#include "tests/mm_swap.h"
#include "tests/mm_user.h"

#define RW	 (PROT_READ | PROT_WRITE)
#define WRITERS	 3u
#define IDLE	 24u /* pages nobody writes after the start */
#define PAGES	 (WRITERS + IDLE)
#define TORN	 77 /* exit statuses of a child */
#define CHANGED	 78
#define WRONG	 79

struct stress {
	atomic_t done;	  /* the forks are over */
	atomic_t next_id; /* of the writers */
	u64 nr_forks;
	int bad;
};

static unsigned long page_of(unsigned i)
{
	return USER_BASE + i * PAGE_SIZE;
}

static int writer(void *arg)
{
	struct stress *s = arg;
	unsigned long page = page_of((unsigned)atomic_fetch_add(1, &s->next_id));

	for (u64 i = 1; !atomic_read(&s->done); i++) {
		task_store_u64(page, i);
		task_store_u64(page + 2048, i);
	}
	return 0;
}

static int child(void *arg)
{
	u64 first[WRITERS];

	for (unsigned i = 0; i < WRITERS; i++) {
		u64 second = task_load_u64(page_of(i) + 2048);

		first[i] = task_load_u64(page_of(i));
		if (first[i] != second && first[i] != second + 1)
			return TORN;
	}
	for (unsigned i = WRITERS; i < PAGES; i++) {
		if (task_load_u64(page_of(i)) != i)
			return WRONG;
		task_store_u64(page_of(i), 0);
	}
	yield();
	for (unsigned i = 0; i < WRITERS; i++) {
		if (task_load_u64(page_of(i)) != first[i])
			return CHANGED;
	}
	return 0;
}

static int fork_children(struct stress *s)
{
	struct clone_args args = {.name = "child", .fn = child};
	int code = 0;

	for (u64 i = 0; i < s->nr_forks && !code; i++) {
		int pid = kernel_clone(&args);

		if (pid < 0)
			return W_EXITCODE(1, 0);
		if (task_wait((u32)pid, &code) != pid)
			return W_EXITCODE(2, 0);
	}
	return code;
}

static int parent(void *arg)
{
	struct stress *s = arg;
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_THREAD, .name = "writer", .fn = writer, .arg = s};

	if (user_mmap(current->mm, USER_BASE, PAGES, RW))
		return 1;
	for (unsigned i = 0; i < PAGES; i++)
		task_store_u64(page_of(i), i < WRITERS ? 0 : i);
	for (unsigned i = 0; i < WRITERS; i++) {
		if (kernel_clone(&args) < 0)
			s->bad = -1;
	}
	if (!s->bad)
		s->bad = fork_children(s);
	atomic_set(&s->done, 1);
	return s->bad != 0;
}

static void stress(struct ktest *t, u64 nr_forks)
{
	struct stress s = {.nr_forks = nr_forks};
	int pid = process_run("parent", parent, &s), code = -1;

	t_assert(t, pid > 0);
	t_expect_eq(t, task_wait((u32)pid, &code), pid);
	t_expect_eq(t, code, 0);
	t_expect_eq(t, s.bad, 0);
}

KTEST(fork_stress, siblings_write_meanwhile, KT_STRESS)
{
	stress(t, t_scale(t, 30));
}

/* In turn with mmap_lock, and as kswapd: while a fork holds it. */
static int reclaimer(void *arg)
{
	struct stress *s = arg;

	for (unsigned i = 0; !atomic_read(&s->done); i++) {
		if (i % 2)
			(void)vm_madvise(current->mm, USER_BASE, PAGES * PAGE_SIZE, MADV_PAGEOUT);
		else
			(void)reclaim_frames(8);
		task_signal_point();
		yield();
	}
	return 0;
}

/* The parent's pages go to swap and come back while it is copied. */
static int parent_reclaimed(void *arg)
{
	struct clone_args args = {.flags = CLONE_VM | CLONE_THREAD,
				  .name = "reclaimer",
				  .fn = reclaimer,
				  .arg = arg};

	return kernel_clone(&args) < 0 ? 1 : parent(arg);
}

KTEST(fork_stress, pages_are_swapped_meanwhile, KT_STRESS)
{
	struct block_device *bdev = t_swapon(t, 1024);
	struct stress s = {.nr_forks = t_scale(t, 12)};
	int pid, code = -1;

	t_assert(t, bdev != NULL);
	pid = process_run("parent", parent_reclaimed, &s);
	t_expect_gt(t, pid, 0);
	t_expect_eq(t, task_wait((u32)pid, &code), pid);
	t_expect_eq(t, code, 0);
	t_expect_eq(t, s.bad, 0);
	t_expect_swap_sane(t);
	t_swapoff(t, bdev);
}
