/*
 * thread.c - the life of a thread: start, block, wake, kill, exit, join.
 *
 * Owns: the list of threads and their ids, the memory of threads nobody joins.
 * Not here: who runs next (parallel.c, the lab).
 * Idea: a thread that has ended still stands on its stack; the one that runs after it on that vCPU
 *       reaps it (thread_reap), so the joiner can free the stack at once.
 * Invariant: a thread is on all_threads from thread_start() until it is joined, or until its
 *       memory is about to be freed.
 */
#include "kernel/sched/thread.h"
#include <string.h>
#include "kernel/base/err.h"
#include "kernel/core/bug.h"
#include "kernel/core/panic.h"
#include "kernel/core/preempt.h"
#include "kernel/core/sched_ops.h"
#include "kernel/core/spinlock.h"
#include "kernel/sched/rcu.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/sched_internal.h"
#include "kernel/sched/timer.h"
#include "kernel/sched/work.h"

const struct thread_mem_hooks *thread_mem_hooks;

DEFINE_PER_CPU(struct thread, idle_thread);

static spinlock_t thread_list_lock;   /* class LC_THREADS */
static struct list_head all_threads;  /* [T] */
static struct list_head dead_threads; /* [T] detached and gone, to be freed by reap_work */
static u32 next_id;		      /* [T] */
static long nr_live;		      /* [T] */
static struct work reap_work;

/* ---- creation ------------------------------------------------------------------------------ */

static void thread_init_common(struct thread *t, const char *name)
{
	memset(t, 0, sizeof(*t));
	strncpy(t->base.name, name, sizeof(t->base.name) - 1);
	t->affinity = AFFINITY_ANY;
	INIT_LIST_HEAD(&t->run_node);
	INIT_LIST_HEAD(&t->rcu_node);
	INIT_LIST_HEAD(&t->all_node);
	init_completion(&t->exited);
}

void thread_init(struct thread *t, void *stack, size_t size, const char *name, thread_fn fn,
		 void *arg)
{
	thread_init_common(t, name);
	t->base.state = TS_NEW;
	t->base.stack_low = stack;
	t->base.stack_high = (char *)stack + size;
	t->fn = fn;
	t->arg = arg;
}

void thread_init_idle(struct thread *t, unsigned vcpu)
{
	char name[] = "idle00";

	name[4] = (char)('0' + vcpu / 10);
	name[5] = (char)('0' + vcpu % 10);
	thread_init_common(t, name);
	t->base.state = TS_RUNNING;
	t->base.flags = TF_IDLE;
	t->base.id = vcpu + 1;
	t->affinity = 1ull << vcpu;
	t->vcpu = vcpu;
	t->on_rq = true;
}

void thread_start(struct thread *t)
{
	unsigned long flags;

	ASSERT_EQ(t->base.state, TS_NEW);
	t->vcpu = smp_processor_id();
	spin_lock_irqsave(&thread_list_lock, flags);
	t->base.id = next_id++;
	list_add_tail(&t->all_node, &all_threads);
	nr_live++;
	spin_unlock_irqrestore(&thread_list_lock, flags);
	thread_wake(t);
}

void thread_main(void)
{
	struct thread *t = current;

	t->fn(t->arg);
	thread_exit();
}

/* ---- block and wake ------------------------------------------------------------------------ */

void set_current_state(enum thread_state state)
{
	u32 *word = &current_base()->state;

	point(PT_RMW, word, sizeof(*word), MO_SEQ_CST, state);
	__atomic_exchange_n(word, state, __ATOMIC_SEQ_CST);
}

static void assert_may_block(void)
{
	struct vcpu *v = this_cpu_ptr(vcpu_self);

	ASSERT_EQ(v->preempt_depth, 0);
	ASSERT_EQ(v->irq_depth, 0);
	ASSERT_EQ(current_base()->rcu_nesting, 0);
}

void thread_block(void)
{
	assert_may_block();
	sched_ops->block();
}

void thread_wake(struct thread *t)
{
	point(PT_WAKE, t, 0, MO_RELEASE, 0);
	sched_ops->wake(&t->base);
}

void thread_kill(struct thread *t)
{
	point(PT_RMW, &t->killed, sizeof(t->killed), MO_SEQ_CST, 1);
	__atomic_exchange_n(&t->killed, 1, __ATOMIC_SEQ_CST);
	/*
	 * Either the thread sees `killed` after setting its state, or its state is seen here. A
	 * state that has changed since makes the wake spurious, which waits allow for.
	 */
	if (READ_ONCE(t->base.state) == TS_KILLABLE)
		thread_wake(t);
}

void yield(void)
{
	preempt_disable();
	this_cpu_write(vcpu_self.need_resched, true);
	preempt_enable();
}

int thread_set_affinity(struct thread *t, u64 mask)
{
	u64 existing = nr_vcpus < 64 ? (1ull << nr_vcpus) - 1 : ~0ull;
	unsigned long flags;
	unsigned vcpu;

	if (!(mask & existing))
		return -EINVAL;
	WRITE_ONCE(t->affinity, mask);
	smp_mb(); /* whoever gives t a vCPU after the load below sees the mask */
	if (t == current) {
		yield();
		return 0;
	}
	local_irq_save(flags);
	vcpu = READ_ONCE(t->vcpu);
	sched_ops->send_ipi(vcpu, IPI_RESCHED);
	local_irq_restore(flags);
	return 0;
}

/* ---- sleep --------------------------------------------------------------------------------- */

void sleep_ns(u64 ns)
{
	u64 deadline = wait_deadline(ns);

	do
		set_current_state(TS_BLOCKED);
	while (wait_block_until(deadline));
	set_current_running();
}

int sleep_ns_killable(u64 ns)
{
	u64 deadline = wait_deadline(ns);
	int err = 0;

	do {
		set_current_state(TS_KILLABLE);
		if (fatal_signal_pending(current)) {
			err = -EINTR;
			break;
		}
	} while (wait_block_until(deadline));
	set_current_running();
	return err;
}

/* ---- end ----------------------------------------------------------------------------------- */

void thread_exit(void)
{
	struct thread *t = current;

	assert_may_block();
	WRITE_ONCE(t->base.state, TS_DEAD);
	sched_ops->block();
	panic("thread %s ran after its end", t->base.name);
}

void thread_exit_forced(void)
{
	struct vcpu *v = this_cpu_ptr(vcpu_self);

	rcu_unwind(0);
	v->preempt_depth = 0;
	while (v->irq_depth > 1)
		v->irq_depth--;
	if (v->irq_depth)
		local_irq_enable();
	thread_exit();
}

void thread_reap(struct thread *dead)
{
	unsigned long flags;
	bool detached;

	spin_lock_irqsave(&thread_list_lock, flags);
	dead->gone = true;
	detached = dead->detached;
	if (detached)
		list_move_tail(&dead->all_node, &dead_threads);
	spin_unlock_irqrestore(&thread_list_lock, flags);
	if (detached)
		queue_work(&system_wq, &reap_work);
	else
		complete(&dead->exited);
	/* A joiner may have freed it by now. */
}

/* No one knows of @t any more: off the list, memory back. */
static void thread_forget(struct thread *t)
{
	unsigned long flags;

	spin_lock_irqsave(&thread_list_lock, flags);
	list_del(&t->all_node);
	nr_live--;
	spin_unlock_irqrestore(&thread_list_lock, flags);
	thread_free_mem(t);
}

void thread_join(struct thread *t)
{
	wait_for_completion(&t->exited);
	thread_forget(t);
}

void thread_detach(struct thread *t)
{
	unsigned long flags;
	bool gone;

	ASSERT(t->mem != NULL);
	spin_lock_irqsave(&thread_list_lock, flags);
	gone = t->gone;
	t->detached = true;
	if (gone)
		list_move_tail(&t->all_node, &dead_threads);
	spin_unlock_irqrestore(&thread_list_lock, flags);
	if (gone)
		queue_work(&system_wq, &reap_work);
}

static struct thread *take_dead_thread(void)
{
	struct thread *t;
	unsigned long flags;

	spin_lock_irqsave(&thread_list_lock, flags);
	t = list_first_entry_or_null(&dead_threads, struct thread, all_node);
	if (t)
		list_del_init(&t->all_node);
	spin_unlock_irqrestore(&thread_list_lock, flags);
	return t;
}

static void reap_detached(struct work *work)
{
	struct thread *t;

	while ((t = take_dead_thread()))
		thread_forget(t);
}

/* ---- for people and the ledger ------------------------------------------------------------- */

void for_each_thread(void (*fn)(struct thread *t, void *arg), void *arg)
{
	struct thread *t;
	unsigned long flags;

	spin_lock_irqsave(&thread_list_lock, flags);
	list_for_each_entry(t, &all_threads, all_node)
		fn(t, arg);
	spin_unlock_irqrestore(&thread_list_lock, flags);
}

const char *thread_state_name(const struct thread *t)
{
	static const char *const names[] = {
		[TS_RUNNING] = "running", [TS_BLOCKED] = "blocked", [TS_KILLABLE] = "killable",
		[TS_NEW] = "new",	  [TS_DEAD] = "dead",
	};
	u32 state = READ_ONCE_NOPOINT(t->base.state);

	return state < ARRAY_SIZE(names) ? names[state] : "?";
}

long threads_live(void)
{
	return READ_ONCE_NOPOINT(nr_live);
}

void threads_world_init(void)
{
	spin_lock_init(&thread_list_lock, LC_THREADS);
	INIT_LIST_HEAD(&all_threads);
	INIT_LIST_HEAD(&dead_threads);
	init_work(&reap_work, reap_detached);
	next_id = MAX_VCPUS + 1; /* below: idle threads */
	nr_live = 0;
}
