/*
 * swap_internal.h - a swap device as the files of swap.h see it.
 *
 *	 swap_info_struct
 *	   cluster[] ---> lock, nr_free
 *	                  slots[512]  one word each, see below
 *	                  more[512]   large counts, made when first needed
 *
 *	  63..52  51 ............ 12  11 ... 6  5 ... 0
 *	 +------+-------------------+---------+---------+   count 63: it stands in more[]
 *	 |  0   | frame of the page |    0    |  count  |   frame 0: not cached
 *	 +------+-------------------+---------+---------+   all 0: free
 *
 * Life: a device found under RCU (swap_info_rcu) keeps its clusters until the read section ends; a
 *       slot in use keeps them for whoever holds it in use.
 */
#ifndef MM_SWAP_INTERNAL_H
#define MM_SWAP_INTERNAL_H

#include "kernel/core/spinlock.h"
#include "kernel/sched/rcu.h"
#include "mm/folio_lock.h"
#include "mm/swap.h"

#define SWAP_CLUSTER_SHIFT 9
#define SWAP_CLUSTER	   (1ul << SWAP_CLUSTER_SHIFT)

#define SLOT_COUNT_MASK 0x3ful
#define SLOT_COUNT_MORE 0x3ful
#define SLOT_COUNT_MAX	0x3eul
#define SLOT_PAGE_MASK	PTE_PFN_MASK

/* Field key: [I] set by swapon  [C] lock */
struct swap_cluster {
	spinlock_t lock; /*     LC_SWAP */
	u16 nr_free;	 /* [C]; a hint without it */
	u16 next;	 /* [C] where to look for a free slot first */
	u16 nr_slots;	 /* [I] */
	u64 *slots;	 /* [I]; its words [C] */
	u64 *more;	 /* [C] from NULL, until swapoff; its words [C] */
} __aligned(64);

enum swap_state {
	SWAP_OFF,
	SWAP_ON,     /* takes new pages */
	SWAP_GOING,  /* swapoff works on it: slots are only freed */
	SWAP_MAKING, /* swapon or swapoff's end */
};

/* Field key: [I] set by swapon  [S] swapon_mutex  [A] atomic */
struct swap_info_struct {
	u32 state;		    /* [S]; read by anyone */
	unsigned type;		    /* [I] */
	struct block_device *bdev;  /* [I] */
	unsigned long max;	    /* [I] slots */
	unsigned long nr_clusters;  /* [I] */
	struct swap_cluster *cluster; /* [S]; read under RCU; NULL: off */
	atomic_long_t nr_used;	    /* [A] slots not free */
	unsigned long hint;	    /* [A] cluster that had a free slot last */
} __aligned(64);

extern struct swap_info_struct swap_info[MAX_SWAPFILES];

/* The device of @entry, whose slot the caller knows to be in use. */
static inline struct swap_info_struct *swap_info_of(swp_entry_t entry)
{
	return &swap_info[swp_type(entry)];
}

static inline struct swap_cluster *slot_cluster(struct swap_info_struct *si, unsigned long offset)
{
	return &READ_ONCE_NOPOINT(si->cluster)[offset >> SWAP_CLUSTER_SHIFT];
}

static inline u64 *slot_word(struct swap_cluster *c, unsigned long offset)
{
	return &c->slots[offset & (SWAP_CLUSTER - 1)];
}

/* Locks: the cluster's, to write; who reads without it gets a hint. */
static inline void slot_set(u64 *word, u64 value)
{
	WRITE_ONCE_NOPOINT(*word, value);
}

static inline struct page *slot_page(u64 word)
{
	u64 frame = word & SLOT_PAGE_MASK;

	return frame ? pfn_to_page(frame >> PAGE_SHIFT) : NULL;
}

/* Large or small. Locks: the cluster's. */
unsigned long slot_count(const struct swap_cluster *c, unsigned long offset);

/* A slot that stays: it is in use by the caller's doing, or was found under RCU. */
struct slot {
	struct swap_info_struct *si;
	struct swap_cluster *c;
	u64 *word;
};

/* That of @entry, which is in use. */
static __always_inline struct slot slot_of(swp_entry_t entry)
{
	struct swap_info_struct *si = swap_info_of(entry);
	struct swap_cluster *c = slot_cluster(si, swp_offset(entry));

	return (struct slot){si, c, slot_word(c, swp_offset(entry))};
}

/* That of any entry, read from a PTE at some time. False: no such. Context: RCU. */
static __always_inline bool slot_find(swp_entry_t entry, struct slot *s)
{
	struct swap_info_struct *si = swap_info_of(entry);
	struct swap_cluster *cluster = rcu_dereference(si->cluster);
	unsigned long offset = swp_offset(entry);

	if (unlikely(!cluster || offset >= si->max))
		return false;
	s->si = si;
	s->c = cluster + (offset >> SWAP_CLUSTER_SHIFT);
	s->word = slot_word(s->c, offset);
	return true;
}

/* A large count, one less. True: it is 0 now. Locks: the cluster's. */
bool slot_put_more(struct swap_cluster *c, unsigned long offset, u64 *word);

/* Count down. True: nothing names the slot any more. Locks: the cluster's. */
static __always_inline bool slot_put(struct swap_cluster *c, unsigned long offset, u64 *word)
{
	u64 count = *word & SLOT_COUNT_MASK;

	/* 0 is a bug, for slot_put_more() to tell. */
	if (unlikely(count - 1 >= SLOT_COUNT_MAX))
		return slot_put_more(c, offset, word);
	slot_set(word, *word - 1);
	return count == 1;
}

/* A slot became free: its word is 0. Locks: the cluster's. */
static inline void slot_freed(struct swap_info_struct *si, struct swap_cluster *c)
{
	WRITE_ONCE_NOPOINT(c->nr_free, c->nr_free + 1);
	atomic_long_dec(&si->nr_used);
}

/* The slot has no page from now on, and is free if nothing names it. Locks: the cluster's. */
static __always_inline void slot_forget(const struct slot *s)
{
	slot_set(s->word, *s->word & ~SLOT_PAGE_MASK);
	if (!*s->word)
		slot_freed(s->si, s->c);
}

/* And the page has no slot, which keeps its contents or not. Locks: the folio's. */
void forget_slot(struct page *page, bool dirty);

/* Is more than half of the device used? Then a page that came back does not keep its slot. */
static __always_inline bool device_full(const struct swap_info_struct *si)
{
	return (unsigned long)atomic_long_read_nopoint(&si->nr_used) * 2 > si->max;
}

/*
 * swap_free_mapped - a PTE that named @entry maps its page now, which is in the cache.
 *
 * @keep_slot: the page was not written to: leave it its slot while there are enough
 * Locks:      folio lock held; that PTE's lock, or a reference
 */
static __always_inline void swap_free_mapped(struct page *page, swp_entry_t entry, bool keep_slot)
{
	struct slot s = slot_of(entry);
	bool give_up = (!keep_slot || device_full(s.si)) && !folio_test_writeback(page);

	spin_lock(&s.c->lock);
	give_up &= slot_put(s.c, swp_offset(entry), s.word);
	if (give_up)
		slot_forget(&s);
	spin_unlock(&s.c->lock);
	if (give_up)
		forget_slot(page, true);
}

/* Drop pages that are cached over slots of @si which nothing names. Context: may sleep. */
void swap_reclaim_cached(struct swap_info_struct *si);

/*
 * try_to_unuse - no slot of @si is in use afterwards (mm/walkers/swapoff.c).
 *
 * Locks:    none; si->state is SWAP_GOING
 * Returns:  0, -EINTR (fatal signal) or -ENOMEM
 */
int __must_check try_to_unuse(struct swap_info_struct *si);

/* One page in. 0 or -EIO. May sleep. */
int __must_check swap_read_one(struct swap_info_struct *si, unsigned long offset,
			       struct page *page);

#endif
