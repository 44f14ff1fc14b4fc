/*
 * fork.c - the scenario kind `fork`: a copy that fails, and walkers that meet the child.
 *
 * Owns: the actors, what counts as having met the child, what must hold at the end.
 * Not here: the parent's shape and the failure (tests/fork_shape.h), what walkers do (mm/walkers),
 *           the rules of a failed copy, which nothing here knows.
 * Idea: an mm that was not there at the start is the child. Walkers say what they reach of it, and
 *       the child's own mark says in which window that was (mm/mm_marks.h):
 *         fault      the copy failed as asked
 *         W1-entered a walker has the child's lock after the forker let go, before it is torn down
 *         W0-pinned  a walker holds the child while the forker still copies; it cannot go in, since
 *                    the child is locked, so this is told but not asked for
 *       A VMA of another mm found in the child is `foreign`; entries brought back for a child whose
 *       copy has failed are `waste`; a child without VMAs is `empty`. What a walker does to memory
 *       that is not there is for the detectors.
 */
#include <stdio.h>
#include <string.h>

#include "kernel/base/err.h"
#include "kernel/core/user.h"
#include "mm/dup_mmap.h"
#include "mm/mm_check.h"
#include "mm/mm_marks.h"
#include "mm/mmap_lock.h"
#include "mm/swap.h"
#include "mm/walkers/uprobe.h"
#include "mm/walkers/walker.h"
#include "tests/fork_shape.h"
#include "tests/lab/lab.h"

#define SIBLINGS_MAX 4
#define CHECKS_MAX   8

enum { REACH_FAULT, REACH_W1, REACH_W0 };

/* ---- host side: what was asked for ---- */

static struct fork_shape shape;
static u64 nr_siblings, nr_work;
static bool with_swapoff, with_uprobe;
static struct walker_check *switched_off[CHECKS_MAX];
static unsigned nr_switched_off;

/* ---- the world ---- */

static struct fork_stage stage __lab_world;

/* ---- what walkers meet ---- */

static bool is_foreign(const struct mm_struct *mm, const struct vm_area_struct *vma)
{
	return vma && vma->vm_mm != mm;
}

static void met_child(const struct walker *walker, struct mm_struct *mm, enum walker_depth depth,
		      const struct vm_area_struct *vma)
{
	enum mm_mark mark = READ_ONCE_NOPOINT(mm->mark);
	bool failed = mark >= MARK_RECOVER && mark != MARK_LIVE;

	if (is_foreign(mm, vma))
		lab_fail(LV_FOREIGN, "%s found a VMA of mm %lu in mm %lu", walker->name,
			 (unsigned long)vma->vm_mm->id, (unsigned long)mm->id);
	if (depth == WALKER_PIN && mark < MARK_UNLOCK)
		lab_reach(REACH_W0);
	/* Who has the lock came after the forker let go, also before the forker could say so. */
	if (depth == WALKER_MM && (mark == MARK_RECOVER || mark == MARK_UNLOCK)) {
		lab_reach(REACH_W1);
		if (!mm->mm_mt.ma_root)
			lab_note(LV_EMPTY);
	}
	if (depth == WALKER_PTE && failed)
		lab_note(LV_WASTE);
}

static void on_reach(const struct walker *walker, struct mm_struct *mm, enum walker_depth depth,
		     const struct vm_area_struct *vma)
{
	if (lockstep_searched() && mm != stage.mm && mm != stage.other)
		met_child(walker, mm, depth, vma);
}

/* ---- actors ---- */

/* What the parent's thread does before it forks: time for others to come first. */
static void work_a_while(void)
{
	unsigned long addr =
		fork_shape_addr(&shape, shape.vmas - 1) + (shape.pages - 1) * PAGE_SIZE;
	u64 value;

	mm_use(stage.mm);
	for (u64 i = 0; i < nr_work; i++)
		lab_assert(get_user(&value, addr) == 0);
	mm_unuse(stage.mm);
}

static void forker(void *arg)
{
	struct mm_struct *child;

	(void)arg;
	if (nr_work)
		work_a_while();
	fork_fault_rearm();
	child = dup_mm(stage.mm);
	if (fork_fault_fired())
		lab_reach(REACH_FAULT);
	lab_assert(IS_ERR(child) || !fork_fault_fired() || shape.kill != SHAPE_NO);
	if (!IS_ERR(child))
		mmput(child);
}

static void remove_swap(void *arg)
{
	int err = swapoff(stage.swap);

	(void)arg;
	lab_assert(err == 0);
}

static void put_probe(void *arg)
{
	int nr = uprobe_register(stage.file, 8);

	(void)arg;
	/* There is memory, and the parent has its mappings. */
	lab_assert(nr >= (int)shape.file);
	nr = uprobe_unregister(stage.file, 8);
	lab_assert(nr >= (int)shape.file);
}

/* A thread of the parent: it goes on writing while the copy is made. */
static void sibling(void *arg)
{
	unsigned long nr = (unsigned long)arg;

	mm_use(stage.mm);
	for (unsigned long i = 0; i < shape.vmas; i++) {
		unsigned long addr = fork_shape_addr(&shape, i) + nr % shape.pages * PAGE_SIZE;
		u64 value;

		lab_assert(put_user((u64)(1000 + nr), addr) == 0);
		lab_assert(get_user(&value, addr) == 0);
	}
	mm_unuse(stage.mm);
}

/* ---- the scenario ---- */

static bool parse_check(struct kv *kv, char *word, char *dot)
{
	struct walker_check *check;
	char *value = strchr(dot, '=');

	if (!value || (strcmp(value, "=0") && strcmp(value, "=1"))) {
		kv_fail(kv, "walkers=%s: accepted is WALKER.CHECK=0 or =1", word);
		return false;
	}
	*value = '\0';
	check = walker_check_find(word);
	if (!check)
		kv_fail(kv, "walkers=%s: no such check; `walkers` lists them", word);
	else if (value[1] == '0' && nr_switched_off < CHECKS_MAX)
		switched_off[nr_switched_off++] = check;
	*dot = '\0';
	return check != NULL;
}

/* "swapoff,swapoff.stable=0" */
static void parse_walkers(struct kv *kv)
{
	const char *text = NULL;
	char words[128], *word, *rest = words;

	with_swapoff = with_uprobe = false;
	nr_switched_off = 0;
	if (!kv_str(kv, "walkers", &text) || !text)
		return;
	if (snprintf(words, sizeof(words), "%s", text) >= (int)sizeof(words))
		kv_fail(kv, "walkers: at most %zu characters", sizeof(words) - 1);
	while ((word = strsep(&rest, ",")) != NULL) {
		char *dot = strchr(word, '.');

		if (dot && !parse_check(kv, word, dot))
			return;
		if (strcmp(word, "swapoff") && strcmp(word, "uprobe")) {
			kv_fail(kv, "walkers=%s: accepted here are swapoff, uprobe", word);
			return;
		}
		with_swapoff |= word[0] == 's';
		with_uprobe |= word[0] == 'u';
	}
}

static void parse(struct scenario *sc, struct kv *kv)
{
	nr_siblings = nr_work = 0;
	kv_u64(kv, "work", 0, 10000, &nr_work);
	kv_u64(kv, "threads", 0, SIBLINGS_MAX, &nr_siblings);
	fork_shape_parse(&shape, kv);
	parse_walkers(kv);
	if (with_swapoff && !shape.swap)
		kv_fail(kv, "walkers=swapoff: only with swap=, or it has nothing to do");
	if (with_uprobe && !shape.file)
		kv_fail(kv, "walkers=uprobe: only with file=, or it has nothing to do");
	if (sc->cpus == 0)
		sc->cpus = 1 + with_swapoff + with_uprobe + (unsigned)nr_siblings;
}

static int setup(void)
{
	unsigned cpu = 0;
	int err = fork_stage_build(&shape, &stage);

	if (!err)
		err = lab_actor("forker", cpu++, forker, NULL);
	if (!err && with_swapoff)
		err = lab_actor("swapoff", cpu++, remove_swap, NULL);
	if (!err && with_uprobe)
		err = lab_actor("uprobe", cpu++, put_probe, NULL);
	for (unsigned long i = 0; !err && i < nr_siblings; i++) {
		char name[16];

		snprintf(name, sizeof(name), "sibling%lu", i);
		err = lab_actor(name, cpu++, sibling, (void *)i);
	}
	if (err)
		return err;
	lab_name(stage.mm, sizeof(*stage.mm), "parent");
	return 0;
}

/* Every page still says which VMA it is of, unless a sibling wrote. */
static void check_contents(void)
{
	mm_use(stage.mm);
	for (unsigned long i = 0; i < shape.vmas; i++) {
		u64 value = 0;

		lab_assert(get_user(&value, fork_shape_addr(&shape, i)) == 0);
		lab_assert(value >= 1000 || value == i + 1 || shape.shared || shape.file);
	}
	mm_unuse(stage.mm);
}

static void check(void)
{
	check_contents();
	mmap_write_lock(stage.mm);
	lab_assert(mm_check(stage.mm) == 0);
	mmap_write_unlock(stage.mm);
	lab_assert(fork_stage_end(&stage) == 0);
}

static const char *const *reach(void)
{
	static const char *const none[] = {NULL};
	static const char *const fault[] = {"fault", NULL};
	static const char *const met[] = {"fault", "W1-entered", "W0-pinned?", NULL};
	bool fails = shape.site || shape.kill != SHAPE_NO;

	return !fails ? none : with_swapoff || with_uprobe ? met : fault;
}

static void begin(void)
{
	for (unsigned i = 0; i < nr_switched_off; i++)
		switched_off[i]->on = false;
	walker_reach_hook = on_reach;
	fork_fault_arm(&shape);
}

static void end(void)
{
	fork_fault_disarm();
	walker_reach_hook = NULL;
	for (unsigned i = 0; i < nr_switched_off; i++)
		switched_off[i]->on = true;
}

static const struct scenario_kind fork_kind = {
	.name = "fork",
	.usage = FORK_SHAPE_USAGE "\n"
				  "  walkers=swapoff,uprobe,swapoff.stable=0,... threads=0..4\n"
				  "  work=N     accesses of the forker before it forks",
	.parse = parse,
	.setup = setup,
	.check = check,
	.reach = reach,
	.begin = begin,
	.end = end,
};
SCENARIO_KIND(fork_kind);
