/*
 * oom_kill.c - whom to end when nothing can be reclaimed, and ending it.
 *
 * Owns: scores, the choice, the kill, who waits for it.
 * Not here: freeing a victim's memory from outside (oom_reaper.c).
 * Idea: one decision at a time. Who comes second, or comes while a victim is ending, waits for news
 *       of it (a little at a time, for memory may also come back in other ways) and then tries its
 *       allocation again.
 */
#include <errno.h>
#include <limits.h>

#include "kernel/proc/oom_internal.h"
#include "kernel/proc/task_internal.h"
#include "kernel/sched/mutex.h"
#include "kernel/sched/timer.h"
#include "mm/mm.h"
#include "mm/page_alloc.h"
#include "mm/reclaim.h"
#include "mm/swap.h"

#define WAIT_NS (10 * NSEC_PER_MSEC)

static DEFINE_MUTEX(oom_lock, LC_OOM);

/* Field key: [A] atomic */
static struct {
	struct wait_queue_head news; /* who waits for a victim */
	u32 nr_news;		     /* [A] a victim has left its mm, or was reaped */
	atomic_long_t kills, waits, refused, reaped, pages, gave_up; /* [A] */
} oom = {.news = WAIT_QUEUE_INIT(oom.news)};

static void tell_news(void)
{
	WRITE_ONCE(oom.nr_news, READ_ONCE(oom.nr_news) + 1);
	wake_up_all(&oom.news);
}

/* ---- scores ---- */

unsigned long oom_totalpages(void)
{
	return frames_total() + (unsigned long)get_total_swap_pages();
}

static long mm_points(struct mm_struct *mm)
{
	return get_mm_counter(mm, MM_ANONPAGES) + get_mm_counter(mm, MM_FILEPAGES) +
	       get_mm_counter(mm, MM_SWAPENTS) +
	       atomic_long_read(&mm->tables.pgtables_bytes) / (long)PAGE_SIZE;
}

long oom_badness(struct task_struct *tsk, unsigned long totalpages)
{
	long adj = READ_ONCE(tsk->signal->oom_score_adj);
	long points = LONG_MIN;

	if (tsk->signal == &init_signal || adj == OOM_SCORE_ADJ_MIN)
		return LONG_MIN;
	spin_lock(&tsk->alloc_lock);
	if (tsk->mm && !test_bit(MMF_OOM_SKIP, &tsk->mm->flags))
		points = mm_points(tsk->mm) + adj * ((long)totalpages / 1000);
	spin_unlock(&tsk->alloc_lock);
	return points;
}

int oom_set_score_adj(u32 pid, int adj)
{
	struct task_struct *tsk;

	if (adj < OOM_SCORE_ADJ_MIN || adj > OOM_SCORE_ADJ_MAX)
		return -EINVAL;
	tsk = find_get_task(pid);
	if (!tsk)
		return -ESRCH;
	WRITE_ONCE(tsk->signal->oom_score_adj, adj);
	put_task_struct(tsk);
	return 0;
}

/* ---- the choice ---- */

struct choice {
	unsigned long totalpages;
	struct task_struct *chosen; /* with a reference; NULL: nobody */
	long points;
	bool wait; /* somebody is ending already */
};

static bool consider(struct task_struct *tsk, void *arg)
{
	struct choice *c = arg;
	long points;

	if (tsk_is_oom_victim(tsk)) {
		c->wait = !test_bit(MMF_OOM_SKIP, &tsk->signal->oom_mm->flags);
		return !c->wait;
	}
	points = oom_badness(tsk, c->totalpages);
	if (points == LONG_MIN || (c->chosen && points <= c->points))
		return true;
	if (c->chosen)
		put_task_struct(c->chosen);
	get_task_struct(tsk);
	c->chosen = tsk;
	c->points = points;
	return true;
}

/* ---- the kill ---- */

/* @tsk's mm is @mm, which the caller holds. */
static void mark_oom_victim(struct task_struct *tsk, struct mm_struct *mm)
{
	if (cmpxchg(&tsk->signal->oom_mm, NULL, mm) == NULL) {
		mmgrab(mm);
		set_bit(MMF_OOM_VICTIM, &mm->flags);
		atomic_long_inc(&oom.kills);
	}
	WRITE_ONCE(tsk->memdie, 1);
	thaw_victim(tsk);
}

struct sharers {
	struct mm_struct *mm;
	struct signal_struct *victim;
};

static bool kill_sharer(struct task_struct *tsk, void *arg) NO_LOCK_ANALYSIS
{
	const struct sharers *s = arg;
	bool shares;

	spin_lock(&tsk->alloc_lock);
	shares = tsk->mm == s->mm;
	spin_unlock(&tsk->alloc_lock);
	if (shares && tsk->signal != s->victim)
		task_kill_group_locked(tsk->signal, SIGKILL);
	return true;
}

/* The process of @tsk and all that share its memory. */
static void kill_process(struct task_struct *tsk)
{
	struct sharers s = {.mm = grab_process_mm(tsk, false), .victim = tsk->signal};

	bool frozen = process_is_frozen(tsk->signal);

	if (!s.mm)
		return; /* it has ended meanwhile */
	task_kill_group(tsk->signal, SIGKILL);
	mark_oom_victim(tsk, s.mm);
	for_each_task(kill_sharer, &s);
	queue_oom_reaper(tsk, frozen);
	mmdrop(s.mm);
}

/* Choose and kill. The pid; 0: nobody was; *@wait: since one is ending. oom_lock held. */
static u32 choose_and_kill(bool *wait)
{
	struct choice c = {.totalpages = oom_totalpages()};
	u32 pid = 0;

	for_each_task(consider, &c);
	*wait = c.wait;
	if (!c.chosen)
		return 0;
	if (!c.wait) {
		pid = c.chosen->tgid;
		kill_process(c.chosen);
	}
	put_task_struct(c.chosen);
	return pid;
}

/* ---- what the allocator asks ---- */

/* Who is ending anyhow needs no more than the reserves to do so. */
static bool end_myself(void)
{
	struct task_struct *tsk = current_task();
	struct mm_struct *mm = tsk ? tsk->mm : NULL;

	if (!mm || test_bit(MMF_OOM_SKIP, &mm->flags) ||
	    !(fatal_signal_pending(current) || tsk->exiting) || !mm_is_dying(mm))
		return false;
	mark_oom_victim(tsk, mm);
	queue_oom_reaper(tsk, false);
	return true;
}

static bool decide(bool *wait)
{
	if (frames_free() > frames_watermark(WMARK_HIGH) || end_myself())
		return true;
	if (choose_and_kill(wait)) {
		*wait = !(current_task() && tsk_is_oom_victim(current_task()));
		return true;
	}
	return *wait;
}

bool out_of_memory(void)
{
	u32 seen = READ_ONCE(oom.nr_news);
	bool again = true, wait = true;

	if (mutex_trylock(&oom_lock)) {
		wait = false;
		again = decide(&wait);
		mutex_unlock(&oom_lock);
	}
	if (!again)
		atomic_long_inc(&oom.refused);
	if (wait) {
		atomic_long_inc(&oom.waits);
		(void)wait_event_timeout(&oom.news, READ_ONCE(oom.nr_news) != seen, WAIT_NS);
	}
	return again;
}

u32 oom_kill_one(void)
{
	bool wait;
	u32 pid;

	mutex_lock(&oom_lock);
	pid = choose_and_kill(&wait);
	mutex_unlock(&oom_lock);
	return pid;
}

static bool is_victim(const struct thread *t)
{
	return t->task && tsk_is_oom_victim(t->task);
}

static const struct oom_ops ops = {.out_of_memory = out_of_memory, .is_victim = is_victim};

int oom_world_init(void)
{
	reclaim_set_oom(&ops);
	return oom_reaper_start();
}

void oom_world_end(void)
{
	oom_reaper_forget();
	reclaim_set_oom(NULL);
	oom_reaper_stop();
}

/* ---- news ---- */

void exit_oom_victim(struct task_struct *tsk)
{
	if (!tsk_is_oom_victim(tsk))
		return;
	WRITE_ONCE(tsk->memdie, 0);
	tell_news();
}

void oom_note_reaped(bool done, long pages)
{
	if (done) {
		atomic_long_inc(&oom.reaped);
		atomic_long_add(pages, &oom.pages);
	} else {
		atomic_long_inc(&oom.gave_up);
	}
	tell_news();
}

void oom_figures(struct oom_figures *out)
{
	*out = (struct oom_figures){
		.kills = atomic_long_read(&oom.kills),
		.waits = atomic_long_read(&oom.waits),
		.refused = atomic_long_read(&oom.refused),
		.reaped = atomic_long_read(&oom.reaped),
		.pages = atomic_long_read(&oom.pages),
		.gave_up = atomic_long_read(&oom.gave_up),
	};
}
