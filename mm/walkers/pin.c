/*
 * pin.c - an ageing walk (MGLRU): which pages of each mm were used since last time?
 *
 * Owns: the walk over all entries, and the reference it holds meanwhile.
 * Idea: it takes mm_users, so the mm cannot be torn down below it; but then the last user may have
 *       gone meanwhile, and all memory stays until this walk lets go. With `pin.count` it takes the
 *       struct alone, as was proposed in 2026-05: what is mapped may then go whenever the lock is
 *       not held, and it is nobody's burden.
 * Locks: mmap_lock for reading, if it is free.
 */
#include "mm/mm_walk.h"
#include "mm/mmap_lock.h"
#include "mm/tables_internal.h"
#include "mm/vma.h"
#include "mm/walkers/walker.h"

static long age_mm(struct mm_struct *mm, struct walk *w);
static bool get(struct mm_struct *mm);
static void put(struct mm_struct *mm);

WALKER(pin, "asks which pages were used, holding mm_users or mm_count (MGLRU)", .walk_mm = age_mm,
       .get = get, .put = put);
WALKER_CHECK(pin, count, "hold the struct (mgrab) and the lock, not the users (mget)");

static bool by_count(struct mm_struct *mm)
{
	return walker_check_on(&walker_check_pin_count) || mm->sem->hooks.walk_ref == WALK_COUNT;
}

static bool get(struct mm_struct *mm)
{
	const struct sem_hooks *sem = &mm->sem->hooks;

	if (sem->may_enter && !sem->may_enter(mm))
		return false;
	return by_count(mm) ? mmgrab_not_zero(mm) : mmget_not_zero(mm);
}

/* Not the one who tears down: a work is. */
static void put(struct mm_struct *mm)
{
	if (by_count(mm))
		mmdrop(mm);
	else
		mmput_async(mm);
}

struct age_walk {
	struct vm_area_struct *vma;
	long nr_used;
};

/* No flush: a translation in use may hide further accesses until it is gone by itself. */
static int age_table(struct pte_walk *walk, pte_t *pte, unsigned long addr, unsigned long end)
{
	struct age_walk *age = walk->arg;

	for (; addr < end; addr += PAGE_SIZE, pte++) {
		u64 seen = READ_ONCE_NOPOINT(pte->pte);

		if ((seen & (_PAGE_PRESENT | _PAGE_ACCESSED)) != (_PAGE_PRESENT | _PAGE_ACCESSED))
			continue;
		if (pte_try_replace(pte, &seen, seen & ~_PAGE_ACCESSED, true))
			age->nr_used++;
	}
	return 0;
}

static long age_mm(struct mm_struct *mm, struct walk *w)
{
	struct age_walk age = {0};
	struct pte_walk walk = {.mt = &mm->tables, .fn = age_table, .arg = &age};
	VMA_ITERATOR(vmi, mm, 0);

	if (!mmap_read_trylock(mm))
		return 0;
	walker_reached(&walker_pin, mm, WALKER_MM, NULL);
	for_each_vma(vmi, age.vma)
	{
		unsigned long start = age.vma->vm_start;

		walker_reached(&walker_pin, mm, WALKER_VMA, age.vma);
		walk_pte_tables(&walk, start, age.vma->vm_end);
	}
	mmap_read_unlock(mm);
	walker_linger(&walker_pin, mm, w);
	return age.nr_used;
}
