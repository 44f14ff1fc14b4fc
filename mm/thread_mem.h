/*
 * thread_mem.h - memory for threads, handed to the scheduler through its hooks.
 */
#ifndef MM_THREAD_MEM_H
#define MM_THREAD_MEM_H

/* From now on kthreads get their memory here, and the direct map its tables. With every world. */
void thread_mem_world_init(void);
/* Free the blocks kept for later threads. Context: thread, no lock held. */
void thread_mem_trim(void);

#endif
