/*
 * percpu_rwsem.h - a sleeping lock for many readers, each of which touches only its own vCPU's
 *                  memory, and a rare writer, who pays for that.
 *
 * Idea: while no writer is about, a reader counts itself on the vCPU it runs on. A writer says that
 *       it is coming, waits one grace period, after which no reader can have missed the word, and
 *       then until the counts add up to zero. Readers that come meanwhile queue at an ordinary
 *       rw_semaphore.
 * Costs: reading is a read section and one store into memory nobody else writes; writing is at
 *        least one grace period.
 * Note:  a reader may leave on another vCPU than it came by: single counts may be negative. A
 *        reader may not take it a second time, nor a writer end as a reader.
 */
#ifndef KERNEL_SCHED_PERCPU_RWSEM_H
#define KERNEL_SCHED_PERCPU_RWSEM_H

#include "kernel/base/annotations.h"
#include "kernel/sched/rwsem.h"
#include "kernel/sched/wait.h"
#include "kernel/x86/vcpu.h"

/* Field key: [W] rw_sem for write; read by anyone  [O] the vCPU of its index; read by a writer */
struct CAPABILITY("percpu_rw_semaphore") percpu_rw_semaphore {
	struct rw_semaphore rw_sem;	 /*     writers, and readers while there is one */
	u32 writer;			 /* [W] one is inside, or on its way */
	struct wait_queue_head all_left; /*     it waits here for the last reader */
	struct {
		long nr; /* [O] readers that came minus readers that left */
	} __aligned(64) readers[MAX_VCPUS];
};

#define PERCPU_RWSEM_INIT(name, cls)                          \
	{                                                     \
		.rw_sem = RWSEM_INIT((name).rw_sem, cls),     \
		.all_left = WAIT_QUEUE_INIT((name).all_left), \
	}
#define DEFINE_PERCPU_RWSEM(name, cls) \
	struct percpu_rw_semaphore name = PERCPU_RWSEM_INIT(name, cls)

/* @sem's memory is zero or anything. */
void percpu_init_rwsem(struct percpu_rw_semaphore *sem, enum lock_class class);

/* Context of all four: may sleep; no read section of RCU around a percpu_down_write(). */
void percpu_down_read(struct percpu_rw_semaphore *sem) ACQUIRES_SHARED(sem);
void percpu_up_read(struct percpu_rw_semaphore *sem) RELEASES_SHARED(sem);
void percpu_down_write(struct percpu_rw_semaphore *sem) ACQUIRES(sem);
void percpu_up_write(struct percpu_rw_semaphore *sem) RELEASES(sem);

#endif
