/*
 * stable_gate.c - a failed copy is marked unstable, and pinning refuses what is unstable.
 *
 * One test where every walker passes, instead of one in every walker. Whoever has pinned the child
 * before the copy failed is inside.
 */
#include "mm/semantics.h"

static void doom(struct mm_struct *mm)
{
	set_bit(MMF_UNSTABLE, &mm->flags);
}

static bool is_stable(struct mm_struct *mm)
{
	return !test_bit(MMF_UNSTABLE, &mm->flags);
}

static const struct semantics stable_gate = {
	.name = "stable_gate",
	.what = "walkers cannot pin an mm whose copy failed (over any fork semantics)",
	.axis = SEM_GATE,
	.over = "zero_marker",
	.hooks = {.doom = doom, .may_enter = is_stable},
};
SEMANTICS(stable_gate);
