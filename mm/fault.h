/*
 * fault.h - a user page fault: from the CPU's #PF to an entry in the tables.
 *
 * Owns: who is asked, what kinds of faults there are, what a failed one is called.
 * Not here: the locks of VMAs (vma_lock.h), anon_vmas (anon_vma.h).
 * Idea: the VMA is found and read-locked under RCU, without mmap_lock; whatever that cannot do
 *       (a writer is near, the first page of a VMA needs an anon_vma while mmap_lock is taken)
 *       is told to begin again with mmap_lock held for reading.
 */
#ifndef MM_FAULT_H
#define MM_FAULT_H

#include "kernel/x86/layout.h"
#include "kernel/x86/trap.h"
#include "mm/vma.h"

typedef unsigned vm_fault_t;

/* Results; none set: the access may be tried again. */
#define VM_FAULT_OOM	0x0001u /* no memory */
#define VM_FAULT_SIGBUS 0x0002u /* contents are lost (MMF_UNSTABLE), or to come (userfaultfd.h) */
#define VM_FAULT_SIGSEGV 0x0040u /* not mapped, or not with this right */
#define VM_FAULT_RETRY	0x0400u /* begin again with mmap_lock; the VMA is not locked any more */
#define VM_FAULT_ERROR	(VM_FAULT_OOM | VM_FAULT_SIGBUS | VM_FAULT_SIGSEGV)

/* What is wanted, and what is held. */
#define FAULT_FLAG_WRITE       PF_WRITE /* these two as in the error code of the trap */
#define FAULT_FLAG_INSTRUCTION PF_INSTR
#define FAULT_FLAG_VMA_LOCK    0x1000u /* the VMA's read lock instead of mmap_lock */

/*
 * handle_mm_fault - make @addr accessible as @flags say, if @vma allows it.
 *
 * @vma:     holds @addr; FAULT_FLAG_VMA_LOCK: read-locked, else mmap_lock is held
 * Context:  may sleep
 * Returns:  VM_FAULT_ bits. Locks are the caller's still, but for VM_FAULT_RETRY
 */
vm_fault_t handle_mm_fault(struct vm_area_struct *vma, unsigned long addr, unsigned flags);

/*
 * mm_user_fault - find the VMA of @addr, lock it, and handle the fault.
 *
 * Locks:    none of @mm held
 * Returns:  0: try the access again. -EFAULT: not mapped, or not with this right (SIGSEGV).
 *           -EIO: contents are lost (SIGBUS). -ENOMEM. -EINTR: a fatal signal came first
 * The accessor of the user address returns the same.
 */
int mm_user_fault(struct mm_struct *mm, unsigned long addr, unsigned flags);

/* Order of the folio that a first write to anonymous memory allocates (`set anon_order N`). */
extern unsigned anon_order;
#define ANON_ORDER_MAX 9u

/* Faults of the current thread's mm are handled here from now on. With every world. */
void mm_fault_world_init(void);

/* The frame of zeros that reads of untouched memory see; mapped by special entries. */
extern const u8 zero_page[PAGE_SIZE];

#endif
