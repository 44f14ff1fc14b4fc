/*
 * stop.h - holding the other processors still.
 *
 * Owns: the NMI hook, the rendezvous.
 * Idea: a non-maskable interrupt reaches a processor even while it spins with interrupts off on a
 *       lock that another parked processor holds, so parking cannot deadlock. Parked processors
 *       halt in the handler, a second NMI ends that, and they run a serialising instruction before
 *       they go on: code may have been patched. Each gets exactly these two, so that neither is
 *       ever one too many.
 * Invariant: a parked processor holds whatever it held. Nothing that takes a lock may run here.
 */
#ifndef KERNEL_CORE_STOP_H
#define KERNEL_CORE_STOP_H

#include "kernel/base/compiler.h"

/* Takes the NMI hook; once, at boot, before other processors start. */
void stop_init(void);

/*
 * cpus_park - all other processors wait in their NMI handlers until cpus_release().
 *
 * Context: any, but NMI; the calling processor's interrupts are off, and its vCPU's irq_depth
 *          raised, from here to cpus_release(), which must be called on the same vCPU. Nests:
 *          static keys may be switched between the two. Callers on different processors take turns.
 */
void cpus_park(void);
void cpus_release(void);

/*
 * The same for good and without waiting longer than 100 ms: the number that did not stop. For
 * panic.
 */
unsigned cpus_stop(void);

/*
 * The address at which parked processor @cpu was interrupted, and its frame pointer; false if it is
 * not parked.
 */
bool cpus_parked_at(unsigned cpu, unsigned long *rip, unsigned long *rbp);

#endif
