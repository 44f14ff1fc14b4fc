/*
 * lazy_tlb.h - the two schemes of lazily loaded address spaces.
 */
#ifndef MM_LAZY_TLB_H
#define MM_LAZY_TLB_H

#include "kernel/base/types.h"

/*
 * What a new mm is made under. True: a vCPU that has it loaded lazily holds mm_count. False: the
 * last mmdrop() makes every such vCPU leave it.
 */
extern bool lazy_tlb_refcount;

/* vCPUs count from now on. With every world. */
void lazy_tlb_world_init(void);

#endif
