/*
 * mm_check.c - count everything again and compare.
 *
 * Owns: the invariants of one address space, each as one line of text.
 * Idea: VMAs are walked in the tree, entries in the tables, both upwards; each entry is judged by
 *       the VMA that holds its address and by the page it names.
 * Locks: for the counters reclaim is paused, after every VMA was write-locked, so that nobody who
 *       may wait for memory is waited for; then only this thread changes what is compared.
 */
#include "mm/mm_check.h"

#include "kernel/core/bug.h"
#include "kernel/core/log.h"
#include "kernel/core/static_key.h"
#include "kernel/sched/thread.h"
#include "mm/anon_vma.h"
#include "mm/fault.h"
#include "mm/filemap.h"
#include "mm/i_mmap.h"
#include "mm/mempolicy.h"
#include "mm/mman_internal.h"
#include "mm/mmap_lock.h"
#include "mm/reclaim.h"
#include "mm/rmap.h"
#include "mm/swap.h"
#include "mm/tables_internal.h"
#include "mm/userfaultfd.h"
#include "mm/vma_lock.h"

#define CHECK_ALL_EVERY 64u
#define LINES_MAX	8 /* of one check; the rest is only counted */

struct check {
	struct mm_struct *mm;
	unsigned long start;
	unsigned long end;
	bool all; /* that is the whole address space: tables are counted and wanted */
	int bad;
	struct vma_iterator vmi;     /* of the walk over entries */
	struct vm_area_struct *vma;  /* the first that ends above the present entry, or NULL */
	unsigned long nr_anon;	     /* entries that map anonymous frames */
	unsigned long nr_swap;	     /* entries that name a swap slot */
	unsigned long nr_file;	     /* entries that map pages of files */
	unsigned long nr_tables;
};

#define wrong(c, fmt, ...)                                                                         \
	do {                                                                                       \
		if ((c)->bad++ < LINES_MAX)                                                        \
			pr_err("mm %lu: " fmt, (unsigned long)(c)->mm->id, ##__VA_ARGS__);         \
	} while (0)

/* ---- VMAs ---- */

static void check_chains(struct check *c, struct vm_area_struct *vma)
{
	unsigned long last = vma->vm_pgoff + vma_pages(vma) - 1;
	struct anon_vma_chain *avc;
	bool own = !vma->anon_vma;

	list_for_each_entry(avc, &vma->anon_vma_chain, same_vma) {
		if (avc->vma != vma)
			wrong(c, "VMA %#lx: a chain of another VMA", vma->vm_start);
		if (avc->node.start != vma->vm_pgoff || avc->node.last != last)
			wrong(c, "VMA %#lx: its chain says pages %#lx-%#lx, it has %#lx-%#lx",
			      vma->vm_start, avc->node.start, avc->node.last, vma->vm_pgoff, last);
		own |= avc->anon_vma == vma->anon_vma;
	}
	if (!own)
		wrong(c, "VMA %#lx: no chain to its anon_vma", vma->vm_start);
}

static void check_file(struct check *c, struct vm_area_struct *vma)
{
	if (!vma->vm_file != !vma->vm_ops)
		wrong(c, "VMA %#lx: a file or operations, not both", vma->vm_start);
	if (vma->vm_file && !i_mmap_has_vma(vma))
		wrong(c, "VMA %#lx: its file does not find it at pages %#lx-%#lx", vma->vm_start,
		      vma->vm_pgoff, vma->vm_pgoff + vma_pages(vma) - 1);
	if (!vma->vm_file && vma->vm_flags & VM_SHARED)
		wrong(c, "VMA %#lx: shared, and no file", vma->vm_start);
}

static void check_policy(struct check *c, const struct vm_area_struct *vma)
{
	const struct mempolicy *policy = vma->vm_policy;

	if (!policy)
		return;
	if (atomic_read_nopoint(&policy->refcnt) < 1)
		wrong(c, "VMA %#lx: nobody holds its policy", vma->vm_start);
	if (policy->mode == MPOL_DEFAULT || !mpol_is_valid(policy->mode, policy->nodes))
		wrong(c, "VMA %#lx: no policy is mode %u of nodes %#lx", vma->vm_start,
		      policy->mode, policy->nodes);
}

static void check_userfault(struct check *c, const struct vm_area_struct *vma)
{
	const struct userfaultfd_ctx *ctx = vma->vm_userfaultfd_ctx;

	if (!ctx)
		return;
	if (atomic_read_nopoint(&ctx->refcount) < 1)
		wrong(c, "VMA %#lx: nobody holds its userfault context", vma->vm_start);
	if (ctx->mm != c->mm)
		wrong(c, "VMA %#lx: a userfault context of another mm", vma->vm_start);
	if (vma->vm_file)
		wrong(c, "VMA %#lx: a userfault context, and a file", vma->vm_start);
}

static void check_vma(struct check *c, struct vm_area_struct *vma, const struct ma_state *mas)
{
	if (vma->vm_mm != c->mm)
		wrong(c, "VMA %#lx: of another mm", vma->vm_start);
	if (mas->index != vma->vm_start || mas->last != vma->vm_end - 1)
		wrong(c, "VMA %#lx-%#lx: the tree says %#lx-%#lx", vma->vm_start, vma->vm_end,
		      mas->index, mas->last + 1);
	if ((vma->vm_start | vma->vm_end) & (PAGE_SIZE - 1) || vma->vm_start >= vma->vm_end ||
	    vma->vm_start < USER_MIN || vma->vm_end > USER_MAX)
		wrong(c, "VMA %#lx-%#lx: not a range of user pages", vma->vm_start, vma->vm_end);
	if (atomic_read_nopoint(&vma->vm_refcnt) != 1)
		wrong(c, "VMA %#lx: attached and write-locked, but counts %d", vma->vm_start,
		      atomic_read_nopoint(&vma->vm_refcnt));
	if (vma->vm_page_prot.prot != vm_get_page_prot(vma->vm_flags).prot)
		wrong(c, "VMA %#lx: rights do not follow from flags %#lx", vma->vm_start,
		      vma->vm_flags);
	if ((vma->vm_flags & VM_ACCOUNT) && (vma->vm_flags & (VM_SHARED | VM_NORESERVE)))
		wrong(c, "VMA %#lx: charged, with flags %#lx", vma->vm_start, vma->vm_flags);
	check_chains(c, vma);
	check_file(c, vma);
	check_policy(c, vma);
	check_userfault(c, vma);
}

/* What the counters of the mm should be, counted from its VMAs, in pages. */
struct vm_sums {
	unsigned long total, data, exec, stack, charged;
	int nr;
};

static void sum_vma(struct vm_sums *sums, const struct vm_area_struct *vma)
{
	unsigned long pages = vma_pages(vma), flags = vma->vm_flags;
	bool mine = !(flags & VM_SHARED), write = flags & VM_WRITE, stack = flags & VM_GROWSDOWN;

	sums->nr++;
	sums->total += pages;
	sums->stack += stack ? pages : 0;
	sums->data += !stack && mine && write ? pages : 0;
	sums->exec += !stack && !write && (flags & VM_EXEC) ? pages : 0;
	sums->charged += flags & VM_ACCOUNT ? pages : 0;
}

static void check_sums(struct check *c, const struct vm_sums *sums)
{
	const struct mm_struct *mm = c->mm;

	if (sums->nr != mm->map_count)
		wrong(c, "map_count is %d, the tree holds %d", mm->map_count, sums->nr);
	if (sums->total != mm->total_vm)
		wrong(c, "total_vm is %lu, the VMAs have %lu pages", mm->total_vm, sums->total);
	if (sums->data != mm->data_vm)
		wrong(c, "data_vm is %lu, the VMAs have %lu", mm->data_vm, sums->data);
	if (sums->exec != mm->exec_vm)
		wrong(c, "exec_vm is %lu, the VMAs have %lu", mm->exec_vm, sums->exec);
	if (sums->stack != mm->stack_vm)
		wrong(c, "stack_vm is %lu, the VMAs have %lu", mm->stack_vm, sums->stack);
	if (sums->charged != mm->accounted_vm)
		wrong(c, "accounted_vm is %lu, the VMAs have %lu", mm->accounted_vm, sums->charged);
}

static void check_vmas(struct check *c, bool sums_too)
{
	VMA_ITERATOR(vmi, c->mm, c->start);
	struct vm_sums sums = {.nr = 0};
	struct vm_area_struct *vma;

	for_each_vma_range(vmi, vma, c->end) {
		vma_start_write(vma);
		check_vma(c, vma, &vmi.mas);
		sum_vma(&sums, vma);
	}
	if (sums_too)
		check_sums(c, &sums);
}

/* ---- entries ---- */

static bool vma_knows_anon(struct vm_area_struct *vma, const struct anon_vma *anon)
{
	struct anon_vma_chain *avc;

	list_for_each_entry(avc, &vma->anon_vma_chain, same_vma) {
		if (avc->anon_vma == anon)
			return true;
	}
	return false;
}

#define LOOKS 4

/*
 * Is there a reference for each entry that maps @page, and @more? Others may map and unmap it
 * meanwhile, a reference before a mapping and a mapping before its reference: what is wrong stays
 * so however often one looks.
 */
static bool has_references(struct page *page, int more)
{
	for (unsigned i = 0; i < LOOKS; i++) {
		int before = page_mapcount(page), refs = page_count(page);

		if (before >= 1 && refs >= min(before, page_mapcount(page)) + more)
			return true;
	}
	return false;
}

static void check_anon_page(struct check *c, struct page *page, pte_t pte, unsigned long addr)
{
	struct page *head = page_head(page);
	/* Who becomes its only owner writes it, ordered with us by the counts alone. */
	unsigned long mapping = (unsigned long)READ_ONCE_NOPOINT(head->mapping);

	c->nr_anon++;
	if (head->kind != FK_ANON || !(mapping & PAGE_MAPPING_ANON)) {
		wrong(c, "%#lx: frame %#lx is not anonymous memory", addr, pte_pfn(pte));
		return;
	}
	if (!vma_knows_anon(c->vma, (struct anon_vma *)(mapping - PAGE_MAPPING_ANON)))
		wrong(c, "%#lx: rmap of its page does not lead to the VMA", addr);
	if (page_pgoff(page) != linear_page_index(c->vma, addr))
		wrong(c, "%#lx: its page has offset %#lx, rmap looks at %#lx", addr,
		      page_pgoff(page), linear_page_index(c->vma, addr));
	if (!has_references(page, 0))
		wrong(c, "%#lx: its page counts %d mappings, %d references", addr,
		      page_mapcount(page), page_count(page));
	if (pte_write(pte) && (!PageAnonExclusive(page) || page_mapcount(page) != 1))
		wrong(c, "%#lx: writable, but its page is not its own", addr);
}

/* Counts are compared for all mms at once by swap_check(). */
static void check_swap_pte(struct check *c, pte_t pte, unsigned long addr)
{
	swp_entry_t entry = pte_to_swp_entry(pte);

	if (pte_is_marker(pte)) {
		if (pte.pte != make_pte_marker(PTE_MARKER_POISONED).pte)
			wrong(c, "%#lx: no marker is %#lx", addr, (unsigned long)pte.pte);
		return;
	}
	c->nr_swap++;
	if (swap_count(entry) < 1)
		wrong(c, "%#lx: slot %#lx of %u is named and counts %ld", addr, swp_offset(entry),
		      swp_type(entry), swap_count(entry));
	if (!c->vma->anon_vma)
		wrong(c, "%#lx: a swap entry in a VMA without anon_vma", addr);
	if (!test_bit(MMF_ON_MMLIST, &c->mm->flags))
		wrong(c, "%#lx: swap-on-mmlist: a swap entry in an mm that is not", addr);
}

static void check_file_page(struct check *c, struct page *page, pte_t pte, unsigned long addr)
{
	c->nr_file++;
	if (!c->vma->vm_file || READ_ONCE_NOPOINT(page->mapping) != vma_mapping(c->vma))
		wrong(c, "%#lx: frame %#lx is of another file, or of none", addr, pte_pfn(pte));
	else if (page->index != linear_page_index(c->vma, addr))
		wrong(c, "%#lx: page %#lx of its file, page %#lx belongs here", addr, page->index,
		      linear_page_index(c->vma, addr));
	if (!has_references(page, 1)) /* the page cache's */
		wrong(c, "%#lx: its page counts %d mappings, %d references", addr,
		      page_mapcount(page), page_count(page));
	if (!page_flag_test(page, PG_uptodate))
		wrong(c, "%#lx: its page has no contents yet", addr);
	if (!pte_write(pte))
		return;
	if (!(c->vma->vm_flags & VM_SHARED))
		wrong(c, "%#lx: private, and may write to its file's page", addr);
	if (!page_flag_test(page, PG_dirty))
		wrong(c, "%#lx: writable, but its page is clean", addr);
}

static void check_page(struct check *c, struct page *page, pte_t pte, unsigned long addr)
{
	if (folio_test_file(page))
		check_file_page(c, page, pte, addr);
	else
		check_anon_page(c, page, pte, addr);
}

static void check_pte(struct check *c, pte_t pte, unsigned long addr)
{
	u64 rights;

	if (!c->vma || addr < c->vma->vm_start) {
		wrong(c, "%#lx: entry %#lx where no VMA is", addr, (unsigned long)pte.pte);
		return;
	}
	if (is_swap_pte(pte)) {
		check_swap_pte(c, pte, addr);
		return;
	}
	rights = c->vma->vm_page_prot.prot;
	if ((pte.pte & ~rights) & (_PAGE_PRESENT | _PAGE_RW) || (rights & ~pte.pte) & _PAGE_NX)
		wrong(c, "%#lx: entry %#lx has more rights than its VMA", addr,
		      (unsigned long)pte.pte);
	if (!pte_special(pte))
		check_page(c, pfn_to_page(pte_pfn(pte)), pte, addr);
	else if (pte_pfn(pte) != virt_to_phys(zero_page).v >> PAGE_SHIFT || pte_write(pte))
		wrong(c, "%#lx: special entry %#lx is not the zero page, read-only", addr,
		      (unsigned long)pte.pte);
}

static void check_ptes(struct check *c, u64 pmd, unsigned long base, unsigned i, unsigned end)
{
	spinlock_t *ptl = pte_lockptr(&c->mm->tables, (pmd_t){pmd});
	const u64 *table = table_address(pmd);

	spin_lock(ptl);
	for (; (i = table_next_used(table, i, end)) < end; i++) {
		unsigned long addr = base + i * PAGE_SIZE;
		pte_t entry = {READ_ONCE_NOPOINT(table[i])};

		while (c->vma && addr >= c->vma->vm_end)
			c->vma = vma_next(&c->vmi);
		check_pte(c, entry, addr);
	}
	spin_unlock(ptl);
}

/* A table for 2 MiB is wanted by somebody. */
static void check_wanted(struct check *c, unsigned long base)
{
	struct vm_area_struct *vma = find_vma(c->mm, base);

	if (!vma || vma->vm_start >= base + PMD_SIZE)
		wrong(c, "%#lx: a table for 2 MiB without a VMA", base);
}

/*
 * Entries of @table, each serving 2^@shift bytes, the first of them from @base on. Tables go only
 * under the mmap_lock, which is held for writing.
 */
static void check_below(struct check *c, const u64 *table, unsigned shift, unsigned long base)
{
	unsigned long span = 1ul << shift, whole = span * PTRS_PER_TABLE;
	unsigned i = c->start > base ? (unsigned)((c->start - base) >> shift) : 0;
	unsigned end = c->end - base < whole ? (unsigned)((c->end - base + span - 1) >> shift)
					     : PTRS_PER_TABLE;

	for (; (i = table_next_used(table, i, end)) < end; i++) {
		unsigned long at = base + i * span, high = min(c->end, at + span);
		u64 entry = READ_ONCE_NOPOINT(table[i]);

		c->nr_tables++;
		if (shift > PMD_SHIFT) {
			check_below(c, table_address(entry), shift - 9, at);
			continue;
		}
		if (c->all)
			check_wanted(c, at);
		check_ptes(c, entry, at,
			   c->start > at ? (unsigned)((c->start - at) >> PAGE_SHIFT) : 0,
			   (unsigned)((high - at) >> PAGE_SHIFT));
	}
}

static void check_entries(struct check *c)
{
	mas_init(&c->vmi.mas, &c->mm->mm_mt, c->start);
	c->vma = vma_next(&c->vmi);
	check_below(c, (const u64 *)c->mm->tables.pgd, PGDIR_SHIFT, 0);
}

/* ---- sums ---- */

static void check_counters(struct check *c)
{
	unsigned long bytes = atomic_long_read_nopoint(&c->mm->tables.pgtables_bytes);
	long anon = get_mm_counter(c->mm, MM_ANONPAGES);
	long swap = get_mm_counter(c->mm, MM_SWAPENTS);
	long file = get_mm_counter(c->mm, MM_FILEPAGES);

	if (c->nr_tables * PAGE_SIZE != bytes)
		wrong(c, "pgtables_bytes is %lu, there are %lu tables", bytes, c->nr_tables);
	if (anon != (long)c->nr_anon)
		wrong(c, "MM_ANONPAGES is %ld, tables hold %lu", anon, c->nr_anon);
	if (swap != (long)c->nr_swap)
		wrong(c, "MM_SWAPENTS is %ld, tables hold %lu", swap, c->nr_swap);
	if (file != (long)c->nr_file)
		wrong(c, "MM_FILEPAGES is %ld, tables hold %lu", file, c->nr_file);
}

/* ---- entry points ---- */

static int check_tree(struct check *c)
{
	if (mt_check(&c->mm->mm_mt, NULL, NULL))
		wrong(c, "the tree is damaged");
	return c->bad;
}

static int check_all(struct mm_struct *mm, bool sums)
{
	struct check c = {.mm = mm, .start = USER_MIN, .end = USER_MAX, .all = true};

	mmap_assert_write_locked(mm);
	if (check_tree(&c))
		return c.bad;
	check_vmas(&c, sums);
	reclaim_pause();
	check_entries(&c);
	check_counters(&c);
	reclaim_resume();
	return c.bad;
}

int mm_check(struct mm_struct *mm)
{
	return check_all(mm, true);
}

int mm_check_range(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct check c = {.mm = mm};

	mmap_assert_write_locked(mm);
	/* A page more at both ends: the neighbours too. */
	c.start = start > USER_MIN ? start - PAGE_SIZE : USER_MIN;
	c.end = end < USER_MAX ? end + PAGE_SIZE : USER_MAX;
	check_vmas(&c, false);
	/* Beside reclaim: what is said of one entry is true whenever its lock is free. */
	check_entries(&c);
	return c.bad;
}

void mm_check_mutation(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	int bad;

	/* The check waits for readers of VMAs; a dying thread waits for nobody. */
	if (!static_branch_unlikely(&checks_key) || fatal_signal_pending(current))
		return;
	if (++mm->nr_changes % CHECK_ALL_EVERY == 0)
		bad = mm_check(mm);
	else
		bad = mm_check_range(mm, start, end);
	if (bad)
		BUGF("mm %lu: %d things wrong after a change of %#lx-%#lx", (unsigned long)mm->id,
		     bad, start, end);
}

/* Is an entry of the tree no VMA? Then the copy of a fork ended there. */
static bool tree_is_whole(struct mm_struct *mm)
{
	MA_STATE(mas, &mm->mm_mt, 0, 0);
	void *entry;

	mas_for_each(&mas, entry, ~0ul) {
		if (xa_is_zero(entry))
			return false;
	}
	return true;
}

void mm_check_end(struct mm_struct *mm)
{
	int bad = 0;

	if (!static_branch_unlikely(&checks_key) || test_bit(MMF_UNSTABLE, &mm->flags) ||
	    test_bit(MMF_UNPUBLISHED, &mm->flags))
		return;
	mmap_write_lock(mm);
	/* A child whose fork failed has its parent's sums of pages, as in Linux. */
	if (tree_is_whole(mm))
		bad = check_all(mm, false);
	mmap_write_unlock(mm);
	if (bad)
		BUGF("mm %lu: %d things wrong at its end", (unsigned long)mm->id, bad);
}
