/*
 * thread_base.h - what layers below the scheduler know of a thread.
 *
 * Owns: the struct that is the first member of struct thread. Zero bytes are a valid start but for
 *       the name.
 * Not here: states, stacks' making, queues (kernel/sched/thread.h).
 */
#ifndef KERNEL_CORE_THREAD_BASE_H
#define KERNEL_CORE_THREAD_BASE_H

#include "kernel/core/fault_nth.h"
#include "kernel/core/lock_order.h"
#include "kernel/x86/vcpu.h"

struct _reent;
struct recovery;

/* thread_base.flags; written by the thread itself, or before it starts. */
#define TF_FPU	     0x1 /* may use the FPU at any time (shell, tests): no fpu_begin() needed */
#define TF_KTHREAD   0x2 /* made by kthread_create() */
#define TF_IDLE	     0x4 /* a vCPU's idle thread */
#define TF_MAKE_FAIL 0x8 /* passes the fault sites' task filter */
#define TF_FPU_SAVED 0x10 /* fpu_area holds its state; fpu.c */
#define TF_RECLAIM   0x20 /* frees memory: may use the reserves, and must not free inside itself */

/* Field key: [I] set before it starts  [O] the thread itself  [S] the scheduler */
struct thread_base {
	char name[24];		/* [I] */
	u32 id; /* [I] unique while it lives, > 0; what lock owners are compared by */
	u32 state;		/* [S] */
	u32 flags;		/* [O] TF_* */
	u32 fpu_depth;		/* [O] fpu_begin() minus fpu_end() */
	u32 rcu_nesting;	/* [O] */
	u8 lock_actor;		/* [I] whose lock statistics it counts into (lock_order.h) */
	struct fault_nth nth;	/* [O] */
	struct recovery *recovery; /* [O] innermost oops_catch() */
	struct _reent *
		reent; /* [I] newlib's state; NULL = the common one, good for snprintf without %f */
	void *stack_low;	/* [I] usable bytes, guard page excluded */
	void *stack_high;	/* [I] */
	struct held_locks held; /* [O] */
	u8 fpu_area[512] __aligned(16); /* [S] */
};

#endif
