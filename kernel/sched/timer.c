/*
 * timer.c - queues of timers, one per vCPU.
 *
 * Idea: a red-black tree by (deadline, arrival). The queue asks sched_ops->arm_timer for its first
 *       deadline whenever that changes, and after each run.
 * Invariant: timer->queue names the queue on whose tree the timer is; it changes under that
 *       queue's lock, so whoever wants to move a timer locks the queue it read and looks again.
 */
#include "kernel/sched/timer.h"
#include "kernel/core/bug.h"
#include "kernel/core/sched_ops.h"
#include "kernel/core/spinlock.h"
#include "kernel/sched/sched_internal.h"

/* Field key: [Q] lock */
struct timer_queue {
	spinlock_t lock;       /*     LC_TIMER, interrupts off */
	struct rb_root root;   /* [Q] */
	struct timer *first;   /* [Q] earliest, NULL: empty */
	struct timer *running; /* [Q] whose function runs now; read by del_timer_sync */
	u64 next_seq;	       /* [Q] */
};

static DEFINE_PER_CPU(struct timer_queue, timer_queue);

void timers_world_init(unsigned nr)
{
	unsigned cpu;

	for (cpu = 0; cpu < nr; cpu++) {
		struct timer_queue *q = per_cpu_ptr(timer_queue, cpu);

		*q = (struct timer_queue){.root = RB_ROOT};
		spin_lock_init(&q->lock, LC_TIMER);
	}
}

void timer_setup(struct timer *timer, timer_fn fn)
{
	*timer = (struct timer){.fn = fn};
}

static void timer_queue_arm(struct timer_queue *q)
{
	sched_ops->arm_timer(q->first ? q->first->deadline_ns : TIME_NEVER);
}

/* Equal deadlines: first come, first served. q->lock held. */
static bool timer_before(const struct timer *a, const struct timer *b)
{
	if (a->deadline_ns != b->deadline_ns)
		return a->deadline_ns < b->deadline_ns;
	return a->seq < b->seq;
}

/* q->lock held. */
static void timer_queue_insert(struct timer_queue *q, struct timer *timer)
{
	struct rb_node **link = &q->root.node;
	struct rb_node *parent = NULL;

	timer->seq = q->next_seq++;
	while (*link) {
		parent = *link;
		if (timer_before(timer, rb_entry(parent, struct timer, node)))
			link = &parent->left;
		else
			link = &parent->right;
	}
	rb_link_node(&timer->node, parent, link);
	rb_insert_color(&timer->node, &q->root);
	if (!q->first || timer_before(timer, q->first))
		q->first = timer;
	timer->last = q;
	smp_store_release(&timer->queue, q);
}

/* q->lock held. */
static void timer_queue_remove(struct timer_queue *q, struct timer *timer)
{
	if (q->first == timer)
		q->first = rb_entry_safe(rb_next(&timer->node), struct timer, node);
	rb_erase(&timer->node, &q->root);
	smp_store_release(&timer->queue, NULL);
}

bool del_timer(struct timer *timer)
{
	struct timer_queue *q;
	bool removed = false;

	while (!removed && (q = smp_load_acquire(&timer->queue))) {
		spin_lock_irq(&q->lock);
		removed = READ_ONCE_NOPOINT(timer->queue) == q;
		if (removed)
			timer_queue_remove(q, timer);
		spin_unlock_irq(&q->lock);
	}
	return removed;
}

bool mod_timer(struct timer *timer, u64 deadline_ns)
{
	struct timer_queue *q;
	unsigned long flags;
	bool was_pending = del_timer(timer);

	local_irq_save(flags); /* q stays this vCPU's */
	q = this_cpu_ptr(timer_queue);
	spin_lock(&q->lock);
	timer->deadline_ns = deadline_ns;
	timer_queue_insert(q, timer);
	if (q->first == timer)
		timer_queue_arm(q);
	spin_unlock(&q->lock);
	local_irq_restore(flags);
	return was_pending;
}

/* Where its function may be running; NULL: it was never queued. */
static bool timer_is_running(struct timer *timer)
{
	struct timer_queue *q = READ_ONCE(timer->last);

	return q && smp_load_acquire(&q->running) == timer;
}

bool del_timer_sync(struct timer *timer)
{
	bool removed = del_timer(timer);

	if (timer->last)
		spin_wait_until(&timer->last->running, !timer_is_running(timer));
	/* Its function may have armed it once more. */
	return del_timer(timer) || removed;
}

void timers_run(void)
{
	struct timer_queue *q = this_cpu_ptr(timer_queue);
	struct timer *timer;
	u64 now = sched_ops->now();

	spin_lock(&q->lock);
	while ((timer = q->first) && timer->deadline_ns <= now) {
		/* First running, then off the queue: del_timer_sync looks in the other order. */
		smp_store_release(&q->running, timer);
		timer_queue_remove(q, timer);
		spin_unlock(&q->lock);
		timer->fn(timer);
		/* From here on the timer's memory may be gone. */
		spin_lock(&q->lock);
		smp_store_release(&q->running, NULL);
	}
	timer_queue_arm(q);
	spin_unlock(&q->lock);
}

long timers_live(void)
{
	unsigned cpu;
	long n = 0;

	for_each_vcpu(cpu) {
		struct timer_queue *q = per_cpu_ptr(timer_queue, cpu);
		struct rb_node *node;

		if (!READ_ONCE_NOPOINT(q->root.node))
			continue;
		spin_lock_irq(&q->lock);
		for (node = rb_first(&q->root); node; node = rb_next(node))
			n++;
		spin_unlock_irq(&q->lock);
	}
	return n;
}
