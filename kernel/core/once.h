/*
 * once.h - loads and stores of shared words, each whole, ordered as said, and a schedule point.
 *
 * Owns: READ_ONCE and WRITE_ONCE and their ordered forms, the barriers, the RCU pointer forms.
 * Not here: read-modify-write (atomic.h).
 * Idea: scalars of 1, 2, 4 or 8 bytes only; x86 gives acquire and release for nothing, so the
 *       orders differ in what the compiler may move and in what the lab is told.
 */
#ifndef KERNEL_CORE_ONCE_H
#define KERNEL_CORE_ONCE_H

#include "kernel/core/point.h"

static __always_inline u64 load_nopoint(const volatile void *p, size_t size)
{
	switch (size) {
	case 1: return *(const volatile u8 *)p;
	case 2: return *(const volatile u16 *)p;
	case 4: return *(const volatile u32 *)p;
	default: return *(const volatile u64 *)p;
	}
}

static __always_inline void store_nopoint(volatile void *p, size_t size, u64 value)
{
	switch (size) {
	case 1: *(volatile u8 *)p = value; break;
	case 2: *(volatile u16 *)p = value; break;
	case 4: *(volatile u32 *)p = value; break;
	default: *(volatile u64 *)p = value; break;
	}
}

static __always_inline u64 load_point(const volatile void *p, size_t size, enum mem_order order)
{
	u64 value;

	if (static_branch_unlikely(&points_key))
		value = point_call(POINT_HOW(PT_LOAD, size, order), p, 0);
	else
		value = load_nopoint(p, size);
	if (order != MO_RELAXED)
		barrier();
	return value;
}

static __always_inline void store_point(enum point_kind kind, volatile void *p, size_t size,
					enum mem_order order, u64 value)
{
	if (order != MO_RELAXED)
		barrier();
	if (!point(kind, p, size, order, value))
		store_nopoint(p, size, value);
}

#define ONCE_CHECK(x)                                                                              \
	((void)sizeof(struct {                                                                     \
		_Static_assert(sizeof(x) <= 8 && (sizeof(x) & (sizeof(x) - 1)) == 0,               \
			       "only scalars of 1, 2, 4 or 8 bytes");                              \
		int unused_;                                                                       \
	}))
/* Lets the compiler judge the assignment without doing it. */
#define ONCE_TYPECHECK(x, v) ((void)sizeof((x) = (v)))
/* A statement expression: its value may be left unused without a warning. */
#define ONCE_LOAD(x, order)                                                                        \
	({                                                                                         \
		ONCE_CHECK(x);                                                                     \
		(__typeof__(x))load_point(&(x), sizeof(x), order);                                 \
	})
#define ONCE_STORE(kind, x, order, v)                                                              \
	(ONCE_CHECK(x), ONCE_TYPECHECK(x, v), store_point(kind, &(x), sizeof(x), order, (u64)(v)))

/* @x is an lvalue. */
#define READ_ONCE(x)	 ONCE_LOAD(x, MO_RELAXED)
#define WRITE_ONCE(x, v) ONCE_STORE(PT_STORE, x, MO_RELAXED, v)

/* The same accesses where the lab shall not switch: data of which another point tells. */
#define READ_ONCE_NOPOINT(x)                                                                       \
	({                                                                                         \
		ONCE_CHECK(x);                                                                     \
		(__typeof__(x))load_nopoint(&(x), sizeof(x));                                      \
	})
#define WRITE_ONCE_NOPOINT(x, v)                                                                   \
	(ONCE_CHECK(x), ONCE_TYPECHECK(x, v), store_nopoint(&(x), sizeof(x), (u64)(v)))

/* @p is a pointer to the word. */
#define smp_load_acquire(p)	ONCE_LOAD(*(p), MO_ACQUIRE)
#define smp_store_release(p, v) ONCE_STORE(PT_STORE, *(p), MO_RELEASE, v)

/* @p is the pointer variable itself, as in Linux. */
#define rcu_dereference(p)	 ONCE_LOAD(p, MO_ACQUIRE)
#define rcu_assign_pointer(p, v) ONCE_STORE(PT_PUBLISH, p, MO_RELEASE, v)
#define RCU_INIT_POINTER(p, v)	 ((p) = (v))

/* A locked add to the stack orders all of memory and is cheaper than mfence. */
#define smp_mb()  __asm__ volatile("lock addl $0, -4(%%rsp)" ::: "memory", "cc")
#define smp_rmb() barrier()
#define smp_wmb() barrier()

#endif
