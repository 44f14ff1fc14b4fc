/*
 * conformance.c - see conformance.h.
 *
 * Idea: the mm is made, and held; each walker is led to it, and a fault of its own is caught and
 *       named by its address. After a failed walk the lock it held is released (oops.h); it had
 *       changed nothing. The mm ends as any other does, which is a case of its own: exit_mmap.
 */
#include "tests/conformance.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/core/bug.h"
#include "kernel/core/fault.h"
#include "mm/dup_mmap.h"
#include "mm/mman.h"
#include "mm/walkers/walker.h"
#include "tests/fork_shape.h"
#include "tests/mm_swap.h"
#include "tests/mm_user.h"

#define PAGES  3ul
#define OFFSET 8u /* of the probe, in its file */

const char conf_letter[CONF_NR + 1] = ".NMF!";
const char *const conf_result_name[CONF_NR] = {"survives", "null", "marker", "foreign", "other"};

/* ---- where they come from ---- */

struct source {
	const char *sem; /* of a fork that fails; NULL: no fork */
	const char *site;
	u64 k;
	bool unmapped; /* it had pages, and they were unmapped */
	bool exited;   /* its last user has gone: only the struct is left */
};

const char *const conf_source_name[CONF_SOURCES] = {
	"munmap of everything", "finished exit",	   "failed clone", "failed fork, 7.0",
	"k=0, marker, 6.8",	"k=0, marker+flags, 6.14", "bare mm",
};

static const struct source sources[CONF_SOURCES] = {
	{.unmapped = true},
	{.exited = true},
	{.sem = "zero_marker", .site = "F08", .k = SHAPE_NO},
	{.sem = "full_teardown_both_locks", .site = "F13", .k = 1},
	{.sem = "zero_marker", .site = "F13", .k = 0},
	{.sem = "zero_marker_flagged", .site = "F13", .k = 0},
	{.unmapped = false},
};

/* One that had pages, one of them swapped, so that it is on every list there is. */
static int use_and_unmap(struct mm_struct *mm)
{
	int err = user_mmap(mm, SHAPE_BASE, PAGES, PROT_READ | PROT_WRITE);

	if (err)
		return err;
	mm_use(mm);
	err = user_touch(SHAPE_BASE, PAGES, 1);
	mm_unuse(mm);
	if (!err && user_swap_out(mm, SHAPE_BASE, 1) != 1)
		err = -ENOMEM;
	return err ? err : vm_munmap(mm, SHAPE_BASE, PAGES * PAGE_SIZE);
}

static int make(const struct source *source, struct fork_stage *stage, struct mm_struct *mm)
{
	int err;

	if (source->unmapped)
		return use_and_unmap(mm);
	if (!source->sem)
		return 0;
	fork_fault_arm(&stage->shape);
	err = dup_mmap(mm, stage->mm);
	fork_fault_disarm();
	return err == -ENOMEM ? 0 : -EIO;
}

static int make_stage(const struct source *source, struct fork_stage *stage)
{
	struct fork_shape shape = {
		.vmas = 3,
		.pages = 2,
		.swap = 1,
		.file = 2,
		.dontcopy = SHAPE_NO,
		.k = source->k,
		.kill = SHAPE_NO,
		.site = source->site ? fault_site_find(source->site) : NULL,
	};
	char why[80];

	if (source->sem && sem_parse(source->sem, &shape.sem, why, sizeof(why)))
		return -EINVAL;
	return fork_stage_build(&shape, stage);
}

/* ---- who walks ---- */

struct form {
	const char *walker; /* NULL: exit_mmap */
	const char *off;    /* the check it is without; NULL: none */
};

const char *const conf_form_name[CONF_FORMS] = {
	"numa-old",    "numa",	    "migrate-old", "migrate",  "maps-old",
	"maps",	       "fault-old", "fault",	   "pin-mget", "pin-mgrab",
	"swapoff-old", "swapoff",   "uprobe-old",  "uprobe",   "exit",
};

static const struct form forms[CONF_FORMS] = {
	{"numa", "numa.empty"},
	{"numa", NULL},
	{"migrate", "migrate.empty"},
	{"migrate", NULL},
	{"maps", "maps.iterate"},
	{"maps", NULL},
	{"fault", "fault.owner"},
	{"fault", NULL},
	{"pin", "pin.count"},
	{"pin", NULL},
	{"swapoff", "swapoff.stable"},
	{"swapoff", NULL},
	{"uprobe", "uprobe.stable"},
	{"uprobe", NULL},
	{NULL, NULL},
};

static struct {
	const struct walker *walker;
	struct walk walk;
	struct mm_struct *mm;
	bool foreign; /* a VMA that it reached is of another mm */
	bool met;     /* it reached the mm */
	struct oops oops;
} now;

static void on_reach(const struct walker *walker, struct mm_struct *mm, enum walker_depth depth,
		     const struct vm_area_struct *vma)
{
	(void)depth;
	if (walker != now.walker || mm != now.mm)
		return;
	now.met = true;
	now.foreign |= vma && vma->vm_mm != mm;
}

static void run_form(void *arg)
{
	(void)arg;
	if (!now.walker)
		mmput(now.mm);
	else
		BUG_ON(walker_run(now.walker, &now.walk) < 0);
}

static enum conf_result judge(bool failed)
{
	if (now.foreign)
		return CONF_FOREIGN;
	if (!failed)
		return now.met || !now.walker || now.walker->flags & WALK_NO_LOCK ? CONF_SURVIVES
										  : CONF_OTHER;
	if (now.oops.vector < 0 || now.oops.addr >= PAGE_SIZE)
		return CONF_OTHER;
	return now.oops.addr >= 0x406 ? CONF_MARKER : CONF_NULL;
}

static void try_form(unsigned i, const struct fork_stage *stage, struct mm_struct *mm,
		     struct conf_row *row)
{
	struct walker_check *off = forms[i].off ? walker_check_find(forms[i].off) : NULL;
	bool failed;

	memset(&now, 0, sizeof(now));
	now.mm = mm;
	now.walker = forms[i].walker ? walker_find(forms[i].walker) : NULL;
	now.walk = (struct walk){
		.mm = mm,
		.swap = stage->swap,
		.file = stage->file,
		.offset = OFFSET,
		.addr = fork_shape_addr(&stage->shape, 1) + OFFSET,
		.step = fork_shape_addr(&stage->shape, 2) - fork_shape_addr(&stage->shape, 1),
		.nr = 2,
	};
	if (off)
		off->on = false;
	walker_reach_hook = on_reach;
	failed = oops_catch(run_form, NULL, &now.oops);
	walker_reach_hook = NULL;
	if (off)
		off->on = true;
	row->run[i] = true;
	row->result[i] = judge(failed);
	snprintf(row->where[i], sizeof(row->where[i]), "%s",
		 failed	       ? now.oops.symbol
		 : now.foreign ? "a VMA of the parent"
			       : "");
}

/* ---- all of them ---- */

static int run_source(const struct source *source, struct fork_stage *stage, struct conf_row *row)
{
	struct mm_struct *mm = mm_alloc();
	int err = mm ? make(source, stage, mm) : -ENOMEM;

	if (!mm)
		return err;
	if (source->exited) {
		mmgrab(mm);
		mmput(mm);
	}
	for (unsigned i = 0; i < CONF_FORMS && !err; i++) {
		if (forms[i].walker || !source->exited)
			try_form(i, stage, mm, row);
	}
	if (source->exited)
		mmdrop(mm);
	else if (err)
		mmput(mm);
	return err;
}

int conformance_run(unsigned nr, struct conf_row *row)
{
	const struct source *source = &sources[nr];
	struct fork_stage stage;
	int err = make_stage(source, &stage), ended;

	memset(row, 0, sizeof(*row));
	if (err)
		return err;
	err = run_source(source, &stage, row);
	ended = fork_stage_end(&stage);
	return err ? err : ended;
}
