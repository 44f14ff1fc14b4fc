/*
 * bug.h (host) - broken invariants end the program with place and condition.
 */
#ifndef KERNEL_CORE_BUG_H
#define KERNEL_CORE_BUG_H

#include <stdio.h>
#include <stdlib.h>
#include "kernel/base/compiler.h"

#define BUG()                                                                                      \
	do {                                                                                       \
		fprintf(stderr, "BUG at %s:%d\n", __FILE__, __LINE__);                             \
		abort();                                                                           \
	} while (0)
#define BUG_ON(cond)                                                                               \
	do {                                                                                       \
		if (unlikely(cond)) {                                                              \
			fprintf(stderr, "BUG at %s:%d: %s\n", __FILE__, __LINE__, #cond);          \
			abort();                                                                   \
		}                                                                                  \
	} while (0)
#define ASSERT(cond) BUG_ON(!(cond))
#define ASSERT_EQ(a, b)                                                                            \
	do {                                                                                       \
		unsigned long long assert_a_ = (unsigned long long)(a);                            \
		unsigned long long assert_b_ = (unsigned long long)(b);                            \
		if (unlikely(assert_a_ != assert_b_)) {                                            \
			fprintf(stderr, "BUG at %s:%d: %s (%#llx) != %s (%#llx)\n", __FILE__,      \
				__LINE__, #a, assert_a_, #b, assert_b_);                           \
			abort();                                                                   \
		}                                                                                  \
	} while (0)
#define WARN_ON(cond)                                                                              \
	({                                                                                         \
		bool warn_ = (cond);                                                               \
		if (unlikely(warn_))                                                               \
			fprintf(stderr, "WARNING at %s:%d: %s\n", __FILE__, __LINE__, #cond);      \
		unlikely(warn_);                                                                   \
	})
#define WARN_ON_ONCE(cond)                                                                         \
	({                                                                                         \
		static bool warned_;                                                               \
		bool once_ = (cond);                                                               \
		if (unlikely(once_ && !warned_)) {                                                 \
			warned_ = true;                                                            \
			fprintf(stderr, "WARNING at %s:%d: %s\n", __FILE__, __LINE__, #cond);      \
		}                                                                                  \
		unlikely(once_);                                                                   \
	})

#endif
