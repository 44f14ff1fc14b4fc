/*
 * sched_internal.h - what the files of this folder tell each other about making a world and about
 * switches.
 */
#ifndef KERNEL_SCHED_SCHED_INTERNAL_H
#define KERNEL_SCHED_SCHED_INTERNAL_H

#include "kernel/base/compiler.h"
#include "kernel/sched/thread.h"
#include "kernel/x86/percpu.h"

/* Whoever runs on a vCPU that no started thread has: boot code, the idle loop. */
DECLARE_PER_CPU(struct thread, idle_thread);

/* Parts of sched_world_init(), for @nr vCPUs. */
void threads_world_init(void);
void timers_world_init(unsigned nr);
void rcu_world_init(unsigned nr);

/* Parts of sched_world_threads(). 0 or -ENOMEM. */
int __must_check rcu_world_thread(void);

/* List @prev if it leaves its vCPU inside a read section. Interrupts off; takes a leaf lock. */
void rcu_note_switch(struct thread *prev);

/* An oops was caught: cut the read nesting of the current thread down to @nesting. */
void rcu_unwind(u32 nesting);

/* Free the memory of a kthread that is off every list. Nothing for a caller's own thread. */
void thread_free_mem(struct thread *t);

/* Pending timers; a ledger kind. */
long timers_live(void);

/* Works queued or running on system_wq; a ledger kind. */
long system_works_live(void);

#endif
