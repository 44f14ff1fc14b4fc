/*
 * target.c - see target.h.
 */
#include "kernel/shell/target.h"

#include "kernel/core/kv.h"
#include "kernel/proc/task.h"
#include "kernel/shell/shell.h"
#include "kernel/x86/layout.h"
#include "mm/mm.h"

struct mm_struct *target_mm(const char *cmd, const char *text)
{
	struct task_struct *tsk;
	struct mm_struct *mm;
	u64 pid;

	if (!text || parse_u64(text, 1, UINT32_MAX, &pid)) {
		shell_error(cmd, "\"%s\": accepted is a pid first (`ps` lists them)",
			    text ? text : "");
		return NULL;
	}
	tsk = find_get_task((u32)pid);
	if (!tsk) {
		shell_error(cmd, "%lu: no such task (`ps` lists them)", pid);
		return NULL;
	}
	mm = get_task_mm(tsk);
	put_task_struct(tsk);
	if (!mm)
		shell_error(cmd, "%lu: has left its address space", pid);
	return mm;
}

bool target_address(const char *cmd, const char *name, const char *text, u64 *addr)
{
	if (text && !parse_u64(text, 0, USER_MAX - 1, addr))
		return true;
	shell_error(cmd, "%s \"%s\": accepted is a user address, 0..%#lx", name, text ? text : "",
		    USER_MAX - 1);
	return false;
}
