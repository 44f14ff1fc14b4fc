/*
 * walk.c - the scenario kind `walk`: one actor uses an address space while another changes it.
 *
 * Owns: the cases, their wrong forms, what must hold at the end.
 * Idea: the changes are the real ones of mman.h, the uses real accesses with real faults. A mutant
 *       is the change done by hand with one step left out.
 */
#include <stdio.h>
#include <string.h>

#include "kernel/base/err.h"
#include "kernel/core/user.h"
#include "mm/anon_vma.h"
#include "mm/mm_check.h"
#include "mm/mman.h"
#include "mm/mman_internal.h"
#include "mm/mmap_lock.h"
#include "mm/vma_lock.h"
#include "mm/zap.h"
#include "tests/lab/lab.h"

#define ADDR 0x40000000ul
#define RW   (PROT_READ | PROT_WRITE)

enum walk_case { WALK_MUNMAP, WALK_MPROTECT, WALK_NR };
enum walk_mutant { MUT_NONE, MUT_NO_LOCK, MUT_FREE_AT_ONCE, MUT_NO_FLUSH, MUT_NR };
enum { REACH_ALLOWED, REACH_REFUSED };

static const char *const case_name[WALK_NR] = {"munmap", "mprotect"};
static const char *const mutant_name[MUT_NR] = {"none", "no-lock", "free-at-once", "no-flush"};

static enum walk_case the_case;
static enum walk_mutant the_mutant;
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

static void changer(void *arg)
{
	(void)arg;
	switch (the_mutant) {
	case MUT_NO_LOCK: munmap_unlocked(); break;
	case MUT_FREE_AT_ONCE: munmap_free_at_once(); break;
	case MUT_NO_FLUSH: mprotect_wrongly(); break;
	default:
		if (the_case == WALK_MUNMAP)
			lab_assert(vm_munmap(mm, ADDR, PAGE_SIZE) == 0);
		else
			lab_assert(vm_mprotect(mm, ADDR, PAGE_SIZE, PROT_READ) == 0);
	}
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

/* ---- the kind ---- */

static int setup(void)
{
	unsigned long at;
	int err = 0;

	changed = 0;
	mm = mm_alloc();
	if (!mm)
		return -ENOMEM;
	at = vm_mmap(mm, ADDR, PAGE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
	if (at != ADDR)
		return -ENOMEM;
	/* mprotect: the page is there, so that the user may have its translation. */
	mm_use(mm);
	if (the_case == WALK_MPROTECT)
		err = put_user((u64)7, ADDR);
	mm_unuse(mm);
	lab_name(mm, sizeof(*mm), "mm");
	lab_name((void *)ADDR, PAGE_SIZE, "page");
	lab_name(&changed, sizeof(changed), "changed");
	if (!err)
		err = lab_actor("changer", 0, changer, NULL);
	return err ? err : lab_actor("user", 1, user, NULL);
}

static void check(void)
{
	mmap_write_lock(mm);
	lab_assert(mm_check(mm) == 0);
	mmap_write_unlock(mm);
	mmput(mm);
}

static unsigned parse_choice(struct kv *kv, const char *word, const char *const *names, unsigned nr)
{
	const char *value = NULL;
	char accepted[80];
	size_t at = 0;

	if (!kv_str(kv, word, &value) || !value)
		return 0;
	accepted[0] = '\0';
	for (unsigned i = 0; i < nr; i++) {
		if (strcmp(names[i], value) == 0)
			return i;
		at += (size_t)snprintf(accepted + at, sizeof(accepted) - at, "%s%s", i ? "|" : "",
				       names[i]);
	}
	kv_fail(kv, "%s=%s: accepted is %s", word, value, accepted);
	return 0;
}

static void parse(struct scenario *scenario, struct kv *kv)
{
	the_case = parse_choice(kv, "case", case_name, WALK_NR);
	the_mutant = parse_choice(kv, "mutant", mutant_name, MUT_NR);
	if (the_mutant != MUT_NONE && (the_mutant == MUT_NO_FLUSH) != (the_case == WALK_MPROTECT))
		kv_fail(kv, "mutant=%s: not one of case=%s", mutant_name[the_mutant],
			case_name[the_case]);
	if (scenario->cpus == 0)
		scenario->cpus = 3;
	else if (scenario->cpus < 2)
		kv_fail(kv, "cpus=%u: accepted is 2..%u", scenario->cpus, MAX_VCPUS);
}

static const char *const reach_names[] = {"allowed", "refused", NULL};

static const char *const *reach(void)
{
	return reach_names;
}

static const struct scenario_kind kind_walk = {
	.name = "walk",
	.usage = "case=munmap|mprotect mutant=NAME",
	.parse = parse,
	.setup = setup,
	.check = check,
	.reach = reach,
};
SCENARIO_KIND(kind_walk);
