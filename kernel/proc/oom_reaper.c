/*
 * oom_reaper.c - the thread that frees the memory of victims which are slow to end.
 *
 * Owns: who waits for it, the delay, the ten tries.
 * Not here: the pass over an address space (mm/oom_reap.c).
 * Idea: it only ever tries for mmap_lock, so nobody who holds it, waiting for memory, can stop it
 *       for good. The list is short and searched: a victim at a time is the rule.
 */
#include <errno.h>

#include "kernel/core/ledger.h"
#include "kernel/core/setting.h"
#include "kernel/proc/oom_internal.h"
#include "kernel/sched/kthread.h"
#include "kernel/sched/timer.h"
#include "kernel/sched/wait.h"
#include "mm/mm.h"
#include "mm/oom_reap.h"

#define TRIES 10

static u64 retry_ms = 100;

/* Field key: [L] lock  [A] atomic */
static struct {
	spinlock_t lock;	     /*     LC_LEAF */
	struct task_struct *list;    /* [L] victims, by oom_next; each with a reference */
	u32 nr_calls;		     /* [A] ever: a change wakes the thread */
	u32 rests_at;		     /* [A] the calls it had heard when it found nothing to do */
	struct thread *thread;	     /* [A] NULL: nobody reaps */
	struct wait_queue_head work; /*     the thread waits */
	struct wait_queue_head idle; /*     who waits until it rests */
} reaper = {
	.lock = __SPIN_LOCK_UNLOCKED(LC_LEAF),
	.work = WAIT_QUEUE_INIT(reaper.work),
	.idle = WAIT_QUEUE_INIT(reaper.idle),
};

static u64 retry_ms_get(void)
{
	return retry_ms;
}

static int retry_ms_set(u64 value)
{
	retry_ms = value;
	return 0;
}
SETTING_U64(oom_retry_ms, "milliseconds between two of the reaper's ten tries for a lock", 1, 10000,
	    retry_ms_get, retry_ms_set);

static bool is_done(const struct task_struct *tsk)
{
	return test_bit(MMF_OOM_SKIP, &tsk->signal->oom_mm->flags);
}

static u32 call_reaper(void)
{
	u32 nr;

	spin_lock(&reaper.lock);
	nr = reaper.nr_calls + 1;
	WRITE_ONCE(reaper.nr_calls, nr);
	spin_unlock(&reaper.lock);
	wake_up_all(&reaper.work);
	return nr;
}

/* ---- coming in ---- */

void queue_oom_reaper(struct task_struct *tsk, bool frozen)
{
	struct mm_struct *mm = tsk->signal->oom_mm;
	u64 delay_ns;

	if (test_and_set_bit(MMF_OOM_REAP_QUEUED, &mm->flags))
		return;
	if (!READ_ONCE(reaper.thread)) {
		set_bit(MMF_OOM_SKIP, &mm->flags); /* or others would wait for ever */
		return;
	}
	delay_ns = mm->sem->hooks.reap_delay(frozen) * NSEC_PER_MSEC;
	get_task_struct(tsk);
	tsk->oom_due_ns = wait_deadline(delay_ns);
	spin_lock(&reaper.lock);
	tsk->oom_next = reaper.list;
	reaper.list = tsk;
	spin_unlock(&reaper.lock);
	call_reaper();
}

/* ---- going out ---- */

/* Off the list: the first that is done already, or due by @now. NULL: none, *@due: the next is. */
static struct task_struct *take_first(u64 now, u64 *due) REQUIRES(reaper.lock)
{
	struct task_struct **link, *tsk;

	*due = TIME_NEVER;
	for (link = &reaper.list; (tsk = *link); link = &tsk->oom_next) {
		if (tsk->oom_due_ns <= now || is_done(tsk)) {
			*link = tsk->oom_next;
			return tsk;
		}
		*due = min(*due, tsk->oom_due_ns);
	}
	return NULL;
}

void oom_reaper_forget(void)
{
	struct task_struct *tsk;
	bool some_left;
	u64 due;
	u32 nr;

	do {
		spin_lock(&reaper.lock);
		tsk = take_first(0, &due);
		some_left = reaper.list;
		spin_unlock(&reaper.lock);
		if (tsk)
			put_task_struct(tsk);
	} while (tsk);
	if (some_left || !READ_ONCE(reaper.thread))
		return;
	/* It may wait for the time of one that is gone. */
	nr = call_reaper();
	wait_event(&reaper.idle, READ_ONCE(reaper.rests_at) >= nr);
}
SETTLE_STEP(oom_reaper, 10, oom_reaper_forget);

void oom_reap_victim(struct mm_struct *mm)
{
	bool done = test_bit(MMF_OOM_SKIP, &mm->flags);
	long before = atomic_long_read(&mm->nr_reaped);

	for (unsigned i = 0; i < TRIES && !done; i++) {
		if (i)
			sleep_ns(READ_ONCE(retry_ms) * NSEC_PER_MSEC);
		done = oom_reap_try(mm);
	}
	/* Whatever came of it: somebody else may be chosen. */
	set_bit(MMF_OOM_SKIP, &mm->flags);
	oom_note_reaped(done, atomic_long_read(&mm->nr_reaped) - before);
}

static bool is_called(u32 heard)
{
	return READ_ONCE(reaper.nr_calls) != heard || kthread_should_stop();
}

/* Until it is called, or one is @due. @heard: the calls it has looked after. */
static void rest(u32 heard, u64 now, u64 due)
{
	if (due != TIME_NEVER) {
		(void)wait_event_timeout(&reaper.work, is_called(heard), due - now);
		return;
	}
	WRITE_ONCE(reaper.rests_at, heard);
	wake_up_all(&reaper.idle);
	wait_event(&reaper.work, is_called(heard));
}

static void reaper_main(void *arg __maybe_unused)
{
	current->base.flags |= TF_RECLAIM;
	while (!kthread_should_stop()) {
		u32 heard = READ_ONCE(reaper.nr_calls);
		u64 now = sched_ops->now(), due;
		struct task_struct *tsk;

		spin_lock(&reaper.lock);
		tsk = take_first(now, &due);
		spin_unlock(&reaper.lock);
		if (!tsk) {
			rest(heard, now, due);
			continue;
		}
		oom_reap_victim(tsk->signal->oom_mm);
		put_task_struct(tsk);
	}
}

int oom_reaper_start(void)
{
	struct thread *t = kthread_run("oom_reaper", reaper_main, NULL);

	if (!t)
		return -ENOMEM;
	WRITE_ONCE(reaper.thread, t);
	return 0;
}

void oom_reaper_stop(void)
{
	struct thread *t = reaper.thread;

	WRITE_ONCE(reaper.thread, NULL);
	kthread_stop(t);
}
