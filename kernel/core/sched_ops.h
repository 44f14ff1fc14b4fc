/*
 * sched_ops.h - the seam: the seven calls in which running in parallel and running in lockstep
 * differ.
 *
 * Owns: the struct and the pointer to the one in use; the handlers of inter-processor requests.
 * Implemented by kernel/sched/parallel.c and by the lab. Everything that waits, wakes, sleeps or
 * interrupts is written once on top of these and of spinlocks.
 */
#ifndef KERNEL_CORE_SCHED_OPS_H
#define KERNEL_CORE_SCHED_OPS_H

#include "kernel/core/point.h"

struct thread_base;
struct tlb_ctx;

/* What one vCPU asks of another. */
enum ipi_kind {
	IPI_RESCHED, /* look at need_resched */
	IPI_TLB,     /* flush what the initiator asks for */
	IPI_RCU,     /* report readers of the current period */
	IPI_CALL,    /* run queued functions */
	IPI_STOP,    /* halt for good (power off, panic) */
	IPI_NR
};

struct sched_ops {
	/* A schedule point: may switch threads. True = "I performed the operation". */
	bool (*point)(struct point *p);
	/*
	 * Give up the vCPU until a wake. The caller has set its own state to a blocked one, then
	 * dropped the lock under which wakers look; a wake since then makes this return at once.
	 * Preemption on, no spinlock held.
	 */
	void (*block)(void);
	/* Make @t runnable; nothing if it is. Any context; @t may not be freed meanwhile. */
	void (*wake)(struct thread_base *t);
	/* The time, in ns since start: virtual in lockstep. */
	u64 (*now)(void);
	/*
	 * Ask for a timer interrupt on this vCPU at @deadline_ns (absolute); ~0 = none. Replaces
	 * the last request.
	 */
	void (*arm_timer)(u64 deadline_ns);
	/*
	 * Make vCPU @vcpu run the handler of @kind in interrupt context, soon. Requests of one kind
	 * may merge.
	 */
	void (*send_ipi)(unsigned vcpu, enum ipi_kind kind);
	/*
	 * Have @ctx's page tables on this vCPU; NULL = kernel part only (lazily kept tables are
	 * allowed).
	 */
	void (*load_mm)(struct tlb_ctx *ctx);
};

/* NULL until a scheduler starts: before that nothing blocks and points stay off. */
extern const struct sched_ops *sched_ops;

extern const char *const ipi_kind_name[IPI_NR];

/*
 * Sets the handler of @kind; it runs on the target vCPU in interrupt context. Context: boot or
 * world making.
 */
void ipi_handler_set(enum ipi_kind kind, void (*fn)(void));

/*
 * Runs the handler of @kind on this vCPU; called by the implementor of send_ipi, between irq_enter
 * and irq_exit.
 */
void ipi_dispatch(enum ipi_kind kind);

#endif
