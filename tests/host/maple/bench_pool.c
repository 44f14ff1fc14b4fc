/*
 * bench_pool.c - nodes from a last-in-first-out pool, deferred frees from a queue.
 *
 * The least that an allocator and RCU can cost, so that what is measured is the tree. Stands in
 * for nodes.c and tests/host/shim/rcu.c in the bench program.
 */
#include "tests/host/maple/bench_pool.h"

#include <stdlib.h>
#include "mm/maple_node.h"
#include "tests/host/maple/bench.h"

#define POOL_CHUNK 1024 /* nodes got from the system at a time */

struct free_node {
	struct free_node *next;
};

static struct free_node *pool;
static struct rcu_head *deferred, **deferred_tail = &deferred;
static unsigned long in_use;

/* Fresh memory costs page faults: they are taken here and not in a measured region. */
static noinline void refill(unsigned int nr)
{
	char *chunk = aligned_alloc(4096, nr * MAPLE_NODE_SIZE);

	if (!chunk)
		abort();
	while (nr--) {
		struct free_node *node = (struct free_node *)(chunk + nr * MAPLE_NODE_SIZE);

		node->next = pool;
		pool = node;
	}
}

/* pool_reserve - have @nr more nodes in the pool, the lowest address first. */
void pool_reserve(unsigned int nr)
{
	refill(ALIGN_UP(nr, POOL_CHUNK));
}

void *mt_alloc_node(gfp_t gfp)
{
	struct free_node *node;

	if (unlikely(!pool))
		refill(POOL_CHUNK);
	node = pool;
	pool = node->next;
	in_use++;
	return node;
}

bool mt_alloc_bulk(gfp_t gfp, unsigned int nr, void **nodes)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		nodes[i] = mt_alloc_node(gfp);
	return true;
}

void mt_free_node(void *node)
{
	struct free_node *free = node;

	free->next = pool;
	pool = free;
	in_use--;
}

void mt_free_bulk(unsigned int nr, void **nodes)
{
	while (nr--)
		mt_free_node(nodes[nr]);
}

unsigned long pool_nodes_in_use(void)
{
	return in_use;
}

void call_rcu(struct rcu_head *head, rcu_callback_t func)
{
	head->func = func;
	head->next = NULL;
	*deferred_tail = head;
	deferred_tail = &head->next;
}

void rcu_poll(void)
{
	struct rcu_head *head = deferred;

	deferred = NULL;
	deferred_tail = &deferred;
	while (head) {
		struct rcu_head *next = head->next;

		head->func(head);
		head = next;
	}
}

void mtb_env_drain(void)
{
	rcu_poll();
}

void rcu_barrier(void)
{
	while (deferred)
		rcu_poll();
}

void mtb_env_barrier(void)
{
	rcu_barrier();
}
