/*
 * gfp.h - what a caller of an allocator allows: may it sleep, may it dig into the reserves, what
 * for.
 *
 * Owns: the gfp_t bits. Builds on the host; everything that allocates includes it.
 * Idea: the low 24 bits are permissions under Linux's names; the high byte names the owner kind of
 *       a frame (enum frame_kind in mm/page.h), so that the ledger can say whose frames are live.
 */
#ifndef MM_GFP_H
#define MM_GFP_H

#include "kernel/base/types.h"

typedef u32 gfp_t;

#define __GFP_DIRECT_RECLAIM 0x001u /* the caller may sleep and may reclaim by itself */
#define __GFP_KSWAPD_RECLAIM 0x002u /* background reclaim may be woken */
#define __GFP_HIGH	     0x004u /* may use half of the reserve below the min watermark */
#define __GFP_MEMALLOC	     0x008u /* may use all of it: the caller is about to free memory */
#define __GFP_ZERO	     0x010u /* zeroed */
#define __GFP_COMP	     0x020u /* order > 0: one folio, its tail frames lead to the head */
#define __GFP_NOWARN	     0x040u /* failure is expected: no report */
#define __GFP_RETRY_MAYFAIL  0x100u /* rather fails than ends a process for it */
#define __GFP_ACCOUNT	     0x080u /* charged to the running process */

#define GFP_KERNEL	   (__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM)
#define GFP_KERNEL_ACCOUNT (GFP_KERNEL | __GFP_ACCOUNT)
#define GFP_NOWAIT	   (__GFP_KSWAPD_RECLAIM | __GFP_NOWARN)
#define GFP_ATOMIC	   (__GFP_HIGH | __GFP_KSWAPD_RECLAIM)

#define GFP_KIND_SHIFT 24
/* Frames asked for belong to @kind (enum frame_kind); without it to FK_KERNEL, kind 2. */
#define GFP_FOR(kind) (((gfp_t)(kind) ^ 2u) << GFP_KIND_SHIFT)
#define GFP_KIND(gfp) ((gfp) >> GFP_KIND_SHIFT ^ 2u)

/* May this request sleep? */
static inline bool gfpflags_allow_blocking(gfp_t gfp)
{
	return gfp & __GFP_DIRECT_RECLAIM;
}

#endif
