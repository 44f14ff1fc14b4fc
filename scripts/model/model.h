/*
 * model.h - the modelled machine: what an instruction and an access cost it.
 *
 * Owns: the parameters, the counters, the three parts of the model.
 * Not here: QEMU (plugin.c), how the guest reads the counters (kernel/core/model.h).
 * Idea: an in-order core that retires one instruction a cycle and waits for every access; what it
 *       waits depends on where the line and the translation are. It is a model of locality, for
 *       comparing layouts, not of any real core. All figures are round textbook ones.
 * Unit: 1/64 cycle, so that cheap instructions have a price.
 */
#ifndef SCRIPTS_MODEL_MODEL_H
#define SCRIPTS_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CYCLE 64 /* units */

/* Words the guest reads, in this order (kernel/core/model.h has the same list). */
enum model_word {
	MW_MAGIC, /* MODEL_MAGIC; 0 without the plugin */
	MW_UNITS, /* modelled time */
	MW_INSNS,
	MW_LOADS,
	MW_STORES,
	MW_L1_MISSES,
	MW_L2_MISSES,
	MW_L3_MISSES,
	MW_STREAMED, /* misses that a running stream had fetched already */
	MW_DTLB_MISSES,
	MW_WALKS,      /* translations that no TLB had */
	MW_WALK_READS, /* table entries read for them */
	MW_PARAMS,     /* from here on: the parameters, in the order of PARAMS below */
	MW_NR = 32
};
#define MODEL_MAGIC 0x6c65646f6d666d6dull

/* X(name, value): sizes in KiB or entries, costs in cycles. */
#define MODEL_PARAMS(X)    \
	X(insn, 1)         \
	X(l1_kib, 32)      \
	X(l1_ways, 8)      \
	X(l2_kib, 1024)    \
	X(l2_ways, 16)     \
	X(l3_kib, 16384)   \
	X(l3_ways, 16)     \
	X(l2_cost, 14)     \
	X(l3_cost, 47)     \
	X(dram_cost, 200)  \
	X(stream_cost, 12) \
	X(dtlb, 64)        \
	X(stlb, 1536)      \
	X(stlb_cost, 7)    \
	X(pde_cache, 32)   \
	X(io_cost, 200)

enum model_param {
#define X(name, value) MODEL_##name = value,
	MODEL_PARAMS(X)
#undef X
};

extern uint64_t model_word[MW_NR];

/* ---- price.c: instructions, by their bytes ---- */

enum insn_effect { EFFECT_NONE, EFFECT_LOAD_CR3, EFFECT_FLUSH_TLB };

struct insn_price {
	unsigned units; /* of executing it once, accesses not included */
	enum insn_effect effect;
};

struct insn_price price_of(const uint8_t *bytes, size_t len);

/* ---- cache.c: physical lines ---- */

/* Read or write the line of @phys; returns its price in units beyond an L1 hit. */
unsigned cache_access(uint64_t phys);
void cache_clear(void);

/* ---- tlb.c: translations, and the walks behind them ---- */

struct translation {
	uint64_t frame; /* physical address of the 4 KiB page */
	bool large;	/* mapped by a 2 MiB entry */
	bool global;
};

/* Read one 8-byte table entry; false: not in the guest's memory. */
typedef bool (*table_read_fn)(uint64_t phys, uint64_t *entry);

/*
 * tlb_lookup - is the translation of @vaddr there, and where does it lead?
 *
 * @units: receives what the lookup costs (0: first level)
 */
bool tlb_lookup(uint64_t vaddr, uint64_t *frame, unsigned *units);

/*
 * tlb_walk - read the tables from @cr3 on for @vaddr, price every read, and keep the result.
 *
 * @frame: of the access as the machine made it, kept where the tables cannot be read
 */
unsigned tlb_walk(uint64_t vaddr, uint64_t cr3, uint64_t frame, table_read_fn read);
void tlb_drop(uint64_t vaddr);
void tlb_flush(bool global_too);

#endif
