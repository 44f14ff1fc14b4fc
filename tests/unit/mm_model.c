/*
 * mm_model.c - random operations on address spaces against an array of pages (tests/mm_model.h),
 * with memory that is reclaimed and a swap device that comes and goes meanwhile.
 */
#include "tests/mm_model.h"

#include "kernel/core/user.h"
#include "mm/mempolicy.h"
#include "mm/mman.h"
#include "mm/swap.h"
#include "mm/vma.h"
#include "tests/ktest.h"
#include "tests/mm_swap.h"

#define SWAP_PAGES 2048

static struct mm_model models[8];
static struct block_device *swap;

static void expect_right(struct ktest *t, const struct mm_model *m, u64 n)
{
	t_count_check(t);
	if (m->wrong)
		t_fail(t, "before operation %lu, %s:%d: %s: %lu, %lu", (unsigned long)n,
		       m->wrong_file, m->wrong_line, m->wrong, (unsigned long)m->wrong_left,
		       (unsigned long)m->wrong_right);
}

/* Off and on again, under whatever the others do. */
static void switch_swap(struct ktest *t)
{
	t_expect_eq(t, swapoff(swap), 0);
	t_expect_ge(t, swapon(swap), 0);
}

static void run_actor(struct ktest *t, unsigned i, void *arg)
{
	u64 nr_ops = *(u64 *)arg;
	struct mm_model *m = &models[i];

	t_assert(t, mm_model_begin(m, t_seed(t) + i, MODEL_MMS) == 0);
	for (u64 n = 1; n <= nr_ops && !m->wrong; n++) {
		mm_model_step(m);
		if (n % 64 == 0)
			mm_model_switch(m);
		if (n % 256 == 0) {
			mm_model_compare(m);
			expect_right(t, m, n);
		}
		if (n % 1024 == 0 && i == 0)
			switch_swap(t);
	}
	mm_model_compare(m);
	expect_right(t, m, nr_ops);
	mm_model_end(m);
}

KTEST(mm_model, one_thread, KT_MODEL)
{
	u64 nr_ops = t_scale(t, 30000);

	swap = t_swapon(t, SWAP_PAGES);
	run_actor(t, 0, &nr_ops);
	t_expect_swap_sane(t);
	t_swapoff(t, swap);
}

/* Each has spaces of its own: what they share is the allocators, RCU, flushes, LRU and swap. */
KTEST(mm_model, four_threads, KT_MODEL)
{
	u64 nr_ops = t_scale(t, 7500);

	swap = t_swapon(t, SWAP_PAGES);
	t_parallel(t, 4, run_actor, &nr_ops);
	t_expect_swap_sane(t);
	t_swapoff(t, swap);
}

/* ---- does it see what is wrong? ---- */

static unsigned long model_addr_of_writable(struct mm_model *m)
{
	VMA_ITERATOR(vmi, m->mm[0], 0);
	struct vm_area_struct *vma;

	for_each_vma(vmi, vma) {
		if ((vma->vm_flags & (VM_WRITE | VM_DONTCOPY)) == VM_WRITE && !vma->vm_file &&
		    !vma->vm_policy)
			return vma->vm_start;
	}
	return 0;
}

static int behind_its_back(struct mm_model *m, unsigned how, unsigned long addr)
{
	switch (how) {
	case 0: return put_user((u64)2, addr);
	case 1: return vm_munmap(m->mm[0], addr, PAGE_SIZE);
	case 2: return vm_mprotect(m->mm[0], addr, PAGE_SIZE, PROT_READ);
	case 3: return vm_mbind(m->mm[0], addr, PAGE_SIZE, MPOL_LOCAL, 0);
	default: return vm_madvise(m->mm[0], addr, PAGE_SIZE, MADV_DONTFORK);
	}
}

KTEST(mm_model, a_change_behind_its_back_is_found, KT_MODEL)
{
	struct mm_model *m = &models[0];

	for (unsigned how = 0; how < 5; how++) {
		unsigned long addr;

		t_assert(t, mm_model_begin(m, t_seed(t) + how, 1) == 0);
		for (unsigned n = 0; n < 200 || !model_addr_of_writable(m); n++)
			mm_model_step(m);
		addr = model_addr_of_writable(m);
		mm_model_compare(m);
		expect_right(t, m, 200);
		t_expect_eq(t, behind_its_back(m, how, addr), 0);
		mm_model_compare(m);
		t_expect(t, m->wrong);
		mm_model_end(m);
	}
}
