/*
 * oom.h - ending a process for want of memory, and freeing what it has before it does.
 *
 * Owns: whom to choose, the kill, the victim's mark; the reaper thread; process_mrelease().
 * Not here: when (mm/reclaim.h), the pass over an address space (mm/oom_reap.h), rules of delay,
 *           order and thaw (mm/exit/).
 * Life of a victim:
 *
 *	chosen --> killed, marked (oom_mm), thawed --> its exit frees the mm, MMF_OOM_SKIP
 *	              \-> queued --delay--> the reaper frees it, MMF_OOM_SKIP
 *
 * Until MMF_OOM_SKIP is there nobody else is chosen; then the next one may be.
 * Invariant: each mm is queued once, and the reaper sets MMF_OOM_SKIP whatever came of it: so
 *            every allocation that waits for a victim ends.
 */
#ifndef KERNEL_PROC_OOM_H
#define KERNEL_PROC_OOM_H

#include "kernel/proc/task.h"

#define OOM_SCORE_ADJ_MIN (-1000) /* never */
#define OOM_SCORE_ADJ_MAX 1000	  /* first */

/*
 * oom_world_init - allocations that find nothing end a process from now on.
 *
 * Starts the reaper. With every world that has processes; context: may sleep
 * Returns:  0, or -ENOMEM
 */
int __must_check oom_world_init(void);
/* The end of it, when nobody is ending. May sleep. */
void oom_world_end(void);

/*
 * out_of_memory - choose a process and end it, unless one is ending, or memory came back.
 *
 * Context:  may sleep; any sleeping lock may be held
 * Returns:  true: it is worth trying again (a moment has passed); false: there is nobody to end
 */
bool out_of_memory(void);

/* The same, whatever memory there is: the pid chosen, or 0. For people. */
u32 oom_kill_one(void);

/* Was the process of @tsk chosen? */
static inline bool tsk_is_oom_victim(const struct task_struct *tsk)
{
	return READ_ONCE(tsk->signal->oom_mm) != NULL;
}

/* @tsk has left its address space: the reserves are not for it any more. */
void exit_oom_victim(struct task_struct *tsk);

/* What @tsk scores in a choice: LONG_MIN: never chosen. @totalpages: memory and swap. */
long oom_badness(struct task_struct *tsk, unsigned long totalpages);
unsigned long oom_totalpages(void);

/* For the process of @pid and its later children. 0, -ESRCH, -EINVAL (out of range) */
int __must_check oom_set_score_adj(u32 pid, int adj);

/* ---- the reaper ---- */

/*
 * queue_oom_reaper - @tsk is a victim: the reaper comes to its oom_mm, in time. Once per mm.
 *
 * @frozen: all its threads stood when it was chosen
 */
void queue_oom_reaper(struct task_struct *tsk, bool frozen);
/* What it does then: the tries for the lock, and MMF_OOM_SKIP. The caller holds mm_count. */
void oom_reap_victim(struct mm_struct *mm);
/* The thread: 0, or -ENOMEM. */
int __must_check oom_reaper_start(void);
void oom_reaper_stop(void);
/* Victims whose memory is gone are forgotten before their time. May sleep. */
void oom_reaper_forget(void);

/* ---- process_mrelease ---- */

/*
 * process_mrelease - free the memory of a process that is ending.
 *
 * Returns:  0: its pages are gone; -ESRCH: no such process, or it has left its address space;
 *           -EINVAL: it is not ending; -EINTR
 * Context:  may sleep; waits for its mmap_lock
 */
int __must_check process_mrelease(u32 pid);

/* Is everybody who uses @mm about to end? The caller holds mm_count. */
bool mm_is_dying(struct mm_struct *mm);

/* ---- for people ---- */

struct oom_figures {
	long kills;   /* victims chosen */
	long waits;   /* allocations that waited for a victim */
	long refused; /* allocations that failed, since there was nobody to end */
	long reaped;  /* address spaces the reaper freed */
	long pages;   /* frames that it freed */
	long gave_up; /* address spaces whose lock it did not get in ten tries */
};
void oom_figures(struct oom_figures *out);

#endif
