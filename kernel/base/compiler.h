/*
 * compiler.h - what the language lacks: attributes, hints, small macros without state.
 *
 * Works with gcc and clang, in the kernel and on the host.
 */
#ifndef KERNEL_BASE_COMPILER_H
#define KERNEL_BASE_COMPILER_H

#include "kernel/base/types.h"

/* The C library of the host has some of these names already. */
#undef __always_inline
#undef __must_check
#undef __packed
#undef __used
#undef __aligned
#undef __noreturn
#undef __section

#define __must_check	 __attribute__((warn_unused_result))
#define __aligned(n)	 __attribute__((aligned(n)))
#define __packed	 __attribute__((packed))
#define __used		 __attribute__((used))
#define __maybe_unused	 __attribute__((unused))
#define __noreturn	 __attribute__((noreturn))
#define __cold		 __attribute__((cold))
#define __weak		 __attribute__((weak))
#define __section(s)	 __attribute__((section(s)))
/*
 * State that belongs to no world: set in files whose data does (mm, kernel/sched), survives a lab's
 * restore.
 */
#define __host_data	 __section(".host_data")
#define __printf(f, a)	 __attribute__((format(printf, f, a)))
#define __always_inline	 inline __attribute__((always_inline))
#undef noinline
#define noinline	 __attribute__((noinline))
#define fallthrough	 __attribute__((fallthrough))
/* All calls in the body are inlined that can be: for the few paths that are worth it. */
#define __flatten	 __attribute__((flatten))

#define likely(x)	 __builtin_expect(!!(x), 1)
#define unlikely(x)	 __builtin_expect(!!(x), 0)

/* The compiler may not move memory accesses across this; the CPU may. */
#define barrier()	 __asm__ volatile("" ::: "memory")

#define ARRAY_SIZE(a)	 (sizeof(a) / sizeof((a)[0]))
#define BUILD_BUG_ON(c)	 _Static_assert(!(c), "BUILD_BUG_ON: " #c)

#define container_of(ptr, type, member)                                                            \
	((type *)((char *)(ptr) - offsetof(type, member)))

#define min(a, b)                                                                                  \
	({                                                                                         \
		__auto_type min_a_ = (a);                                                          \
		__auto_type min_b_ = (b);                                                          \
		min_a_ < min_b_ ? min_a_ : min_b_;                                                 \
	})
#define max(a, b)                                                                                  \
	({                                                                                         \
		__auto_type max_a_ = (a);                                                          \
		__auto_type max_b_ = (b);                                                          \
		max_a_ > max_b_ ? max_a_ : max_b_;                                                 \
	})

#define ALIGN_UP(x, a)	 (((x) + ((a)-1)) & ~((__typeof__(x))(a)-1))
#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a)-1))
#define IS_ALIGNED(x, a) (((x) & ((__typeof__(x))(a)-1)) == 0)

#define CONCAT_(a, b) a##b
#define CONCAT(a, b)  CONCAT_(a, b)
#define STRINGIFY_(x) #x
#define STRINGIFY(x)  STRINGIFY_(x)

#endif
