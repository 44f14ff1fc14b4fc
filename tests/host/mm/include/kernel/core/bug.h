/*
 * bug.h (host) - a report ends the program, or returns to the test that expects it.
 */
#ifndef TESTS_HOST_MM_INCLUDE_KERNEL_CORE_BUG_H
#define TESTS_HOST_MM_INCLUDE_KERNEL_CORE_BUG_H

#include "kernel/base/compiler.h"

void host_bug(const char *file, int line, const char *fmt, ...) __noreturn __printf(3, 4);

#define BUGF(...) host_bug(__FILE__, __LINE__, __VA_ARGS__)
#define BUG()	  BUGF("BUG")
#define BUG_ON(cond)                               \
	do {                                       \
		if (unlikely(cond))                \
			BUGF("BUG_ON(%s)", #cond); \
	} while (0)
#define ASSERT(cond)                                         \
	do {                                                 \
		if (unlikely(!(cond)))                       \
			BUGF("assertion failed: %s", #cond); \
	} while (0)
#define ASSERT_EQ(a, b)                                                           \
	do {                                                                      \
		u64 assert_a_ = (u64)(a), assert_b_ = (u64)(b);                   \
		if (unlikely(assert_a_ != assert_b_))                             \
			BUGF("assertion failed: %s == %s: %#lx, %#lx", #a, #b,    \
			     (unsigned long)assert_a_, (unsigned long)assert_b_); \
	} while (0)
#define WARN_ON(cond)                \
	({                           \
		bool warn_ = (cond); \
		ASSERT(!warn_);      \
		warn_;               \
	})

#endif
