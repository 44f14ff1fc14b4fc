/*
 * linux_presets.c - the rules of Linux's releases, by release.
 *
 * A preset gives way to what is named beside it: sem=linux-6.8+stable_gate. Walkers are as they
 * were in that release, too: a scenario takes out the checks that they did not make (walker.h).
 */
#include "mm/semantics.h"

#define LINUX_PRESET(id, release, unfixed_, rules)     \
	static const struct semantics preset_##id = {  \
		.name = "linux-" release,              \
		.what = "the rules of Linux " release, \
		.axis = SEM_PRESET,                    \
		.members = rules,                      \
		.unfixed = unfixed_,                   \
	};                                             \
	SEMANTICS(preset_##id)

/* What did not change between 6.1 and 6.17. */
#define REAP_6_1 "+exit_read_then_write+reap_same_order+reap_delay_2s+thaw_one_thread"

/* No release holds the struct alone for an ageing walk. Each list is the later one's, and more. */
#define UNFIXED_6_18 "pin.count"
#define UNFIXED_6_14 "swapoff.stable,fault.owner," UNFIXED_6_18
#define UNFIXED_6_13 "uprobe.stable," UNFIXED_6_14
#define UNFIXED_6_8  "numa.empty,migrate.empty," UNFIXED_6_13
/* NUMA's loop asked first until it was rewritten for the VMA iterator (6.2). */
#define UNFIXED_6_1 "migrate.empty," UNFIXED_6_13

LINUX_PRESET(6_1, "6.1", UNFIXED_6_1, "insert_one_by_one" REAP_6_1);
LINUX_PRESET(6_8, "6.8", UNFIXED_6_8, "zero_marker" REAP_6_1);
LINUX_PRESET(6_13, "6.13", UNFIXED_6_13, "zero_marker_sem" REAP_6_1);
LINUX_PRESET(6_14, "6.14", UNFIXED_6_14, "zero_marker_flagged" REAP_6_1);
LINUX_PRESET(6_18, "6.18", UNFIXED_6_18,
	     "zero_marker_flagged+exit_read_then_write+reap_reverse+reap_delay_2s+thaw_process");
LINUX_PRESET(7_0, "7.0", UNFIXED_6_18,
	     "full_teardown_both_locks+exit_read_then_write+reap_chunked_yield+reap_delay_2s"
	     "+thaw_process");
