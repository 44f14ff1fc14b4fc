/*
 * copy_page_range.c - share one VMA's pages with its copy.
 *
 * Owns: the loop over the entries of one table, growing the child's tables.
 * Idea: as in zap.c the loop has a bare form and a watched one (schedule points) from one source;
 *       its short way is an entry that maps a single frame; runs of a folio go together, with one
 *       addition to the reference count. What is counted is counted once per VMA.
 * Order: count the mapping, take write from the parent, store in the child. So whoever finds the
 *        child's entry finds it counted, and who finds the page exclusive finds one entry.
 * Locks: the child's table, then the parent's (nested); others are let in between bursts.
 */
#include "mm/copy_page_range.h"

#include <errno.h>
#include <string.h>
#include "kernel/core/bug.h"
#include "kernel/core/events.h"
#include "kernel/core/fault.h"
#include "mm/mm.h"
#include "mm/filemap.h"
#include "mm/gup.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"
#include "mm/semantics.h"
#include "mm/swap.h"
#include "mm/tables_internal.h"

FAULT_SITE(F18, "fork: a page table of the child");
FAULT_SITE(F19, "fork: room for a larger count of a swap slot");
FAULT_SITE(F20, "fork: a page for the copy of one that may be pinned");

struct copy_walk {
	struct mm_struct *mm;	  /* the child */
	struct mm_struct *oldmm;
	struct vm_area_struct *vma; /* the child's */
	pte_t *first;		  /* of the child's table that is filled, */
	unsigned long first_addr; /* and its address */
	bool may_be_pinned;	  /* pages of the parent */
	struct page *spare;	  /* for the copy of a pinned page; or NULL */
	swp_entry_t full;	  /* its count takes no more without memory; .val 0: none */
	bool wants_spare;	  /* the copy of a pinned page is next */
	spinlock_t *src_ptl;	  /* both tables' */
	spinlock_t *dst_ptl;
	long nr_anon;		  /* entries of anonymous pages */
	long nr_file;		  /* entries of pages of files */
	long nr_swap;		  /* swap entries */
	long nr_others;		  /* markers, frames that are not counted */
};

/* ---- entries ---- */

/* Not the child's: write, and that it was used. */
#define COPY_DROPS (_PAGE_RW | _PAGE_ACCESSED)

/* One mapping more; nobody's own any more. @exclusive: known to be so. */
static __always_inline void dup_rmap(struct page *page, bool exclusive, bool watched)
{
	if (watched) {
		folio_dup_anon_rmap(page);
		return;
	}
	if (exclusive || PageAnonExclusive(page))
		page->_mapcount.counter = 2; /* nobody else counts there */
	else
		__atomic_fetch_add(&page->_mapcount.counter, 1, __ATOMIC_RELAXED);
}

/* The hardware may be setting accessed and dirty. */
static __always_inline void take_write(pte_t *pte, bool watched)
{
	if (watched)
		point(PT_PTE, pte, 8, MO_SEQ_CST, 0);
	__atomic_fetch_and(&pte->pte, ~_PAGE_RW, __ATOMIC_SEQ_CST);
}

static __always_inline void copy_one(pte_t *src, pte_t *dst, u64 value, struct page *page,
				     bool writable, bool watched)
{
	dup_rmap(page, writable, watched);
	if (writable)
		take_write(src, watched);
	pte_store(dst, value & ~COPY_DROPS, watched);
}

#define RUN_STEP 16

/*
 * One of a run; @child: what is stored there. False: it is not what @expect says. It is looked at
 * once, and the hardware may set accessed and dirty all the same: a plain read will do.
 */
static __always_inline bool copy_step(pte_t *src, pte_t *dst, u64 expect, u64 child,
				      struct page *page, bool writable, bool watched)
{
	if (src->pte != expect)
		return false;
	dup_rmap(page, writable, watched);
	if (writable)
		take_write(src, watched);
	pte_store(dst, child, watched);
	return true;
}

/*
 * @nr entries at most that equal @expect but for the frame, one frame after the other. Returns how
 * many were.
 */
static __always_inline unsigned copy_alike(pte_t *src, pte_t *dst, unsigned nr, u64 expect,
					   struct page *page, bool writable, bool watched)
{
	u64 child = expect & ~COPY_DROPS;
	unsigned done = 0;

	while (nr - done >= RUN_STEP) {
#pragma GCC unroll 16
		for (unsigned i = 0; i < RUN_STEP; i++) {
			if (!copy_step(src + i, dst + i, expect + i * PAGE_SIZE,
				       child + i * PAGE_SIZE, page + i, writable, watched))
				return done + i;
		}
		expect += RUN_STEP * PAGE_SIZE;
		child += RUN_STEP * PAGE_SIZE;
		src += RUN_STEP;
		dst += RUN_STEP;
		page += RUN_STEP;
		done += RUN_STEP;
	}
	for (unsigned i = 0; done < nr; i++, done++) {
		if (!copy_step(src + i, dst + i, expect + i * PAGE_SIZE, child + i * PAGE_SIZE,
			       page + i, writable, watched))
			break;
	}
	return done;
}

static __always_inline void get_page_nr(struct page *head, unsigned nr, bool watched)
{
	if (watched)
		atomic_add(nr, &head->_refcount);
	else
		__atomic_fetch_add(&head->_refcount.counter, nr, __ATOMIC_RELAXED);
}

/*
 * Entries from @src on that map frames of @page's folio one after the other and are alike, at most
 * @nr. The references come first: an entry never maps what has none.
 */
static __always_inline unsigned copy_run(pte_t *src, pte_t *dst, unsigned nr, u64 value,
					 struct page *page, bool watched)
{
	struct page *head = page_head(page);
	unsigned room = (1u << page->order) - page->tail, done;

	if (nr > room)
		nr = room;
	get_page_nr(head, nr, watched);
	if (value & _PAGE_RW)
		done = copy_alike(src, dst, nr, value, page, true, watched);
	else
		done = copy_alike(src, dst, nr, value, page, false, watched);
	if (done < nr)
		get_page_nr(head, done - nr, watched);
	return done;
}

/* Out of the way of the loop over single frames, whose registers they would take. */
static noinline unsigned copy_run_bare(pte_t *src, pte_t *dst, unsigned nr, u64 value,
				       struct page *page)
{
	return copy_run(src, dst, nr, value, page, false);
}

static noinline unsigned copy_run_watched(pte_t *src, pte_t *dst, unsigned nr, u64 value,
					  struct page *page)
{
	return copy_run(src, dst, nr, value, page, true);
}

/* A page of a file, mapped beside private copies of others: never writable in a private VMA. */
static noinline void copy_file(struct copy_walk *c, pte_t *dst, u64 value, struct page *page,
			       bool watched)
{
	ASSERT(!(value & _PAGE_RW));
	get_page_nr(page, 1, watched);
	folio_add_file_rmap_pte(page);
	pte_store(dst, value & ~COPY_DROPS, watched);
	c->nr_file++;
}

/* How many entries from @src on name one slot after the other, beginning with @entry? */
static __always_inline unsigned swap_run(const pte_t *src, const pte_t *end, swp_entry_t entry)
{
	u64 expect = entry.val;
	const pte_t *at = src;

	do {
		at++;
		expect += SWP_OFFSET_ONE;
	} while (at < end && (READ_ONCE_NOPOINT(at->pte) & ~SWP_EXCLUSIVE) == expect);
	return at - src;
}

/* Neither side is the only one that names the slot any more. */
static __always_inline void copy_swap_one(pte_t *src, pte_t *dst, swp_entry_t entry, bool watched)
{
	if (pte_swp_exclusive(__pte(READ_ONCE_NOPOINT(src->pte))))
		pte_store(src, entry.val, watched);
	pte_store(dst, entry.val, watched);
}

/*
 * Swap entries: count, mmlist, then the child's entries, so that whoever finds a slot in use finds
 * the child. Returns how many; 0: no room for the count of the first.
 */
static noinline unsigned copy_swap_run(struct copy_walk *c, pte_t *src, pte_t *end, pte_t *dst,
				       bool watched)
{
	const struct sem_hooks *sem = &c->mm->sem->hooks;
	swp_entry_t entry = pte_to_swp_entry(__pte(READ_ONCE_NOPOINT(src->pte)));
	unsigned nr = swap_duplicate_nr(entry, swap_run(src, end, entry));

	if (!nr) {
		c->full = entry;
		return 0;
	}
	if ((!sem->publish || sem->publish(PUB_MMLIST)) && mmlist_add_child(c->mm, c->oldmm))
		dup_published(PUB_MMLIST);
	for (unsigned i = 0; i < nr; i++) {
		copy_swap_one(src + i, dst + i, entry, watched);
		entry.val += SWP_OFFSET_ONE;
	}
	c->nr_swap += nr;
	return nr;
}

/* Is @page its owner's alone, and do others write to it past the tables? */
static bool must_copy_now(const struct copy_walk *c, struct page *page)
{
	return c->may_be_pinned && !folio_test_file(page) && PageAnonExclusive(page) &&
	       page_maybe_dma_pinned(page);
}

/* The child gets a copy of its own, the parent keeps its page. False: no spare page. */
static bool copy_pinned(struct copy_walk *c, pte_t *dst, struct page *page)
{
	unsigned long addr = c->first_addr + (dst - c->first) * PAGE_SIZE;
	u64 prot = c->vma->vm_page_prot.prot | _PAGE_DIRTY;

	if (!c->spare) {
		c->wants_spare = true;
		return false;
	}
	memcpy(page_address(c->spare), page_address(page), PAGE_SIZE);
	event_count(EV_COPY_PAGE, 1);
	folio_add_new_anon_rmap(c->spare, c->vma, addr, 1);
	pte_store(dst, page_to_phys(c->spare).v | prot, true);
	c->spare = NULL;
	return true;
}

/* What maps no counted frame. Returns how many entries were dealt with; 0: see c->full. */
static __always_inline unsigned copy_uncounted(struct copy_walk *c, pte_t *src, pte_t *end,
					       pte_t *dst, u64 value, bool watched)
{
	if (!value)
		return skip_none(src, end) - src;
	if (is_swap_pte(__pte(value)) && !pte_is_marker(__pte(value)))
		return copy_swap_run(c, src, end, dst, watched);
	pte_store(dst, value & ~COPY_DROPS, watched);
	c->nr_others++;
	return 1;
}

/*
 * The entries up to @stop, and as many of @end's as a run goes beyond; *@nr_counted of them map
 * counted frames. Returns where it ended; before @stop: memory is wanted.
 */
static __always_inline pte_t *copy_burst(struct copy_walk *c, pte_t *src, pte_t *stop, pte_t *end,
					 pte_t *dst, long *nr_counted, bool watched)
{
	do {
		u64 value = *(volatile u64 *)&src->pte;
		struct page *page;
		unsigned nr = 1;

		if (unlikely(!(value & PTE_MAPS_MASK) || (value & _PAGE_SPECIAL))) {
			nr = copy_uncounted(c, src, end, dst, value, watched);
			if (!nr)
				break;
			src += nr;
			dst += nr;
			continue;
		}
		page = entry_page(value);
		if (watched && must_copy_now(c, page)) {
			if (!copy_pinned(c, dst, page))
				break;
		} else if (likely(page->state == FK_ANON)) {
			get_page_nr(page, 1, watched);
			copy_one(src++, dst++, value, page, value & _PAGE_RW, watched);
			++*nr_counted;
			continue;
		} else if (page->kind == FK_FILE) {
			copy_file(c, dst, value, page, watched);
		} else {
			nr = (watched ? copy_run_watched : copy_run_bare)(src, dst, end - src,
									  value, page);
		}
		src += nr;
		dst += nr;
		*nr_counted += nr;
	} while (src < stop);
	return src;
}

/* Entries between two looks at who waits for the locks; a run of a folio counts as one. */
#define COPY_BURST 32

static __always_inline bool others_wait(const struct copy_walk *c)
{
	return resched_needed() || spin_needbreak(c->src_ptl) || spin_needbreak(c->dst_ptl);
}

/* Returns @end, or where memory is wanted or others are let in. */
static __always_inline pte_t *copy_entries(struct copy_walk *c, pte_t *src, pte_t *end, pte_t *dst,
					   bool watched)
{
	long nr_counted = 0, nr_file = c->nr_file;
	pte_t *stop, *at = src;

	do {
		stop = end - at > COPY_BURST ? at + COPY_BURST : end;
		at = copy_burst(c, at, stop, end, dst + (at - src), &nr_counted, watched);
	} while (at >= stop && at < end && !others_wait(c));
	c->nr_anon += nr_counted - (c->nr_file - nr_file);
	return at;
}

/* Each with registers of its own. The watched form also looks for pinned pages. */
static noinline pte_t *copy_watched(struct copy_walk *c, pte_t *src, pte_t *end, pte_t *dst)
{
	return copy_entries(c, src, end, dst, true);
}

static noinline pte_t *copy_bare(struct copy_walk *c, pte_t *src, pte_t *end, pte_t *dst)
{
	return copy_entries(c, src, end, dst, false);
}

/* ---- tables ---- */

/* The table below @entry of the child; 0: no memory. */
static __always_inline u64 dst_table(struct mm_tables *dst, u64 *entry)
{
	u64 found = READ_ONCE(*entry);

	return likely(found) ? found : FAULT_SITE_CALL(F18, table_hook(dst, entry));
}

/* The child's entry of @addr, with the tables that lead to it; NULL: no memory. */
static pte_t *dst_pte(struct mm_tables *dst, unsigned long addr, spinlock_t **ptl)
{
	u64 table = dst_table(dst, &dst->pgd[pgd_index(addr)].pgd);

	if (table)
		table = dst_table(dst, &((pud_t *)table_address(table))[pud_index(addr)].pud);
	if (table)
		table = dst_table(dst, &((pmd_t *)table_address(table))[pmd_index(addr)].pmd);
	if (!table)
		return NULL;
	*ptl = table_ptl(dst, table);
	return (pte_t *)table_address(table) + pte_index(addr);
}

static spinlock_t *ptl_of(struct mm_tables *mt, pte_t *pte)
{
	return mt->split_ptl ? &phys_to_page(direct_to_phys(pte))->ptl : &mt->page_table_lock;
}

/* What a stop was for, unless it was for others, is got with no lock held. 0 or -ENOMEM. */
static int get_memory(struct copy_walk *c)
{
	if (c->full.val)
		return FAULT_SITE_CALL(F19, add_swap_count_continuation(c->full, GFP_KERNEL));
	if (!c->wants_spare)
		return 0;
	c->spare = FAULT_SITE_CALL(F20, alloc_page(GFP_KERNEL | GFP_FOR(FK_ANON)));
	return c->spare ? 0 : -ENOMEM;
}

/* Both locked; neither table goes. */
static pte_t *copy_locked(struct copy_walk *c, pte_t *src, pte_t *end, pte_t *dst) NO_LOCK_ANALYSIS
{
	spin_lock(c->dst_ptl);
	spin_lock_nested(c->src_ptl);
	c->full = (swp_entry_t){0};
	c->wants_spare = false;
	if (static_branch_unlikely(&lock_slow_key) || c->may_be_pinned)
		src = copy_watched(c, src, end, dst);
	else
		src = copy_bare(c, src, end, dst);
	spin_unlock(c->src_ptl);
	spin_unlock(c->dst_ptl);
	return src;
}

static int copy_pte_range(struct pte_walk *walk, pte_t *src, unsigned long addr, unsigned long end)
{
	struct copy_walk *c = walk->arg;
	pte_t *last = src + ((end - addr) >> PAGE_SHIFT), *at;
	pte_t *dst = dst_pte(&c->mm->tables, addr, &c->dst_ptl);

	if (!dst)
		return -ENOMEM;
	c->src_ptl = ptl_of(walk->mt, src);
	c->first = dst;
	c->first_addr = addr;
	for (;;) {
		at = copy_locked(c, src, last, dst);
		if (at == last)
			return 0;
		if (get_memory(c))
			return -ENOMEM;
		dst += at - src;
		src = at;
	}
}

/* What was counted goes to the child. */
static void settle_counts(const struct copy_walk *c)
{
	if (c->nr_anon)
		add_mm_counter(c->mm, MM_ANONPAGES, c->nr_anon);
	if (c->nr_file)
		add_mm_counter(c->mm, MM_FILEPAGES, c->nr_file);
	if (c->nr_swap)
		add_mm_counter(c->mm, MM_SWAPENTS, c->nr_swap);
	event_count(EV_PTE, 2 * (c->nr_anon + c->nr_file + c->nr_swap + c->nr_others));
}

/* What a table's copy sets before it looks at it is left out. */
static __always_inline void copy_walk_init(struct copy_walk *c, struct vm_area_struct *dst,
					   struct vm_area_struct *src)
{
	c->mm = dst->vm_mm;
	c->oldmm = src->vm_mm;
	c->vma = dst;
	c->may_be_pinned = test_bit(MMF_HAS_PINNED, &src->vm_mm->flags);
	c->spare = NULL;
	c->nr_anon = c->nr_file = c->nr_swap = c->nr_others = 0;
}

int copy_page_range(struct vm_area_struct *dst, struct vm_area_struct *src)
{
	struct copy_walk c;
	struct pte_walk walk = {
		.mt = &src->vm_mm->tables, .fn = copy_pte_range, .arg = &c, .unlocked = true};
	int err;

	copy_walk_init(&c, dst, src);
	err = walk_pte_tables(&walk, src->vm_start, src->vm_end);
	if (c.spare)
		put_page(c.spare);
	settle_counts(&c);
	return err;
}
