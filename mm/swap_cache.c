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
	/* It may have just been turned on again: what was set before that is seen. */
	if (smp_load_acquire(&si->state) == SWAP_ON) {
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

void forget_slot(struct page *page, bool dirty)
{
	if (dirty)
		page_flag_set(page, PG_dirty);
	page_flag_clear(page, PG_swapcache);
	WRITE_ONCE(page->private, 0ul);
	atomic_long_dec(&nr_swapcache_pages);
	atomic_dec(&page->_refcount); /* the caller has one */
}

void delete_from_swap_cache(struct page *page)
{
	struct slot s = slot_of(page_swap_entry(page));

	ASSERT(folio_test_locked(page));
	ASSERT(folio_test_swapcache(page));
	spin_lock(&s.c->lock);
	ASSERT_EQ(slot_page(*s.word), page);
	slot_forget(&s);
	spin_unlock(&s.c->lock);
	forget_slot(page, false);
}

bool folio_free_swap(struct page *page)
{
	struct slot s;
	bool unnamed;

	/* A slot that is being written to must not be given to another page yet. */
	if (!folio_test_swapcache(page) || folio_test_writeback(page))
		return false;
	ASSERT(folio_test_locked(page));
	s = slot_of(page_swap_entry(page));
	spin_lock(&s.c->lock);
	ASSERT_EQ(slot_page(*s.word), page);
	unnamed = !(*s.word & SLOT_COUNT_MASK);
	if (unnamed)
		slot_forget(&s);
	spin_unlock(&s.c->lock);
	if (unnamed)
		forget_slot(page, true);
	return unnamed;
}

void free_swap_cache(struct page *page)
{
	if (!folio_test_swapcache(page) || page_mapped(page) || !folio_trylock(page))
		return;
	folio_free_swap(page);
	folio_unlock(page);
}

/* ---- finding and reading ---- */

struct page *swap_cache_get_folio(swp_entry_t entry)
{
	struct page *page = NULL;
	struct slot s;

	rcu_read_lock();
	if (slot_find(entry, &s)) {
		spin_lock(&s.c->lock);
		page = slot_page(*s.word);
		if (page)
			get_page(page);
		spin_unlock(&s.c->lock);
	}
	rcu_read_unlock();
	return page;
}

/* A hint: mostly there is none. */
static __always_inline bool slot_has_page(swp_entry_t entry)
{
	struct slot s;
	bool has = false;

	rcu_read_lock();
	if (likely(slot_find(entry, &s)))
		has = READ_ONCE_NOPOINT(*s.word) & SLOT_PAGE_MASK;
	rcu_read_unlock();
	return has;
}

/* @page becomes that of @entry, if PTEs name it and it has none; the slot stays then. */
static __always_inline bool slot_enter(swp_entry_t entry, struct page *page, struct slot *s)
{
	bool entered = false;

	rcu_read_lock();
	if (likely(slot_find(entry, s))) {
		spin_lock(&s->c->lock);
		entered = *s->word && !(*s->word & SLOT_PAGE_MASK);
		if (likely(entered))
			slot_set(s->word, *s->word | page_to_phys(page).v);
		spin_unlock(&s->c->lock);
	}
	rcu_read_unlock();
	return entered;
}

/* A frame to read @entry into: nobody knows it, and everybody who will must wait. */
static __always_inline struct page *alloc_swap_page(swp_entry_t entry)
{
	struct page *page = alloc_page(GFP_KERNEL | GFP_FOR(FK_ANON));

	if (!page)
		return NULL;
	page->mapping = NULL;
	page->private = entry.val;
	page_flag_init(page, PG_swapcache);
	folio_lock_new(page);
	page->_refcount.counter = 2;
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

/* @page, locked and in the cache, could not be read: the next one may have more luck. */
static void *read_failed(struct page *page, int err)
{
	delete_from_swap_cache(page);
	folio_unlock(page);
	put_page(page);
	return ERR_PTR(err);
}

/* The page that somebody else put there. */
static struct page *read_cached(swp_entry_t entry)
{
	struct page *page = swap_cache_get_folio(entry);

	if (!page)
		return ERR_PTR(-EAGAIN);
	folio_lock(page);
	if (likely(folio_test_swapcache(page) && page_swap_entry(page).val == entry.val))
		return page;
	folio_unlock(page);
	put_page(page);
	return ERR_PTR(-EAGAIN);
}

struct page *read_swap_cache(swp_entry_t entry)
{
	struct page *page;
	struct slot slot;
	int err;

	if (atomic_long_read_nopoint(&nr_swapcache_pages) && unlikely(slot_has_page(entry)))
		return read_cached(entry);
	page = alloc_swap_page(entry);
	if (unlikely(!page))
		return ERR_PTR(-ENOMEM);
	if (unlikely(!slot_enter(entry, page, &slot))) {
		free_swap_page(page);
		return read_cached(entry);
	}
	atomic_long_inc(&nr_swapcache_pages);
	err = swap_read_one(slot.si, swp_offset(entry), page);
	if (unlikely(err))
		return read_failed(page, err);
	page_flag_set(page, PG_uptodate);
	folio_add_lru_to(page, LRU_INACTIVE_ANON, 1);
	return page;
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
