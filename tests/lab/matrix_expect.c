/*
 * matrix_expect.c - what the literature says of each cell, and why ours may be another.
 *
 * Data only, read after the verdicts: nothing here takes part in one. From mm-lifecycle.md, 19.2,
 * whose columns are kinds of walkers: who iterates all (swapoff), who writes at an address and
 * looks at neighbours (uprobe), rmap users, who assumes a first VMA (migrate), lookups under RCU
 * (fault), threads of the parent (sibling). It supposes walkers as they were at the time; of a form
 * that is older or newer than the rule set it does not tell.
 */
#include "tests/lab/matrix.h"

#include <string.h>

#define RCU_WHY	 "19.2: no task is there to do it; here a walker of all mms does"
#define RMAP_WHY "19.2 says safe; that entries are taken from a doomed child is told as waste"

/* In order of 19.2's rows. */
static const struct matrix_expect cells[] = {
	{"insert_one_by_one", "swapoff-old", "w", NULL},
	{"insert_one_by_one", "swapoff", "w", NULL},
	{"insert_one_by_one", "uprobe-old", "w", NULL},
	{"insert_one_by_one", "uprobe", "w", NULL},
	{"insert_one_by_one", "rmap_unmap", ".w", NULL},
	{"insert_one_by_one", "rmap_clean", ".", NULL},
	{"insert_one_by_one", "migrate-old", ".w", NULL},
	{"insert_one_by_one", "fault", ".w", NULL},
	{"insert_one_by_one", "sibling", ".", NULL},

	{"zero_marker", "swapoff-old", "M", NULL},
	{"zero_marker", "swapoff", "M", NULL},
	{"zero_marker", "uprobe-old", "MF", NULL},
	{"zero_marker", "uprobe", "MF", NULL},
	{"zero_marker", "rmap_unmap", ".w", NULL},
	{"zero_marker", "rmap_clean", ".", NULL},
	{"zero_marker", "migrate-old", "M", NULL},
	{"zero_marker", "migrate", "M", NULL},
	{"zero_marker", "fault-old", "UF", NULL},
	{"zero_marker", "sibling", ".", NULL},

	{"zero_marker_sem", "swapoff-old", "M", NULL},
	{"zero_marker_sem", "swapoff", "M", NULL},
	{"zero_marker_sem", "uprobe-old", "/", NULL},
	{"zero_marker_sem", "uprobe", "/", NULL},
	{"zero_marker_sem", "rmap_unmap", ".w", NULL},
	{"zero_marker_sem", "migrate-old", "M", NULL},
	{"zero_marker_sem", "migrate", "M", NULL},
	{"zero_marker_sem", "fault-old", "UF", NULL},
	{"zero_marker_sem", "sibling", ".", NULL},

	{"zero_marker_flagged", "swapoff-old", "M", NULL},
	{"zero_marker_flagged", "swapoff", ".", NULL},
	{"zero_marker_flagged", "uprobe", "./", NULL},
	{"zero_marker_flagged", "rmap_unmap", ".w", NULL},
	{"zero_marker_flagged", "migrate-old", "M", NULL},
	{"zero_marker_flagged", "migrate", "M", NULL},
	{"zero_marker_flagged", "fault-old", "UF", NULL},
	{"zero_marker_flagged", "sibling", ".", NULL},

	{"full_teardown_both_locks", "swapoff-old", "e", NULL},
	{"full_teardown_both_locks", "swapoff", "e", NULL},
	{"full_teardown_both_locks", "uprobe-old", "e/", NULL},
	{"full_teardown_both_locks", "uprobe", "e/", NULL},
	{"full_teardown_both_locks", "rmap_unmap", ".", RMAP_WHY},
	{"full_teardown_both_locks", "rmap_clean", ".", NULL},
	{"full_teardown_both_locks", "migrate-old", "N", NULL},
	{"full_teardown_both_locks", "migrate", "e", NULL},
	{"full_teardown_both_locks", "fault", ".", RCU_WHY ", while the tree is being freed"},
	{"full_teardown_both_locks", "sibling", ".", NULL},

	{"full_teardown_child_lock", "swapoff-old", "e", NULL},
	{"full_teardown_child_lock", "swapoff", "e", NULL},
	{"full_teardown_child_lock", "uprobe-old", "e/", NULL},
	{"full_teardown_child_lock", "uprobe", "e/", NULL},
	{"full_teardown_child_lock", "rmap_unmap", ".", RMAP_WHY},
	{"full_teardown_child_lock", "migrate-old", "N", NULL},
	{"full_teardown_child_lock", "migrate", "e", NULL},
	{"full_teardown_child_lock", "fault", ".", RCU_WHY ", while the tree is being freed"},
	{"full_teardown_child_lock", "sibling", ".", NULL},

	{"prune_tail", "swapoff-old", "w", NULL},
	{"prune_tail", "swapoff", "w", NULL},
	{"prune_tail", "uprobe-old", "w", NULL},
	{"prune_tail", "uprobe", "w", NULL},
	{"prune_tail", "rmap_unmap", ".w", NULL},
	{"prune_tail", "migrate-old", ".w", NULL},
	{"prune_tail", "fault", "U", NULL},
	{"prune_tail", "sibling", ".", NULL},

	{"prune_in_place", "swapoff-old", "w", NULL},
	{"prune_in_place", "swapoff", "w", NULL},
	{"prune_in_place", "uprobe-old", "w", NULL},
	{"prune_in_place", "uprobe", "w", NULL},
	{"prune_in_place", "rmap_unmap", ".w", NULL},
	{"prune_in_place", "migrate-old", ".w", NULL},
	{"prune_in_place", "fault-old", "UF", NULL},
	{"prune_in_place", "sibling", ".", NULL},

	{"prune_tail_flagged", "swapoff", ".", NULL},
	{"prune_tail_flagged", "uprobe", "./", NULL},
	{"prune_tail_flagged", "rmap_unmap", ".w", NULL},
	{"prune_tail_flagged", "migrate-old", ".w", NULL},
	{"prune_tail_flagged", "fault", "U", NULL},
	{"prune_tail_flagged", "sibling", ".", NULL},

	{"stable_gate", "swapoff-old", "M/", NULL},
	{"stable_gate", "swapoff", "./", NULL},
	{"stable_gate", "uprobe-old", "M/", NULL},
	{"stable_gate", "uprobe", "./", NULL},
	{"stable_gate", "rmap_unmap", ".w", NULL},
	{"stable_gate", "migrate-old", "M", NULL},
	{"stable_gate", "sibling", ".", NULL},

	{"late_publish", "swapoff-old", "/", NULL},
	{"late_publish", "swapoff", "/", NULL},
	{"late_publish", "uprobe-old", "/", NULL},
	{"late_publish", "uprobe", "/", NULL},
	{"late_publish", "rmap_unmap", "/S", NULL},
	{"late_publish", "rmap_clean", "/", NULL},
	{"late_publish", "migrate-old", "/", NULL},
	{"late_publish", "migrate", "/", NULL},
	{"late_publish", "fault-old", "/", NULL},
	{"late_publish", "sibling", ".", NULL},

	{"count_only_walkers", "swapoff-old", "M", NULL},
	{"count_only_walkers", "swapoff", "M", NULL},
	{"count_only_walkers", "uprobe-old", "M", NULL},
	{"count_only_walkers", "uprobe", "M", NULL},
	{"count_only_walkers", "rmap_unmap", ".w", NULL},
	{"count_only_walkers", "migrate-old", "MN", NULL},
	{"count_only_walkers", "sibling", ".", NULL},

	{"async_teardown", "swapoff-old", "e", NULL},
	{"async_teardown", "swapoff", "e", NULL},
	{"async_teardown", "uprobe-old", "e/", NULL},
	{"async_teardown", "uprobe", "e/", NULL},
	{"async_teardown", "rmap_unmap", "w", NULL},
	{"async_teardown", "migrate-old", "N", NULL},
	{"async_teardown", "migrate", "e", NULL},
	{"async_teardown", "sibling", ".", NULL},
	{NULL, NULL, NULL, NULL},
};

const struct matrix_expect *matrix_expected(const char *sem, const char *title)
{
	for (const struct matrix_expect *e = cells; e->sem; e++) {
		if (!strcmp(e->sem, sem) && !strcmp(e->walker, title))
			return e;
	}
	return NULL;
}
