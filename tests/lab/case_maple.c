/*
 * case_maple.c - a maple tree of two leaves: one writer, readers without locks.
 *
 * Owns: three small programs of writes, what a reader may see of them, the readers.
 *   maple       in one leaf: an entry is exchanged, cut short, and exchanged again
 *   maple-edge  the last entry of the left leaf goes and comes back longer: the border moves
 *   maple-join  a hole over most of both leaves joins them and lowers the tree, and is filled again
 * Idea: actor 0 does the program; actor 1 looks a key up; actor 2 goes forward over a few pieces,
 *   leaving its read section on the way; actor 3 goes back. Each call's answer must have been true
 *   at some moment of the call: it knows which writes had ended when it began and which had begun
 *   when it ended. A pass meets every key of its stretch that was in use throughout, in order.
 * Mistakes inside the tree are made in a copy of its sources (case_maple_copy.c).
 */
#include "kernel/base/err.h"
#include "kernel/core/once.h"
#include "kernel/sched/rcu.h"
#include "mm/maple_internal.h"
#include "tests/lab/case.h"
#include "tests/lab/maple_calls.h"

/* The tree: entry i holds pages 3i and 3i + 1. 27 of them in the left leaf, 18 in the right one. */
#define ENTRIES 45
#define STRIDE	3
#define AT(i)	(STRIDE * (i))
#define KEY(p)	((unsigned long)(p)*4096)

enum { REACH_READ_WHILE_WRITTEN, REACH_SAW_NEW };

/* Pages [first, last] get entry @value, 0 is none. */
struct program_write {
	u16 first, last, value;
};

struct program {
	struct program_write write[3];
	unsigned nr;
	u16 look;     /* page looked up */
	u16 from, to; /* pages of the passes */
};

static const struct program in_leaf = {
	.write = {{AT(31), AT(31) + 1, 101}, {AT(31) + 1, AT(31) + 1, 0}, {AT(31), AT(31), 102}},
	.nr = 3,
	.look = AT(31) + 1,
	.from = AT(30) + 1,
	.to = AT(32),
};
static const struct program over_edge = {
	.write = {{AT(26), AT(26) + 1, 0}, {AT(26), AT(26) + 2, 101}},
	.nr = 2,
	.look = AT(26) + 1,
	.from = AT(25) + 1,
	.to = AT(27),
};
static const struct program joining = {
	.write = {{AT(22), AT(40) + 1, 0}, {AT(23), AT(39), 101}},
	.nr = 2,
	.look = AT(26),
	.from = AT(21),
	.to = AT(41),
};

static struct maple_tree tree __lab_world;
static const struct program *program __lab_world;
static u64 started __lab_world, ended __lab_world; /* writes, counted from 1 */

static const struct maple_calls tree_calls = {
	.load = mtree_load,
	.find = mas_find,
	.find_rev = mas_find_rev,
	.store_gfp = mas_store_gfp,
};

static const struct maple_calls *calls(void)
{
	for (unsigned i = 0; i < MUT_OWN_CODE; i++)
		if (case_mutant(i))
			return &maple_copy_calls;
	return &tree_calls;
}

/* ---- what may be seen ---- */

/* Value 0 is no entry. */
static u64 value_of(const void *entry)
{
	return entry ? xa_to_value(entry) : 0;
}

/* Did write @w, 0 being the beginning, say what @page holds? Then *@value is that. */
static bool write_says(u64 w, u64 page, u64 *value)
{
	if (w == 0) {
		*value = page % STRIDE < 2 && page / STRIDE < ENTRIES ? page / STRIDE + 1 : 0;
		return true;
	}
	*value = program->write[w - 1].value;
	return program->write[w - 1].first <= page && page <= program->write[w - 1].last;
}

/* Held @page @value at some moment after @before writes had ended and until @until had begun? */
static bool was_held(u64 page, u64 value, u64 before, u64 until)
{
	for (u64 w = until + 1; w-- > 0;) {
		u64 said;

		if (!write_says(w, page, &said))
			continue;
		if (said == value)
			return true;
		if (w <= before)
			return false;
	}
	return false;
}

/* The point at which a call begins: what had ended by then. */
static u64 read_begins(void)
{
	return READ_ONCE(ended);
}

/* ... and where it ends: what had begun by then. */
static u64 read_ends(u64 before, u64 value)
{
	u64 until = READ_ONCE_NOPOINT(started);

	if (until != before)
		lab_reach(REACH_READ_WHILE_WRITTEN);
	if (value > 100)
		lab_reach(REACH_SAW_NEW);
	return until;
}

static void saw(u64 page, u64 value, u64 before, u64 until)
{
	if (!was_held(page, value, before, until))
		lab_fail(LV_CORRUPT, "page %lu: entry %lu was not there after write %lu until %lu",
			 page, value, before, until);
}

/* ---- the writer ---- */

static void store(u64 first, u64 last, u64 value)
{
	MA_STATE(mas, &tree, KEY(first), KEY(last + 1) - 1);

	mtree_lock(&tree);
	lab_assert(calls()->store_gfp(&mas, value ? xa_mk_value(value) : NULL, GFP_NOWAIT) == 0);
	mtree_unlock(&tree);
}

static void writer(void)
{
	for (u64 w = 1; w <= program->nr; w++) {
		const struct program_write *it = &program->write[w - 1];

		WRITE_ONCE_NOPOINT(started, w);
		if (w == 1 && case_mutant(MUT_HOLE))
			store(it->first, it->last, 0);
		store(it->first, it->last, it->value);
		WRITE_ONCE(ended, w);
	}
}

/* ---- readers ---- */

static void look_up(void)
{
	u64 page = program->look, before = read_begins();
	u64 value = value_of(calls()->load(&tree, KEY(page)));

	saw(page, value, before, read_ends(before, value));
}

static void section_begin(void)
{
	if (!case_mutant(MUT_NO_SECTION))
		rcu_read_lock();
}

static void section_end(void)
{
	if (!case_mutant(MUT_NO_SECTION))
		rcu_read_unlock();
}

/* Out of the read section and in again; the state is told. */
static void leave_for_a_while(struct ma_state *mas)
{
	if (!case_mutant(MUT_STALE_STATE))
		mas_pause(mas);
	section_end();
	section_begin();
	if (case_mutant(MUT_STEP_TOO_FAR))
		mas_set(mas, mas->last + KEY(STRIDE));
}

/* Pages [@from, @to) passed without an entry, by a pass since @before. */
static void passed_over(u64 from, u64 to, u64 before, u64 until)
{
	for (; from < to; from++)
		saw(from, 0, before, until);
}

static void go_forward(void)
{
	u64 next = program->from, begun = read_begins();
	MA_STATE(mas, &tree, KEY(next), KEY(next));
	unsigned met = 0;

	section_begin();
	for (;;) {
		u64 before = read_begins();
		u64 value = value_of(calls()->find(&mas, KEY(program->to)));
		u64 until = read_ends(before, value), first, last;

		if (!value) {
			passed_over(next, program->to + 1, begun, until);
			break;
		}
		first = max(mas.index / 4096, next);
		last = mas.last / 4096;
		lab_assert(mas.last >= KEY(next));
		passed_over(next, min(first, program->to + 1ul), begun, until);
		saw(first, value, before, until);
		saw(last, value, before, until);
		next = last + 1;
		if (++met == 2)
			leave_for_a_while(&mas);
	}
	section_end();
}

static void go_back(void)
{
	u64 end = program->to + 1, begun = read_begins(); /* pages from end on were passed */
	MA_STATE(mas, &tree, KEY(end) - 1, KEY(end) - 1);

	section_begin();
	while (end > program->from) {
		u64 before = read_begins();
		u64 value = value_of(calls()->find_rev(&mas, KEY(program->from)));
		u64 until = read_ends(before, value), first, last;

		if (!value) {
			passed_over(program->from, end, begun, until);
			break;
		}
		first = mas.index / 4096;
		last = min(mas.last / 4096, end - 1);
		lab_assert(mas.index < KEY(end));
		passed_over(max(last + 1, (u64)program->from), end, begun, until);
		saw(first, value, before, until);
		saw(last, value, before, until);
		end = first;
	}
	section_end();
}

static void actor(void *index)
{
	switch ((unsigned long)index) {
	case 0: writer(); break;
	case 1: look_up(); break;
	case 2: go_forward(); break;
	default: go_back(); break;
	}
}

/* ---- the cases ---- */

static void name_nodes(void)
{
	struct maple_inner *root = mte_inner(tree.ma_root);

	lab_name(&tree.ma_lock, sizeof(tree.ma_lock), "lock");
	lab_name(&tree.ma_root, 8, "root");
	lab_name(&started, 8, "started");
	lab_name(&ended, 8, "ended");
	lab_name(root, sizeof(*root), "top");
	lab_name(mte_leaf(root->slot[0]), sizeof(struct maple_leaf), "left");
	lab_name(mte_leaf(root->slot[1]), sizeof(struct maple_leaf), "right");
}

static int setup(const struct program *what, unsigned actors)
{
	program = what;
	started = ended = 0;
	mt_init_flags(&tree, MT_FLAGS_ALLOC_RANGE | MT_FLAGS_USE_RCU);
	for (u64 i = 0; i < ENTRIES; i++) {
		int err = mtree_store_range(&tree, KEY(AT(i)), KEY(AT(i) + 2) - 1,
					    xa_mk_value(i + 1), GFP_KERNEL);

		if (err)
			return err;
	}
	rcu_barrier();
	lab_assert(mt_height(&tree) == 2 && mte_leaf(mte_inner(tree.ma_root)->slot[0])->h.n == 27);
	name_nodes();
	return case_actors("maple", actors, actor);
}

static int setup_in_leaf(unsigned actors)
{
	return setup(&in_leaf, actors);
}

static int setup_edge(unsigned actors)
{
	return setup(&over_edge, actors);
}

static int setup_join(unsigned actors)
{
	return setup(&joining, actors);
}

static void check(unsigned actors)
{
	(void)actors;
	rcu_barrier();
	lab_assert(mt_check(&tree, NULL, NULL) == 0);
	for (u64 page = program->from; page <= program->to; page++)
		saw(page, value_of(mtree_load(&tree, KEY(page))), program->nr, program->nr);
	mtree_destroy(&tree);
	rcu_barrier();
}

static const char *const reach[] = {"read-while-written", "saw-new", NULL};
static const struct lab_mutant mutants[] = {
	[MUT_NO_DEAD_MARK] = {"no-dead-mark", "a replaced leaf is not marked dead", LV_CORRUPT},
	[MUT_EARLY_FREE] = {"early-free", "replaced nodes are freed at once", LV_UAF},
	[MUT_SHRINK_IN_PLACE] = {"shrink-in-place", "a range is shortened in a published leaf",
				 LV_CORRUPT},
	[MUT_EARLY_PUBLISH] = {"early-publish", "a leaf is published before it is filled",
			       LV_CORRUPT},
	[MUT_NO_SECTION] = {"no-section", "a pass without a read section", LV_UAF},
	[MUT_STALE_STATE] = {"stale-state", "a state kept from one read section to the next",
			     LV_UAF},
	[MUT_HOLE] = {"hole", "exchanged by erasing and storing", LV_CORRUPT},
	[MUT_STEP_TOO_FAR] = {"step-too-far", "a pass goes on behind the next entry", LV_CORRUPT},
	{NULL, NULL, LV_SAFE},
};
static const struct lab_case case_in_leaf = {
	.name = "maple",
	.what = "readers of a maple tree beside writes in one leaf",
	.actors = 3,
	.actors_min = 2,
	.actors_max = 4,
	.slow = true,
	.reach = reach,
	.mutants = mutants,
	.setup = setup_in_leaf,
	.check = check,
};
LAB_CASE(case_in_leaf);
static const struct lab_case case_edge = {
	.name = "maple-edge",
	.what = "readers of a maple tree beside a border that moves",
	.actors = 3,
	.actors_min = 2,
	.actors_max = 4,
	.slow = true,
	.reach = reach,
	.setup = setup_edge,
	.check = check,
};
LAB_CASE(case_edge);
static const struct lab_case case_join = {
	.name = "maple-join",
	.what = "readers of a maple tree beside leaves that are joined",
	.actors = 3,
	.actors_min = 2,
	.actors_max = 4,
	.slow = true,
	.reach = reach,
	.setup = setup_join,
	.check = check,
};
LAB_CASE(case_join);
