/*
 * parallel.h - the run mode `parallel`: vCPU i is CPU i, all of them run.
 *
 * Owns: run queues, context switch, time slice, idle loop, IPIs. Preemptive round robin per vCPU;
 * a woken thread goes to the vCPU it ran on if that is idle, else to an idle one, else to the
 * shortest queue it may use; a vCPU that runs dry takes a queued thread from another.
 */
#ifndef KERNEL_SCHED_PARALLEL_H
#define KERNEL_SCHED_PARALLEL_H

#include "kernel/base/compiler.h"
#include "kernel/core/sched_ops.h"

extern const struct sched_ops parallel_ops;

/*
 * parallel_init - run queues for @nr vCPUs; the calling code is vCPU 0's idle thread.
 *
 * Sets sched_ops, the preempt and interrupt-exit hooks and the IPI and timer vectors. After
 * sched_world_init(), before smp_start(). Context: boot, one CPU, preemption and interrupts off
 * (depths at least 1). Threads may be started from now on: they run at once on CPUs that have come
 * to sched_ap_main(), and on the boot CPU from sched_idle_main() on.
 */
void parallel_init(unsigned nr);

/*
 * The idle loop: where the boot CPU ends once its first kthread is started, on its boot stack.
 * Turns interrupts on. Does not return.
 */
__noreturn void sched_idle_main(void);

/* Where boot sends every other CPU: it sets up its timer and goes to sched_idle_main(). */
__noreturn void sched_ap_main(void);

/* Time slice while more than one thread wants a vCPU; nanoseconds, >= 100 us. */
extern u64 sched_slice_ns;

/*
 * Keep the tick (time slices, watchdog) off the calling vCPU until tick_release(); nests. For
 * measuring: the caller is pinned. Timers still fire. Context: thread.
 */
void tick_hold(void);
void tick_release(void);

/*
 * Somebody else has used this CPU's hardware timer meanwhile (the lab's watchdog): set it again for
 * what is due here. Context: thread, on the CPU and vCPU it is about.
 */
void parallel_resume(void);

/* Threads queued or running on vCPU @cpu, its idle thread not counted. A hint. */
unsigned runq_length(unsigned cpu);

#endif
