/*
 * ktest.c - what the body of a test may say.
 *
 * Owns: checks and their report, leaving a body early, the test's random numbers, threads of a
 *       test.
 * Not here: choosing and judging tests (ktest_run.c), sweeps (fault_sweep.c), the report's form
 *       (ktap.c).
 * Idea: any thread of a test may record a failure, so the counters are atomic (the compiler's, not
 *       the kernel's: a check must not be a schedule point, and must work while the kernel's are
 *       under test).
 */
#include "tests/ktest.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kernel/core/bug.h"
#include "kernel/core/fpu.h"
#include "kernel/core/oops.h"
#include "kernel/core/preempt.h"
#include "kernel/core/thread_base.h"
#include "kernel/sched/kthread.h"
#include "kernel/x86/vcpu.h"
#include "tests/ktest_internal.h"

/* Failures printed in full; a loop that fails a million times is said in one line at the end. */
#define MAX_SHOWN 12

static void __printf(2, 0) note(struct ktest *t, const char *fmt, va_list ap)
{
	char text[KTAP_LINE_MAX - 16];

	fpu_begin();
	vsnprintf(text, sizeof(text), fmt, ap);
	ktap_note(t->report, text);
	fpu_end();
}

void t_note(struct ktest *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(t, fmt, ap);
	va_end(ap);
}

/* ---- leaving ---- */

/* Out of the body at once. What still holds a lock cannot be left, only broken. */
static void __noreturn leave(struct ktest *t)
{
	if (current_base() != t->owner)
		thread_exit();
	BUG_ON(!preemptible());
	longjmp(t->end, 1);
}

void t_skip(struct ktest *t, const char *fmt, ...)
{
	va_list ap;

	fpu_begin();
	va_start(ap, fmt);
	vsnprintf(t->reason, sizeof(t->reason), fmt, ap);
	va_end(ap);
	fpu_end();
	BUG_ON(current_base() != t->owner);
	t->skipped = true;
	leave(t);
}

void t_expect_warnings(struct ktest *t, unsigned nr)
{
	t->nr_warnings += nr;
	t_count_check(t);
}

void t_need_cpus(struct ktest *t, unsigned nr)
{
	if (nr_vcpus < nr)
		t_skip(t, "needs %u CPUs, has %u", nr, nr_vcpus);
}

/* ---- checks ---- */

void t_count_check(struct ktest *t)
{
	__atomic_fetch_add(&t->nr_checks, 1, __ATOMIC_RELAXED);
}

void t_fail_at(struct ktest *t, struct t_where at, const char *fmt, ...)
{
	u32 before = __atomic_fetch_add(&t->nr_failed, 1, __ATOMIC_RELAXED);
	char text[KTAP_LINE_MAX - 96];
	va_list ap;

	if (before >= MAX_SHOWN)
		return;
	fpu_begin();
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	t_note(t, "%s: FAILED at %s:%d: %s", t->kc->name, at.file, at.line, text);
	fpu_end();
}

void t_check_failed(struct ktest *t, struct t_where at, const char *text, bool fatal)
{
	t_fail_at(t, at, "expected %s", text);
	if (fatal)
		leave(t);
}

void t_cmp_failed(struct ktest *t, struct t_where at, const char *text, s64 a, s64 b, bool fatal)
{
	t_fail_at(t, at, "expected %s: left %lld (0x%llx), right %lld (0x%llx)", text, (long long)a,
		  (unsigned long long)a, (long long)b, (unsigned long long)b);
	if (fatal)
		leave(t);
}

void t_check_str(struct ktest *t, const char *a, const char *b, const char *text, struct t_where at,
		 bool fatal)
{
	t_count_check(t);
	if (a && b && !strcmp(a, b))
		return;
	t_fail_at(t, at, "%s is \"%s\", expected \"%s\"", text, a ? a : "(null)", b ? b : "(null)");
	if (fatal)
		leave(t);
}

/* ---- the body ---- */

static void body(void *arg)
{
	struct ktest *t = arg;

	if (setjmp(t->end) == 0)
		t->kc->fn(t);
}

void ktest_call_body(struct ktest *t)
{
	struct oops oops;

	t->owner = current_base();
	rng_init(&t->rng, t->seed);
	if (oops_catch(body, t, &oops))
		t_fail(t, "the body oopsed: %s at %s (address 0x%lx)", oops.cause, oops.symbol,
		       oops.addr);
	if (t->nr_open_sweeps)
		fault_sweep_abandon(t);
}

u64 t_rand(struct ktest *t)
{
	return rng_next(&t->rng);
}

u64 t_rand_below(struct ktest *t, u64 bound)
{
	return rng_below(&t->rng, bound);
}

u64 t_seed(const struct ktest *t)
{
	return t->seed;
}

u64 t_scale(const struct ktest *t, u64 nr_ops)
{
	return nr_ops * t->scale;
}

/* ---- threads of a test ---- */

void t_until_blocked(struct thread *thread, u32 state)
{
	while (READ_ONCE(thread->base.state) != state || READ_ONCE(thread->on_rq))
		yield();
}

#define MAX_PARALLEL 64

/* Field key: [I] set before the threads start  [A] atomic */
struct parallel {
	struct ktest *t;	    /* [I] */
	void (*fn)(struct ktest *t, unsigned i, void *arg);
	void *arg;
	unsigned nr;
	unsigned next, arrived;	    /* [A] numbers given out; threads at the start line */
};

static void parallel_thread(void *arg)
{
	struct parallel *p = arg;
	unsigned i = __atomic_fetch_add(&p->next, 1, __ATOMIC_RELAXED);

	if (thread_set_affinity(current, 1ull << (i % nr_vcpus)))
		t_fail(p->t, "thread %u cannot be bound to a CPU", i);
	__atomic_fetch_add(&p->arrived, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&p->arrived, __ATOMIC_ACQUIRE) < p->nr)
		yield();
	p->fn(p->t, i, p->arg);
}

void t_parallel(struct ktest *t, unsigned nr, void (*fn)(struct ktest *t, unsigned i, void *arg),
		void *arg)
{
	struct parallel p = {.t = t, .fn = fn, .arg = arg, .nr = nr};
	struct thread *thread[MAX_PARALLEL];
	unsigned made = 0;

	BUG_ON(nr == 0 || nr > MAX_PARALLEL);
	while (made < nr && (thread[made] = kthread_create("test-worker", parallel_thread, &p)))
		made++;
	if (made < nr) {
		t_fail(t, "no memory for thread %u of %u", made, nr);
		while (made)
			kthread_free(thread[--made]);
		return;
	}
	for (unsigned i = 0; i < nr; i++)
		thread_start(thread[i]);
	for (unsigned i = 0; i < nr; i++)
		thread_join(thread[i]);
}
