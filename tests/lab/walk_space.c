/*
 * walk_space.c - see walk_space.h.
 */
#include "tests/lab/walk_space.h"

#include "kernel/base/err.h"
#include "kernel/core/user.h"
#include "mm/file.h"
#include "mm/mm_check.h"
#include "mm/mman.h"
#include "mm/mmap_lock.h"
#include "tests/lab/lab.h"

#define RW (PROT_READ | PROT_WRITE)

static struct mm_struct *named(struct mm_struct *mm, unsigned long at)
{
	if (at != WALK_ADDR)
		return NULL;
	lab_name(mm, sizeof(*mm), "mm");
	lab_name((void *)WALK_ADDR, PAGE_SIZE, "page");
	return mm;
}

struct mm_struct *walk_space(unsigned long nr)
{
	struct mm_struct *mm = mm_alloc();

	if (!mm)
		return NULL;
	return named(mm, vm_mmap(mm, WALK_ADDR, nr * PAGE_SIZE, RW,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED));
}

struct mm_struct *walk_space_of(struct file *file, unsigned long prot, unsigned long type)
{
	struct mm_struct *mm = mm_alloc();

	if (!mm || !file)
		return NULL;
	lab_name(file, sizeof(*file), "file");
	return named(mm, vm_mmap_file(mm, WALK_ADDR, PAGE_SIZE, prot, type | MAP_FIXED, file, 0));
}

int walk_touch(struct mm_struct *mm, u64 value)
{
	int err;

	mm_use(mm);
	err = put_user(value, WALK_ADDR);
	mm_unuse(mm);
	return err;
}

struct file *walk_file(const char *name, u64 value)
{
	struct file *file = file_create(name, PAGE_SIZE);

	if (IS_ERR(file) || file_write(file, &value, sizeof(value), 0) != sizeof(value) ||
	    file_sync(file))
		return NULL;
	return file;
}

int walk_actors(const char *first, void (*fn1)(void *arg), const char *second,
		void (*fn2)(void *arg))
{
	int err = lab_actor(first, 0, fn1, NULL);

	return err ? err : lab_actor(second, 1, fn2, NULL);
}

void walk_give_write(struct mm_struct *mm, unsigned long addr) NO_LOCK_ANALYSIS
{
	spinlock_t *ptl;
	pmd_t *pmd;
	pte_t *pte;

	mmap_read_lock(mm);
	pmd = pmd_walk(&mm->tables, addr);
	pte = pmd ? pte_offset_map_lock(&mm->tables, pmd, addr, &ptl) : NULL;
	if (pte) {
		if (READ_ONCE_NOPOINT(pte->pte) & _PAGE_PRESENT)
			WRITE_ONCE(pte->pte, READ_ONCE_NOPOINT(pte->pte) | _PAGE_RW);
		pte_unmap_unlock(pte, ptl);
	}
	mmap_read_unlock(mm);
}

void walk_space_check(struct mm_struct *mm)
{
	mmap_write_lock(mm);
	lab_assert(mm_check(mm) == 0);
	mmap_write_unlock(mm);
}
