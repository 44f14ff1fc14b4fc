/*
 * cmd_oom.c - `oom`, `mrelease PID`, `freeze PID`, `thaw PID`: who would be ended for want of
 * memory, ending and emptying one by hand.
 *
 * Idea: rows are copied under the locks of the lists and printed later.
 */
#include <errno.h>
#include <string.h>

#include "kernel/core/kv.h"
#include "kernel/proc/freezer.h"
#include "kernel/proc/oom.h"
#include "kernel/shell/out.h"
#include "kernel/shell/shell.h"
#include "mm/mm.h"

#define ROWS 64u

struct row {
	char name[24];
	u32 pid;
	int adj;
	long points;
	bool victim, frozen;
};

static struct {
	unsigned long totalpages;
	unsigned nr, left_out;
	struct row row[ROWS];
} table;

/* One row for a process: that of its leader, or of the first of its threads with memory. */
static bool take_row(struct task_struct *tsk, void *arg __maybe_unused)
{
	struct row *last = table.nr ? &table.row[table.nr - 1] : NULL;
	long points = oom_badness(tsk, table.totalpages);

	if (last && last->pid == tsk->tgid) {
		last->points = max(last->points, points);
		return true;
	}
	if (table.nr == ROWS) {
		table.left_out++;
		return true;
	}
	last = &table.row[table.nr++];
	*last = (struct row){
		.pid = tsk->tgid,
		.adj = READ_ONCE(tsk->signal->oom_score_adj),
		.points = points,
		.victim = tsk_is_oom_victim(tsk),
		.frozen = READ_ONCE(tsk->signal->freezing),
	};
	memcpy(last->name, tsk->name, sizeof(last->name));
	return true;
}

static void show(void)
{
	struct oom_figures f;

	table.nr = table.left_out = 0;
	table.totalpages = oom_totalpages();
	for_each_task(take_row, NULL);
	if (table.nr)
		out("  %6s %-23s %6s %10s\n", "pid", "process", "adj", "score");
	for (unsigned i = 0; i < table.nr; i++) {
		const struct row *r = &table.row[i];

		if (r->points < -((long)table.totalpages * 2))
			out("  %6u %-23s %6d %10s", r->pid, r->name, r->adj, "never");
		else
			out("  %6u %-23s %6d %10ld", r->pid, r->name, r->adj, r->points);
		out("%s%s\n", r->victim ? " victim" : "", r->frozen ? " frozen" : "");
	}
	if (table.left_out)
		out("  and threads of more processes: %u\n", table.left_out);
	oom_figures(&f);
	out("%lu pages of memory and swap; ended: %ld processes\n", table.totalpages, f.kills);
	out("allocations: %ld waited for it, %ld found nobody\n", f.waits, f.refused);
	out("reaper: %ld address spaces, %ld pages, %ld times given up\n", f.reaped, f.pages,
	    f.gave_up);
}

static int end_one(void)
{
	u32 pid = oom_kill_one();

	if (!pid)
		return shell_error("oom", "there is nobody to end");
	out("pid %u\n", pid);
	return SHELL_OK;
}

static int cmd_oom(int argc, char **argv)
{
	struct kv kv;
	u64 pid = 0;
	s64 adj = 0;
	bool now = false, with_pid, with_adj;

	kv_parse_words(&kv, argc - 1, argv + 1);
	with_pid = kv_u64(&kv, "pid", 1, UINT32_MAX, &pid);
	with_adj = kv_s64(&kv, "adj", OOM_SCORE_ADJ_MIN, OOM_SCORE_ADJ_MAX, &adj);
	kv_bool(&kv, "now", &now);
	if (with_pid != with_adj)
		kv_fail(&kv, "pid= and adj= are accepted together only");
	if (kv_done(&kv))
		return shell_error("oom", "%s", kv.error);
	if (with_pid && oom_set_score_adj((u32)pid, (int)adj))
		return shell_error("oom", "%lu: no such task (`ps` lists them)", pid);
	if (now)
		return end_one();
	if (!with_pid)
		show();
	return SHELL_OK;
}
SHELL_CMD(oom,
	  "oom [pid=PID adj=N] [now=on]: who is ended when there is no memory left\n"
	  "  Without words: every process and its score. adj=-1000 is never, 1000 first.\n"
	  "  now=on ends the first of them, whatever memory there is.",
	  cmd_oom);

/* ---- by pid ---- */

static bool want_pid(int argc, char **argv, u32 *pid)
{
	u64 value = 0;

	if (argc == 2 && !parse_u64(argv[1], 1, UINT32_MAX, &value)) {
		*pid = (u32)value;
		return true;
	}
	shell_error(argv[0], "\"%s\": accepted is a pid (`ps` lists them)",
		    argc > 1 ? argv[argc - 1] : "");
	return false;
}

static int cmd_mrelease(int argc, char **argv)
{
	u32 pid;
	int err;

	if (!want_pid(argc, argv, &pid))
		return SHELL_FAIL;
	err = process_mrelease(pid);
	switch (err) {
	case 0: return SHELL_OK;
	case -ESRCH:
		return shell_error("mrelease", "%u: no such task, or it has left its memory", pid);
	case -EINVAL: return shell_error("mrelease", "%u: is not ending (`kill` first)", pid);
	default: return shell_error("mrelease", "%u: interrupted", pid);
	}
}
SHELL_CMD(mrelease, "mrelease PID: free the memory of a process that is ending", cmd_mrelease);

static int freeze_or_thaw(int argc, char **argv, int (*fn)(u32 pid))
{
	u32 pid;

	if (!want_pid(argc, argv, &pid))
		return SHELL_FAIL;
	if (fn(pid))
		return shell_error(argv[0], "%u: no such task (`ps` lists them)", pid);
	return SHELL_OK;
}

static int cmd_freeze(int argc, char **argv)
{
	return freeze_or_thaw(argc, argv, task_freeze);
}
SHELL_CMD(freeze,
	  "freeze PID: stop a process where it uses memory next\n"
	  "  A frozen process does not notice that it was killed, until `thaw`.",
	  cmd_freeze);

static int cmd_thaw(int argc, char **argv)
{
	return freeze_or_thaw(argc, argv, task_thaw);
}
SHELL_CMD(thaw, "thaw PID: a frozen process goes on", cmd_thaw);
