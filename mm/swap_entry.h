/*
 * swap_entry.h - entries of a PTE table that map nothing but remember something.
 *
 * Owns: swp_entry_t, its place in an entry, the exclusive mark, markers.
 * Not here: what a slot is (swap.h).
 * Idea: the value is the entry itself but for the exclusive mark, so that turning one into the
 *       other is one instruction. An entry is never 0, never looks mapped or special, and stays the
 *       same if somebody takes its write bit away.
 *
 *	  63..52  51 .............. 12  11  10  9  8  7  6  5  4..2  1  0
 *	 +------+---------------------+---+---+--+--+--+--+--+-----+--+--+
 *	 |  0   | slot of the device, | 1 | E | 0| 0| 0| M| 0| dev | 0| 0|    E exclusive
 *	 |      | or kind of marker   |   |   |  |  |  |  |  |     |  |  |    M a marker, no slot
 *	 +------+---------------------+---+---+--+--+--+--+--+-----+--+--+
 *
 * E: when it was mapped last the page was this mm's alone, and nobody has copied the entry since.
 */
#ifndef MM_SWAP_ENTRY_H
#define MM_SWAP_ENTRY_H

#include "mm/pgtable_types.h"

/* Never mixes with a pte_t. val 0: none. */
typedef struct {
	u64 val;
} swp_entry_t;

#define SWP_ENTRY_BIT	  (1ul << 11)
#define SWP_EXCLUSIVE	  _PAGE_SOFT2
#define SWP_MARKER	  (1ul << 6)
#define SWP_TYPE_SHIFT	  2
#define SWP_TYPE_MASK	  7ul
#define SWP_OFFSET_SHIFT  12
#define SWP_OFFSET_ONE	  (1ul << SWP_OFFSET_SHIFT) /* from one slot's entry to the next's */
#define MAX_SWAPFILES	  8u

enum pte_marker {
	PTE_MARKER_POISONED = 1, /* contents were lost: an access is SIGBUS */
};

static inline swp_entry_t swp_entry(unsigned type, unsigned long offset)
{
	return (swp_entry_t){offset << SWP_OFFSET_SHIFT | (u64)type << SWP_TYPE_SHIFT |
			     SWP_ENTRY_BIT};
}

static inline unsigned swp_type(swp_entry_t entry)
{
	return entry.val >> SWP_TYPE_SHIFT & SWP_TYPE_MASK;
}

static inline unsigned long swp_offset(swp_entry_t entry)
{
	return entry.val >> SWP_OFFSET_SHIFT;
}

/* Not empty and not present: a swap entry or a marker. */
static inline bool is_swap_pte(pte_t pte)
{
	return pte.pte && !(pte.pte & PTE_MAPS_MASK);
}

/* Of a swap pte. */
static inline bool pte_is_marker(pte_t pte)
{
	return pte.pte & SWP_MARKER;
}

static inline pte_t make_pte_marker(enum pte_marker kind)
{
	return __pte((u64)kind << SWP_OFFSET_SHIFT | SWP_MARKER | SWP_ENTRY_BIT);
}

static inline swp_entry_t pte_to_swp_entry(pte_t pte)
{
	return (swp_entry_t){pte.pte & ~SWP_EXCLUSIVE};
}

static inline pte_t swp_entry_to_pte(swp_entry_t entry)
{
	return __pte(entry.val);
}

static inline bool pte_swp_exclusive(pte_t pte)
{
	return pte.pte & SWP_EXCLUSIVE;
}

static inline pte_t pte_swp_mkexclusive(pte_t pte)
{
	return __pte(pte.pte | SWP_EXCLUSIVE);
}

static inline pte_t pte_swp_clear_exclusive(pte_t pte)
{
	return __pte(pte.pte & ~SWP_EXCLUSIVE);
}

#endif
