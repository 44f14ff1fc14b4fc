/*
 * oom_test.c - see oom_test.h.
 */
#include "tests/oom_test.h"

#include "kernel/proc/task.h"
#include "mm/semantics.h"
#include "tests/ktest.h"

void t_rules(struct ktest *t, const char *names)
{
	struct sem_choice choice;
	const struct sem_set *set;
	char why[160];

	t_assert_eq(t, sem_parse(names, &choice, why, sizeof(why)), 0);
	set = sem_set_of(&choice);
	t_assert(t, set);
	sem_install(set);
}

void t_rules_end(void)
{
	sem_install(NULL);
}

void t_wait_gone(u32 pid)
{
	struct task_struct *tsk;

	while ((tsk = find_get_task(pid))) {
		put_task_struct(tsk);
		yield();
	}
}
