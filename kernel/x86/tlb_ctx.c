/*
 * tlb_ctx.c - the words behind tlb_ctx.h: per-vCPU TLB state, and who switches address spaces.
 *
 * The protocol is mm/tlb.c's; these stand here because the scheduler and the traps read them.
 */
#include "kernel/x86/tlb_ctx.h"

DEFINE_PER_CPU(struct tlb_state, tlb_state);
void (*tlb_switch_hook)(struct tlb_ctx *next);
