/*
 * gfp.h - what an allocation may do to find memory.
 *
 * Only the distinctions this kernel makes: may it sleep, may it use the last reserve, must the
 * memory be zeroed. Usable on the host.
 */
#ifndef MM_GFP_H
#define MM_GFP_H

#include "kernel/base/types.h"

typedef unsigned int gfp_t;

#define __GFP_DIRECT_RECLAIM 0x001u /* may sleep, reclaim, wait */
#define __GFP_KSWAPD	     0x002u /* may wake background reclaim */
#define __GFP_HIGH	     0x004u /* may take the last reserve */
#define __GFP_ZERO	     0x008u /* memory comes zeroed */
#define __GFP_NOFAIL	     0x010u /* waits until it succeeds */
#define __GFP_NOWARN	     0x020u /* failure is expected: no report */
#define __GFP_ACCOUNT	     0x040u /* charged to the running process */

#define GFP_KERNEL	   (__GFP_DIRECT_RECLAIM | __GFP_KSWAPD)
#define GFP_KERNEL_ACCOUNT (GFP_KERNEL | __GFP_ACCOUNT)
#define GFP_NOWAIT	   (__GFP_KSWAPD | __GFP_NOWARN)
#define GFP_ATOMIC	   (__GFP_HIGH | __GFP_KSWAPD)

static inline bool gfpflags_allow_blocking(gfp_t gfp)
{
	return gfp & __GFP_DIRECT_RECLAIM;
}

#endif
