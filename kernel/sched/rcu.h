/*
 * rcu.h - read without a lock, free after the last old reader.
 *
 * Owns: read sections, grace periods, call_rcu.
 * Idea: readers are tracked, never ticks. A read section is a nesting count in the thread. A
 *       thread that gives up its vCPU inside one is put on a list; all others run right now, and a
 *       grace period finds them by looking once at every vCPU (IPI_RCU). Readers found or listed
 *       by then are the old ones; when the last of them leaves, the period is over.
 * Thus: a period ends at the very moment the last old reader leaves, whatever the clock does.
 *       Idle vCPUs have no readers but are asked as well: the answer costs a halted one a wake-up,
 *       and it is what orders their earlier interrupts' read sections before the period's end.
 */
#ifndef KERNEL_SCHED_RCU_H
#define KERNEL_SCHED_RCU_H

#include "kernel/base/compiler.h"
#include "kernel/base/list.h"
#include "kernel/core/once.h"
#include "kernel/sched/thread.h"

struct rcu_head {
	struct rcu_head *next;
	void (*fn)(struct rcu_head *head);
};

void rcu_unlist_current(void);

/*
 * Nests. The section may be preempted, interrupted, may take spinlocks; it must not block. Its end
 * may wake the rcu thread: no lock of LC_WAIT or below is held there.
 */
static inline void rcu_read_lock(void)
{
	current_base()->rcu_nesting++;
	barrier();
}

static inline void rcu_read_unlock(void)
{
	struct thread *t = current;

	barrier();
	if (--t->base.rcu_nesting == 0) {
		/* Ordered against IPI_RCU on this very CPU: it lists only threads with nesting. */
		barrier();
		if (unlikely(t->rcu_listed))
			rcu_unlist_current();
	}
}

static inline bool rcu_read_lock_held(void)
{
	return current_base()->rcu_nesting != 0;
}

/*
 * call_rcu - call @fn(@head) after every read section that has begun by now has ended.
 *
 * Called on the rcu thread with preemption on: it may take spinlocks, it must not block.
 * Callbacks queued by one vCPU run in order. Context: any; takes LC_WAIT, LC_RCU.
 */
void call_rcu(struct rcu_head *head, void (*fn)(struct rcu_head *head));

/* Wait until every read section that has begun by now has ended. Context: may sleep, no reader. */
void synchronize_rcu(void);

/* Wait until every callback queued by now has run. Context: may sleep. */
void rcu_barrier(void);

/* Callbacks not yet run; a ledger kind. */
long rcu_callbacks_live(void);

/* Grace periods completed since the world was made. */
u64 rcu_periods_done(void);

/* Has a period looked at every vCPU, and waits now for readers only? For reports and tests. */
bool rcu_waits_for_readers(void);

/* list_add and list_del for lists that readers walk under rcu_read_lock. */
static inline void list_add_rcu(struct list_head *node, struct list_head *head)
{
	node->next = head->next;
	node->prev = head;
	head->next->prev = node;
	rcu_assign_pointer(head->next, node);
}

static inline void list_add_tail_rcu(struct list_head *node, struct list_head *head)
{
	struct list_head *last = head->prev;

	node->next = head;
	node->prev = last;
	head->prev = node;
	rcu_assign_pointer(last->next, node);
}

/* @node keeps its next pointer: a reader standing on it goes on. */
static inline void list_del_rcu(struct list_head *node)
{
	node->next->prev = node->prev;
	WRITE_ONCE(node->prev->next, node->next);
	node->prev = NULL;
}

#define list_for_each_entry_rcu(pos, head, member)                                                 \
	for (pos = container_of(rcu_dereference((head)->next), __typeof__(*pos), member);          \
	     &pos->member != (head);                                                               \
	     pos = container_of(rcu_dereference(pos->member.next), __typeof__(*pos), member))

#endif
