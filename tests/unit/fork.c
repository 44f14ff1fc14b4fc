/*
 * fork.c - copies of address spaces: contents, rights, counters, and that nothing is left of those
 *          that failed.
 */
#include <errno.h>

#include "kernel/base/err.h"
#include "kernel/core/fault.h"
#include "kernel/core/user.h"
#include "kernel/proc/task.h"
#include "kernel/proc/task_user.h"
#include "mm/fault.h"
#include "mm/gup.h"
#include "mm/mman.h"
#include "mm/rmap.h"
#include "mm/semantics.h"
#include "tests/ktest.h"
#include "tests/mm_user.h"

#define RW (PROT_READ | PROT_WRITE)

/* ---- one process makes another ---- */

struct pair {
	int child_code;
};

static int child_body(void *arg)
{
	u64 sum = 0;

	for (u64 i = 0; i < 4; i++) {
		sum += task_load_u64(USER_BASE + i * PAGE_SIZE);
		task_store_u64(USER_BASE + i * PAGE_SIZE, 1000 + i);
	}
	return sum == 10 + 11 + 12 + 13 ? 3 : 4;
}

static int parent_body(void *arg)
{
	struct pair *pair = arg;
	struct clone_args args = {.name = "child", .fn = child_body};
	int pid;

	if (user_mmap(current->mm, USER_BASE, 4, RW))
		return 1;
	for (u64 i = 0; i < 4; i++)
		task_store_u64(USER_BASE + i * PAGE_SIZE, 10 + i);
	pid = kernel_clone(&args);
	if (pid < 0 || task_wait((u32)pid, &pair->child_code) != pid)
		return 2;
	for (u64 i = 0; i < 4; i++) {
		if (task_load_u64(USER_BASE + i * PAGE_SIZE) != 10 + i)
			return 5;
		task_store_u64(USER_BASE + i * PAGE_SIZE, i);
	}
	return 0;
}

KTEST(fork, child_sees_a_copy, KT_UNIT)
{
	struct pair pair = {.child_code = -1};
	int pid = process_run("parent", parent_body, &pair), code = -1;

	t_assert(t, pid > 0);
	t_expect_eq(t, task_wait((u32)pid, &code), pid);
	t_expect_eq(t, code, 0);
	t_expect_eq(t, pair.child_code, W_EXITCODE(3, 0));
}

/* ---- an address space and its copy ---- */

/* Both agree with themselves, and with each other page by page. */
static void expect_alike(struct ktest *t, struct mm_struct *a, struct mm_struct *b)
{
	t_expect_sane(t, a);
	t_expect_sane(t, b);
	t_expect_eq(t, a->map_count, b->map_count);
	t_expect_eq(t, a->total_vm, b->total_vm);
	t_expect_eq(t, get_mm_counter(a, MM_ANONPAGES), get_mm_counter(b, MM_ANONPAGES));
	t_expect_ne(t, a->id, b->id);
}

static void expect_shared(struct ktest *t, struct mm_struct *a, struct mm_struct *b,
			  unsigned long start, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++) {
		unsigned long addr = start + i * PAGE_SIZE;
		struct page *page = user_page(a, addr);

		t_expect_eq(t, page, user_page(b, addr));
		if (!page)
			continue;
		t_expect(t, !PageAnonExclusive(page));
		t_expect_eq(t, page_mapcount(page), 2);
		t_expect_eq(t, user_pte(a, addr) & _PAGE_RW, 0);
		t_expect_eq(t, user_pte(b, addr) & _PAGE_RW, 0);
		t_expect_eq(t, folio_count_rmap(page), page->order ? 2u << page->order : 2u);
	}
}

/* Three VMAs, one without pages, holes between pages; across two page tables. */
#define FAR (USER_BASE + 0x200000ul)

static int fill_parent(struct mm_struct *mm)
{
	int err = user_mmap(mm, USER_BASE, 16, RW);

	if (!err)
		err = user_mmap(mm, USER_BASE + 32 * PAGE_SIZE, 4, PROT_READ);
	if (!err)
		err = user_mmap(mm, FAR - 4 * PAGE_SIZE, 8, RW);
	mm_use(mm);
	for (unsigned long i = 0; i < 16 && !err; i += 3)
		err = put_user((u64)(500 + i), USER_BASE + i * PAGE_SIZE);
	if (!err)
		err = user_touch(FAR - 4 * PAGE_SIZE, 8, 9);
	mm_unuse(mm);
	return err;
}

KTEST(fork, shares_every_page, KT_UNIT)
{
	struct mm_struct *mm = mm_alloc(), *child;

	t_assert(t, mm != NULL);
	t_assert_eq(t, fill_parent(mm), 0);
	child = dup_mm(mm);
	t_assert(t, !IS_ERR(child));
	expect_alike(t, mm, child);
	expect_shared(t, mm, child, USER_BASE, 16);
	expect_shared(t, mm, child, FAR - 4 * PAGE_SIZE, 8);
	mmput(child);
	t_expect_sane(t, mm);
	mmput(mm);
}

static void folios(struct ktest *t)
{
	struct mm_struct *mm = mm_alloc(), *child;

	t_assert(t, mm != NULL);
	t_assert_eq(t, user_mmap(mm, USER_BASE, 128, RW), 0);
	mm_use(mm);
	for (u64 i = 0; i < 128; i += 16)
		t_expect_eq(t, put_user(i, USER_BASE + i * PAGE_SIZE), 0);
	mm_unuse(mm);
	t_expect_eq(t, user_mapped(mm, USER_BASE, 128), 128);
	/* A hole in one folio, other rights in the middle of another. */
	t_expect_eq(t, vm_munmap(mm, USER_BASE + 18 * PAGE_SIZE, PAGE_SIZE), 0);
	t_expect_eq(t, vm_mprotect(mm, USER_BASE + 36 * PAGE_SIZE, 3 * PAGE_SIZE, PROT_NONE), 0);
	t_expect_eq(t, vm_mprotect(mm, USER_BASE + 70 * PAGE_SIZE, 3 * PAGE_SIZE, PROT_READ), 0);
	child = dup_mm(mm);
	t_assert(t, !IS_ERR(child));
	expect_alike(t, mm, child);
	for (unsigned long i = 0; i < 128; i++) {
		struct page *page = user_page(mm, USER_BASE + i * PAGE_SIZE);

		t_expect_eq(t, page, user_page(child, USER_BASE + i * PAGE_SIZE));
		t_expect_eq(t, page ? page_mapcount(page) : 2, 2);
	}
	mmput(mm);
	t_expect_sane(t, child);
	mmput(child);
}

KTEST(fork, shares_folios, KT_UNIT)
{
	unsigned before = anon_order;

	anon_order = 4;
	folios(t);
	anon_order = before;
}

/* What the parent said is not for the child, or not with its contents. */
KTEST(fork, dontfork_and_wipeonfork, KT_UNIT)
{
	struct mm_struct *mm = mm_alloc(), *child;
	u64 value = 1;

	t_assert(t, mm != NULL);
	t_assert_eq(t, user_mmap(mm, USER_BASE, 12, RW), 0);
	mm_use(mm);
	t_expect_eq(t, user_touch(USER_BASE, 12, 7), 0);
	mm_unuse(mm);
	t_expect_eq(t, vm_madvise(mm, USER_BASE, 4 * PAGE_SIZE, MADV_DONTFORK), 0);
	t_expect_eq(t, vm_madvise(mm, USER_BASE + 4 * PAGE_SIZE, 4 * PAGE_SIZE, MADV_WIPEONFORK),
		    0);
	child = dup_mm(mm);
	t_assert(t, !IS_ERR(child));
	t_expect_sane(t, mm);
	t_expect_sane(t, child);
	t_expect_eq(t, child->map_count, 2);
	t_expect_eq(t, child->total_vm, 8);
	t_expect_eq(t, get_mm_counter(child, MM_ANONPAGES), 4);
	mm_use(child);
	t_expect_eq(t, get_user(&value, USER_BASE), -EFAULT);
	t_expect_eq(t, get_user(&value, USER_BASE + 5 * PAGE_SIZE), 0);
	t_expect_eq(t, value, 0);
	t_expect_eq(t, get_user(&value, USER_BASE + 9 * PAGE_SIZE), 0);
	t_expect_eq(t, value, 7);
	mm_unuse(child);
	mmput(child);
	mmput(mm);
}

/* A page that a device writes stays where the device writes it: the child's is another. */
KTEST(fork, pinned_pages_are_copied_early, KT_UNIT)
{
	struct mm_struct *mm = mm_alloc(), *child;
	struct page *pinned;
	u64 value = 0;

	t_assert(t, mm != NULL);
	t_assert_eq(t, user_mmap(mm, USER_BASE, 3, RW), 0);
	t_expect(t, !pin_user_page(mm, USER_BASE));
	mm_use(mm);
	t_expect_eq(t, user_touch(USER_BASE, 3, 7), 0);
	mm_unuse(mm);
	pinned = pin_user_page(mm, USER_BASE + PAGE_SIZE);
	t_assert(t, pinned != NULL);
	child = dup_mm(mm);
	t_assert(t, !IS_ERR(child));
	t_expect_sane(t, mm);
	t_expect_sane(t, child);
	t_expect_eq(t, user_page(mm, USER_BASE + PAGE_SIZE), pinned);
	t_expect_ne(t, user_page(child, USER_BASE + PAGE_SIZE), pinned);
	t_expect_eq(t, user_page(child, USER_BASE), user_page(mm, USER_BASE));
	*(u64 *)page_address(pinned) = 8;
	mm_use(mm);
	t_expect_eq(t, put_user((u64)9, USER_BASE + PAGE_SIZE + 8), 0);
	t_expect_eq(t, get_user(&value, USER_BASE + PAGE_SIZE), 0);
	t_expect_eq(t, value, 8);
	mm_unuse(mm);
	t_expect_eq(t, user_page(mm, USER_BASE + PAGE_SIZE), pinned);
	mm_use(child);
	t_expect_eq(t, get_user(&value, USER_BASE + PAGE_SIZE), 0);
	t_expect_eq(t, value, 7);
	mm_unuse(child);
	unpin_user_page(pinned);
	mmput(child);
	mmput(mm);
}

/* Locks of tables taken by a copy of @mm, while it seems or not that somebody waits for its one. */
static u64 locks_of_fork(struct ktest *t, struct mm_struct *mm, bool wanted)
{
	spinlock_t *ptl = &virt_to_page(pte_walk(&mm->tables, USER_BASE))->ptl;
	bool counted = static_key_enabled(&lockstat_key);
	struct lock_stat before, after;
	struct mm_struct *child;

	ptl->waited = wanted;
	lockstat_set(true);
	lock_stat_read(LC_PTL, &before);
	child = dup_mm(mm);
	lock_stat_read(LC_PTL, &after);
	lockstat_set(counted);
	ptl->waited = false;
	t_assert(t, !IS_ERR(child));
	t_expect_sane(t, child);
	t_expect_eq(t, get_mm_counter(child, MM_ANONPAGES), 512);
	mmput(child);
	return after.acquired - before.acquired;
}

/* Both tables are let go after each 64 entries, if somebody waits. */
KTEST(fork, lets_others_at_the_tables, KT_UNIT)
{
	struct mm_struct *mm = mm_alloc();
	u64 alone, beside;

	t_assert(t, mm != NULL);
	t_assert_eq(t, user_mmap(mm, USER_BASE, 512, RW), 0);
	mm_use(mm);
	t_expect_eq(t, user_touch(USER_BASE, 512, 7), 0);
	mm_unuse(mm);
	alone = locks_of_fork(t, mm, false);
	beside = locks_of_fork(t, mm, true);
	t_expect_ge(t, beside, alone + 2 * (512 / 64 - 1));
	mmput(mm);
}

/* Children of children: every one of them finds the pages of all before it. */
KTEST(fork, generations, KT_UNIT)
{
	struct mm_struct *mm[6];
	u64 value;

	mm[0] = mm_alloc();
	t_assert(t, mm[0] != NULL);
	t_assert_eq(t, user_mmap(mm[0], USER_BASE, 6, RW), 0);
	for (unsigned i = 0; i < 6; i++) {
		if (i) {
			mm[i] = dup_mm(mm[i - 1]);
			t_assert(t, !IS_ERR(mm[i]));
		}
		mm_use(mm[i]);
		t_expect_eq(t, put_user((u64)i, USER_BASE + i * PAGE_SIZE), 0);
		mm_unuse(mm[i]);
	}
	for (unsigned i = 0; i < 6; i++) {
		t_expect_sane(t, mm[i]);
		mm_use(mm[i]);
		for (u64 j = 0; j <= i; j++) {
			t_expect_eq(t, get_user(&value, USER_BASE + j * PAGE_SIZE), 0);
			t_expect_eq(t, value, j);
		}
		mm_unuse(mm[i]);
		t_expect_eq(t, folio_count_rmap(user_page(mm[i], USER_BASE)), 6 - i);
		mmput(mm[i]);
	}
}

/* ---- failures ---- */

static int fork_once(struct ktest *t, struct mm_struct *mm)
{
	struct mm_struct *child = dup_mm(mm);

	if (IS_ERR(child))
		return (int)PTR_ERR(child);
	t_expect_sane(t, child);
	mmput(child);
	return 0;
}

static void sweep_under(struct ktest *t, const char *sem)
{
	struct sem_choice choice;
	const struct sem_set *set;
	struct mm_struct *mm;
	char why[128];

	t_assert_eq(t, sem_parse(sem, &choice, why, sizeof(why)), 0);
	set = sem_set_of(&choice);
	t_assert(t, set != NULL);
	sem_install(set);
	mm = mm_alloc();
	t_assert(t, mm != NULL);
	t_assert_eq(t, fill_parent(mm), 0);
	t_assert_eq(t, vm_madvise(mm, USER_BASE + 8 * PAGE_SIZE, PAGE_SIZE, MADV_DONTFORK), 0);
	fault_sweep(t, fork_once(t, mm), t_expect_sane(t, mm));
	mmput(mm);
	sem_install(NULL);
}

#define SWEEP_UNDER(sem)                                           \
	KTEST(fork, sem##_survives_every_failure, KT_SWEEP)        \
	{                                                          \
		sweep_under(t, #sem);                              \
	}

SWEEP_UNDER(insert_one_by_one)
SWEEP_UNDER(zero_marker)
SWEEP_UNDER(zero_marker_sem)
SWEEP_UNDER(zero_marker_flagged)
SWEEP_UNDER(full_teardown_both_locks)
SWEEP_UNDER(full_teardown_child_lock)
SWEEP_UNDER(prune_tail)
SWEEP_UNDER(prune_in_place)
SWEEP_UNDER(prune_tail_flagged)
SWEEP_UNDER(stable_gate)
SWEEP_UNDER(late_publish)
SWEEP_UNDER(count_only_walkers)
SWEEP_UNDER(async_teardown)
