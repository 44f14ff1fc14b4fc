/*
 * model.h - modelled cycles: what the model beside QEMU (scripts/model) counted so far.
 *
 * Owns: the words it publishes and reading them. Not here: the model itself.
 * Unit: 1/64 modelled cycle.
 */
#ifndef KERNEL_CORE_MODEL_H
#define KERNEL_CORE_MODEL_H

#include "kernel/base/compiler.h"
#include "kernel/core/static_key.h"

#define MODEL_UNITS_PER_CYCLE 64

/* The model's words, in the order of enum model_word in scripts/model/model.h. */
enum model_word {
	MODEL_MAGIC,
	MODEL_UNITS, /* modelled time */
	MODEL_INSNS,
	MODEL_LOADS,
	MODEL_STORES,
	MODEL_L1_MISSES,
	MODEL_L2_MISSES,
	MODEL_L3_MISSES,
	MODEL_STREAMED, /* of those, fetched ahead by a running stream */
	MODEL_DTLB_MISSES,
	MODEL_WALKS, /* translations that no TLB had */
	MODEL_WALK_READS,
	MODEL_PARAMS, /* from here on: its parameters, see model_param_name */
	MODEL_NR = 32
};

#define MODEL_NR_PARAMS 16
extern const char *const model_param_name[MODEL_NR_PARAMS];

extern struct static_key model_key; /* on: this machine runs beside a model */

/* kernel/x86/model.S: have the words brought up to date; they are read-only here. */
void model_publish(void);
void model_watch_cr3(const u64 *where);
extern const u64 model_mailbox[MODEL_NR];

/* Is there a model? Asked once, at boot; it learns where the loaded directory is noted. */
bool model_find(void);

/* The counters, at one moment or over a time; without MODEL_MAGIC's meaning. */
struct model_counts {
	u64 n[MODEL_PARAMS];
};

void model_counts_read(struct model_counts *counts);

/* What a word says now. Any context; one CPU. */
static inline u64 model_read(enum model_word word)
{
	model_publish();
	return *(const volatile u64 *)&model_mailbox[word];
}

#endif
