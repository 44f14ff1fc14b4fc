/*
 * page.h - struct page, the 64 bytes that describe one frame, and the arithmetic between its names.
 *
 * Owns: struct page, owner kinds, frame number <-> struct page <-> kernel address, references.
 * Not here: who hands frames out (page_alloc.h); what user pages keep in the shared words.
 * Idea: one flat array indexed by frame number, so that a PTE leads to its struct page by three
 *       instructions; an entry is written for the first time when the buddy grows over its frame.
 * Invariant: @state says in one 32-bit word what a frame is, so allocator and zap test it with one
 *            compare:
 *
 *	  31       16 15     8 7      0
 *	 +-----------+--------+--------+   FK_FREE   on a per-vCPU list, or inside a free block
 *	 |   tail    | order  |  kind  |   FK_BUDDY  first frame of a free block of 2^order
 *	 +-----------+--------+--------+   others    allocated; tail = distance to its folio's head
 */
#ifndef MM_PAGE_H
#define MM_PAGE_H

#include "kernel/base/compiler.h"
#include "kernel/base/list.h"
#include "kernel/core/atomic.h"
#include "kernel/core/spinlock.h"
#include "kernel/sched/rcu.h"
#include "kernel/x86/layout.h"

/* Who a frame belongs to; one ledger line each. */
enum frame_kind {
	FK_FREE,
	FK_BUDDY,
	FK_KERNEL, /* nobody said: gfp.h knows it as 2 */
	FK_SLAB,
	FK_TABLE, /* page tables */
	FK_STACK,
	FK_GATHER, /* batches of an mmu_gather */
	FK_WINDOW, /* tables of the debug window */
	FK_KMAP,   /* tables of the direct map, kept for ever: no ledger line */
	FK_ANON,
	FK_FILE,  /* cached pages of files */
	FK_STORE, /* what files hold outside the cache */
	FK_SWAP,  /* tables of swap devices, blocks of RAM devices */
	FK_NR
};

struct kmem_cache;

/* Field key: [I] set at allocation  [Z] zone lock while free  [A] atomic  [O] the owner */
struct page {
	unsigned long flags; /* [O] PG_ bits */
	union {
		u64 counts; /* [A] both in one */
		struct {
			atomic_t _refcount; /* [A] 0 = free, or a tail frame */
			/* [A] PTEs that map this very frame, and MAPCOUNT_EXCLUSIVE */
			atomic_t _mapcount;
		};
	};
	union {
		struct list_head lru; /* [Z][O] free list; whatever list the owner keeps */
		struct rcu_head rcu;  /* [O] freed after a grace period */
	};
	union {
		u64 state_aux; /* both in one: a frame that nobody listed has 0 in the upper half */
		struct {
			union {
				u32 state; /* [I] see above */
				struct {
					u8 kind;
					u8 order;
					u16 tail;
				};
			};
			u32 aux; /* [O] user pages: place on an LRU list; slab: objects in use */
		};
	};
	union {
		struct {
			void *mapping;	       /* [O] */
			unsigned long index;   /* [O] */
			unsigned long private; /* [O] */
		};
		struct {
			struct kmem_cache *cache; /* slab */
			void *freelist;		  /* objects that came back */
			unsigned long nr_used;	  /* from here on none was ever handed out */
		};
		struct {
			spinlock_t ptl; /* page table: guards its entries when locks are split */
		};
	};
};
_Static_assert(sizeof(struct page) == 64, "struct page is one cache line");

/* PG_ bits of layers 4 and 5; layer 6 begins at PG_USER_FIRST. */
enum page_flag {
	PG_poisoned, /* free, and filled with the poison pattern */
	PG_table,    /* its ptl is initialised */
	PG_USER_FIRST = 8,
};

#define MAX_ORDER	       10
#define PAGE_SIZE_ORDER(order) (PAGE_SIZE << (order))

/* First frame that has a struct page, one past the last; and the array. */
extern unsigned long frames_base_pfn, frames_end_pfn;
extern struct page
	*mem_map; /* indexed by frame number: entries below frames_base_pfn do not exist */

static inline struct page *pfn_to_page(unsigned long pfn)
{
	return mem_map + pfn;
}

static inline unsigned long page_to_pfn(const struct page *page)
{
	return page - mem_map;
}

static inline phys_t page_to_phys(const struct page *page)
{
	return PHYS((u64)page_to_pfn(page) << PAGE_SHIFT);
}

static inline struct page *phys_to_page(phys_t p)
{
	return pfn_to_page(p.v >> PAGE_SHIFT);
}

/* Kernel address of a frame's memory, in the direct map. */
static inline void *page_address(const struct page *page)
{
	return phys_to_virt(page_to_phys(page));
}

/* The frame behind a direct-map address. Slab memory has none for its users. */
static inline struct page *virt_to_page(const void *va)
{
	return phys_to_page(virt_to_phys(va));
}

/* Is there a struct page for this frame? (The buddy may not have grown over it yet.) */
static inline bool pfn_valid(unsigned long pfn)
{
	return pfn >= frames_base_pfn && pfn < frames_end_pfn;
}

/* The frame that carries reference count and order for @page. */
static inline struct page *page_head(struct page *page)
{
	return page - page->tail;
}

static inline int page_count(struct page *page)
{
	return atomic_read(&page_head(page)->_refcount);
}

/*
 * Set in _mapcount beside the one entry of an anonymous frame that may be written (rmap.h). It
 * stays behind when that entry goes.
 */
#define MAPCOUNT_EXCLUSIVE ((int)(1u << 31))

static inline int page_mapcount(const struct page *page)
{
	return atomic_read(&page->_mapcount) & ~MAPCOUNT_EXCLUSIVE;
}

static inline int page_mapcount_nopoint(const struct page *page)
{
	return atomic_read_nopoint(&page->_mapcount) & ~MAPCOUNT_EXCLUSIVE;
}

/* The caller holds a reference already. */
static inline void get_page(struct page *page)
{
	atomic_inc(&page_head(page)->_refcount);
}

/* A reference for a caller that has none: false when the frame is being freed or is free. */
static inline bool __must_check get_page_unless_zero(struct page *page)
{
	return atomic_inc_not_zero(&page->_refcount);
}

/* True if that was the last reference: the caller frees the frame now. */
static inline bool put_page_testzero(struct page *head)
{
	return atomic_dec_and_test(&head->_refcount);
}

/* The same without a schedule point, for code that runs only while points are off. */
static __always_inline bool put_page_testzero_nopoint(struct page *head)
{
	return __atomic_sub_fetch(&head->_refcount.counter, 1, __ATOMIC_SEQ_CST) == 0;
}

#endif
