/*
 * kthread.c - threads that live in one block of memory from mm.
 *
 * One block: stack at the low end (mm leaves an unmapped page below it), struct thread and the
 * thread's struct _reent at the high end:
 *
 *     guard | low ... stack grows down ... | struct _reent | struct thread | high
 */
#include "kernel/sched/kthread.h"
#include <reent.h>
#include <string.h>
#include "kernel/core/bug.h"
#include "kernel/sched/sched_internal.h"

#define KTHREAD_STACK_MIN 4096

void thread_free_mem(struct thread *t)
{
	if (t->mem)
		thread_mem_hooks->free(t->mem);
}

struct thread *kthread_create(const char *name, thread_fn fn, void *arg)
{
	struct _reent *reent;
	struct thread *t;
	size_t len_bytes;
	char *low, *high;

	ASSERT(thread_mem_hooks != NULL);
	low = thread_mem_hooks->alloc(&len_bytes);
	if (!low)
		return NULL;
	high = low + len_bytes;
	t = (struct thread *)ALIGN_DOWN((uintptr_t)(high - sizeof(*t)), 64);
	reent = (struct _reent *)ALIGN_DOWN((uintptr_t)((char *)t - sizeof(*reent)), 64);
	ASSERT((char *)reent - low >= KTHREAD_STACK_MIN);

	thread_init(t, low, (size_t)((char *)reent - low), name, fn, arg);
	_REENT_INIT_PTR(reent);
	t->base.reent = reent;
	t->base.flags |= TF_KTHREAD;
	t->mem = low;
	return t;
}

struct thread *kthread_run(const char *name, thread_fn fn, void *arg)
{
	struct thread *t = kthread_create(name, fn, arg);

	if (t)
		thread_start(t);
	return t;
}

void kthread_free(struct thread *t)
{
	ASSERT_EQ(t->base.state, TS_NEW);
	thread_free_mem(t);
}

void kthread_stop(struct thread *t)
{
	point(PT_RMW, &t->should_stop, sizeof(t->should_stop), MO_SEQ_CST, 1);
	__atomic_exchange_n(&t->should_stop, 1, __ATOMIC_SEQ_CST);
	thread_wake(t);
	thread_join(t);
}

bool kthread_should_stop(void)
{
	return READ_ONCE(current->should_stop) != 0;
}
