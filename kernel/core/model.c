/*
 * model.c - finding the model.
 */
#include "kernel/core/model.h"

#include "kernel/x86/pcpu.h"

#define MAGIC 0x6c65646f6d666d6dull

DEFINE_STATIC_KEY_FALSE(model_key);

/* In the order of MODEL_PARAMS() in scripts/model/model.h. */
const char *const model_param_name[MODEL_NR_PARAMS] = {
	"insn",	   "l1_kib",	"l1_ways",   "l2_kib",	  "l2_ways",	 "l3_kib",
	"l3_ways", "l2_cost",	"l3_cost",   "dram_cost", "stream_cost", "dtlb",
	"stlb",	   "stlb_cost", "pde_cache", "io_cost",
};

void model_counts_read(struct model_counts *counts)
{
	model_publish();
	for (unsigned i = 0; i < MODEL_PARAMS; i++)
		counts->n[i] = *(const volatile u64 *)&model_mailbox[i];
}

bool model_find(void)
{
	if (model_read(MODEL_MAGIC) != MAGIC)
		return false;
	model_watch_cr3(&this_pcpu()->loaded_cr3);
	return true;
}
