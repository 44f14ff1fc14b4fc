/*
 * sched.h - making the scheduler's part of a world, and what an implementation of sched_ops must
 * call: the contract between the primitives of this layer and parallel.c or the lab.
 *
 * The primitives (wait queues, locks, timers, RCU, works, kthreads) know sched_ops and spinlocks.
 * An implementation knows who runs next. Besides answering the seven calls it
 *
 *   1. has, before sched_world_init(), set every vCPU's `current` to a thread of its own (its idle
 *      thread, made by thread_init_idle), so that the code before the first switch has one;
 *   2. calls sched_switch_out(prev, next) on prev's stack before it gives a vCPU to another
 *      thread, and sched_switch_in(prev) on next's stack after it, no lock held;
 *   3. calls timers_run() in interrupt context when a moment given to arm_timer has come;
 *   4. runs the handler of each IPI on its vCPU in interrupt context, on idle vCPUs as well;
 *   5. in wake(t) turns TS_NEW, TS_BLOCKED, TS_KILLABLE into TS_RUNNING and makes t runnable, and
 *      leaves t alone in any other state; in block() returns at once unless the state is a waiting
 *      one or TS_DEAD (which never returns). Wake and block of one thread exclude each other.
 */
#ifndef KERNEL_SCHED_SCHED_H
#define KERNEL_SCHED_SCHED_H

#include "kernel/sched/thread.h"

/*
 * sched_world_init - start from nothing: no thread but the idle ones, no timer, no callback.
 *
 * Everything of this layer lies in .world, which has its initial contents (a fresh boot, or put
 * back by the lab). @nr: vCPUs of this world. Context: interrupts off or a single vCPU running.
 */
void sched_world_init(unsigned nr);

/*
 * Make the threads this layer needs: rcu, kworker. After mm has set thread_mem_hooks.
 * 0, or -ENOMEM. Context: thread or idle thread that does not block.
 */
int __must_check sched_world_threads(void);

/* The thread struct of code that runs on a vCPU without having been started: boot, idle. */
void thread_init_idle(struct thread *t, unsigned vcpu);

/* See rule 2 above. Context: interrupts off, the implementation's switch lock may be held. */
void sched_switch_out(struct thread *prev, struct thread *next);

/* See rule 2 above. Context: interrupts off, no lock held. @prev may be gone on return. */
void sched_switch_in(struct thread *prev);

/* First code of a thread on its new stack, after the implementation's part. Does not return. */
__noreturn void thread_main(void);

/*
 * Lay out @t's stack so that cpu_switch() to it enters @entry. For implementations.
 */
void thread_stack_init(struct thread *t, void (*entry)(void));

#endif
