/*
 * swap_check.c - count all swap entries again and compare.
 *
 * Owns: the invariants of swap_check(), each as one line of text.
 * Idea: the entries of all mms are counted per slot, and each slot is asked what it counts.
 */
#include <errno.h>

#include "kernel/core/log.h"
#include "mm/mmap_lock.h"
#include "mm/page_alloc.h"
#include "mm/reclaim.h"
#include "mm/swap_internal.h"
#include "mm/tables_internal.h"
#include "mm/vma.h"

#define LINES_MAX 8
#define OWN	  (1u << 31)

struct swap_census {
	struct swap_info_struct *si;
	u32 *named; /* per slot: entries found, and OWN if one says that it is alone */
	struct mm_struct *mm;
	int bad;
	unsigned long nr_in_mm; /* of all devices, in the present mm */
};

#define wrong(c, fmt, ...)                                                                         \
	do {                                                                                       \
		if ((c)->bad++ < LINES_MAX)                                                        \
			pr_err("swap: " fmt, ##__VA_ARGS__);                                       \
	} while (0)

static void count_entry(struct swap_census *c, swp_entry_t entry, bool own)
{
	c->named[swp_offset(entry)]++;
	if (own)
		c->named[swp_offset(entry)] |= OWN;
}

static int count_table(struct pte_walk *walk, pte_t *pte, unsigned long addr, unsigned long end)
{
	struct swap_census *c = walk->arg;

	for (; addr < end; addr += PAGE_SIZE, pte++) {
		pte_t seen = __pte(READ_ONCE_NOPOINT(pte->pte));
		swp_entry_t entry = pte_to_swp_entry(seen);

		if (!is_swap_pte(seen) || pte_is_marker(seen))
			continue;
		c->nr_in_mm++;
		if (swp_type(entry) != c->si->type)
			continue;
		if (swp_offset(entry) >= c->si->max)
			wrong(c, "slot_count: mm %lu names slot %#lx at %#lx, which does not exist",
			      (unsigned long)c->mm->id, swp_offset(entry), addr);
		else
			count_entry(c, entry, pte_swp_exclusive(seen));
	}
	return 0;
}

static bool count_mm(struct mm_struct *mm, void *arg)
{
	struct swap_census *c = arg;
	struct pte_walk walk = {
		.mt = &mm->tables, .fn = count_table, .arg = c, .unlocked = true};

	c->mm = mm;
	c->nr_in_mm = 0;
	walk_pte_tables(&walk, USER_MIN, USER_MAX);
	if (c->nr_in_mm && (!test_bit(MMF_ON_MMLIST, &mm->flags) || list_empty(&mm->mmlist)))
		wrong(c, "mmlist: mm %lu has %lu swap entries and is not on it",
		      (unsigned long)mm->id, c->nr_in_mm);
	return true;
}

static void check_slot(struct swap_census *c, struct swap_cluster *cl, unsigned long offset,
		       unsigned long *used)
{
	unsigned long count = slot_count(cl, offset);
	u32 named = c->named[offset] & ~OWN;
	u64 word = *slot_word(cl, offset);
	struct page *page = slot_page(word);

	*used += word != 0;
	if (count != named)
		wrong(c, "slot_count: slot %#lx of %u counts %lu, %u entries name it", offset,
		      c->si->type, count, named);
	if ((c->named[offset] & OWN) && named > 1)
		wrong(c, "exclusive: slot %#lx of %u is one entry's own, %u name it", offset,
		      c->si->type, named);
	if (page && (!folio_test_swapcache(page) ||
		     page_swap_entry(page).val != swp_entry(c->si->type, offset).val))
		wrong(c, "cache: the page over slot %#lx of %u does not know it", offset,
		      c->si->type);
}

static void check_device(struct swap_census *c)
{
	struct swap_info_struct *si = c->si;
	unsigned long used = 0, in_cluster;

	mm_for_each(count_mm, c);
	for (unsigned long n = 0; n < si->nr_clusters; n++) {
		struct swap_cluster *cl = &si->cluster[n];
		unsigned long first = n << SWAP_CLUSTER_SHIFT;
		unsigned long nr = min(SWAP_CLUSTER, si->max - first);

		in_cluster = used;
		spin_lock(&cl->lock);
		for (unsigned long i = 0; i < nr; i++)
			check_slot(c, cl, first + i, &used);
		in_cluster = used - in_cluster;
		if (cl->nr_free + in_cluster != nr)
			wrong(c, "in_use: cluster %lu of %u has %lu slots in use, says %u are free",
			      n, si->type, in_cluster, cl->nr_free);
		spin_unlock(&cl->lock);
	}
	if (used != (unsigned long)atomic_long_read_nopoint(&si->nr_used))
		wrong(c, "in_use: %lu slots of %u are in use, it says %ld", used, si->type,
		      atomic_long_read_nopoint(&si->nr_used));
}

int swap_check(void)
{
	struct swap_census c = {.bad = 0};

	for (unsigned type = 0; type < MAX_SWAPFILES; type++) {
		struct page *page;
		unsigned order = 0;

		c.si = &swap_info[type];
		if (READ_ONCE(c.si->state) != SWAP_ON && READ_ONCE(c.si->state) != SWAP_GOING)
			continue;
		while (PAGE_SIZE_ORDER(order) < c.si->max * sizeof(*c.named))
			order++;
		page = order <= MAX_ORDER ? alloc_pages(GFP_KERNEL | __GFP_ZERO, order) : NULL;
		if (!page) {
			wrong(&c, "no memory to count %lu slots", c.si->max);
			break;
		}
		c.named = page_address(page);
		reclaim_pause();
		check_device(&c);
		reclaim_resume();
		free_pages(page, order);
	}
	return c.bad;
}
