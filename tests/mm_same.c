/*
 * mm_same.c - pictures of address spaces, and their comparison.
 *
 * Idea: a picture is two sorted lists, VMAs and entries, and a few numbers. Entries are compared
 *       address by address; of VMAs only what they say about each page, so that a split shows in
 *       their number alone.
 */
#include "tests/mm_same.h"

#include <stdlib.h>
#include <string.h>
#include "kernel/core/log.h"
#include "mm/commit.h"
#include "mm/fault.h"
#include "mm/mempolicy.h"
#include "mm/mmap_lock.h"
#include "mm/rmap.h"
#include "mm/swap.h"
#include "mm/swap_entry.h"
#include "mm/tables_internal.h"
#include "mm/vma.h"
#include "tests/ktest.h"

#define LINES_MAX 8 /* of one comparison; the rest is only counted */

const char *const mm_allowed_names[NR_MM_ALLOWED] = {
	[ALLOW_SPLIT] = "split",	 [ALLOW_ANON_VMA] = "anon_vma",
	[ALLOW_TABLES] = "tables",	 [ALLOW_WRITE_BIT] = "write_bit",
	[ALLOW_EXCLUSIVE] = "exclusive", [ALLOW_ACCESSED] = "accessed",
	[ALLOW_ZERO] = "zero",		 [ALLOW_LOCK_SEQ] = "lock_seq",
};

struct vma_record {
	unsigned long start, end, flags, pgoff;
	const struct file *file;
	struct mempolicy *policy; /* with a reference */
	const struct userfaultfd_ctx *userfault;
	bool prepared; /* has an anon_vma */
};

struct entry_record {
	unsigned long addr;
	u64 pte;
	u64 hash;      /* of what is in the page */
	u32 mapcount;  /* of its frame, or of its swap slot */
	u16 nr_rmap;   /* entries that rmap finds of it */
	bool exclusive;
};

/* Numbers that must be equal, by name. */
enum { NUM_BRK, NUM_TOTAL, NUM_DATA, NUM_EXEC, NUM_STACK, NUM_CHARGED, NUM_FLAGS, NUM_RSS };
#define NR_NUMS (NUM_RSS + NR_MM_COUNTERS)

static const char *const num_names[NUM_RSS] = {
	"brk", "total_vm", "data_vm", "exec_vm", "stack_vm", "accounted_vm", "flags",
};

struct mm_picture {
	unsigned long num[NR_NUMS];
	unsigned long lock_seq;
	unsigned long table_bytes;
	unsigned long nr_vmas, nr_entries, room_vmas, room_entries;
	struct vma_record *vma;
	struct entry_record *entry;
	bool failed; /* no memory on the way */
};

/* ---- taking one ---- */

/* Room for one more record of @size bytes in *@array; false: no memory. */
static bool grow(void **array, unsigned long *room, unsigned long nr, size_t size)
{
	unsigned long want = *room ? 2 * *room : 16;
	void *bigger;

	if (nr < *room)
		return true;
	bigger = realloc(*array, want * size);
	if (!bigger)
		return false;
	*array = bigger;
	*room = want;
	return true;
}

/* 64 bits of FNV-1a over words. */
static u64 hash_page(const u64 *word)
{
	u64 hash = 0xcbf29ce484222325ull;

	for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
		hash = (hash ^ word[i]) * 0x100000001b3ull;
	return hash;
}

static void take_vmas(struct mm_picture *p, struct mm_struct *mm)
{
	VMA_ITERATOR(vmi, mm, 0);
	struct vm_area_struct *vma;

	for_each_vma(vmi, vma) {
		if (!grow((void **)&p->vma, &p->room_vmas, p->nr_vmas, sizeof(*p->vma))) {
			p->failed = true;
			return;
		}
		mpol_get(vma->vm_policy);
		p->vma[p->nr_vmas++] = (struct vma_record){
			.start = vma->vm_start,
			.end = vma->vm_end,
			.flags = vma->vm_flags,
			.pgoff = vma->vm_pgoff,
			.file = vma->vm_file,
			.policy = vma->vm_policy,
			.userfault = vma->vm_userfaultfd_ctx,
			.prepared = vma->anon_vma,
		};
	}
}

static int take_entries(struct pte_walk *walk, pte_t *pte, unsigned long addr, unsigned long end)
{
	struct mm_picture *p = walk->arg;

	for (; addr < end; addr += PAGE_SIZE, pte++) {
		struct entry_record *e;

		if (pte_none(*pte))
			continue;
		if (!grow((void **)&p->entry, &p->room_entries, p->nr_entries, sizeof(*e))) {
			p->failed = true;
			return 1;
		}
		e = &p->entry[p->nr_entries++];
		*e = (struct entry_record){.addr = addr, .pte = pte->pte};
		if (is_swap_pte(*pte) && !pte_is_marker(*pte))
			e->mapcount = (u32)swap_count(pte_to_swp_entry(*pte));
		if (!pte_present(*pte))
			continue;
		e->hash = hash_page(phys_to_virt(PHYS(pte->pte & PTE_PFN_MASK)));
		if (!pte_special(*pte)) {
			e->mapcount = page_mapcount(pfn_to_page(pte_pfn(*pte)));
			e->exclusive = PageAnonExclusive(pfn_to_page(pte_pfn(*pte)));
		}
	}
	return 0;
}

static void ask_rmap(struct mm_picture *p)
{
	for (unsigned long i = 0; i < p->nr_entries; i++) {
		pte_t pte = __pte(p->entry[i].pte);

		if (pte_present(pte) && !pte_special(pte))
			p->entry[i].nr_rmap = folio_count_rmap(pfn_to_page(pte_pfn(pte)));
	}
}

struct mm_picture *mm_picture_take(struct mm_struct *mm)
{
	struct mm_picture *p = calloc(1, sizeof(*p));
	struct pte_walk walk = {.mt = &mm->tables, .fn = take_entries, .arg = p};

	if (!p)
		return NULL;
	mmap_read_lock(mm);
	p->num[NUM_BRK] = mm->brk;
	p->num[NUM_TOTAL] = mm->total_vm;
	p->num[NUM_DATA] = mm->data_vm;
	p->num[NUM_EXEC] = mm->exec_vm;
	p->num[NUM_STACK] = mm->stack_vm;
	p->num[NUM_CHARGED] = mm->accounted_vm;
	p->num[NUM_FLAGS] = mm->flags;
	for (unsigned i = 0; i < NR_MM_COUNTERS; i++)
		p->num[NUM_RSS + i] = get_mm_counter(mm, i);
	p->lock_seq = mm->mm_lock_seq;
	p->table_bytes = atomic_long_read(&mm->tables.pgtables_bytes);
	take_vmas(p, mm);
	(void)walk_pte_tables(&walk, 0, USER_MAX);
	mmap_read_unlock(mm);
	ask_rmap(p);
	if (!p->failed)
		return p;
	mm_picture_free(p);
	return NULL;
}

void mm_picture_free(struct mm_picture *p)
{
	if (!p)
		return;
	for (unsigned long i = 0; i < p->nr_vmas; i++)
		mpol_put(p->vma[i].policy);
	free(p->vma);
	free(p->entry);
	free(p);
}

/* ---- comparing ---- */

struct compare {
	const struct mm_picture *before, *after;
	unsigned allowed;
	int bad;
};

#define differs(c, fmt, ...)                                                                       \
	do {                                                                                       \
		if ((c)->bad++ < LINES_MAX)                                                        \
			pr_err("not the same: " fmt, ##__VA_ARGS__);                               \
	} while (0)

static void allow(struct compare *c, enum mm_allowed what)
{
	c->allowed |= 1u << what;
}

static void compare_numbers(struct compare *c)
{
	const struct mm_picture *a = c->before, *b = c->after;

	for (unsigned i = 0; i < NR_NUMS; i++) {
		if (a->num[i] != b->num[i] && i < NUM_RSS)
			differs(c, "%s was %#lx, is %#lx", num_names[i], a->num[i], b->num[i]);
		else if (a->num[i] != b->num[i])
			differs(c, "counter %u was %ld, is %ld", i - NUM_RSS, (long)a->num[i],
				(long)b->num[i]);
	}
	if (b->table_bytes > a->table_bytes)
		allow(c, ALLOW_TABLES);
	else if (b->table_bytes < a->table_bytes)
		differs(c, "page tables had %lu bytes, have %lu", a->table_bytes, b->table_bytes);
	if (a->lock_seq != b->lock_seq)
		allow(c, ALLOW_LOCK_SEQ);
}

/* The common part of two VMAs, which begins at @at. */
static void compare_stretch(struct compare *c, const struct vma_record *a,
			    const struct vma_record *b, unsigned long at)
{
	unsigned long a_off = a->pgoff + ((at - a->start) >> PAGE_SHIFT);
	unsigned long b_off = b->pgoff + ((at - b->start) >> PAGE_SHIFT);

	if (a->flags != b->flags)
		differs(c, "%#lx: flags were %#lx, are %#lx", at, a->flags, b->flags);
	if (a->file != b->file)
		differs(c, "%#lx: maps another file", at);
	if (!mpol_equal(a->policy, b->policy))
		differs(c, "%#lx: has another policy", at);
	if (a->userfault != b->userfault)
		differs(c, "%#lx: has another userfault context", at);
	if (a_off != b_off)
		differs(c, "%#lx: page offset was %#lx, is %#lx", at, a_off, b_off);
	if (a->prepared && !b->prepared)
		differs(c, "%#lx: its VMA has lost its anon_vma", at);
	else if (a->prepared != b->prepared)
		allow(c, ALLOW_ANON_VMA);
}

static void compare_vmas(struct compare *c)
{
	const struct vma_record *a = c->before->vma, *a_end = a + c->before->nr_vmas;
	const struct vma_record *b = c->after->vma, *b_end = b + c->after->nr_vmas;
	unsigned long at = 0;

	while (a < a_end || b < b_end) {
		unsigned long from_a = a < a_end ? max(at, a->start) : ~0ul;
		unsigned long from_b = b < b_end ? max(at, b->start) : ~0ul;

		at = min(from_a, from_b);
		if (from_a != from_b) {
			differs(c, "%#lx: %s mapped", at, from_a < from_b ? "was" : "is");
			at = max(from_a, from_b);
		} else {
			compare_stretch(c, a, b, at);
			at = min(a->end, b->end);
		}
		while (a < a_end && a->end <= at)
			a++;
		while (b < b_end && b->end <= at)
			b++;
	}
	if (c->after->nr_vmas > c->before->nr_vmas)
		allow(c, ALLOW_SPLIT);
	else if (c->after->nr_vmas < c->before->nr_vmas)
		differs(c, "there were %lu VMAs, there are %lu", c->before->nr_vmas,
			c->after->nr_vmas);
}

static bool is_zero_page(const struct entry_record *e)
{
	return e->pte & _PAGE_SPECIAL;
}

/* Rights of the entry, mark of the page. Both map, and what is in them is equal. */
static void compare_rights(struct compare *c, const struct entry_record *a,
			   const struct entry_record *b)
{
	const u64 history = _PAGE_ACCESSED | _PAGE_DIRTY;
	u64 changed = (a->pte ^ b->pte) & PTE_PROT_MASK;

	if (changed & ~_PAGE_RW || (changed && !pte_write(__pte(a->pte))))
		differs(c, "%#lx: entry was %#lx, is %#lx", a->addr, (unsigned long)a->pte,
			(unsigned long)b->pte);
	else if (changed)
		allow(c, ALLOW_WRITE_BIT);
	if ((a->pte ^ b->pte) & history)
		allow(c, ALLOW_ACCESSED);
	if (a->exclusive && !b->exclusive)
		allow(c, ALLOW_EXCLUSIVE);
	else if (a->exclusive != b->exclusive)
		differs(c, "%#lx: its page has become exclusive", a->addr);
}

static void compare_entry(struct compare *c, const struct entry_record *a,
			  const struct entry_record *b)
{
	pte_t was = __pte(a->pte), is = __pte(b->pte);

	if (pte_present(was) != pte_present(is)) {
		differs(c, "%#lx: entry was %#lx, is %#lx", a->addr, (unsigned long)a->pte,
			(unsigned long)b->pte);
		return;
	}
	if (!pte_present(was)) {
		if (a->mapcount != b->mapcount)
			differs(c, "%#lx: its slot counts %u, it counted %u", a->addr, b->mapcount,
				a->mapcount);
		if (a->pte == b->pte)
			return;
		if (is_swap_pte(was) && a->pte == pte_swp_mkexclusive(is).pte)
			allow(c, ALLOW_EXCLUSIVE);
		else
			differs(c, "%#lx: swap entry was %#lx, is %#lx", a->addr,
				(unsigned long)a->pte, (unsigned long)b->pte);
		return;
	}
	if (a->hash != b->hash)
		differs(c, "%#lx: its contents have changed", a->addr);
	if (is_zero_page(a) != is_zero_page(b)) {
		differs(c, "%#lx: %s the zero page", a->addr, is_zero_page(a) ? "was" : "is");
		return;
	}
	if (a->mapcount != b->mapcount || a->nr_rmap != b->nr_rmap)
		differs(c, "%#lx: %u mappings (rmap finds %u), were %u (%u)", a->addr,
			b->mapcount, b->nr_rmap, a->mapcount, a->nr_rmap);
	compare_rights(c, a, b);
}

/* There is an entry in one picture only. */
static void compare_alone(struct compare *c, const struct entry_record *e, const char *verb)
{
	if (is_zero_page(e))
		allow(c, ALLOW_ZERO);
	else
		differs(c, "%#lx: entry %#lx %s alone", e->addr, (unsigned long)e->pte, verb);
}

static void compare_entries(struct compare *c)
{
	const struct entry_record *a = c->before->entry, *a_end = a + c->before->nr_entries;
	const struct entry_record *b = c->after->entry, *b_end = b + c->after->nr_entries;

	while (a < a_end || b < b_end) {
		if (b == b_end || (a < a_end && a->addr < b->addr))
			compare_alone(c, a++, "was there");
		else if (a == a_end || b->addr < a->addr)
			compare_alone(c, b++, "is there");
		else
			compare_entry(c, a++, b++);
	}
}

int mm_same(const struct mm_picture *before, const struct mm_picture *after, unsigned *allowed)
{
	struct compare c = {.before = before, .after = after};

	compare_numbers(&c);
	compare_vmas(&c);
	compare_entries(&c);
	if (allowed)
		*allowed = c.allowed;
	return c.bad;
}

unsigned t_expect_same(struct ktest *t, const struct mm_picture *before, struct mm_struct *mm)
{
	struct mm_picture *after = mm_picture_take(mm);
	unsigned allowed = 0;

	t_expect(t, before && after);
	if (before && after)
		t_expect_eq(t, mm_same(before, after, &allowed), 0);
	mm_picture_free(after);
	return allowed;
}
