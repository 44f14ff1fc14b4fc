/*
 * mman.h - what a program may do to its address space: the system calls, as functions of an mm.
 *
 * Each takes mmap_lock for write (killable: -EINTR), checks all it was told before it changes
 * anything, and returns 0 or an address, or a negative errno. Unless said otherwise a failure
 * changes nothing but where VMAs are split: a VMA may end up as two that are alike.
 */
#ifndef MM_MMAN_H
#define MM_MMAN_H

#include "kernel/base/types.h"

struct file;
struct mm_struct;

#define PROT_NONE  0x0ul
#define PROT_READ  0x1ul
#define PROT_WRITE 0x2ul
#define PROT_EXEC  0x4ul

#define MAP_SHARED	    0x01ul /* of a file: writes go to it, and are seen by all */
#define MAP_PRIVATE	    0x02ul
#define MAP_FIXED	    0x10ul /* exactly there, whatever is there goes */
#define MAP_ANONYMOUS	    0x20ul
#define MAP_NORESERVE	    0x4000ul /* not charged to the commit limit, unless that is firm */
#define MAP_FIXED_NOREPLACE 0x100000ul /* exactly there, or -EEXIST */

#define MREMAP_MAYMOVE 0x1ul
#define MREMAP_FIXED   0x2ul /* to exactly there; needs MREMAP_MAYMOVE */

#define MADV_DONTNEED	4  /* contents are zero from now on */
#define MADV_DONTFORK	10 /* a child does not get the range */
#define MADV_DOFORK	11
#define MADV_WIPEONFORK 18 /* a child finds it zeroed */
#define MADV_KEEPONFORK 19
#define MADV_PAGEOUT	21 /* contents leave memory for where they are stored */

/* Is @value an errno rather than an address? */
static inline bool mm_is_err(unsigned long value)
{
	return value >= -4095ul;
}

/*
 * vm_mmap - map @len bytes (rounded up to pages) of zeros.
 *
 * @addr:    with MAP_FIXED or MAP_FIXED_NOREPLACE where exactly; else a hint, 0: none
 * @flags:   MAP_PRIVATE | MAP_ANONYMOUS, and a MAP_FIXED form, MAP_NORESERVE
 * Returns:  the address: without a usable hint the highest free place. -EINVAL (length 0,
 *           unaligned fixed address, flags that do not exist), -ENOMEM (no place, above USER_MAX,
 *           too many VMAs, no memory, beyond a limit), -EPERM (below USER_MIN), -EEXIST
 * With MAP_FIXED a failure leaves what was there, as munmap does.
 */
unsigned long vm_mmap(struct mm_struct *mm, unsigned long addr, size_t len, unsigned long prot,
		      unsigned long flags);

/*
 * vm_mmap_file - map @len bytes of @file from byte @offset on, which is page-aligned.
 *
 * @flags:   MAP_SHARED or MAP_PRIVATE, and a MAP_FIXED form
 * Returns:  as vm_mmap(); -EOVERFLOW: no file reaches that far. The file may be shorter: an access
 *           beyond its last page is SIGBUS
 * Owns:     the mapping takes a reference to @file of its own
 */
unsigned long vm_mmap_file(struct mm_struct *mm, unsigned long addr, size_t len, unsigned long prot,
			   unsigned long flags, struct file *file, u64 offset);

/*
 * vm_munmap - unmap [@start, @start + @len), mapped or not.
 *
 * Returns:  0, -EINVAL (unaligned, length 0, out of user space), -ENOMEM, -EINTR
 */
int vm_munmap(struct mm_struct *mm, unsigned long start, size_t len);

/*
 * vm_mprotect - change the rights of a range.
 *
 * Returns:  0, -EINVAL, -EINTR, or -ENOMEM: no memory, or part of the range is not mapped; VMAs
 *           below the place of failure then have the new rights already
 */
int vm_mprotect(struct mm_struct *mm, unsigned long start, size_t len, unsigned long prot);

/*
 * vm_mremap - resize the mapping of [@addr, @addr + @old_len), or move it.
 *
 * Returns:  its address; -EFAULT (the range is not within one VMA), -EINVAL, -ENOMEM. On failure
 *           pages, rights and layout are what they were, but for what was unmapped first: the part
 *           beyond @new_len, and with MREMAP_FIXED what lies at the new place.
 */
unsigned long vm_mremap(struct mm_struct *mm, unsigned long addr, size_t old_len, size_t new_len,
			unsigned long flags, unsigned long new_addr);

/*
 * vm_madvise - tell what is going to be done with a range.
 *
 * Returns:  0, -EINVAL (MADV_WIPEONFORK of a file: what lies below is advised); -ENOMEM: no memory,
 *           or part of the range is not mapped (the mapped parts were advised)
 */
int vm_madvise(struct mm_struct *mm, unsigned long start, size_t len, int advice);

/*
 * vm_mbind - say from which nodes the memory of a range is to come (mempolicy.h).
 *
 * @mode:    enum mpol_mode; @nodes: bit N for node N
 * Returns:  0; -EINVAL (no such range, mode or node, nodes with a mode that has none), -EFAULT
 *           (part of the range is not mapped), -EINTR; or -ENOMEM: VMAs below the place of failure
 *           then have the new policy already
 */
int vm_mbind(struct mm_struct *mm, unsigned long start, size_t len, unsigned mode,
	     unsigned long nodes);

/*
 * vm_brk - move the end of the heap.
 *
 * Returns:  where it ends now: @brk, or the old end if that cannot be
 */
unsigned long vm_brk(struct mm_struct *mm, unsigned long brk);

#endif
