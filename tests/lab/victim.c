/*
 * victim.c - see victim.h.
 */
#include "tests/lab/victim.h"

#include "kernel/base/err.h"
#include "mm/mm.h"
#include "tests/lab/lab.h"

int victim_sleep(void *arg)
{
	(void)arg;
	while (!sleep_ns_killable(~0ull))
		;
	return 0;
}

static struct task_struct *make(const struct clone_args *args)
{
	struct task_struct *tsk = copy_process(args);

	return IS_ERR(tsk) ? NULL : tsk;
}

struct task_struct *victim_process(const char *name, struct mm_struct *mm, task_fn fn, void *arg,
				   unsigned cpu)
{
	struct clone_args args = {.flags = CLONE_NEWMM, .name = name, .fn = fn, .arg = arg};
	struct task_struct *tsk = make(&args);

	if (!tsk)
		return NULL;
	/* It does not run yet, and nobody else looks. */
	mmput(tsk->mm);
	tsk->mm = mm;
	lab_actor_task(tsk, cpu);
	return tsk;
}

struct task_struct *victim_more(struct task_struct *of, u32 flags, const char *name, task_fn fn,
				void *arg, unsigned cpu)
{
	struct clone_args args = {.flags = flags, .name = name, .fn = fn, .arg = arg, .parent = of};
	struct task_struct *tsk = make(&args);

	if (tsk)
		lab_actor_task(tsk, cpu);
	return tsk;
}

void victim_wait(struct task_struct *tsk)
{
	lab_assert(task_wait(tsk->pid, NULL) == (int)tsk->pid);
	put_task_struct(tsk);
}
