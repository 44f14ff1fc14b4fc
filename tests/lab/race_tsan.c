/*
 * race_tsan.c - the functions that -fsanitize=thread calls, under the names compilers expect.
 *
 * Owns: nothing but names. Plain accesses go to the detector; volatile ones are annotated and are
 * told by their schedule point, so they go nowhere; atomic builtins are carried out here, since the
 * compiler hands them over. Compiled to nothing unless the build is `make race`.
 */
#include "tests/lab/race_tsan.h"

#ifdef MMLIFE_RACE

#define HERE __builtin_return_address(0)

void __tsan_init(void);
void __tsan_func_entry(void *pc);
void __tsan_func_exit(void);

void __tsan_init(void)
{
}

void __tsan_func_entry(void *pc)
{
}

void __tsan_func_exit(void)
{
}

#define PLAIN(size)                                          \
	void __tsan_read##size(void *p);                     \
	void __tsan_write##size(void *p);                    \
	void __tsan_unaligned_read##size(void *p);           \
	void __tsan_unaligned_write##size(void *p);          \
	void __tsan_volatile_read##size(void *p);            \
	void __tsan_volatile_write##size(void *p);           \
	void __tsan_unaligned_volatile_read##size(void *p);  \
	void __tsan_unaligned_volatile_write##size(void *p); \
	void __tsan_read##size(void *p)                      \
	{                                                    \
		race_plain_access(p, size, false, HERE);     \
	}                                                    \
	void __tsan_write##size(void *p)                     \
	{                                                    \
		race_plain_access(p, size, true, HERE);      \
	}                                                    \
	void __tsan_unaligned_read##size(void *p)            \
	{                                                    \
		race_plain_access(p, size, false, HERE);     \
	}                                                    \
	void __tsan_unaligned_write##size(void *p)           \
	{                                                    \
		race_plain_access(p, size, true, HERE);      \
	}                                                    \
	void __tsan_volatile_read##size(void *p)             \
	{                                                    \
	}                                                    \
	void __tsan_volatile_write##size(void *p)            \
	{                                                    \
	}                                                    \
	void __tsan_unaligned_volatile_read##size(void *p)   \
	{                                                    \
	}                                                    \
	void __tsan_unaligned_volatile_write##size(void *p)  \
	{                                                    \
	}

PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void __tsan_read_range(void *p, unsigned long size);
void __tsan_write_range(void *p, unsigned long size);

void __tsan_read_range(void *p, unsigned long size)
{
	race_plain_access(p, (unsigned)size, false, HERE);
}

void __tsan_write_range(void *p, unsigned long size)
{
	race_plain_access(p, (unsigned)size, true, HERE);
}

/* Atomic builtins; every order is carried out as the strongest, which x86 makes of them anyway. */
#define ATOMIC_RMW(bits, type, op)                                            \
	type __tsan_atomic##bits##_##op(volatile type *p, type v, int order); \
	type __tsan_atomic##bits##_##op(volatile type *p, type v, int order)  \
	{                                                                     \
		return __atomic_##op(p, v, __ATOMIC_SEQ_CST);                 \
	}

#define ATOMIC(bits, type)                                                                      \
	type __tsan_atomic##bits##_load(const volatile type *p, int order);                     \
	void __tsan_atomic##bits##_store(volatile type *p, type v, int order);                  \
	type __tsan_atomic##bits##_exchange(volatile type *p, type v, int order);               \
	int __tsan_atomic##bits##_compare_exchange_strong(volatile type *p, type *old, type v,  \
							  int ok, int fail);                    \
	int __tsan_atomic##bits##_compare_exchange_weak(volatile type *p, type *old, type v,    \
							int ok, int fail);                      \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *p, type old, type v,     \
							int ok, int fail);                      \
	type __tsan_atomic##bits##_load(const volatile type *p, int order)                      \
	{                                                                                       \
		return __atomic_load_n(p, __ATOMIC_SEQ_CST);                                    \
	}                                                                                       \
	void __tsan_atomic##bits##_store(volatile type *p, type v, int order)                   \
	{                                                                                       \
		__atomic_store_n(p, v, __ATOMIC_SEQ_CST);                                       \
	}                                                                                       \
	type __tsan_atomic##bits##_exchange(volatile type *p, type v, int order)                \
	{                                                                                       \
		return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);                             \
	}                                                                                       \
	int __tsan_atomic##bits##_compare_exchange_strong(volatile type *p, type *old, type v,  \
							  int ok, int fail)                     \
	{                                                                                       \
		return __atomic_compare_exchange_n(p, old, v, 0, __ATOMIC_SEQ_CST,              \
						   __ATOMIC_SEQ_CST);                           \
	}                                                                                       \
	int __tsan_atomic##bits##_compare_exchange_weak(volatile type *p, type *old, type v,    \
							int ok, int fail)                       \
	{                                                                                       \
		return __atomic_compare_exchange_n(p, old, v, 0, __ATOMIC_SEQ_CST,              \
						   __ATOMIC_SEQ_CST);                           \
	}                                                                                       \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *p, type old, type v,     \
							int ok, int fail)                       \
	{                                                                                       \
		__atomic_compare_exchange_n(p, &old, v, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
		return old;                                                                     \
	}                                                                                       \
	ATOMIC_RMW(bits, type, fetch_add)                                                       \
	ATOMIC_RMW(bits, type, fetch_sub)                                                       \
	ATOMIC_RMW(bits, type, fetch_and)                                                       \
	ATOMIC_RMW(bits, type, fetch_or)                                                        \
	ATOMIC_RMW(bits, type, fetch_xor)

ATOMIC(8, unsigned char)
ATOMIC(16, unsigned short)
ATOMIC(32, unsigned int)
ATOMIC(64, unsigned long)

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_signal_fence(int order);

void __tsan_atomic_thread_fence(int order)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void __tsan_atomic_signal_fence(int order)
{
	barrier();
}

#endif
