/*
 * fork_walkers.c - see fork_walkers.h.
 *
 * Idea: an mm that was not there at the start is the child. Walkers say what they reach of it, and
 *       the child's own mark says in which window that was (mm/mm_marks.h):
 *         W1-entered  a walker has the child's lock after the forker let go, before it is torn
 *                     down
 *         W0-pinned   a walker holds the child while the forker still copies; it cannot go in,
 *                     since the child is locked, so this is told but not asked for
 *       One that takes no mmap_lock is inside where it meets a VMA: `entered` in either window.
 *       A thread of the owner is to have met the copy at work: `beside`.
 *       A VMA of another mm found in the child is `foreign`; entries changed for a child whose copy
 *       has failed are `waste`; a child without VMAs is `empty`; what a child still has when the
 *       forker has let go of it, and one walker keeps it for nothing or another waits for it, is
 *       `late`. What a walker does to memory that is not there is for the detectors.
 */
#include "tests/lab/fork_walkers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/base/err.h"
#include "kernel/sched/timer.h"
#include "mm/block_ram.h"
#include "mm/mm_marks.h"
#include "mm/swap.h"
#include "mm/walkers/walker.h"
#include "tests/lab/lab.h"

#define CHECKS_MAX   8u
#define ROUNDS_MAX   100u
#define REACH_NAME   24
#define SPARE_DEVICE (BLOCK_RAM_MAX - 3)

/* What a walker is to reach; the first is asked for. */
enum meeting { MET_W1, MET_W0, MEETINGS };
/* Of those without mmap_lock: in either window; then told for each. */
enum { MET_ANY, MET_ANY_W0, MET_ANY_W1, MEETINGS_NO_LOCK };

/* ---- host side: what was asked for ---- */

static const struct walker *walkers[FORK_WALKERS_MAX];
static unsigned nr_walkers;
static struct walker_check *switched_off[CHECKS_MAX];
static unsigned nr_switched_off;
static u64 nr_rounds, nr_linger, hold_ms;
static bool stay, to_child;

/* Places: the failure, then those of each walker from first_reach[] on. */
static char reach_text[LAB_MAX_REACH][REACH_NAME];
static const char *reach_list[LAB_MAX_REACH + 1];
static unsigned first_reach[FORK_WALKERS_MAX];

/* ---- the world ---- */

static struct fork_stage *stage __lab_world;
static struct block_device *spare __lab_world;
static bool copying __lab_world;

/* ---- what they meet ---- */

static bool is_foreign(const struct mm_struct *mm, const struct vm_area_struct *vma)
{
	return vma && vma->vm_mm != mm;
}

static void reach(const struct walker *walker, unsigned meeting)
{
	for (unsigned i = 0; i < nr_walkers; i++) {
		if (walkers[i] == walker && first_reach[i] + meeting < LAB_MAX_REACH)
			lab_reach(first_reach[i] + meeting);
	}
}

static void note_empty(const struct mm_struct *mm)
{
	if (!mm->mm_mt.ma_root)
		lab_note(LV_EMPTY);
}

/* Is a child at @mark unlocked by the forker, its copy failed, and not yet torn down? */
static bool is_w1(enum mm_mark mark)
{
	return mark == MARK_UNLOCK || (mark == MARK_PARENT && fork_fault_fired());
}

static void met_with_lock(const struct walker *walker, struct mm_struct *mm,
			  enum walker_depth depth, enum mm_mark mark)
{
	if (depth == WALKER_PIN && mark < MARK_UNLOCK)
		reach(walker, MET_W0);
	/* Who has the lock came after the forker let go, also before the forker could say so. */
	if (depth == WALKER_MM && (mark == MARK_RECOVER || is_w1(mark))) {
		reach(walker, MET_W1);
		note_empty(mm);
	}
}

static void met_without(const struct walker *walker, enum walker_depth depth, enum mm_mark mark)
{
	if (depth < WALKER_VMA || (mark >= MARK_UNLOCK && !is_w1(mark)))
		return;
	reach(walker, MET_ANY);
	reach(walker, mark < MARK_UNLOCK ? MET_ANY_W0 : MET_ANY_W1);
}

static void met_child(const struct walker *walker, struct mm_struct *mm, enum walker_depth depth,
		      const struct vm_area_struct *vma)
{
	enum mm_mark mark = READ_ONCE_NOPOINT(mm->mark);
	bool failed = mark == MARK_RECOVER || is_w1(mark) || mark >= MARK_ZAP;

	if (is_foreign(mm, vma))
		lab_fail(LV_FOREIGN, "%s found a VMA of mm %lu in mm %lu", walker->name,
			 (unsigned long)vma->vm_mm->id, (unsigned long)mm->id);
	if (walker->flags & WALK_NO_LOCK)
		met_without(walker, depth, mark);
	else
		met_with_lock(walker, mm, depth, mark);
	if (depth == WALKER_PTE && failed)
		lab_note(LV_WASTE);
}

/* The copy failed, and the forker has let go: only walkers keep what it still has. */
static bool is_forsaken(struct mm_struct *mm)
{
	return mm != stage->mm && mm != stage->other && !READ_ONCE_NOPOINT(copying) &&
	       fork_fault_fired() && atomic_read_nopoint(&mm->mm_users) != 0;
}

/* A note for each page. */
static void note_late(struct mm_struct *mm, bool swapped_only)
{
	long pages = get_mm_counter(mm, MM_SWAPENTS);

	if (!swapped_only)
		pages += get_mm_counter(mm, MM_ANONPAGES) + get_mm_counter(mm, MM_FILEPAGES);
	while (pages-- > 0)
		lab_note(LV_LATE);
}

static bool look_for_slots(struct mm_struct *mm, void *arg)
{
	(void)arg;
	if (is_forsaken(mm))
		note_late(mm, true);
	return true;
}

/* A walker holds @mm for nothing; or it waits for slots that others hold. */
static void met_waiting(struct mm_struct *mm)
{
	if (!mm)
		mm_for_each(look_for_slots, NULL);
	else if (is_forsaken(mm))
		note_late(mm, false);
}

static void on_reach(const struct walker *walker, struct mm_struct *mm, enum walker_depth depth,
		     const struct vm_area_struct *vma)
{
	if (!lockstep_searched() || mm == stage->other)
		return;
	if (depth == WALKER_WAIT)
		met_waiting(mm);
	else if (mm != stage->mm)
		met_child(walker, mm, depth, vma);
	else if ((walker->flags & WALK_OWNER) && READ_ONCE_NOPOINT(copying))
		reach(walker, 0);
}

void fork_walkers_copying(bool now)
{
	WRITE_ONCE_NOPOINT(copying, now);
}

/* ---- words ---- */

/* The last word about a check counts. */
static void choose_check(struct walker_check *check, bool on)
{
	unsigned at = 0;

	while (at < nr_switched_off && switched_off[at] != check)
		at++;
	if (on && at < nr_switched_off)
		switched_off[at] = switched_off[--nr_switched_off];
	else if (!on && at == nr_switched_off && at < CHECKS_MAX)
		switched_off[nr_switched_off++] = check;
}

/* Of a release's rules: walkers are as they were then. */
static void take_release(const struct semantics *preset)
{
	char names[128], *name, *rest = names;

	if (!preset || !preset->unfixed)
		return;
	snprintf(names, sizeof(names), "%s", preset->unfixed);
	while ((name = strsep(&rest, ",")) != NULL) {
		struct walker_check *check = walker_check_find(name);

		if (check)
			choose_check(check, false);
	}
}

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
	else
		choose_check(check, value[1] == '1');
	*dot = '\0';
	return check != NULL;
}

static bool has_walker(const struct walker *walker)
{
	for (unsigned i = 0; i < nr_walkers; i++) {
		if (walkers[i] == walker)
			return true;
	}
	return false;
}

static void add_walker(struct kv *kv, const char *word, const struct fork_shape *shape)
{
	const struct walker *walker = walker_find(word);

	if (!walker || !(walker->walk || walker->walk_mm))
		kv_fail(kv, "walkers=%s: no such walker; `walkers` lists them", word);
	else if ((walker->flags & WALK_SWAP) && !shape->swap)
		kv_fail(kv, "walkers=%s: only with swap=, or it has nothing to do", word);
	else if ((walker->flags & WALK_FILE) && !(shape->file + shape->shared))
		kv_fail(kv, "walkers=%s: only with file= or shared=, or it has nothing to do",
			word);
	else if (!has_walker(walker) && nr_walkers == FORK_WALKERS_MAX)
		kv_fail(kv, "walkers: at most %u at once", FORK_WALKERS_MAX);
	else if (!has_walker(walker))
		walkers[nr_walkers++] = walker;
}

static void name_reach(unsigned at, const char *what, const char *name, const char *mark)
{
	if (at >= LAB_MAX_REACH)
		return;
	/* With one walker there is no doubt whose it is. */
	if (nr_walkers > 1)
		snprintf(reach_text[at], REACH_NAME, "%s-%s%s", what, name, mark);
	else
		snprintf(reach_text[at], REACH_NAME, "%s%s", what, mark);
	reach_list[at] = reach_text[at];
	reach_list[at + 1] = NULL;
}

/* The places of the walkers follow the failure; what does not fit is not asked for. */
static void name_places(void)
{
	unsigned at = FORK_REACH_FAULT + 1;

	reach_list[FORK_REACH_FAULT] = "fault";
	reach_list[at] = NULL;
	for (unsigned i = 0; i < nr_walkers; i++) {
		const struct walker *walker = walkers[i];

		first_reach[i] = at;
		if (walker->flags & WALK_OWNER) {
			name_reach(at++, "beside", walker->name, "");
		} else if (walker->flags & WALK_NO_LOCK) {
			name_reach(at, "entered", walker->name, "");
			name_reach(at + MET_ANY_W0, "W0-entered", walker->name, "?");
			name_reach(at + MET_ANY_W1, "W1-entered", walker->name, "?");
			at += MEETINGS_NO_LOCK;
		} else {
			name_reach(at, "W1-entered", walker->name, "");
			name_reach(at + MET_W0, "W0-pinned", walker->name, "?");
			at += MEETINGS;
		}
	}
}

void fork_walkers_parse(struct kv *kv, const struct fork_shape *shape)
{
	const char *text = NULL;
	char words[128], *word, *rest = words;

	nr_walkers = nr_switched_off = 0;
	nr_rounds = 1;
	nr_linger = hold_ms = 0;
	stay = to_child = false;
	kv_u64(kv, "rounds", 1, ROUNDS_MAX, &nr_rounds);
	kv_u64(kv, "linger", 0, ROUNDS_MAX, &nr_linger);
	kv_u64(kv, "hold", 0, 1000000, &hold_ms);
	kv_bool(kv, "stay", &stay);
	kv_bool(kv, "to_child", &to_child);
	take_release(shape->sem.preset);
	if (kv_str(kv, "walkers", &text) && text) {
		if (snprintf(words, sizeof(words), "%s", text) >= (int)sizeof(words))
			kv_fail(kv, "walkers: at most %zu characters", sizeof(words) - 1);
		while ((word = strsep(&rest, ",")) != NULL) {
			char *dot = strchr(word, '.');

			if (dot && !parse_check(kv, word, dot))
				return;
			add_walker(kv, word, shape);
		}
	}
	name_places();
}

unsigned fork_walkers_nr(void)
{
	return nr_walkers;
}

const char *const *fork_walkers_reach(bool fails)
{
	return fails ? reach_list : reach_list + ARRAY_SIZE(reach_list) - 1;
}

/* ---- actors ---- */

/* The generation of the youngest mm that was there before the copy. */
static u64 youngest(void)
{
	return stage->other ? max(stage->mm->id, stage->other->id) : stage->mm->id;
}

static struct walk what_to_walk(const struct walker *walker)
{
	const struct fork_shape *shape = &stage->shape;

	return (struct walk){
		.mm = walker->flags & WALK_OWNER ? stage->mm : NULL,
		.swap = stage->swap,
		.file = stage->file,
		.offset = 8,
		.addr = fork_shape_addr(shape, 0),
		.step = fork_shape_addr(shape, 1) - fork_shape_addr(shape, 0),
		.nr = shape->vmas,
		.after = to_child ? youngest() : 0,
		.linger = nr_linger,
		.hold_ns = hold_ms * NSEC_PER_MSEC,
		.stay = stay,
	};
}

static void run_walker(void *arg)
{
	const struct walker *walker = arg;
	struct walk w = what_to_walk(walker);
	/* There is memory; and one that goes into the mappings of a file finds the parent's. */
	long least = walker->flags == WALK_FILE ? (long)stage->shape.file : 0;

	/* A device that is off is off. */
	for (u64 i = 0; i < (walker->flags & WALK_SWAP ? 1 : nr_rounds); i++)
		lab_assert(walker_run(walker, &w) >= least);
}

static bool needs_space(void)
{
	for (unsigned i = 0; i < nr_walkers; i++) {
		if (walkers[i]->flags & WALK_SWAP_SPACE)
			return true;
	}
	return false;
}

static int add_space(void)
{
	int type;

	spare = block_ram_create(SPARE_DEVICE, SWAP_MIN_SLOTS);
	if (IS_ERR(spare)) {
		type = (int)PTR_ERR(spare);
		spare = NULL;
		return type;
	}
	type = swapon(spare);
	return type < 0 ? type : 0;
}

int fork_walkers_setup(struct fork_stage *on, unsigned cpu)
{
	int err = 0;

	stage = on;
	if (needs_space())
		err = add_space();
	for (unsigned i = 0; i < nr_walkers && !err; i++)
		err = lab_actor(walkers[i]->name, cpu++, run_walker, (void *)walkers[i]);
	return err;
}

int fork_walkers_end(void)
{
	int err = spare ? swapoff(spare) : 0;

	if (spare && !err)
		block_ram_destroy(spare);
	return err;
}

void fork_walkers_enter(void)
{
	for (unsigned i = 0; i < nr_switched_off; i++)
		switched_off[i]->on = false;
	walker_reach_hook = on_reach;
}

void fork_walkers_leave(void)
{
	walker_reach_hook = NULL;
	for (unsigned i = 0; i < nr_switched_off; i++)
		switched_off[i]->on = true;
}
