/*
 * bug.h (host) - as for the frame and slab tests, and warnings end the test too.
 */
#ifndef TESTS_HOST_VMA_INCLUDE_KERNEL_CORE_BUG_H
#define TESTS_HOST_VMA_INCLUDE_KERNEL_CORE_BUG_H

#include "tests/host/mm/include/kernel/core/bug.h"

#define WARN_ON_ONCE(cond)                                                                         \
	({                                                                                         \
		bool warn_ = (cond);                                                               \
		ASSERT(!warn_);                                                                    \
		warn_;                                                                             \
	})

#endif
