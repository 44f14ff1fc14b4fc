/*
 * nodes.c - the tree's allocator hooks over malloc, with faults and counts.
 *
 * A freed node is filled with poison before it goes back: a reader that still stands on it reads
 * nonsense at once (and, under a sanitizer, is told on). Behind each node stands a tag with the
 * mark it was taken at; a node that is written past its end spoils it.
 */
#include "tests/host/maple/nodes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kernel/sched/rcu.h"
#include "mm/maple_node.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)	  ((void)(p))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p))
#endif

#define POISON_NEW  0x5a /* the tree must not rely on cleared nodes */
#define POISON_FREE 0x6b

static long countdown = -1;
static bool once, nowait_fails, fired;
static long live;
static unsigned long taken;
static unsigned long mark, asked_before, unused;
static void (*blocking_call)(void *arg);
static void *blocking_arg;

static void arm(long nr, bool only_one, bool nowait)
{
	countdown = nr;
	once = only_one;
	nowait_fails = nowait;
	fired = false;
}

void nodes_fail_after(long nr)
{
	arm(nr, false, false);
}

void nodes_fail_once(long nr)
{
	arm(nr, true, false);
}

void nodes_fail_nowait(bool on)
{
	arm(-1, false, on);
}

bool nodes_fails_nowait(void)
{
	return nowait_fails;
}

bool nodes_fault_fired(void)
{
	return fired;
}

long nodes_live(void)
{
	return __atomic_load_n(&live, __ATOMIC_RELAXED);
}

unsigned long nodes_taken(void)
{
	return __atomic_load_n(&taken, __ATOMIC_RELAXED);
}

void nodes_on_blocking(void (*call)(void *arg), void *arg)
{
	blocking_call = call;
	blocking_arg = arg;
}

void nodes_quiesce(void)
{
	rcu_barrier();
}

/* A blocking allocation is where others run: the call may itself use the tree. */
static void let_others_run(gfp_t gfp)
{
	void (*call)(void *arg) = blocking_call;

	if (!call || !gfpflags_allow_blocking(gfp))
		return;
	blocking_call = NULL;
	nowait_fails = false;
	call(blocking_arg);
}

static bool refused(gfp_t gfp)
{
	bool refuse = nowait_fails && !gfpflags_allow_blocking(gfp);

	if (countdown >= 0 && countdown-- == 0) {
		refuse = true;
		countdown = once ? -1 : 0;
	}
	if (refuse)
		fired = true;
	return refuse;
}

static bool tracking;
static void *tracked[NODES_TRACKED];
static unsigned int nr_tracked;

void nodes_track(bool on)
{
	tracking = on;
	nr_tracked = 0;
}

/* Copies out the live nodes taken since tracking began. */
unsigned int nodes_tracked(void **nodes)
{
	memcpy(nodes, tracked, nr_tracked * sizeof(*nodes));
	return nr_tracked;
}

static void track(void *node)
{
	if (nr_tracked == NODES_TRACKED)
		abort();
	tracked[nr_tracked++] = node;
}

static void forget(const void *node)
{
	unsigned int i;

	for (i = 0; i < nr_tracked; i++)
		if (tracked[i] == node)
			tracked[i] = tracked[--nr_tracked];
}

#define TAG_MAGIC 0x7461676d61706c65ul
#define TAG_ROOM  MAPLE_NODE_ALIGN

/* Behind the node: which mark it was taken at, scrambled. */
static unsigned long *tag_of(void *node)
{
	return (unsigned long *)((char *)node + MAPLE_NODE_SIZE);
}

static void *take(void)
{
	void *node = aligned_alloc(MAPLE_NODE_ALIGN, MAPLE_NODE_SIZE + TAG_ROOM);

	if (!node)
		abort();
	memset(node, POISON_NEW, MAPLE_NODE_SIZE);
	*tag_of(node) = __atomic_load_n(&mark, __ATOMIC_RELAXED) ^ TAG_MAGIC;
	ASAN_POISON_MEMORY_REGION(tag_of(node), TAG_ROOM);
	if (tracking)
		track(node);
	__atomic_add_fetch(&live, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&taken, 1, __ATOMIC_RELAXED);
	return node;
}

void *mt_alloc_node(gfp_t gfp)
{
	let_others_run(gfp);
	return refused(gfp) ? NULL : take();
}

/* Each node of a batch is an allocation of its own to the fault countdown. */
bool mt_alloc_bulk(gfp_t gfp, unsigned int nr, void **nodes)
{
	unsigned int i;

	let_others_run(gfp);
	for (i = 0; i < nr; i++) {
		if (refused(gfp)) {
			mt_free_bulk(i, nodes);
			return false;
		}
		nodes[i] = take();
	}
	return true;
}

void nodes_mark(void)
{
	__atomic_add_fetch(&mark, 1, __ATOMIC_RELAXED);
	asked_before = nodes_taken();
	unused = 0;
}

unsigned long nodes_asked(void)
{
	return nodes_taken() - asked_before;
}

unsigned long nodes_unused(void)
{
	return unused;
}

static void check_tag(void *node)
{
	unsigned long at;

	ASAN_UNPOISON_MEMORY_REGION(tag_of(node), TAG_ROOM);
	at = *tag_of(node) ^ TAG_MAGIC;
	if (at > __atomic_load_n(&mark, __ATOMIC_RELAXED)) {
		fprintf(stderr, "node %p was written past its end\n", node);
		abort();
	}
	if (at && at == __atomic_load_n(&mark, __ATOMIC_RELAXED))
		unused++;
}

void mt_free_node(void *node)
{
	check_tag(node);
	if (tracking)
		forget(node);
	memset(node, POISON_FREE, MAPLE_NODE_SIZE);
	free(node);
	__atomic_sub_fetch(&live, 1, __ATOMIC_RELAXED);
}

void mt_free_bulk(unsigned int nr, void **nodes)
{
	while (nr--)
		mt_free_node(nodes[nr]);
}
