/*
 * lock_class.h - the lock order of the whole system: one list, one place.
 *
 * Rule: acquire downwards only. Two locks of one class are never held together unless nested on
 *       purpose
 * (spin_lock_nested and the like); a trylock is exempt, since it does not wait, but what it took
 * counts afterwards. A sleeping lock is never taken under a spinning one: all sleeping classes
 * stand above all spinning ones. Adding a lock means adding a line here. At most 64 classes (one
 * mask per thread).
 */
#ifndef KERNEL_CORE_LOCK_CLASS_H
#define KERNEL_CORE_LOCK_CLASS_H

/* X(class, what it guards) */
#define SLEEPING_LOCK_CLASSES(X)                                      \
	X(TEST_SLEEP_A, "tests: first sleeping lock")                 \
	X(TEST_SLEEP_B, "tests: second sleeping lock")                \
	X(OOM, "one OOM decision at a time")                          \
	X(DUP_MMAP, "uprobes against fork")                           \
	X(MMAP, "an address space")                                   \
	X(MMAP_CHILD, "a child's address space during fork")          \
	X(VMA, "one VMA")                                             \
	X(INODE, "the size of one file, and writes to it")            \
	X(FOLIO, "one folio's contents and mapping")                  \
	X(IMMAP, "the VMAs that map a file")                          \
	X(ANON_VMA, "the VMAs that may map an anonymous page")        \
	X(SLAB_CACHES, "the list of slab caches")                     \
	X(SWAPON, "the table of swap devices")                        \
	X(WORKERS, "making and ending kernel threads")

#define SPINNING_LOCK_CLASSES(X)                                      \
	X(TEST_SPIN_A, "tests: first spinning lock")                  \
	X(TEST_SPIN_B, "tests: second spinning lock")                 \
	X(TASKLIST, "the task tree and the task hash")                \
	X(SIGHAND, "signals of a process")                            \
	X(TASK, "a task's address space")                             \
	X(FUTEX, "one futex bucket")                                  \
	X(PGD, "upper levels of one mm's page tables")                \
	X(PTL_CHILD, "a child's PTE table during fork")               \
	X(PTL, "one PTE table")                                       \
	X(MMLIST, "the mms that may hold swap entries")               \
	X(SWAP, "the slots of a swap device")                         \
	X(PCACHE, "the pages of one file")                            \
	X(LRU, "the lists that reclaim scans")                        \
	X(MT, "the writers of one tree")                              \
	X(SLAB, "one slab cache")                                     \
	X(KMAP, "the kernel's own page tables")                       \
	X(WINDOW, "tables of the 4 KiB mapping window")               \
	X(ZONE, "free frames")                                        \
	X(TLB, "one shootdown at a time")                             \
	X(WORK, "one work queue")                                     \
	X(CALL, "functions queued for another vCPU")                  \
	X(THREADS, "the list of threads and one thread's end")        \
	X(DISK, "the requests of a disk")                             \
	X(WAIT, "who waits: wait queue, completion, sleeping lock")   \
	X(RUNQ, "the run queue of a vCPU")                            \
	X(TIMER, "the timers of a vCPU")                              \
	X(RCU, "readers and callbacks of grace periods")              \
	X(LEAF, "under which no lock is ever taken")

enum lock_class {
#define X(name, what) LC_##name,
	SLEEPING_LOCK_CLASSES(X)
	SPINNING_LOCK_CLASSES(X)
#undef X
	LC_NR,
	LC_FIRST_SPINNING = LC_TEST_SPIN_A
};

_Static_assert(LC_NR <= 64, "the held mask has 64 bits");

/* "MMAP" and what the lock guards. */
extern const char *const lock_class_name[LC_NR];
extern const char *const lock_class_what[LC_NR];

#endif
