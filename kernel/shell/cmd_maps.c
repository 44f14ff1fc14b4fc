/*
 * cmd_maps.c - what an address space is made of: `maps`, `mm`, `pt`.
 *
 * Owns: how it is printed. Not here: changing it (cmd_mman.c), the tree's nodes (cmd_tree.c).
 */
#include "kernel/core/kv.h"
#include "kernel/shell/out.h"
#include "kernel/shell/shell.h"
#include "kernel/shell/target.h"
#include "mm/commit.h"
#include "mm/file.h"
#include "mm/mempolicy.h"
#include "mm/mm.h"
#include "mm/mmap_lock.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"
#include "mm/swap_entry.h"
#include "mm/tables_internal.h"
#include "mm/vma.h"

/* ---- maps ---- */

struct vma_pages {
	unsigned long present, zero, swapped;
};

static int count_entries(struct pte_walk *walk, pte_t *pte, unsigned long addr, unsigned long end)
{
	struct vma_pages *pages = walk->arg;

	for (; addr < end; addr += PAGE_SIZE, pte++) {
		pte_t seen = __pte(READ_ONCE_NOPOINT(pte->pte));

		if (is_swap_pte(seen))
			pages->swapped++;
		else if (pte_present(seen) && pte_special(seen))
			pages->zero++;
		else if (pte_present(seen))
			pages->present++;
	}
	return 0;
}

static void show_policy(const struct mempolicy *policy)
{
	if (policy && policy->nodes)
		out(" %s:%#lx", mpol_mode_name[policy->mode], policy->nodes);
	else if (policy)
		out(" %s", mpol_mode_name[policy->mode]);
}

static void show_vma(struct mm_struct *mm, struct vm_area_struct *vma)
{
	struct vma_pages pages = {.present = 0};
	struct pte_walk walk = {.mt = &mm->tables, .fn = count_entries, .arg = &pages};
	unsigned long flags = vma->vm_flags;

	(void)walk_pte_tables(&walk, vma->vm_start, vma->vm_end);
	out("%012lx-%012lx %c%c%c%c %012lx %6lu %6lu %6lu %6lu%s%s%s%s%s", vma->vm_start,
	    vma->vm_end, flags & VM_READ ? 'r' : '-', flags & VM_WRITE ? 'w' : '-',
	    flags & VM_EXEC ? 'x' : '-', flags & VM_SHARED ? 's' : 'p',
	    vma->vm_file ? vma->vm_pgoff << PAGE_SHIFT : 0, vma_pages(vma), pages.present,
	    pages.zero, pages.swapped, flags & VM_ACCOUNT ? " charged" : "",
	    flags & VM_NORESERVE ? " noreserve" : "", flags & VM_DONTCOPY ? " dontfork" : "",
	    flags & VM_WIPEONFORK ? " wipeonfork" : "", flags & VM_GROWSDOWN ? " stack" : "");
	show_policy(vma->vm_policy);
	out(" %s\n", vma->vm_file ? vma->vm_file->name : vma->anon_vma ? "[anon]" : "");
}

static int cmd_maps(int argc, char **argv)
{
	struct vm_area_struct *vma;
	struct mm_struct *mm;

	if (argc > 2)
		return shell_error("maps", "\"%s\": accepted is one pid", argv[2]);
	mm = target_mm("maps", argv[1]);
	if (!mm)
		return SHELL_FAIL;
	VMA_ITERATOR(vmi, mm, 0);
	mmap_read_lock(mm);
	out("%-25s %-4s %-12s %6s %6s %6s %6s\n", "range", "", "offset", "pages", "here", "zero",
	    "swap");
	for_each_vma(vmi, vma)
		show_vma(mm, vma);
	out("%d VMAs, %lu pages\n", mm->map_count, mm->total_vm);
	mmap_read_unlock(mm);
	mmput(mm);
	return SHELL_OK;
}
SHELL_CMD(maps,
	  "maps PID: the VMAs of a process\n"
	  "  Rights, p private or s shared; offset in the file; pages mapped, of them in memory,\n"
	  "  the zero page, in swap; what was advised; memory policy:nodes; the file.",
	  cmd_maps);

/* ---- mm ---- */

static const char *const flag_names[] = {
	[MMF_UNSTABLE] = "unstable",
	[MMF_ON_MMLIST] = "on_mmlist",
	[MMF_OOM_SKIP] = "oom_skip",
};

static void show_flags(unsigned long flags)
{
	out("flags %#lx", flags);
	for (unsigned i = 0; i < ARRAY_SIZE(flag_names); i++) {
		if (flags >> i & 1)
			out(" %s", flag_names[i]);
	}
	out("\n");
}

static int cmd_mm(int argc, char **argv)
{
	struct mm_struct *mm;

	if (argc > 2)
		return shell_error("mm", "\"%s\": accepted is one pid", argv[2]);
	mm = target_mm("mm", argv[1]);
	if (!mm)
		return SHELL_FAIL;
	mmap_read_lock(mm);
	out("mm %lu: %d users (one is this command), %d references to the struct\n",
	    (unsigned long)mm->id, atomic_read(&mm->mm_users), atomic_read(&mm->mm_count));
	show_flags(READ_ONCE(mm->flags));
	out("%d VMAs of at most %lu, lock sequence %lu\n", mm->map_count, sysctl_max_map_count,
	    mm->mm_lock_seq);
	out("pages mapped: %lu total, %lu data, %lu exec, %lu stack, %lu charged\n", mm->total_vm,
	    mm->data_vm, mm->exec_vm, mm->stack_vm, mm->accounted_vm);
	out("pages held: %ld anonymous, %ld of files, %ld in swap; page tables %ld\n",
	    get_mm_counter(mm, MM_ANONPAGES), get_mm_counter(mm, MM_FILEPAGES),
	    get_mm_counter(mm, MM_SWAPENTS),
	    atomic_long_read(&mm->tables.pgtables_bytes) >> PAGE_SHIFT);
	out("heap %#lx-%#lx\n", mm->start_brk, mm->brk);
	out("all: %ld pages charged, limit %ld (overcommit_memory %u)\n",
	    atomic_long_read(&vm_committed_as), vm_commit_limit(), sysctl_overcommit_memory);
	mmap_read_unlock(mm);
	mmput(mm);
	return SHELL_OK;
}
SHELL_CMD(mm, "mm PID: references, flags and counters of an address space", cmd_mm);

/* ---- pt ---- */

/* One line of a level: index, entry, where it leads. */
static void show_level(const char *name, unsigned long index, u64 entry)
{
	out("%-3s [%3lu] %#018lx", name, index, (unsigned long)entry);
	if (!entry) {
		out("  none\n");
		return;
	}
	out("  table at %#lx%s%s%s%s%s\n", (unsigned long)(entry & PTE_PFN_MASK),
	    entry & _PAGE_PRESENT ? " P" : "", entry & _PAGE_RW ? " W" : "",
	    entry & _PAGE_USER ? " U" : "", entry & _PAGE_ACCESSED ? " A" : "",
	    entry & _PAGE_NX ? " NX" : "");
}

static void show_frame(pte_t pte)
{
	struct page *page = entry_page(pte.pte);
	struct page *head = page_head(page);

	if (pte_special(pte)) {
		out("          the zero page\n");
		return;
	}
	out("          frame %#lx: %s, %d mappings, %d references, %s %#lx%s%s%s%s\n",
	    pte_pfn(pte), frame_kind_name(page->kind), page_mapcount(page), page_count(page),
	    "page offset", page_pgoff(page), PageAnonExclusive(page) ? " exclusive" : "",
	    page_flag_test(head, PG_dirty) ? " dirty" : "",
	    page_flag_test(head, PG_writeback) ? " writeback" : "",
	    page_flag_test(head, PG_swapcache) ? " swapcache" : "");
}

static void show_pte(unsigned long index, pte_t pte)
{
	out("pte [%3lu] %#018lx", index, (unsigned long)pte.pte);
	if (pte_none(pte)) {
		out("  none\n");
	} else if (is_swap_pte(pte) && pte_is_marker(pte)) {
		out("  marker: contents are lost\n");
	} else if (is_swap_pte(pte)) {
		swp_entry_t entry = pte_to_swp_entry(pte);

		out("  swap device %u slot %lu%s\n", swp_type(entry), swp_offset(entry),
		    pte_swp_exclusive(pte) ? " exclusive" : "");
	} else {
		out("  page at %#lx%s%s%s%s%s%s\n", pte_pfn(pte) << PAGE_SHIFT,
		    pte.pte & _PAGE_PRESENT ? " P" : " PROT_NONE", pte_write(pte) ? " W" : "",
		    pte.pte & _PAGE_USER ? " U" : "", pte_young(pte) ? " A" : "",
		    pte_dirty(pte) ? " D" : "", pte.pte & _PAGE_NX ? " NX" : "");
		show_frame(pte);
	}
}

/* Down the levels as far as there are tables. mmap_lock held: they stay. */
static void show_walk(struct mm_struct *mm, unsigned long addr)
{
	u64 entry = READ_ONCE(mm->tables.pgd[pgd_index(addr)].pgd);
	const u64 *table;

	show_level("pgd", pgd_index(addr), entry);
	if (!entry)
		return;
	table = table_address(entry);
	entry = READ_ONCE(table[pud_index(addr)]);
	show_level("pud", pud_index(addr), entry);
	if (!entry)
		return;
	table = table_address(entry);
	entry = READ_ONCE(table[pmd_index(addr)]);
	show_level("pmd", pmd_index(addr), entry);
	if (!entry)
		return;
	table = table_address(entry);
	show_pte(pte_index(addr), __pte(READ_ONCE(table[pte_index(addr)])));
}

static int cmd_pt(int argc, char **argv)
{
	struct vm_area_struct *vma;
	struct mm_struct *mm;
	u64 addr;

	if (argc > 3)
		return shell_error("pt", "\"%s\": accepted is a pid and an address", argv[3]);
	mm = target_mm("pt", argv[1]);
	if (!mm)
		return SHELL_FAIL;
	if (!target_address("pt", "ADDR", argc > 2 ? argv[2] : NULL, &addr)) {
		mmput(mm);
		return SHELL_FAIL;
	}
	mmap_read_lock(mm);
	vma = vma_lookup(mm, addr);
	if (vma)
		out("%#lx in VMA %#lx-%#lx\n", addr, vma->vm_start, vma->vm_end);
	else
		out("%#lx in no VMA\n", addr);
	show_walk(mm, addr);
	mmap_read_unlock(mm);
	mmput(mm);
	return SHELL_OK;
}
SHELL_CMD(pt,
	  "pt PID ADDR: the entries of all four levels for an address\n"
	  "  P present, W writable, U user, A accessed, D dirty, NX not executable.",
	  cmd_pt);
