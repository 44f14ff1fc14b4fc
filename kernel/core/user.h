/*
 * user.h - user memory, one schedule point and one access at a time.
 *
 * Owns: the point before each access. The access itself, its fault and its fixup are
 * kernel/x86/uaccess.h's.
 * Context: a thread whose address space is in use; no spinlock held, since a fault may sleep.
 */
#ifndef KERNEL_CORE_USER_H
#define KERNEL_CORE_USER_H

#include "kernel/core/point.h"
#include "kernel/x86/uaccess.h"

/*
 * Load *@uaddr (1, 2, 4 or 8 bytes, by the type of *@out) into *@out. 0, or -errno with *@out
 * unchanged.
 */
#define get_user(out, uaddr)                                                                   \
	({                                                                                     \
		point(PT_USER, (const volatile void *)(uaddr), sizeof(*(out)), MO_RELAXED, 0); \
		_Generic(*(out), u8                                                            \
			 : get_user_u8, u16                                                    \
			 : get_user_u16, u32                                                   \
			 : get_user_u32, u64                                                   \
			 : get_user_u64)((unsigned long)(uaddr), out);                         \
	})

/* Store @value to *@uaddr with the width of @value's type. 0 or -errno. */
#define put_user(value, uaddr)                                                                \
	({                                                                                    \
		point(PT_USER, (const volatile void *)(uaddr), sizeof(value), MO_RELAXED, 1); \
		_Generic(value, u8                                                            \
			 : put_user_u8, u16                                                   \
			 : put_user_u16, u32                                                  \
			 : put_user_u32, u64                                                  \
			 : put_user_u64)((unsigned long)(uaddr), value);                      \
	})

/* As C11's compare and exchange of the u32 at @uaddr: *@old is in and out. 0 or -errno. */
#define cmpxchg_user(uaddr, old, value)                                                   \
	({                                                                                \
		point(PT_USER, (const volatile void *)(uaddr), sizeof(u32), MO_SEQ_CST, 1); \
		cmpxchg_user_u32((unsigned long)(uaddr), old, value);                     \
	})

#endif
