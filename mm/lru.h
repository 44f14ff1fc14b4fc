/*
 * lru.h - the lists that reclaim scans: user pages by kind and by how recently they were used.
 *
 * Owns: the four lists of every vCPU, a page's place on one of them (page->aux), taking pages off
 *       to work on them (isolation) and putting them back.
 * Not here: which page goes (reclaim.c); how a page is known to be used (rmap.h).
 * Idea: each vCPU has lists and a lock of its own, so a first touch takes a lock nobody else wants,
 *       and the release of what one vCPU touched takes it once for many pages. A scan visits one
 *       vCPU's lists after the other. Order of age is kept within a vCPU only.
 *
 *	 page->aux   31   15..8     7..0
 *	            | on | lru_list | vCPU |      0: on no list
 *
 * Invariant: a page's place changes only under the lock of the lists it leaves or joins. A page on
 *            a list needs no reference for it: who drops the last one takes it off. So a scan that
 *            gets a reference under the lock has a live page, and one that does not leaves it.
 * Folios count 2^order pages and are one entry, their head.
 */
#ifndef MM_LRU_H
#define MM_LRU_H

#include "kernel/x86/percpu.h"
#include "mm/page.h"

/* A kind's active list follows its inactive one. */
enum lru_list {
	LRU_INACTIVE_ANON,
	LRU_ACTIVE_ANON,
	LRU_INACTIVE_FILE,
	LRU_ACTIVE_FILE,
	NR_LRU_LISTS
};
#define LRU_ACTIVE 1u
#define LRU_FILE   2u

extern const char *const lru_list_name[NR_LRU_LISTS];

/* Field key: [I] set when the world is made  [L] lock */
struct lruvec {
	spinlock_t lock;		      /*     LC_LRU */
	u32 place;			      /* [I] page->aux of this vCPU's first list */
	unsigned long nr[NR_LRU_LISTS];	      /* [L] pages */
	struct list_head lists[NR_LRU_LISTS]; /* [L] most recently added first */
};

DECLARE_PER_CPU(struct lruvec, lruvec);

#define LRU_PLACE_ON	     (1u << 31)
#define LRU_PLACE_LIST_SHIFT 8
#define LRU_PLACE_VCPU(place) ((place)&0xff)
#define LRU_PLACE_LIST(place) ((enum lru_list)((place) >> LRU_PLACE_LIST_SHIFT & 0xff))

/* Empty lists for @nr_cpus vCPUs. With every world. */
void lru_world_init(unsigned nr_cpus);

static inline struct lruvec *lruvec_of(u32 place)
{
	return per_cpu_ptr(lruvec, LRU_PLACE_VCPU(place));
}

/* May be out of date at once, unless the lists' lock is held. */
static inline bool folio_on_lru(const struct page *head)
{
	return READ_ONCE(head->aux) & LRU_PLACE_ON;
}

/* The inactive list for pages like @head. */
static inline enum lru_list folio_lru_inactive(const struct page *head)
{
	return head->kind == FK_FILE ? LRU_INACTIVE_FILE : LRU_INACTIVE_ANON;
}

/*
 * folio_add_lru - @head joins its inactive list on the running vCPU.
 *
 * Locks:    LRU; may be called under a PTE lock, under which nobody can free the page yet
 * Context:  the caller holds a reference, or the page cannot be freed; it is on no list
 */
void folio_add_lru(struct page *head);

static __always_inline void lruvec_add(struct lruvec *lv, enum lru_list lru, struct page *head,
				       unsigned long nr) REQUIRES(lv->lock)
{
	list_add(&head->lru, &lv->lists[lru]);
	lv->nr[lru] += nr;
	WRITE_ONCE_NOPOINT(head->aux, lv->place | lru << LRU_PLACE_LIST_SHIFT);
}

/* The same where list and number of pages are known: 20 instructions. */
static __always_inline void folio_add_lru_to(struct page *head, enum lru_list lru, unsigned long nr)
{
	struct lruvec *lv = this_cpu_ptr(lruvec);

	spin_lock(&lv->lock);
	lruvec_add(lv, lru, head, nr);
	spin_unlock(&lv->lock);
}

/*
 * folio_isolate_lru - take @head, to which the caller has a reference, off its list.
 *
 * Returns:  true with one reference more, to be given to folio_putback_lru(); false: it is on none
 */
bool __must_check folio_isolate_lru(struct page *head);

/* Back to @lru's list on the running vCPU; the reference of the isolation is dropped. */
void folio_putback_lru(struct page *head, enum lru_list lru);

/*
 * lruvec_isolate - take up to @max folios off the old end of a list of @lv, a reference each.
 *
 * @scan:    look at so many at most
 * Returns:  how many are in @out
 */
unsigned lruvec_isolate(struct lruvec *lv, enum lru_list lru, unsigned scan, struct page **out,
			unsigned max);

/* @lv's list @lru gets @head, isolated before, at its young end. The reference is dropped. */
void lruvec_putback(struct lruvec *lv, enum lru_list lru, struct page *head);

/* The lists @head is on, locked; NULL, nothing locked: it is on none. */
struct lruvec *folio_lruvec_lock(struct page *head);

/* The last reference is gone: off its list, if it is on one. For the allocator. */
void lru_remove_dead(struct page *head);

/* Pages on @lru's lists of all vCPUs. */
unsigned long lru_size(enum lru_list lru);

/*
 * lru_check - walk all lists and compare with places and counters.
 *
 * Context:  nobody else changes them
 * Returns:  0, or -EINVAL with the first thing wrong in the log
 */
int __must_check lru_check(void);

#endif
