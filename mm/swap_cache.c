/*
 * swap_cache.c - the page of a slot: from getting the slot to losing it.
 *
 * Owns: choosing a slot, who is cached over it, reading a page in.
 * Not here: counts (swap_slots.c), moving data (swap_io.c).
 * Idea: a page enters the cache together with its slot, or is read into a slot that PTEs name; one
 *       word says which page it is, so two readers of a slot meet at one page. The first to enter
 *       reads, the other waits for its folio lock.
 * Invariant: a page in the cache has PG_swapcache, its entry in private, and a reference; all of
 *            them come and go under its folio lock.
 */
#include <errno.h>

#include "kernel/base/err.h"
#include "kernel/core/bug.h"
#include "mm/folio_lock.h"
#include "mm/lru.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"
#include "mm/swap_internal.h"

atomic_long_t nr_swapcache_pages;

/* ---- a slot for a page ---- */

/* A free slot of @c, of which there is one. Locks: the cluster's. */
static unsigned find_free_slot(struct swap_cluster *c)
{
	unsigned at = c->next;

	/* Words beyond the end of a small cluster are free as well: start below them. */
	while (at < SWAP_CLUSTER && c->slots[at])
		at++;
	if (at >= c->nr_slots) {
		at = 0;
		while (c->slots[at])
			at++;
	}
	return at;
}

/* Any free slot of @c, for @page. -1: none. */
static long cluster_alloc(struct swap_info_struct *si, struct swap_cluster *c, struct page *page)
{
	long found = -1;

	if (!READ_ONCE_NOPOINT(c->nr_free))
		return -1;
	spin_lock(&c->lock);
	if (c->nr_free && READ_ONCE_NOPOINT(si->state) == SWAP_ON) {
		found = find_free_slot(c);
		c->next = found + 1;
		slot_set(&c->slots[found], page_to_phys(page).v);
		WRITE_ONCE_NOPOINT(c->nr_free, c->nr_free - 1);
	}
	spin_unlock(&c->lock);
	return found;
}

/* Clusters are asked one after the other, from the one that had a free slot last. */
static bool device_alloc(struct swap_info_struct *si, struct page *page, swp_entry_t *entry)
{
	bool found = false;

	rcu_read_lock();
	if (READ_ONCE(si->state) == SWAP_ON) {
		unsigned long nr = si->nr_clusters, at = READ_ONCE_NOPOINT(si->hint);

		for (unsigned long i = 0; i < nr && !found; i++, at++) {
			unsigned long n = at < nr ? at : at - nr;
			long slot = cluster_alloc(si, &si->cluster[n], page);

			if (slot < 0)
				continue;
			if (i)
				WRITE_ONCE_NOPOINT(si->hint, n);
			atomic_long_inc(&si->nr_used);
			*entry = swp_entry(si->type, (n << SWAP_CLUSTER_SHIFT) + slot);
			found = true;
		}
	}
	rcu_read_unlock();
	return found;
}

int add_to_swap(struct page *page)
{
	swp_entry_t entry;

	ASSERT(folio_test_locked(page));
	ASSERT_EQ(page->order, 0);
	ASSERT(!folio_test_swapcache(page));
	/* Before it can be found through its slot. */
	get_page(page);
	for (unsigned type = 0; type < MAX_SWAPFILES; type++) {
		if (!device_alloc(&swap_info[type], page, &entry))
			continue;
		WRITE_ONCE(page->private, entry.val);
		page_flag_set(page, PG_uptodate);
		page_flag_set(page, PG_dirty);
		page_flag_set(page, PG_swapcache);
		atomic_long_inc(&nr_swapcache_pages);
		return 0;
	}
	put_page(page);
	return -ENOSPC;
}

/* ---- leaving ---- */

/* The slot has forgotten @page already. */
static void forget_slot(struct page *page)
{
	page_flag_clear(page, PG_swapcache);
	WRITE_ONCE(page->private, 0ul);
	atomic_long_dec(&nr_swapcache_pages);
	put_page(page);
}

/*
 * Take @page from its slot; @put: one PTE that named it is gone as well. @unnamed_only: only if
 * nothing names it then. Returns whether it was taken.
 */
static bool slot_forget(struct page *page, bool put, bool unnamed_only)
{
	swp_entry_t entry = page_swap_entry(page);
	struct swap_info_struct *si = swap_info_of(entry);
	struct swap_cluster *c = slot_cluster(si, swp_offset(entry));
	u64 *word = slot_word(c, swp_offset(entry));
	bool take;

	ASSERT(folio_test_locked(page));
	spin_lock(&c->lock);
	ASSERT_EQ(slot_page(*word), page);
	if (put)
		slot_put(c, swp_offset(entry), word);
	take = !unnamed_only || !(*word & SLOT_COUNT_MASK);
	if (take) {
		slot_set(word, *word & ~SLOT_PAGE_MASK);
		if (!*word)
			slot_freed(si, c);
	}
	spin_unlock(&c->lock);
	return take;
}

void delete_from_swap_cache(struct page *page)
{
	ASSERT(folio_test_swapcache(page));
	slot_forget(page, false, false);
	forget_slot(page);
}

bool folio_free_swap(struct page *page)
{
	/* A slot that is being written to must not be given to another page yet. */
	if (!folio_test_swapcache(page) || folio_test_writeback(page) ||
	    !slot_forget(page, false, true))
		return false;
	page_flag_set(page, PG_dirty);
	forget_slot(page);
	return true;
}

/* Is more than half of the device used? */
static bool device_full(swp_entry_t entry)
{
	const struct swap_info_struct *si = swap_info_of(entry);

	return (unsigned long)atomic_long_read_nopoint(&si->nr_used) * 2 > si->max;
}

void swap_free_mapped(struct page *page, bool keep_slot)
{
	if (folio_test_writeback(page) || (keep_slot && !device_full(page_swap_entry(page)))) {
		swap_free(page_swap_entry(page));
	} else if (slot_forget(page, true, true)) {
		page_flag_set(page, PG_dirty);
		forget_slot(page);
	}
}

void free_swap_cache(struct page *page)
{
	if (!folio_test_swapcache(page) || page_mapped(page) || !folio_trylock(page))
		return;
	folio_free_swap(page);
	folio_unlock(page);
}

/* ---- finding and reading ---- */

/* The page of @entry with a reference, or NULL; or @fresh in its place: then NULL as well. */
static struct page *cache_find(swp_entry_t entry, struct page *fresh, bool *gone)
{
	struct swap_info_struct *si = swap_info_of(entry);
	unsigned long offset = swp_offset(entry);
	struct page *page = NULL;
	struct swap_cluster *c;
	u64 *word;

	rcu_read_lock();
	*gone = !rcu_dereference(si->cluster) || offset >= si->max;
	if (*gone)
		goto out;
	c = slot_cluster(si, offset);
	word = slot_word(c, offset);
	spin_lock(&c->lock);
	page = slot_page(*word);
	*gone = !*word;
	if (page)
		get_page(page);
	else if (fresh && !*gone)
		slot_set(word, *word | page_to_phys(fresh).v);
	spin_unlock(&c->lock);
out:
	rcu_read_unlock();
	return page;
}

struct page *swap_cache_get_folio(swp_entry_t entry)
{
	bool gone;

	return cache_find(entry, NULL, &gone);
}

/* A frame to read @entry into: nobody knows it, and everybody who will must wait. */
static struct page *alloc_swap_page(swp_entry_t entry)
{
	struct page *page = alloc_page(GFP_KERNEL | GFP_FOR(FK_ANON));

	if (!page)
		return NULL;
	page->mapping = NULL;
	page->private = entry.val;
	BUG_ON(!folio_trylock(page));
	page_flag_init(page, PG_swapcache);
	get_page(page);
	return page;
}

/* Undo alloc_swap_page(). */
static void free_swap_page(struct page *page)
{
	page_flag_clear(page, PG_swapcache);
	page->private = 0;
	folio_unlock(page);
	put_page(page);
	put_page(page);
}

/* @page is in the cache, locked and empty: read it. */
static int fill_swap_page(struct page *page)
{
	swp_entry_t entry = page_swap_entry(page);
	int err = swap_transfer(swap_info_of(entry), swp_offset(entry), &page, 1, false);

	if (err) {
		/* The next one may have more luck. */
		delete_from_swap_cache(page);
		folio_unlock(page);
		put_page(page);
		return err;
	}
	page_flag_set(page, PG_uptodate);
	folio_add_lru(page);
	return 0;
}

/* A page of the cache, found with a reference: locked, if it is still that of @entry. */
static bool lock_swap_page(struct page *page, swp_entry_t entry)
{
	folio_lock(page);
	if (likely(folio_test_swapcache(page) && page_swap_entry(page).val == entry.val))
		return true;
	folio_unlock(page);
	put_page(page);
	return false;
}

static struct page *read_into_cache(swp_entry_t entry)
{
	struct page *fresh = alloc_swap_page(entry), *page;
	bool gone;
	int err;

	if (!fresh)
		return ERR_PTR(-ENOMEM);
	page = cache_find(entry, fresh, &gone);
	if (page || gone) {
		free_swap_page(fresh);
		if (page && lock_swap_page(page, entry))
			return page;
		return ERR_PTR(-EAGAIN);
	}
	atomic_long_inc(&nr_swapcache_pages);
	err = fill_swap_page(fresh);
	return err ? ERR_PTR(err) : fresh;
}

/* Is there a page over the slot of @entry? A hint: mostly there is none. */
static bool slot_has_page(swp_entry_t entry)
{
	struct swap_info_struct *si = swap_info_of(entry);
	bool has = false;

	rcu_read_lock();
	if (rcu_dereference(si->cluster) && swp_offset(entry) < si->max)
		has = READ_ONCE_NOPOINT(*slot_word(slot_cluster(si, swp_offset(entry)),
						   swp_offset(entry))) &
		      SLOT_PAGE_MASK;
	rcu_read_unlock();
	return has;
}

struct page *read_swap_cache(swp_entry_t entry)
{
	struct page *page = slot_has_page(entry) ? swap_cache_get_folio(entry) : NULL;

	if (!page)
		return read_into_cache(entry);
	return lock_swap_page(page, entry) ? page : ERR_PTR(-EAGAIN);
}

/*
 * The first page from slot *@offset on, in its cluster, that is cached and named by nobody, with a
 * reference; *@offset is behind it, or at the next cluster.
 */
static struct page *next_unnamed(struct swap_info_struct *si, unsigned long *offset)
{
	struct swap_cluster *c = slot_cluster(si, *offset);
	unsigned long at = *offset & (SWAP_CLUSTER - 1);
	struct page *page = NULL;

	spin_lock(&c->lock);
	for (; at < c->nr_slots && !page; at++) {
		if (!(c->slots[at] & SLOT_COUNT_MASK))
			page = slot_page(c->slots[at]);
	}
	if (page)
		get_page(page);
	spin_unlock(&c->lock);
	*offset = (*offset & ~(SWAP_CLUSTER - 1)) + (page ? at : SWAP_CLUSTER);
	return page;
}

void swap_reclaim_cached(struct swap_info_struct *si)
{
	unsigned long offset = 0;

	while (offset < si->max) {
		struct page *page = next_unnamed(si, &offset);

		if (!page)
			continue;
		folio_lock(page);
		folio_wait_writeback(page);
		folio_free_swap(page);
		folio_unlock(page);
		put_page(page);
	}
}
