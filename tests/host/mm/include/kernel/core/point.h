/*
 * point.h (host) - schedule points do nothing: one thread plays all CPUs.
 */
#ifndef TESTS_HOST_MM_INCLUDE_KERNEL_CORE_POINT_H
#define TESTS_HOST_MM_INCLUDE_KERNEL_CORE_POINT_H

#include "kernel/core/static_key.h"

enum point_kind { PT_LOCK, PT_LOAD, PT_STORE, PT_RMW, PT_PTE, PT_PUBLISH, PT_FREE };
enum mem_order { MO_RELAXED, MO_ACQUIRE, MO_RELEASE, MO_ACQ_REL, MO_SEQ_CST };

DECLARE_STATIC_KEY(points_key);

static inline bool point(enum point_kind kind, const volatile void *obj, u8 size,
			 enum mem_order order, u64 value)
{
	return false;
}

#define spin_wait_until(obj, cond) \
	do {                       \
	} while (!(cond))

#endif
