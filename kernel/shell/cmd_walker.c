/*
 * cmd_walker.c - `walker NAME k=v`: one walk, by hand, of one process or of every mm.
 *
 * Owns: the words, the counts of what was reached. Not here: the walkers (mm/walkers), the list of
 *       them (cmd_walkers.c), walks that are searched over (`scenario`).
 * Idea: a walker without its checks may fail. Then what it did is told as an oops of its own, its
 *       locks are released (which takes checks on), and the shell goes on.
 */
#include <string.h>

#include "kernel/core/kv.h"
#include "kernel/core/oops.h"
#include "kernel/core/static_key.h"
#include "kernel/shell/out.h"
#include "kernel/shell/shell.h"
#include "kernel/shell/target.h"
#include "kernel/x86/layout.h"
#include "mm/file.h"
#include "mm/vma.h"
#include "mm/walkers/walker.h"

#define OFF_MAX	   4u
#define NUMBER_MAX (1ul << 32)

/* One walk; static, for the hook and the oops. */
static struct {
	const struct walker *walker;
	struct walk walk;
	struct walker_check *off[OFF_MAX];
	unsigned nr_off;
	u64 met[WALKER_DEPTHS];
	u64 foreign;
	long result;
	struct oops oops;
} now;

static void count(const struct walker *walker, struct mm_struct *mm, enum walker_depth depth,
		  const struct vm_area_struct *vma)
{
	if (walker != now.walker)
		return;
	now.met[depth]++;
	now.foreign += vma && vma->vm_mm != mm;
}

static void run(void *arg)
{
	(void)arg;
	now.result = walker_run(now.walker, &now.walk);
}

/* ---- words ---- */

/* "NAME.CHECK=0": taken out of @argv. False: not as it should be, told. */
static bool take_checks(int *argc, char **argv)
{
	int kept = 2;

	for (int i = 2; i < *argc; i++) {
		char *dot = strchr(argv[i], '.'), *value = dot ? strchr(dot, '=') : NULL;
		struct walker_check *check;

		if (!value) {
			argv[kept++] = argv[i];
			continue;
		}
		*value = '\0';
		check = walker_check_find(argv[i]);
		if (!check || !walker_owns_check(now.walker, check) ||
		    (strcmp(value + 1, "0") && strcmp(value + 1, "1"))) {
			shell_error("walker",
				    "%s=%s: accepted is a check of %s (`walkers`), =0 or =1",
				    argv[i], value + 1, now.walker->name);
			return false;
		}
		if (value[1] == '0' && now.nr_off < OFF_MAX)
			now.off[now.nr_off++] = check;
	}
	*argc = kept;
	return true;
}

/* References are taken here; drop_targets() gives them back. */
static bool read_words(int argc, char **argv)
{
	static struct kv kv;
	const char *pid = NULL, *file = NULL;
	struct walk *w = &now.walk;
	u64 addr = 0, nr = 1, step = PAGE_SIZE, budget = 0, linger = 0;

	kv_parse_words(&kv, argc - 2, argv + 2);
	kv_str(&kv, "pid", &pid);
	kv_str(&kv, "file", &file);
	kv_u64(&kv, "offset", 0, NUMBER_MAX, &w->offset);
	kv_u64(&kv, "addr", 0, USER_MAX - 1, &addr);
	kv_u64(&kv, "nr", 1, NUMBER_MAX, &nr);
	kv_u64(&kv, "step", 1, USER_MAX, &step);
	kv_u64(&kv, "budget", 0, NUMBER_MAX, &budget);
	kv_u64(&kv, "linger", 0, NUMBER_MAX, &linger);
	w->addr = addr;
	w->nr = nr;
	w->step = step;
	w->budget = budget;
	w->linger = linger;
	if ((now.walker->flags & WALK_FILE) && !file)
		kv_fail(&kv, "%s: file=NAME is wanted (`files` lists them)", now.walker->name);
	if ((now.walker->flags & WALK_OWNER) && !pid)
		kv_fail(&kv, "%s: pid=PID is wanted (`ps` lists them)", now.walker->name);
	if (kv_done(&kv)) {
		shell_error("walker", "%s", kv.error);
		return false;
	}
	if (file && !(w->file = file_open(file))) {
		shell_error("walker", "file=%s: no such file (`files` lists them)", file);
		return false;
	}
	return !pid || (w->mm = target_mm("walker", pid)) != NULL;
}

static void drop_targets(void)
{
	if (now.walk.file)
		fput(now.walk.file);
	if (now.walk.mm)
		mmput(now.walk.mm);
}

/* ---- the walk ---- */

static int tell(bool failed)
{
	out("%s: mms pinned %lu, locked %lu; VMAs %lu, entries %lu\n", now.walker->name,
	    now.met[WALKER_PIN], now.met[WALKER_MM], now.met[WALKER_VMA], now.met[WALKER_PTE]);
	if (now.foreign)
		out("  %lu times a VMA of another mm\n", now.foreign);
	if (failed)
		return shell_error("walker", "%s at %s", now.oops.cause, now.oops.symbol);
	if (now.result < 0)
		return shell_error("walker", "%s: %s", now.walker->name,
				   strerror(-(int)now.result));
	out("  work done: %ld\n", now.result);
	return SHELL_OK;
}

static int walk_and_tell(void)
{
	bool checked = static_key_enabled(&checks_key), failed;

	if (now.nr_off)
		checks_set(true);
	for (unsigned i = 0; i < now.nr_off; i++)
		now.off[i]->on = false;
	walker_reach_hook = count;
	failed = oops_catch(run, NULL, &now.oops);
	walker_reach_hook = NULL;
	for (unsigned i = 0; i < now.nr_off; i++)
		now.off[i]->on = true;
	checks_set(checked);
	return tell(failed);
}

static int cmd_walker(int argc, char **argv)
{
	int status = SHELL_FAIL;

	memset(&now, 0, sizeof(now));
	now.walker = argc > 1 ? walker_find(argv[1]) : NULL;
	if (!now.walker || !(now.walker->walk || now.walker->walk_mm))
		return shell_error("walker", "\"%s\": accepted is a walker first (`walkers`)",
				   argc > 1 ? argv[1] : "");
	if (now.walker->flags & WALK_SWAP)
		return shell_error("walker", "%s: the command `swapoff DEV` runs it",
				   now.walker->name);
	if (!take_checks(&argc, argv))
		return SHELL_FAIL;
	if (read_words(argc, argv))
		status = walk_and_tell();
	drop_targets();
	return status;
}

static const char *walker_words(unsigned i)
{
	const struct walker *walker;

	for_each_registered(walker, walker) {
		if (i-- == 0)
			return walker->name;
	}
	return NULL;
}

SHELL_CMD_WORDS(walker,
		"walker NAME [pid=PID] [k=v...]: one walk, by hand; what it reached\n"
		"  without pid= every mm is walked. Words: file=NAME offset= (uprobe,\n"
		"  rmap_clean), addr= nr= step= (fault, sibling), budget= (numa,\n"
		"  rmap_unmap), linger= (maps, pin), NAME.CHECK=0 for one without it",
		cmd_walker, walker_words);
