/*
 * kthread.h - kernel threads whose memory comes from mm and goes back to it.
 */
#ifndef KERNEL_SCHED_KTHREAD_H
#define KERNEL_SCHED_KTHREAD_H

#include "kernel/sched/thread.h"

/*
 * kthread_create - a thread with a stack of its own, not yet started.
 *
 * Returns:  the thread, or NULL when there is no memory
 * Owns:     exactly one of thread_join(), kthread_stop(), thread_detach() is due for it;
 *           kthread_free() for one that was never started
 * Context:  may sleep
 */
struct thread *__must_check kthread_create(const char *name, thread_fn fn, void *arg);

/* kthread_create and thread_start. */
struct thread *__must_check kthread_run(const char *name, thread_fn fn, void *arg);

/* Give back a thread that was created and never started. */
void kthread_free(struct thread *t);

/*
 * kthread_stop - ask @t to end and wait until it has.
 *
 * Its function returns when kthread_should_stop() says so; the request wakes it once, so its
 * waits must test kthread_should_stop() in their condition.
 */
void kthread_stop(struct thread *t);

bool kthread_should_stop(void);

#endif
