/*
 * mm_commit.c - promises of memory: which mappings are charged, when, and what limits refuse.
 */
#include <errno.h>

#include "kernel/core/user.h"
#include "mm/commit.h"
#include "mm/mman.h"
#include "mm/mman_internal.h"
#include "mm/page_alloc.h"
#include "tests/ktest.h"
#include "tests/mm_layout.h"
#include "tests/mm_user.h"

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW   (PROT_READ | PROT_WRITE)

static long charged_at_start;

static long charged(void)
{
	return atomic_long_read(&vm_committed_as) - charged_at_start;
}

static struct mm_struct *begin(struct ktest *t)
{
	struct mm_struct *mm = mm_alloc();

	t_assert(t, mm);
	charged_at_start = atomic_long_read(&vm_committed_as);
	mm_use(mm);
	return mm;
}

static void end(struct ktest *t, struct mm_struct *mm)
{
	t_expect_sane(t, mm);
	mm_unuse(mm);
	mmput(mm);
	t_expect_eq(t, charged(), 0);
}

static void expect_charged(struct ktest *t, struct mm_struct *mm, long pages)
{
	t_expect_eq(t, charged(), pages);
	t_expect_eq(t, mm->accounted_vm, pages);
}

KTEST(commit, writable_memory_is_charged_once, KT_UNIT)
{
	struct mm_struct *mm = begin(t);

	t_expect_eq(t, layout_map(mm, "AAAAbbCC"), 0);
	expect_charged(t, mm, 6);
	/* Over others: only what is new. */
	t_expect_eq(t, layout_map(mm, "..AAAA"), 0);
	expect_charged(t, mm, 8);
	t_expect_eq(t, layout_map(mm, "...bb"), 0);
	expect_charged(t, mm, 6);
	t_expect_eq(t, vm_munmap(mm, layout_addr(1), 5 * PAGE_SIZE), 0);
	expect_charged(t, mm, 3);
	end(t, mm);
}

KTEST(commit, rights_change_the_charge, KT_UNIT)
{
	struct mm_struct *mm = begin(t);

	t_expect_eq(t, layout_map(mm, "bbbbbb"), 0);
	expect_charged(t, mm, 0);
	t_expect_eq(t, vm_mprotect(mm, layout_addr(1), 3 * PAGE_SIZE, RW), 0);
	expect_charged(t, mm, 3);
	/* Without pages the promise is taken back; with some it stays. */
	t_expect_eq(t, vm_mprotect(mm, layout_addr(1), PAGE_SIZE, PROT_READ), 0);
	expect_charged(t, mm, 2);
	t_expect_eq(t, user_touch(layout_addr(2), 2, 1), 0);
	t_expect_eq(t, vm_mprotect(mm, layout_addr(2), PAGE_SIZE, PROT_READ), 0);
	expect_charged(t, mm, 2);
	t_expect_eq(t, vm_mprotect(mm, layout_addr(2), PAGE_SIZE, RW), 0);
	expect_charged(t, mm, 2);
	end(t, mm);
}

KTEST(commit, growth_is_charged_and_a_move_is_not, KT_UNIT)
{
	struct mm_struct *mm = begin(t);
	unsigned long to = layout_addr(20);

	t_expect_eq(t, layout_map(mm, "AAAA"), 0);
	t_expect_eq(t, vm_mremap(mm, layout_addr(2), 2 * PAGE_SIZE, 5 * PAGE_SIZE, 0, 0),
		    layout_addr(2));
	expect_charged(t, mm, 7);
	t_expect_eq(t, vm_mremap(mm, layout_addr(1), 2 * PAGE_SIZE, 4 * PAGE_SIZE,
				 MREMAP_MAYMOVE | MREMAP_FIXED, to), to);
	expect_charged(t, mm, 9);
	t_expect_eq(t, vm_brk(mm, mm->start_brk + 3 * PAGE_SIZE), mm->start_brk + 3 * PAGE_SIZE);
	expect_charged(t, mm, 12);
	end(t, mm);
}

KTEST(commit, no_reserve_means_no_charge, KT_UNIT)
{
	unsigned mode = sysctl_overcommit_memory;
	struct mm_struct *mm = begin(t);

	t_expect(t, !mm_is_err(vm_mmap(mm, 0, PAGE_SIZE, RW, ANON | MAP_NORESERVE)));
	expect_charged(t, mm, 0);
	sysctl_overcommit_memory = OVERCOMMIT_NEVER;
	t_expect(t, !mm_is_err(vm_mmap(mm, 0, PAGE_SIZE, RW, ANON | MAP_NORESERVE)));
	expect_charged(t, mm, 1);
	sysctl_overcommit_memory = mode;
	end(t, mm);
}

KTEST(commit, each_mode_refuses_what_it_should, KT_UNIT)
{
	unsigned mode = sysctl_overcommit_memory;
	unsigned long all = frames_total() * PAGE_SIZE, limit = vm_commit_limit() * PAGE_SIZE;
	struct mm_struct *mm = begin(t);
	unsigned long at;

	sysctl_overcommit_memory = OVERCOMMIT_GUESS;
	t_expect_eq(t, vm_mmap(mm, 0, all + PAGE_SIZE, RW, ANON), (unsigned long)-ENOMEM);
	t_expect(t, !mm_is_err(vm_mmap(mm, 0, all, RW, ANON)));
	t_expect(t, !mm_is_err(vm_mmap(mm, 0, all, RW, ANON)));
	sysctl_overcommit_memory = OVERCOMMIT_ALWAYS;
	t_expect(t, !mm_is_err(vm_mmap(mm, 0, 4 * all, RW, ANON)));
	sysctl_overcommit_memory = OVERCOMMIT_NEVER;
	t_expect_eq(t, vm_mmap(mm, 0, PAGE_SIZE, RW, ANON), (unsigned long)-ENOMEM);
	t_expect(t, !mm_is_err(vm_mmap(mm, 0, all, PROT_READ, ANON)));
	end(t, mm);

	mm = begin(t);
	limit -= charged_at_start * PAGE_SIZE;
	t_expect_eq(t, vm_mmap(mm, 0, limit + PAGE_SIZE, RW, ANON), (unsigned long)-ENOMEM);
	at = vm_mmap(mm, 0, limit, RW, ANON);
	t_expect(t, !mm_is_err(at));
	/* Replacing promises nothing new; giving back makes room. */
	t_expect_eq(t, vm_mmap(mm, at, limit, RW, ANON | MAP_FIXED), at);
	t_expect_eq(t, vm_mmap(mm, 0, PAGE_SIZE, RW, ANON), (unsigned long)-ENOMEM);
	t_expect_eq(t, vm_munmap(mm, at, PAGE_SIZE), 0);
	t_expect(t, !mm_is_err(vm_mmap(mm, 0, PAGE_SIZE, RW, ANON)));
	sysctl_overcommit_memory = mode;
	end(t, mm);
}

KTEST(commit, limits_of_one_space, KT_UNIT)
{
	struct mm_struct *mm = begin(t);
	unsigned long at = layout_addr(0), heap = mm->start_brk;

	mm->rlimit_as = 8;
	mm->rlimit_data = 4;
	t_expect_eq(t, layout_map(mm, "AAAAbbb"), 0);
	t_expect_eq(t, layout_map(mm, "............CC"), -ENOMEM);
	t_expect_eq(t, layout_map(mm, "............cc"), -ENOMEM);
	t_expect_eq(t, layout_map(mm, "............c"), 0);
	t_expect_layout(t, mm, "AAAAbbb.....c");
	t_expect_eq(t, vm_mprotect(mm, layout_addr(4), PAGE_SIZE, RW), -ENOMEM);
	t_expect_eq(t, vm_mremap(mm, at, 4 * PAGE_SIZE, 5 * PAGE_SIZE, MREMAP_MAYMOVE, 0),
		    (unsigned long)-ENOMEM);
	t_expect_eq(t, vm_brk(mm, heap + PAGE_SIZE), heap);
	/* Within its own size everything goes. */
	t_expect_eq(t, vm_mmap(mm, at, 4 * PAGE_SIZE, RW, ANON | MAP_FIXED), at);
	t_expect_layout(t, mm, "AAAAbbb.....c");
	end(t, mm);
}

KTEST(commit, each_kind_of_mapping_has_its_counter, KT_UNIT)
{
	struct mm_struct *mm = begin(t);

	t_expect_eq(t, user_mmap(mm, layout_addr(0), 1, RW), 0);
	t_expect_eq(t, user_mmap(mm, layout_addr(2), 2, PROT_READ), 0);
	t_expect_eq(t, user_mmap(mm, layout_addr(5), 4, PROT_READ | PROT_EXEC), 0);
	t_expect_eq(t, user_mmap(mm, layout_addr(10), 8, RW | PROT_EXEC), 0);
	t_expect_eq(t, mm->total_vm, 15);
	t_expect_eq(t, mm->data_vm, 9);
	t_expect_eq(t, mm->exec_vm, 4);
	t_expect_eq(t, mm->stack_vm, 0);
	end(t, mm);
}
