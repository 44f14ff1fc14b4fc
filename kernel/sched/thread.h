/*
 * thread.h - a thread: something that runs, blocks, is woken, and ends.
 *
 * Owns: struct thread and its life: init, start, block, wake, kill, exit, join, affinity.
 * Not here: who runs next (parallel.c, or the lab's strategy), stacks and their guard pages (mm,
 * through thread_mem_hooks), what a thread owns above this layer (processes).
 * Idea: everything but "who runs next" is written once, on the calls of sched_ops. A thread says
 *       what it waits for by its state; block() gives up the vCPU while the state says so, wake()
 *       puts the state back to running. Both decide under a lock of the implementation, so a wake
 *       between the two is never lost.
 * Rule:  a wake may be spurious. Whoever blocks does it in a loop that tests its condition again.
 */
#ifndef KERNEL_SCHED_THREAD_H
#define KERNEL_SCHED_THREAD_H

#include "kernel/base/compiler.h"
#include "kernel/base/list.h"
#include "kernel/core/once.h"
#include "kernel/core/sched_ops.h"
#include "kernel/core/thread_base.h"
#include "kernel/sched/completion.h"
#include "kernel/sched/thread_state.h"

struct tlb_ctx;
struct mm_struct;
struct task_struct;

#define AFFINITY_ANY (~0ull)

typedef void (*thread_fn)(void *arg);

/*
 * Field key: [I] set at thread_init  [O] the thread itself  [T] thread_list_lock
 *            [W] the implementation's wake lock (in parallel: the run queue of t->vcpu)
 *            [R] rcu.lock  [A] atomic
 */
struct thread {
	struct thread_base base; /*     first: what lower layers know of the thread */
	unsigned long sp;	 /* [W] saved stack pointer while it does not run */
	u64 affinity;		 /* [W] bit n: may run on vCPU n */
	unsigned vcpu;		 /* [W] where it runs or ran last */
	bool on_rq;		 /* [W] running or queued */
	bool detached;		 /* [T] nobody will join: memory goes back by itself */
	bool gone;		 /* [T] it has left its stack for good */
	bool rcu_listed;	 /* [R] on a list of readers that left their vCPU (rcu.c) */
	u32 killed;		 /* [A] a fatal signal is pending */
	u32 should_stop;	 /* [A] kthread_stop() was called */
	struct list_head run_node; /* [W] run queue */
	struct list_head rcu_node; /* [R] readers of one period */
	struct list_head all_node; /* [T] every started, not yet joined thread */
	struct tlb_ctx *active;	 /* [O] address space to load when it runs; NULL: kernel only */
	struct mm_struct *mm;	 /* [O] opaque here; owned by layer 6 and up */
	struct task_struct *task; /* [I] opaque here; owned by layer 7. NULL: a kernel thread */
	thread_fn fn;		 /* [I] */
	void *arg;		 /* [I] */
	struct completion exited; /*     done once it has left its stack for good */
	void *mem;		 /* [I] lowest byte of its block, NULL: the caller's memory */
	u64 nr_switches;	 /* [W] times it was given a vCPU */
};

static inline struct thread *thread_of(struct thread_base *base)
{
	return container_of(base, struct thread, base);
}

/* The running thread. A vCPU always has one: outside any started thread it is the idle thread. */
#define current (thread_of(current_base()))

/*
 * thread_init - make @t a thread that will run @fn(@arg) on @stack.
 *
 * @stack:   lowest byte; @size: bytes; both 16-aligned. Stays the caller's, as does @t
 * @name:    copied, cut at 23 characters
 * Context:  any; nothing is published, the thread does not run before thread_start()
 * Note:     base.reent is left NULL; set it before thread_start() if @fn calls newlib
 */
void thread_init(struct thread *t, void *stack, size_t size, const char *name, thread_fn fn,
		 void *arg);

/* Let @t run. Once per thread. Context: any, no wait-list lock held. */
void thread_start(struct thread *t);

/*
 * thread_join - wait until @t has left its stack for good.
 *
 * Context:  may sleep. Exactly one caller per thread that is not detached
 * Owns:     afterwards @t and its stack are the caller's again; a kthread's memory is freed here
 */
void thread_join(struct thread *t);

/* Nobody will join @t: its memory (kthreads only) goes back by itself after it ends. */
void thread_detach(struct thread *t);

/* End the calling thread. No lock held, not inside an RCU read section. Does not return. */
__noreturn void thread_exit(void);

/*
 * thread_exit_forced - end a thread that stopped in the middle of something (after an oops).
 *
 * Drops its preempt and irq depth and its RCU nesting first. Locks are the business of the caller
 * (kernel/core/oops.c reports and releases them). Does not return.
 */
__noreturn void thread_exit_forced(void);

/*
 * Give up the vCPU as long as the caller's state is not TS_RUNNING. The state was set before, under
 * the lock that guards the condition, and that lock has been dropped. Returns with TS_RUNNING;
 * the reason may be gone already: test the condition again.
 * Context: preemption and interrupts on, no spinlock held.
 */
void thread_block(void);

/*
 * thread_wake - end a block of @t, or the one it is about to begin.
 *
 * A thread that is running, dead or idle is left as it is. The caller guarantees that @t exists:
 * it holds the lock on which the waiter is listed, or owns @t.
 * Context: any, also interrupts. Locks: LC_RUNQ is taken.
 */
void thread_wake(struct thread *t);

/* State of the calling thread, ordered before every later access (a full barrier). */
void set_current_state(enum thread_state state);

/* Back to running without having blocked. */
static inline void set_current_running(void)
{
	WRITE_ONCE(current_base()->state, TS_RUNNING);
}

/* Fatal signal: @t's killable waits end with -EINTR, now and later. Context: any. */
void thread_kill(struct thread *t);

/* The calling thread has seen its fatal signal: from now on its waits end as if there were none. */
static inline void thread_kill_taken(void)
{
	WRITE_ONCE(current->killed, 0);
}

static inline bool fatal_signal_pending(const struct thread *t)
{
	return READ_ONCE(t->killed) != 0;
}

/* Would a wait in @state end at once because of a fatal signal? */
static inline bool signal_pending_state(enum thread_state state, const struct thread *t)
{
	return state == TS_KILLABLE && fatal_signal_pending(t);
}

/*
 * thread_set_affinity - let @t run on the vCPUs of @mask only.
 *
 * Returns:  0, or -EINVAL when @mask names no existing vCPU
 * Context:  thread context, no spinlock held. When @t is current it runs on an allowed vCPU on
 *           return; another thread moves at the latest when it is next scheduled there
 */
int __must_check thread_set_affinity(struct thread *t, u64 mask);

/* Go to the end of the queue. Context: thread. */
void yield(void);

/* Block for at least @ns nanoseconds of sched_ops->now(). Context: thread, may sleep. */
void sleep_ns(u64 ns);

/* As sleep_ns, but a fatal signal ends it: -EINTR, else 0. */
int __must_check sleep_ns_killable(u64 ns);

/*
 * Call @fn for every started thread that was not yet joined, oldest first, under thread_list_lock:
 * @fn must not sleep, start or join. For `ps`.
 */
void for_each_thread(void (*fn)(struct thread *t, void *arg), void *arg);

/* "running", "blocked", ... for people */
const char *thread_state_name(const struct thread *t);

/* Threads started and not yet gone; a ledger kind. */
long threads_live(void);

/*
 * Memory for threads made by kthread_create(), given by mm when a world is made. One block holds
 * stack (low end, an unmapped guard page below it) and, at the high end, struct thread and its
 * struct _reent. alloc returns the lowest usable byte and stores its length, or NULL; it may sleep.
 */
struct thread_mem_hooks {
	void *(*alloc)(size_t *len_bytes);
	void (*free)(void *low);
};
extern const struct thread_mem_hooks *thread_mem_hooks;

#endif
