/*
 * tlb.c - two levels of translation buffers, a cache of page-directory entries, and the walks.
 *
 * Owns: which translations are where, what a walk reads.
 * Idea: a walk reads the guest's own tables, entry by entry, through the modelled caches; so dense
 *       and sparse tables differ as they do on hardware.
 * Simplified: invlpg is priced but drops nothing, since its operand cannot be seen; plugin.c drops
 *       a user translation when it no longer leads where the machine went. A load of CR3 drops all
 *       that is not global.
 */
#include "scripts/model/model.h"

#include <string.h>

#define PTE_PRESENT 0x1ull
#define PTE_LARGE   0x80ull
#define PTE_GLOBAL  0x100ull
#define PTE_FRAME   0x000ffffffffff000ull

#define DTLB_WAYS   4
#define DTLB_SETS   (MODEL_dtlb / DTLB_WAYS)
#define STLB_WAYS   12
#define STLB_SETS   (MODEL_stlb / STLB_WAYS)
#define LARGE_SHIFT 21

struct entry {
	uint64_t key;  /* page number * 2 + large, + 1; 0: nothing here */
	uint64_t base; /* physical address of the page, 4 KiB or 2 MiB */
	uint64_t used;
	bool global;
};

static struct entry dtlb[MODEL_dtlb], stlb[MODEL_stlb], pde_cache[MODEL_pde_cache];
static uint64_t now;

static uint64_t key_of(uint64_t vaddr, bool large)
{
	return ((vaddr >> (large ? LARGE_SHIFT : 12)) << 1 | large) + 1;
}

static struct entry *find(struct entry *table, unsigned sets, unsigned ways, uint64_t key)
{
	struct entry *set = table + (key - 1) / 2 % sets * ways;

	for (unsigned i = 0; i < ways; i++) {
		if (set[i].key == key) {
			set[i].used = ++now;
			return &set[i];
		}
	}
	return NULL;
}

static void keep(struct entry *table, unsigned sets, unsigned ways, struct entry new)
{
	struct entry *set = table + (new.key - 1) / 2 % sets * ways;
	struct entry *victim = set;

	for (unsigned i = 1; i < ways; i++) {
		if (set[i].used < victim->used)
			victim = &set[i];
	}
	*victim = new;
	victim->used = ++now;
}

static uint64_t frame_in(const struct entry *e, uint64_t vaddr, bool large)
{
	return large ? e->base | (vaddr & 0x1ff000) : e->base;
}

bool tlb_lookup(uint64_t vaddr, uint64_t *frame, unsigned *units)
{
	for (int large = 0; large < 2; large++) {
		struct entry *e = find(dtlb, DTLB_SETS, DTLB_WAYS, key_of(vaddr, large));

		if (e) {
			*units = 0;
			*frame = frame_in(e, vaddr, large);
			return true;
		}
	}
	model_word[MW_DTLB_MISSES]++;
	for (int large = 0; large < 2; large++) {
		struct entry *e = find(stlb, STLB_SETS, STLB_WAYS, key_of(vaddr, large));

		if (e) {
			keep(dtlb, DTLB_SETS, DTLB_WAYS, *e);
			*units = MODEL_stlb_cost * CYCLE;
			*frame = frame_in(e, vaddr, large);
			return true;
		}
	}
	return false;
}

static bool read_priced(uint64_t phys, uint64_t *entry, unsigned *units, table_read_fn read)
{
	if (!read(phys, entry))
		return false;
	model_word[MW_WALK_READS]++;
	*units += cache_access(phys) + CYCLE;
	return true;
}

/* The page-directory entry of @vaddr, from its cache or by three reads. 0: none to be had. */
static uint64_t page_directory_entry(uint64_t vaddr, uint64_t cr3, unsigned *units,
				     table_read_fn read)
{
	struct entry *cached = find(pde_cache, 1, MODEL_pde_cache, key_of(vaddr, true));
	uint64_t entry = cr3;

	if (cached)
		return cached->base;
	for (unsigned shift = 39; shift >= LARGE_SHIFT; shift -= 9) {
		uint64_t at = (entry & PTE_FRAME) + (vaddr >> shift & 511) * 8;

		if (!read_priced(at, &entry, units, read) || !(entry & PTE_PRESENT))
			return 0;
	}
	keep(pde_cache, 1, MODEL_pde_cache,
	     (struct entry){.key = key_of(vaddr, true),
			    .base = entry,
			    .global = entry & PTE_LARGE && entry & PTE_GLOBAL});
	return entry;
}

static void keep_both(struct entry e)
{
	keep(dtlb, DTLB_SETS, DTLB_WAYS, e);
	keep(stlb, STLB_SETS, STLB_WAYS, e);
}

unsigned tlb_walk(uint64_t vaddr, uint64_t cr3, uint64_t frame, table_read_fn read)
{
	struct entry e = {.key = key_of(vaddr, false), .base = frame};
	unsigned units = 0;
	uint64_t pde, pte;

	model_word[MW_WALKS]++;
	pde = page_directory_entry(vaddr, cr3, &units, read);
	if (pde & PTE_LARGE) {
		e = (struct entry){.key = key_of(vaddr, true),
				   .base = frame & ~0x1fffffull,
				   .global = pde & PTE_GLOBAL};
	} else if (pde &&
		   read_priced((pde & PTE_FRAME) + (vaddr >> 12 & 511) * 8, &pte, &units, read)) {
		e.global = pte & PTE_GLOBAL;
	}
	keep_both(e);
	return units;
}

static void drop_key(struct entry *table, unsigned sets, unsigned ways, uint64_t key)
{
	struct entry *e = find(table, sets, ways, key);

	if (e)
		*e = (struct entry){0};
}

void tlb_drop(uint64_t vaddr)
{
	drop_key(dtlb, DTLB_SETS, DTLB_WAYS, key_of(vaddr, false));
	drop_key(stlb, STLB_SETS, STLB_WAYS, key_of(vaddr, false));
	drop_key(pde_cache, 1, MODEL_pde_cache, key_of(vaddr, true));
}

static void flush(struct entry *table, unsigned nr, bool global_too)
{
	for (unsigned i = 0; i < nr; i++) {
		if (global_too || !table[i].global)
			table[i] = (struct entry){0};
	}
}

void tlb_flush(bool global_too)
{
	flush(dtlb, MODEL_dtlb, global_too);
	flush(stlb, MODEL_stlb, global_too);
	flush(pde_cache, MODEL_pde_cache, true);
}
