/*
 * uprobe.c - from a file, through reverse mapping, into every mm that maps it, to write there.
 *
 * Owns: finding the mappings, the second look under the lock, the write.
 * Not here: copying on a fault (fault_wp.c), whose rules the write follows.
 * Idea: the mappings are listed under i_mmap_rwsem, each with its mm held; allocation there may
 *       not wait, so if it fails all is dropped and begun anew with what is needed in hand. Then
 *       each mm is locked for write and asked whether the mapping is still there. The page becomes
 *       the mm's own, for which its VMA needs an anon_vma, and looks at its neighbours for one:
 *       by the tree's iterator; or, as most lookups are made, by address, which passes over what is
 *       no VMA and takes what lies beyond.
 * Locks: dup_mmap_sem for write keeps forks out: a child that is copied now would not be found.
 */
#include "mm/walkers/uprobe.h"

#include <errno.h>

#include "kernel/core/events.h"
#include "kernel/sched/percpu_rwsem.h"
#include "mm/anon_vma.h"
#include "mm/dup_mmap.h"
#include "mm/fault_internal.h"
#include "mm/filemap.h"
#include "mm/i_mmap.h"
#include "mm/mm_walk.h"
#include "mm/mmap_lock.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"
#include "mm/slab.h"
#include "mm/tables_internal.h"
#include "mm/tlb.h"
#include "mm/vma_lock.h"
#include "mm/walkers/walker.h"

static long walk(struct walk *w);

WALKER(uprobe, "puts breakpoints into every mapping of a file", .walk = walk, .flags = WALK_FILE);
WALKER_CHECK(uprobe, stable, "skip an mm whose contents may be gone (MMF_UNSTABLE)");
WALKER_FORM(uprobe, iterate, "look for neighbours by the tree's iterator, not by address");

/* One mapping that was found; mm_walk_get() was called for it. */
struct map_info {
	struct map_info *next;
	struct mm_struct *mm; /* NULL: not used yet */
	unsigned long vaddr;
};

KMEM_CACHE(map_info_cache, "map_info", sizeof(struct map_info), 8, NULL, 0);

struct probe {
	struct file *file;
	u64 offset;
	u8 opcode;
};

/* ---- which mappings there are ---- */

static void free_infos(struct map_info *info)
{
	while (info) {
		struct map_info *next = info->next;

		if (info->mm)
			mm_walk_put(info->mm);
		kmem_cache_free(&map_info_cache, info);
		info = next;
	}
}

static bool valid_vma(const struct vm_area_struct *vma)
{
	return !(vma->vm_flags & VM_SHARED);
}

/* An item from @spare, or one that is to be had without waiting. */
static struct map_info *take_info(struct map_info **spare)
{
	struct map_info *info = *spare;

	if (!info)
		return kmem_cache_alloc(&map_info_cache, GFP_NOWAIT);
	*spare = info->next;
	return info;
}

/* Every valid mapping, newest first, into *@list; how many items were missing. */
static unsigned list_mappings(const struct probe *p, struct map_info **list,
			      struct map_info **spare)
{
	struct address_space *mapping = &p->file->f_mapping;
	unsigned long pgoff = p->offset >> PAGE_SHIFT;
	struct vm_area_struct *vma;
	unsigned missing = 0;

	down_read(&mapping->i_mmap_rwsem);
	i_mmap_foreach(vma, mapping, pgoff, pgoff)
	{
		struct map_info *info;

		if (!valid_vma(vma))
			continue;
		info = missing ? NULL : take_info(spare);
		if (!info) {
			missing++;
			continue;
		}
		info->mm = NULL;
		if (mm_walk_get(vma->vm_mm)) {
			info->mm = vma->vm_mm;
			info->vaddr =
				vma->vm_start + p->offset - ((u64)vma->vm_pgoff << PAGE_SHIFT);
			walker_reached(&walker_uprobe, info->mm, WALKER_PIN, NULL);
		}
		info->next = *list;
		*list = info;
	}
	up_read(&mapping->i_mmap_rwsem);
	return missing;
}

/* @nr more items in *@spare. 0 or -ENOMEM. */
static int get_spare(struct map_info **spare, unsigned nr)
{
	while (nr--) {
		struct map_info *info = kmem_cache_zalloc(&map_info_cache, GFP_KERNEL);

		if (!info)
			return -ENOMEM;
		info->next = *spare;
		*spare = info;
	}
	return 0;
}

static int build_map_info(const struct probe *p, struct map_info **list)
{
	struct map_info *spare = NULL;
	unsigned missing;
	int err = 0;

	for (;;) {
		*list = NULL;
		missing = list_mappings(p, list, &spare);
		if (!missing)
			break;
		/* Nothing that may wait under the lock: let go of all and begin anew. */
		for (struct map_info *info = *list; info; info = info->next)
			missing++;
		free_infos(*list);
		err = get_spare(&spare, missing);
		if (err)
			break;
	}
	free_infos(spare);
	if (err)
		*list = NULL;
	return err;
}

/* ---- the write ---- */

/* Put @new, a copy of @old, where @seen is, if it is still there. */
static bool replace_page(struct vm_area_struct *vma, unsigned long addr, u64 seen, struct page *old,
			 struct page *new) NO_LOCK_ANALYSIS
{
	struct mm_tables *mt = &vma->vm_mm->tables;
	u64 prot = vma->vm_page_prot.prot & ~_PAGE_RW;
	spinlock_t *ptl;
	pte_t *pte = pte_offset_map_lock(mt, pmd_walk(mt, addr), addr, &ptl);
	bool same = READ_ONCE_NOPOINT(pte->pte) == seen;

	if (same) {
		pte_take(pte, seen, false, true);
		flush_tlb_page(&mt->tlb, addr);
		folio_add_new_anon_rmap(new, vma, addr, 1);
		pte_store(pte, page_to_phys(new).v | prot | _PAGE_ACCESSED | _PAGE_DIRTY, true);
		event_count(EV_PTE, 2);
		folio_remove_rmap_pte(old);
		if (folio_test_file(old)) {
			add_mm_counter(vma->vm_mm, MM_FILEPAGES, -1);
			inc_mm_counter(vma->vm_mm, MM_ANONPAGES);
		}
	}
	pte_unmap_unlock(pte, ptl);
	return same;
}

/* The neighbour at @addr, by an address that may be in none. */
static struct vm_area_struct *neighbour_by_address(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma = find_vma(mm, addr);
	bool is_there = vma && vma->vm_start <= addr;

	if (vma)
		walker_reached(&walker_uprobe, mm, WALKER_VMA, vma);
	return is_there ? vma : NULL;
}

static int prepare_anon_vma(struct vm_area_struct *vma)
{
	if (vma->anon_vma)
		return 0;
	if (walker_check_on(&walker_check_uprobe_iterate))
		return __anon_vma_prepare(vma);
	return anon_vma_prepare_by(vma, neighbour_by_address);
}

/* A page of the mm's own with @opcode in it takes the place of @old. The caller keeps @old. */
static int copy_and_write(struct vm_area_struct *vma, unsigned long vaddr, u64 seen,
			  struct page *old, u8 opcode)
{
	unsigned long addr = vaddr & ~(PAGE_SIZE - 1);
	struct page *new;

	if (prepare_anon_vma(vma))
		return -ENOMEM;
	new = alloc_page(GFP_KERNEL | GFP_FOR(FK_ANON));
	if (!new)
		return -ENOMEM;
	copy_user_page(new, old);
	*((u8 *)page_address(new) + (vaddr - addr)) = opcode;
	if (!replace_page(vma, addr, seen, old, new)) {
		put_page(new);
		return -EAGAIN;
	}
	put_page(old); /* the entry's */
	return 0;
}

/*
 * The page at @vaddr with a reference, and its entry in *@seen; written at once if it is the mm's
 * own already: *@done. NULL: there is none.
 */
static struct page *look(struct vm_area_struct *vma, unsigned long vaddr, u8 opcode, u64 *seen,
			 bool *done) NO_LOCK_ANALYSIS
{
	struct mm_tables *mt = &vma->vm_mm->tables;
	pmd_t *pmd = pmd_walk(mt, vaddr);
	struct page *page = NULL;
	spinlock_t *ptl;
	pte_t *pte = pmd ? pte_offset_map_lock(mt, pmd, vaddr, &ptl) : NULL;

	if (!pte)
		return NULL;
	*seen = READ_ONCE_NOPOINT(pte->pte);
	if (pte_present(__pte(*seen)) && !pte_special(__pte(*seen))) {
		page = entry_page(*seen);
		get_page(page);
		*done = PageAnonExclusive(page);
		if (*done)
			*((u8 *)page_address(page) + vaddr % PAGE_SIZE) = opcode;
	}
	pte_unmap_unlock(pte, ptl);
	return page;
}

/* Byte @opcode at @vaddr of @vma, in a page of its own. Locks: mmap_lock for writing. */
static int write_opcode(struct vm_area_struct *vma, unsigned long vaddr, u8 opcode)
{
	int err = -EAGAIN;

	while (err == -EAGAIN) {
		bool done = false;
		u64 seen;
		struct page *page = look(vma, vaddr, opcode, &seen, &done);

		if (!page) {
			if (handle_mm_fault(vma, vaddr & ~(PAGE_SIZE - 1), 0) & VM_FAULT_ERROR)
				return -ENOMEM;
			continue;
		}
		err = done ? 0 : copy_and_write(vma, vaddr, seen, page, opcode);
		put_page(page);
	}
	return err;
}

/* ---- one mm after the other ---- */

/* Is the mapping that was found still there, in this mm? */
static struct vm_area_struct *find_again(const struct probe *p, const struct map_info *info)
{
	struct vm_area_struct *vma = find_vma(info->mm, info->vaddr);

	if (!vma || vma->vm_start > info->vaddr || vma->vm_file != p->file || !valid_vma(vma))
		return NULL;
	if (info->vaddr - vma->vm_start + ((u64)vma->vm_pgoff << PAGE_SHIFT) != p->offset)
		return NULL;
	return vma;
}

static bool visit(const struct probe *p, const struct map_info *info)
{
	struct mm_struct *mm = info->mm;
	struct vm_area_struct *vma;
	bool written = false;

	mmap_write_lock(mm);
	walker_reached(&walker_uprobe, mm, WALKER_MM, NULL);
	if (walker_check_on(&walker_check_uprobe_stable) && test_bit(MMF_UNSTABLE, &mm->flags))
		goto out;
	vma = find_again(p, info);
	if (vma) {
		walker_reached(&walker_uprobe, mm, WALKER_VMA, vma);
		vma_start_write(vma);
		written = write_opcode(vma, info->vaddr, p->opcode) == 0;
		if (written)
			walker_reached(&walker_uprobe, mm, WALKER_PTE, vma);
	}
out:
	mmap_write_unlock(mm);
	return written;
}

static int register_for_each_vma(const struct probe *p)
{
	struct map_info *list;
	int err, nr = 0;

	percpu_down_write(&dup_mmap_sem);
	err = build_map_info(p, &list);
	for (struct map_info *info = list; !err && info; info = info->next) {
		if (!info->mm)
			continue;
		nr += visit(p, info);
		/* May be the last: then all of it is torn down here. */
		mm_walk_put(info->mm);
		info->mm = NULL;
	}
	if (!err)
		free_infos(list);
	percpu_up_write(&dup_mmap_sem);
	return err ? err : nr;
}

int uprobe_register(struct file *file, u64 offset)
{
	struct probe p = {.file = file, .offset = offset, .opcode = UPROBE_INT3};

	return register_for_each_vma(&p);
}

int uprobe_unregister(struct file *file, u64 offset)
{
	struct probe p = {.file = file, .offset = offset};
	long got = file_read(file, &p.opcode, 1, offset);

	if (got != 1)
		return got < 0 ? (int)got : -ENOMEM;
	return register_for_each_vma(&p);
}

/* Where a mapping is said to be; that it is there is looked at under the lock. */
static long walk_one(struct walk *w)
{
	struct probe p = {.file = w->file, .offset = w->offset, .opcode = UPROBE_INT3};
	struct map_info info = {.mm = w->mm, .vaddr = w->addr};

	return visit(&p, &info);
}

/* In, and out again unless it is to stay: the mappings that had it. */
static long walk_all(struct walk *w)
{
	int in = uprobe_register(w->file, w->offset);
	int out = w->stay ? 0 : uprobe_unregister(w->file, w->offset);

	return out < 0 ? out : in;
}

static long walk(struct walk *w)
{
	return w->mm ? walk_one(w) : walk_all(w);
}
