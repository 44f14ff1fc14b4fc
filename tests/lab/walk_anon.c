/*
 * walk_anon.c - anonymous memory that one actor uses while another unmaps it or takes rights away.
 *
 * Owns: the cases `munmap` and `mprotect`, their wrong forms, what must hold at the end.
 * Idea: the changes are the real ones of mman.h, the uses real accesses with real faults. A mutant
 *       is the change done by hand with one step left out.
 */
#include <errno.h>

#include "kernel/base/err.h"
#include "kernel/core/user.h"
#include "mm/anon_vma.h"
#include "mm/mman.h"
#include "mm/mman_internal.h"
#include "mm/mmap_lock.h"
#include "mm/vma_lock.h"
#include "mm/zap.h"
#include "tests/lab/case.h"
#include "tests/lab/walk_space.h"

#define ADDR WALK_ADDR

enum { MUNMAP_NO_LOCK, MUNMAP_FREE_AT_ONCE };
enum { MPROTECT_NO_FLUSH };
enum { REACH_ALLOWED, REACH_REFUSED };

static struct mm_struct *mm __lab_world;
static u64 changed __lab_world;

/* ---- the change ---- */

/* The tree forgets the one VMA. */
static void clear_tree(void)
{
	MA_STATE(mas, &mm->mm_mt, ADDR, ADDR + PAGE_SIZE - 1);

	if (mas_store_gfp(&mas, NULL, GFP_KERNEL))
		lab_fail(LV_CORRUPT, "no memory to clear the tree");
}

/* munmap without waiting for readers of the VMA. */
static void munmap_unlocked(void)
{
	struct vma_munmap vms = {
		.mm = mm, .start = ADDR, .end = ADDR + PAGE_SIZE, .nr = 1, .nr_accounted = 1};

	mmap_write_lock(mm);
	vms.gone = vms.last_gone = vma_lookup(mm, ADDR);
	vms.gone->next = NULL;
	WRITE_ONCE(vms.gone->vm_lock_seq, mm->mm_lock_seq);
	atomic_set(&vms.gone->vm_refcnt, 0); /* detached, whoever is inside */
	clear_tree();
	munmap_complete(&vms);
	mmap_write_unlock(mm);
}

/* munmap without a grace period before the VMA is freed. */
static void munmap_free_at_once(void)
{
	struct vm_area_struct *vma;
	struct mmu_gather tlb;
	struct vma_munmap vms;

	mmap_write_lock(mm);
	if (munmap_gather(&vms, mm, ADDR, ADDR + PAGE_SIZE))
		lab_fail(LV_CORRUPT, "no memory to gather");
	clear_tree();
	tlb_gather_mmu(&tlb, &mm->tables, false);
	munmap_zap(&vms, &tlb);
	vma = vms.gone;
	unlink_anon_vmas(vma);
	vm_area_free(vma);
	vms.gone = NULL;
	munmap_finish(&vms, &tlb);
	mmap_write_unlock(mm);
}

/* The entry loses its right, and nobody's translation does. */
static void mprotect_wrongly(void)
{
	struct vm_area_struct *vma;
	spinlock_t *ptl;
	pte_t *pte;

	mmap_write_lock(mm);
	vma = vma_lookup(mm, ADDR);
	vma_start_write(vma);
	vm_stat_account(mm, vma->vm_flags, -1);
	vm_flags_reset(vma, vma->vm_flags & ~VM_WRITE);
	vm_stat_account(mm, vma->vm_flags, 1);
	pte = pte_offset_map_lock(&mm->tables, pmd_walk(&mm->tables, ADDR), ADDR, &ptl);
	WRITE_ONCE(pte->pte, READ_ONCE_NOPOINT(pte->pte) & ~_PAGE_RW);
	pte_unmap_unlock(pte, ptl);
	mmap_write_unlock(mm);
}

static void unmapper(void *arg)
{
	(void)arg;
	if (case_mutant(MUNMAP_NO_LOCK))
		munmap_unlocked();
	else if (case_mutant(MUNMAP_FREE_AT_ONCE))
		munmap_free_at_once();
	else
		lab_assert(vm_munmap(mm, ADDR, PAGE_SIZE) == 0);
	WRITE_ONCE(changed, 1);
}

static void protector(void *arg)
{
	(void)arg;
	if (case_mutant(MPROTECT_NO_FLUSH))
		mprotect_wrongly();
	else
		lab_assert(vm_mprotect(mm, ADDR, PAGE_SIZE, PROT_READ) == 0);
	WRITE_ONCE(changed, 1);
}

/* ---- the use ---- */

static void user(void *arg)
{
	(void)arg;
	mm_use(mm);
	for (u64 i = 1; i <= 2; i++) {
		u64 before = READ_ONCE(changed);
		int err = put_user(i, ADDR);

		lab_assert(err == 0 || err == -EFAULT);
		/* What was done before the access began is seen by it. */
		lab_assert(!before || err == -EFAULT);
		lab_reach(err ? REACH_REFUSED : REACH_ALLOWED);
	}
	mm_unuse(mm);
}

/* ---- the cases ---- */

static int setup(void (*changer)(void *arg), bool touched)
{
	changed = 0;
	mm = walk_space(1);
	if (!mm || (touched && walk_touch(mm, 7)))
		return -ENOMEM;
	lab_name(&changed, sizeof(changed), "changed");
	return walk_actors("changer", changer, "user", user);
}

static int munmap_setup(unsigned actors)
{
	(void)actors;
	return setup(unmapper, false);
}

/* The page is there, so that the user may have its translation. */
static int mprotect_setup(unsigned actors)
{
	(void)actors;
	return setup(protector, true);
}

static void check(unsigned actors)
{
	(void)actors;
	walk_space_check(mm);
	mmput(mm);
}

static const char *const reach[] = {"allowed", "refused", NULL};

static const struct lab_mutant munmap_mutants[] = {
	[MUNMAP_NO_LOCK] = {"no-lock", "does not wait for readers of the VMA", LV_CORRUPT},
	[MUNMAP_FREE_AT_ONCE] = {"free-at-once", "frees the VMA without a grace period", LV_UAF},
	{NULL, NULL, LV_SAFE},
};
static const struct lab_case case_munmap = {
	.name = "munmap",
	.kind = "walk",
	.what = "writes to a page that is unmapped",
	.actors = 2,
	.actors_min = 2,
	.actors_max = 2,
	.reach = reach,
	.mutants = munmap_mutants,
	.setup = munmap_setup,
	.check = check,
};
LAB_CASE(case_munmap);

static const struct lab_mutant mprotect_mutants[] = {
	[MPROTECT_NO_FLUSH] = {"no-flush", "changes the entry and no translation", LV_CORRUPT},
	{NULL, NULL, LV_SAFE},
};
static const struct lab_case case_mprotect = {
	.name = "mprotect",
	.kind = "walk",
	.what = "writes to a page that becomes read-only",
	.actors = 2,
	.actors_min = 2,
	.actors_max = 2,
	.reach = reach,
	.mutants = mprotect_mutants,
	.setup = mprotect_setup,
	.check = check,
};
LAB_CASE(case_mprotect);
