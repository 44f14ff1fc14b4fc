/*
 * sched.h - making the scheduler's part of a world, and what an implementation of sched_ops must
 * call: the contract between the primitives of this layer and parallel.c or the lab.
 *
 * The primitives (wait queues, locks, timers, RCU, works, kthreads) know sched_ops and spinlocks.
 * An implementation knows who runs next. Besides answering the seven calls it
 *
 *   1. finds, after sched_world_init(), every vCPU's `current` set to its idle thread, which stands
 *      for whatever runs there outside any started thread, and never blocks;
 *   2. calls sched_switch_out(prev, next) before it gives a vCPU from prev to next, and, when prev
 *      left through block() in state TS_DEAD, thread_reap(prev) once prev's stack is not used
 *      any more; the first function on a fresh stack (thread_stack_init) ends in thread_main();
 *   3. calls timers_run() in interrupt context when a moment given to arm_timer has come;
 *   4. runs the handler of each IPI on its vCPU in interrupt context, on idle vCPUs as well;
 *   5. in wake(t) turns TS_NEW, TS_BLOCKED, TS_KILLABLE into TS_RUNNING and makes t runnable, and
 *      leaves t alone in any other state; in block() returns at once unless the state is a waiting
 *      one or TS_DEAD (which never returns). Wake and block of one thread exclude each other.
 *      A thread switched away in any other manner (preemption) stays runnable whatever its state;
 *   6. honours need_resched through preempt_hook: yield() sets it and lets the depth fall to 0;
 *   7. runs a thread only on vCPUs of its affinity, looked at whenever it is given one; an
 *      IPI_RESCHED makes it look again at the thread that runs.
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
 * Make the threads this layer needs: rcu, kworker. After mm has set thread_mem_hooks and all vCPUs
 * answer IPIs. 0, or -ENOMEM. Context: thread, or boot code.
 */
int __must_check sched_world_threads(void);

/* The thread struct of code that runs on a vCPU without having been started: boot, idle. */
void thread_init_idle(struct thread *t, unsigned vcpu);

/* See rule 2. Context: interrupts off; the implementation's switch lock may be held. */
void sched_switch_out(struct thread *prev, struct thread *next);

/* See rule 2. @dead may be gone on return. Context: thread or idle, no spinlock held. */
void thread_reap(struct thread *dead);

/*
 * Lay out @t's stack so that stack_switch() to t->sp enters @entry(from, @t), interrupts off.
 * @entry does the implementation's part and ends in thread_main().
 */
void thread_stack_init(struct thread *t, void (*entry)(void *from, void *t));

/* Run the current thread's function, then exit. Interrupts and preemption on. */
__noreturn void thread_main(void);

#endif
