/*
 * swap.h - slots of swap devices, the pages cached over them, and the mms that may use them.
 *
 * Owns: the life of a slot (count of PTEs that name it, cached page), the swap cache, swapon and
 *       swapoff, mmlist.
 * Not here: entries (swap_entry.h), devices (kernel/drivers/block.h, block_ram.h), which page goes
 *       out (reclaim), bringing pages back for swapoff (walkers/swapoff.c).
 * Idea: one word per slot says both how many PTEs name it and which page is cached over it, guarded
 *       by the lock of the 512 slots it lies among; a slot is free when its word is 0. So a slot
 *       and its place in the cache are one thing, and cannot disagree.
 *
 *	add_to_swap            count 0, cached          the page is still mapped
 *	swap_duplicate_nr      count + 1                before the PTE that names it is stored
 *	swap_free_nr           count - 1                after the PTE was taken out
 *	delete_from_swap_cache count, not cached        0: the slot is free
 *
 * Order: count, then mmlist, then PTE. Who finds a counted slot in use finds the mm that names it
 *        by walking mmlist; swapoff relies on it.
 * Locks: the page of a slot changes under the folio lock and the cluster's lock. A page with
 *        PG_swapcache has its entry in page->private and one reference for being there.
 */
#ifndef MM_SWAP_H
#define MM_SWAP_H

#include "kernel/base/list.h"
#include "mm/gfp.h"
#include "mm/mm.h"
#include "mm/page_flags.h"
#include "mm/swap_entry.h"

struct block_device;

/* ---- the cache ---- */

/*
 * add_to_swap - give @page a slot and put it into the swap cache.
 *
 * Its contents are valid and not on the device yet: PG_uptodate, PG_dirty.
 * @page:    one frame of anonymous memory, not in the swap cache
 * Locks:    folio lock held
 * Returns:  0, or -ENOSPC: no free slot
 */
int __must_check add_to_swap(struct page *page);

static inline bool folio_test_swapcache(const struct page *page)
{
	return page_flag_test(page, PG_swapcache);
}

static inline swp_entry_t page_swap_entry(const struct page *page)
{
	return (swp_entry_t){READ_ONCE_NOPOINT(page->private)};
}

/* Out of the cache; a slot that no PTE names is free then. Folio lock and a reference held. */
void delete_from_swap_cache(struct page *page);

/*
 * folio_free_swap - give the slot of @page back if no PTE names it. The page is dirty then.
 *
 * Locks:    folio lock held, and a reference
 * Returns:  true if the page was in the cache and is not any more
 */
bool folio_free_swap(struct page *page);

/*
 * free_swap_cache - the same for a page that nobody maps any more, if its lock is free.
 *
 * Context: any lock but the page's; the caller holds a reference
 */
void free_swap_cache(struct page *page);

/* Pages in the swap cache. 0: no page anywhere has PG_swapcache. */
extern atomic_long_t nr_swapcache_pages;

/* The page cached over @entry, with a reference, or NULL. It may be read in still. */
struct page *__must_check swap_cache_get_folio(swp_entry_t entry);

/*
 * read_swap_cache - the page of @entry, read in if need be.
 *
 * Context:  may sleep and allocate; no lock held but mmap_lock or a VMA's
 * Returns:  the page, locked, in the cache, uptodate, with a reference; or an error pointer:
 *           -ENOMEM, -EIO (the slot keeps its contents), -EAGAIN (nothing names @entry any more:
 *           look at the PTE again)
 */
struct page *__must_check read_swap_cache(swp_entry_t entry);

/*
 * swap_writepage - write @page to its slot.
 *
 * Locks:    folio lock held on entry, not on return; the caller keeps a reference
 * Context:  sleeps until it is written
 * Returns:  0, or -EIO with the page dirty again
 */
int __must_check swap_writepage(struct page *page);

/*
 * swap_writepages - the same for @nr pages; neighbouring slots go in one request.
 *
 * Returns: how many were written; the others are dirty again
 */
unsigned __must_check swap_writepages(struct page **pages, unsigned nr);

/* ---- counts ---- */

/*
 * swap_duplicate_nr - one PTE more names each of @nr consecutive slots from @entry on.
 *
 * Locks:    something that keeps the slots: a PTE lock and PTEs that name them, or the folio lock
 * Returns:  how many were counted, from the first on. Not all: the next one's count needs an
 *           extension page. Drop spinlocks, call add_swap_count_continuation(), begin again with it
 */
unsigned __must_check swap_duplicate_nr(swp_entry_t entry, unsigned nr);

/* The same for one: 0 or -ENOMEM. */
int __must_check swap_duplicate(swp_entry_t entry);

/* Room for a large count of @entry, whose slot is in use: 0, -ENOMEM. Context: as @gfp. */
int __must_check add_swap_count_continuation(swp_entry_t entry, gfp_t gfp);

/*
 * swap_free_nr - @nr PTEs that named consecutive slots from @entry on are gone, one each.
 *
 * A page cached over a slot that nothing names any more is dropped if its lock is free.
 * Context: any spinlock above LC_SWAP
 */
void swap_free_nr(swp_entry_t entry, unsigned nr);

static inline void swap_free(swp_entry_t entry)
{
	swap_free_nr(entry, 1);
}

/* How many PTEs name @entry; -1 if there is no such slot, or it is free. A hint without a lock. */
long swap_count(swp_entry_t entry);

/* ---- devices ---- */

struct swap_stats {
	const char *name;
	unsigned long nr_slots;
	unsigned long nr_used;
};

#define SWAP_MIN_SLOTS 16u

/*
 * swapon - swap to @bdev from now on.
 *
 * Context:  may sleep
 * Returns:  its type (0..MAX_SWAPFILES - 1); -EBUSY (it is on already, or about to go), -EINVAL
 *           (smaller than SWAP_MIN_SLOTS pages), -ENOSPC (MAX_SWAPFILES are on), -ENOMEM
 */
int __must_check swapon(struct block_device *bdev);

/*
 * swapoff - bring everything on @bdev back into memory and give it up.
 *
 * Context:  may sleep, takes mmap_locks and folio locks
 * Returns:  0 with no slot in use; -EINVAL (it is not on), -EBUSY (a swapoff of it runs), -EINTR
 *           (fatal signal), -ENOMEM; after a failure it is used as before
 */
int __must_check swapoff(struct block_device *bdev);

/* The swap device of @type, if it is on: true with *@out filled. */
bool swap_stats(unsigned type, struct swap_stats *out);

/* Free slots of all devices that take new pages. A hint. */
long get_nr_swap_pages(void);
/* All slots of these, free or not. A hint. */
long get_total_swap_pages(void);

/* ---- mms that may have swap entries ---- */

/* Every mm on it but the sentinel may be pinned with mmget_not_zero(). */
extern struct list_head mmlist;
extern spinlock_t mmlist_lock;

/* @mm is about to hold a swap entry, whose slot is counted: put it on mmlist if it is not. */
void mmlist_add(struct mm_struct *mm);
/* The same for a child, right behind @parent, which is on the list. False: it was there. */
bool mmlist_add_child(struct mm_struct *mm, struct mm_struct *parent);
/* @mm holds none any more: by __mmput(), and by who unmaps what is left after it. */
void mmlist_del(struct mm_struct *mm);

/*
 * swap_check - do the counts of all slots agree with the PTEs of all mms?
 *
 * Invariants, by name: slot_count (a slot's count is the number of PTEs that name it), cache (a
 * cached page knows its slot), in_use (the device counts its used slots), mmlist.
 * Context:  nobody faults, unmaps or reclaims meanwhile; may sleep
 * Returns:  0, or the number of things wrong, each a line in the log
 */
int __must_check swap_check(void);

/* No device, no mm on mmlist. With every world. */
void swap_world_init(void);

#endif
