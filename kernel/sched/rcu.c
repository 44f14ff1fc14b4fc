/*
 * rcu.c - grace periods.
 *
 * Owns: the lists of readers that gave up their vCPU, the periods, the callbacks and the thread
 *       that runs them.
 * Idea: the rcu thread works in rounds. One round
 *
 *         takes all callbacks queued so far       these belong to the round
 *         makes every listed reader an old one    they began before the round
 *         looks once at every vCPU (IPI_RCU)      a reader found there joins the old ones
 *         waits until the old ones have left      the grace period is over
 *         runs the callbacks
 *
 *       A reader that gives up its vCPU is listed: with the old ones while its vCPU has not been
 *       looked at in this round (it may have begun before the round), else with the new ones (had
 *       it begun before the look, the look would have listed it).
 * Invariant: between rounds nobody is old; every thread inside a read section is listed, or is
 *       `current` of some vCPU.
 *
 * Whoever waits says which round suffices: the next to start. Rounds are numbered and follow one
 * another, so a barrier is a wait for the end of a round too.
 */
#include "kernel/sched/rcu.h"
#include "kernel/base/err.h"
#include "kernel/core/bug.h"
#include "kernel/core/events.h"
#include "kernel/core/preempt.h"
#include "kernel/core/sched_ops.h"
#include "kernel/core/spinlock.h"
#include "kernel/sched/kthread.h"
#include "kernel/sched/sched_internal.h"
#include "kernel/sched/wait.h"

/* Callbacks of one vCPU. Field key: [C] lock */
struct rcu_queue {
	spinlock_t lock;	/*     LC_RCU, interrupts off */
	struct rcu_head *first; /* [C] */
	struct rcu_head **last; /* [C] where the next one is linked */
	u64 nr_queued;		/* [C] ever */
};

static DEFINE_PER_CPU(struct rcu_queue, rcu_queue);

/* Field key: [L] lock  [R] the rcu thread, read by anyone */
static struct {
	spinlock_t lock;		    /*     LC_RCU, interrupts off: taken inside a switch */
	struct list_head old_readers;	    /* [L] the period waits for these */
	struct list_head new_readers;	    /* [L] began after their vCPU was looked at */
	u64 unseen;			    /* [L] vCPUs not looked at yet in this round */
	bool waiting;			    /* [L] a round is between look and end of its period */
	u64 wanted;			    /* [L] last round that anybody asked for */
	u64 started;			    /* [L] rounds */
	u64 period_done;		    /* [R] rounds whose grace period is over */
	u64 done;			    /* [R] rounds whose callbacks have run */
	u64 nr_run;			    /* [R] callbacks ever run */
	struct wait_queue_head thread_wait; /* the rcu thread waits for work and readers */
	struct wait_queue_head done_wait;   /* those that wait for a round */
} rcu;

/* ---- readers ------------------------------------------------------------------------------- */

/* rcu.lock held. Is there nothing left to wait for? Then the rcu thread must hear of it. */
static bool period_over_locked(void)
{
	return rcu.waiting && !rcu.unseen && list_empty(&rcu.old_readers);
}

static bool period_over(void)
{
	bool over;

	spin_lock_irq(&rcu.lock);
	over = period_over_locked();
	spin_unlock_irq(&rcu.lock);
	return over;
}

/* rcu.lock held. */
static void list_reader(struct thread *t, struct list_head *readers)
{
	list_add_tail(&t->rcu_node, readers);
	t->rcu_listed = true;
}

/* IPI_RCU, in interrupt context; by the rcu thread itself for its own vCPU, interrupts off. */
static void rcu_look(void)
{
	u64 me = 1ull << smp_processor_id();
	struct thread *t = current;
	bool over;

	spin_lock(&rcu.lock);
	if ((rcu.unseen & me) && t->base.rcu_nesting && !t->rcu_listed)
		list_reader(t, &rcu.old_readers);
	over = (rcu.unseen & me) != 0;
	rcu.unseen &= ~me;
	over = over && period_over_locked();
	spin_unlock(&rcu.lock);
	if (over)
		wake_up(&rcu.thread_wait);
}

void rcu_note_switch(struct thread *prev)
{
	u64 me = 1ull << smp_processor_id();

	if (likely(!prev->base.rcu_nesting) || prev->rcu_listed)
		return;
	spin_lock(&rcu.lock);
	list_reader(prev, (rcu.unseen & me) ? &rcu.old_readers : &rcu.new_readers);
	spin_unlock(&rcu.lock);
}

void rcu_unlist_current(void)
{
	struct thread *t = current;
	bool over;

	spin_lock_irq(&rcu.lock);
	list_del_init(&t->rcu_node);
	t->rcu_listed = false;
	over = period_over_locked();
	spin_unlock_irq(&rcu.lock);
	if (over)
		wake_up(&rcu.thread_wait);
}

void rcu_unwind(u32 nesting)
{
	while (current->base.rcu_nesting > nesting)
		rcu_read_unlock();
}

/* ---- callbacks ----------------------------------------------------------------------------- */

void call_rcu(struct rcu_head *head, void (*fn)(struct rcu_head *head))
{
	struct rcu_queue *q;
	unsigned long flags;
	bool was_empty;

	head->next = NULL;
	head->fn = fn;
	local_irq_save(flags); /* q stays this vCPU's */
	q = this_cpu_ptr(rcu_queue);
	spin_lock(&q->lock);
	was_empty = !q->first;
	*q->last = head;
	q->last = &head->next;
	q->nr_queued++;
	spin_unlock(&q->lock);
	if (was_empty)
		wake_up(&rcu.thread_wait);
	local_irq_restore(flags);
}

static bool callbacks_queued(void)
{
	unsigned cpu;

	for_each_vcpu(cpu)
		if (READ_ONCE(per_cpu_ptr(rcu_queue, cpu)->first))
			return true;
	return false;
}

/* Take all callbacks of all vCPUs, in order within each. */
static struct rcu_head *take_callbacks(void)
{
	struct rcu_head *all = NULL;
	struct rcu_head **last = &all;
	unsigned cpu;

	for_each_vcpu(cpu) {
		struct rcu_queue *q = per_cpu_ptr(rcu_queue, cpu);

		spin_lock_irq(&q->lock);
		if (q->first) {
			*last = q->first;
			last = q->last;
			q->first = NULL;
			q->last = &q->first;
		}
		spin_unlock_irq(&q->lock);
	}
	return all;
}

static void run_callbacks(struct rcu_head *head)
{
	while (head) {
		struct rcu_head *next = head->next;

		head->fn(head);
		event_count(EV_RCU_CALLBACK, 1);
		WRITE_ONCE(rcu.nr_run, rcu.nr_run + 1);
		head = next;
	}
}

long rcu_callbacks_live(void)
{
	long n = -(long)READ_ONCE(rcu.nr_run);
	unsigned cpu;

	for_each_vcpu(cpu)
		n += (long)READ_ONCE(per_cpu_ptr(rcu_queue, cpu)->nr_queued);
	return n;
}

/* ---- rounds -------------------------------------------------------------------------------- */

/* Have every vCPU looked at. The answers come later. */
static void look_everywhere(void)
{
	unsigned long flags;
	unsigned cpu, me;

	local_irq_save(flags);
	me = smp_processor_id();
	for_each_vcpu(cpu)
		if (cpu != me)
			sched_ops->send_ipi(cpu, IPI_RCU);
	rcu_look();
	local_irq_restore(flags);
}

static void begin_period(void)
{
	u64 all = nr_vcpus < 64 ? (1ull << nr_vcpus) - 1 : ~0ull;

	spin_lock_irq(&rcu.lock);
	ASSERT(list_empty(&rcu.old_readers));
	list_splice_init(&rcu.new_readers, &rcu.old_readers);
	rcu.unseen = all;
	rcu.waiting = true;
	spin_unlock_irq(&rcu.lock);
}

static void end_period(void)
{
	spin_lock_irq(&rcu.lock);
	rcu.waiting = false;
	spin_unlock_irq(&rcu.lock);
}

static void rcu_round(void)
{
	struct rcu_head *callbacks;
	u64 round;

	spin_lock_irq(&rcu.lock);
	round = ++rcu.started;
	spin_unlock_irq(&rcu.lock);

	callbacks = take_callbacks();
	begin_period();
	look_everywhere();
	wait_event(&rcu.thread_wait, period_over());
	end_period();
	smp_store_release(&rcu.period_done, round);
	wake_up_all(&rcu.done_wait);

	run_callbacks(callbacks);
	smp_store_release(&rcu.done, round);
	wake_up_all(&rcu.done_wait);
}

static bool round_due(void)
{
	bool due;

	spin_lock_irq(&rcu.lock);
	due = rcu.wanted > rcu.started;
	spin_unlock_irq(&rcu.lock);
	return due || callbacks_queued();
}

static void rcu_thread(void *arg)
{
	for (;;) {
		wait_event(&rcu.thread_wait, round_due());
		rcu_round();
	}
}

/* Ask for a round that starts from now on; its number. */
static u64 want_round(void)
{
	u64 round;

	spin_lock_irq(&rcu.lock);
	round = rcu.started + 1;
	if (rcu.wanted < round)
		rcu.wanted = round;
	spin_unlock_irq(&rcu.lock);
	wake_up(&rcu.thread_wait);
	return round;
}

void synchronize_rcu(void)
{
	u64 round = want_round();

	wait_event(&rcu.done_wait, smp_load_acquire(&rcu.period_done) >= round);
}

void rcu_barrier(void)
{
	u64 round = want_round();

	wait_event(&rcu.done_wait, smp_load_acquire(&rcu.done) >= round);
}

u64 rcu_periods_done(void)
{
	return READ_ONCE(rcu.period_done);
}

bool rcu_waits_for_readers(void)
{
	bool waits;

	spin_lock_irq(&rcu.lock);
	waits = rcu.waiting && !rcu.unseen && !list_empty(&rcu.old_readers);
	spin_unlock_irq(&rcu.lock);
	return waits;
}

void rcu_world_init(unsigned nr)
{
	unsigned cpu;

	for (cpu = 0; cpu < nr; cpu++) {
		struct rcu_queue *q = per_cpu_ptr(rcu_queue, cpu);

		spin_lock_init(&q->lock, LC_RCU);
		q->first = NULL;
		q->last = &q->first;
		q->nr_queued = 0;
	}
	spin_lock_init(&rcu.lock, LC_RCU);
	INIT_LIST_HEAD(&rcu.old_readers);
	INIT_LIST_HEAD(&rcu.new_readers);
	rcu.unseen = 0;
	rcu.waiting = false;
	rcu.wanted = rcu.started = rcu.period_done = rcu.done = rcu.nr_run = 0;
	init_waitqueue_head(&rcu.thread_wait);
	init_waitqueue_head(&rcu.done_wait);
	ipi_handler_set(IPI_RCU, rcu_look);
}

int rcu_world_thread(void)
{
	return kthread_run("rcu", rcu_thread, NULL) ? 0 : -ENOMEM;
}
