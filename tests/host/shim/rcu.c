/*
 * rcu.c (host) - grace periods between user-space threads.
 *
 * Owns: the epoch counter, the list of reader records, the callback queue.
 * Not here: when to look for finished grace periods: tests call rcu_poll() or rcu_barrier().
 * Idea: a reader writes the epoch it entered in to its own record, 0 when it leaves. call_rcu()
 *   stamps the callback with the epoch and starts the next one. A callback is due once no record
 *   shows its stamp or an older one.
 * Invariant: the queue is sorted by stamp. A record is written by its thread only.
 * With HOST_RCU_QUEUE there is one thread and no reader at a quiescent point: all are due.
 */
#include "kernel/sched/rcu.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include "kernel/core/bug.h"

struct stamped {
	struct rcu_head *head;
	unsigned long epoch;
};

static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static struct stamped *queue; /* a ring of queue_size, from queue_first on */
static unsigned long queue_size, queue_first, queue_len;
static unsigned long epoch_now = 1;

#ifdef HOST_RCU_QUEUE

static unsigned long oldest_reader(void)
{
	return ~0UL;
}

#else

struct reader {
	unsigned long epoch; /* 0 outside */
	unsigned int nesting;
	struct reader *next;
};

static struct reader *readers; /* grows at the front, records stay for ever */
static __thread struct reader *self;

static struct reader *reader_register(void)
{
	struct reader *r = calloc(1, sizeof(*r));

	BUG_ON(!r);
	r->next = __atomic_load_n(&readers, __ATOMIC_ACQUIRE);
	while (!__atomic_compare_exchange_n(&readers, &r->next, r, false, __ATOMIC_ACQ_REL,
					    __ATOMIC_ACQUIRE))
		;
	return r;
}

void rcu_read_lock(void)
{
	if (unlikely(!self))
		self = reader_register();
	if (self->nesting++)
		return;
	/* A full barrier: what is read from here on is read after the record is seen. */
	__atomic_exchange_n(&self->epoch, __atomic_load_n(&epoch_now, __ATOMIC_SEQ_CST),
			    __ATOMIC_SEQ_CST);
}

void rcu_read_unlock(void)
{
	ASSERT(self && self->nesting);
	if (--self->nesting == 0)
		__atomic_store_n(&self->epoch, 0, __ATOMIC_RELEASE);
}

void rcu_thread_exit(void)
{
	ASSERT(!self || !self->nesting);
	self = NULL; /* the record stays on the list, outside for ever */
}

static unsigned long oldest_reader(void)
{
	unsigned long oldest = ~0UL;

	for (struct reader *r = __atomic_load_n(&readers, __ATOMIC_ACQUIRE); r; r = r->next) {
		unsigned long e = __atomic_load_n(&r->epoch, __ATOMIC_SEQ_CST);

		if (e && e < oldest)
			oldest = e;
	}
	return oldest;
}

#endif

static void queue_grow(void)
{
	unsigned long size = queue_size ? queue_size * 2 : 1024;
	struct stamped *bigger = malloc(size * sizeof(*bigger));

	BUG_ON(!bigger);
	for (unsigned long i = 0; i < queue_len; i++)
		bigger[i] = queue[(queue_first + i) & (queue_size - 1)];
	free(queue);
	queue = bigger;
	queue_size = size;
	queue_first = 0;
}

void call_rcu(struct rcu_head *head, rcu_callback_t func)
{
	head->func = func;
	pthread_mutex_lock(&queue_lock);
	if (queue_len == queue_size)
		queue_grow();
	queue[(queue_first + queue_len++) & (queue_size - 1)] = (struct stamped){
		.head = head,
		.epoch = __atomic_fetch_add(&epoch_now, 1, __ATOMIC_SEQ_CST),
	};
	pthread_mutex_unlock(&queue_lock);
}

/* Take one due callback off the queue; NULL if none is due. */
static struct rcu_head *queue_take_due(unsigned long oldest)
{
	struct rcu_head *head = NULL;

	pthread_mutex_lock(&queue_lock);
	if (queue_len && queue[queue_first].epoch < oldest) {
		head = queue[queue_first].head;
		queue_first = (queue_first + 1) & (queue_size - 1);
		queue_len--;
	}
	pthread_mutex_unlock(&queue_lock);
	return head;
}

void rcu_poll(void)
{
	unsigned long now = __atomic_load_n(&epoch_now, __ATOMIC_SEQ_CST);
	unsigned long oldest = oldest_reader();
	struct rcu_head *head;

	/* Callbacks queued after the look at the readers wait for the next one. */
	while ((head = queue_take_due(min(oldest, now))) != NULL)
		head->func(head);
}

void synchronize_rcu(void)
{
	unsigned long start = __atomic_fetch_add(&epoch_now, 1, __ATOMIC_SEQ_CST);

	while (oldest_reader() <= start)
		sched_yield();
}

void rcu_barrier(void)
{
	while (rcu_pending()) {
		synchronize_rcu();
		rcu_poll();
	}
}

unsigned long rcu_pending(void)
{
	unsigned long n;

	pthread_mutex_lock(&queue_lock);
	n = queue_len;
	pthread_mutex_unlock(&queue_lock);
	return n;
}
