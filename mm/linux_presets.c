/*
 * linux_presets.c - the rules of Linux's releases, by release.
 *
 * A preset gives way to what is named beside it: sem=linux-6.8+stable_gate.
 */
#include "mm/semantics.h"

#define LINUX_PRESET(id, release, rules)               \
	static const struct semantics preset_##id = {  \
		.name = "linux-" release,              \
		.what = "the rules of Linux " release, \
		.axis = SEM_PRESET,                    \
		.members = rules,                      \
	};                                             \
	SEMANTICS(preset_##id)

LINUX_PRESET(6_1, "6.1", "insert_one_by_one+exit_read_then_write");
LINUX_PRESET(6_8, "6.8", "zero_marker+exit_read_then_write");
LINUX_PRESET(6_13, "6.13", "zero_marker_sem+exit_read_then_write");
LINUX_PRESET(6_14, "6.14", "zero_marker_flagged+exit_read_then_write");
LINUX_PRESET(6_18, "6.18", "zero_marker_flagged+exit_read_then_write");
LINUX_PRESET(7_0, "7.0", "full_teardown_both_locks+exit_read_then_write");
