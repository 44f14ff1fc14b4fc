/*
 * cmd_ps.c - `ps` and `kill`: threads, processes, and the end of one.
 *
 * Idea: rows are copied under the locks of the lists and printed later.
 */
#include "kernel/shell/shell.h"

#include <errno.h>
#include <string.h>

#include "kernel/core/kv.h"
#include "kernel/proc/task.h"
#include "kernel/sched/thread.h"
#include "kernel/shell/out.h"

#define ROWS 64u

struct thread_row {
	char name[24];
	u32 id;
	unsigned vcpu;
	const char *state;
	u64 nr_switches;
	u32 pid; /* 0: a kernel thread */
};

struct task_row {
	char name[24];
	u32 pid, tgid, ppid;
	const char *state;
	bool has_mm;
};

static struct {
	unsigned nr_threads, nr_tasks, left_out;
	struct thread_row thread[ROWS];
	struct task_row task[ROWS];
} table;

static void take_thread(struct thread *t, void *arg)
{
	struct thread_row *row = &table.thread[table.nr_threads];

	if (table.nr_threads == ROWS) {
		table.left_out++;
		return;
	}
	table.nr_threads++;
	*row = (struct thread_row){
		.id = t->base.id,
		.vcpu = t->vcpu,
		.state = thread_state_name(t),
		.nr_switches = t->nr_switches,
		.pid = t->task ? t->task->pid : 0,
	};
	memcpy(row->name, t->base.name, sizeof(row->name));
}

static bool take_task(struct task_struct *tsk, void *arg)
{
	struct task_row *row = &table.task[table.nr_tasks];

	if (table.nr_tasks == ROWS) {
		table.left_out++;
		return true;
	}
	table.nr_tasks++;
	*row = (struct task_row){
		.pid = tsk->pid,
		.tgid = tsk->tgid,
		.ppid = tsk->signal->parent->leader->pid,
		.state = task_state_name(tsk),
		.has_mm = tsk->mm != NULL,
	};
	memcpy(row->name, tsk->name, sizeof(row->name));
	return true;
}

static int cmd_ps(int argc, char **argv)
{
	if (argc != 1)
		return shell_error("ps", "no words are accepted, got \"%s\"", argv[1]);
	table.nr_threads = table.nr_tasks = table.left_out = 0;
	for_each_thread(take_thread, NULL);
	for_each_task(take_task, NULL);

	out("  %6s %-23s %-9s %4s %10s %6s\n", "id", "thread", "state", "cpu", "switches", "pid");
	for (unsigned i = 0; i < table.nr_threads; i++) {
		struct thread_row *r = &table.thread[i];

		out("  %6u %-23s %-9s %4u %10lu %6u\n", r->id, r->name, r->state, r->vcpu,
		    r->nr_switches, r->pid);
	}
	if (table.nr_tasks)
		out("  %6s %6s %6s %-23s %-9s %s\n", "pid", "tgid", "ppid", "task", "state",
		    "memory");
	for (unsigned i = 0; i < table.nr_tasks; i++) {
		struct task_row *r = &table.task[i];

		out("  %6u %6u %6u %-23s %-9s %s\n", r->pid, r->tgid, r->ppid, r->name, r->state,
		    r->has_mm ? "yes" : "left");
	}
	if (table.left_out)
		out("  and %u more\n", table.left_out);
	return SHELL_OK;
}
SHELL_CMD(ps, "ps: threads, where they run, and the tasks they carry", cmd_ps);

static int cmd_kill(int argc, char **argv)
{
	u64 pid = 0;

	if (argc != 2 || parse_u64(argv[1], 1, UINT32_MAX, &pid))
		return shell_error("kill", "\"%s\": accepted is a pid (`ps` lists them)",
				   argc > 1 ? argv[argc - 1] : "");
	if (task_kill((u32)pid, SIGKILL))
		return shell_error("kill", "%lu: no such task (`ps` lists them)", pid);
	return SHELL_OK;
}
SHELL_CMD(kill, "kill PID: end a process at once (SIGKILL)", cmd_kill);
