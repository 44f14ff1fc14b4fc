/*
 * uaccess.h - the only instructions that touch user addresses.
 *
 * Idea: a process has no code of its own: its thread calls these. Each is `stac`, one access,
 *       `clac`, in assembly (uaccess.S), so faults, copy-on-write, A and D bits and flushes are the
 *       hardware's. A page fault whose rip lies there is a user fault (user_fault_hook); if it
 *       cannot be served, the accessor returns the hook's error: -EFAULT for an address that is not
 *       mapped or not with this right, others as layer 6 says (mm/fault.h).
 * Invariant: no schedule point inside; a fault may sleep, so no spinlock may be held.
 * Addresses at or above USER_MAX fail without an access.
 */
#ifndef KERNEL_X86_UACCESS_H
#define KERNEL_X86_UACCESS_H

#include "kernel/x86/layout.h"

/*
 * One load of 1, 2, 4, 8 bytes from @uaddr into *@value (written only on success). Returns 0 or
 * -errno.
 */
int __must_check get_user_u8(unsigned long uaddr, u8 *value);
int __must_check get_user_u16(unsigned long uaddr, u16 *value);
int __must_check get_user_u32(unsigned long uaddr, u32 *value);
int __must_check get_user_u64(unsigned long uaddr, u64 *value);

/* One store. Returns 0 or -errno. */
int __must_check put_user_u8(unsigned long uaddr, u8 value);
int __must_check put_user_u16(unsigned long uaddr, u16 value);
int __must_check put_user_u32(unsigned long uaddr, u32 value);
int __must_check put_user_u64(unsigned long uaddr, u64 value);

/* Atomic compare and exchange of a user word; *@old is in and out as in C11. 0 or -errno. */
int __must_check cmpxchg_user_u32(unsigned long uaddr, u32 *old, u32 new_value);

/* @len bytes; on a fault a prefix may have been copied. Returns 0 or -errno. */
int __must_check copy_from_user(void *to, unsigned long from, size_t len);
int __must_check copy_to_user(unsigned long to, const void *from, size_t len);

#endif
