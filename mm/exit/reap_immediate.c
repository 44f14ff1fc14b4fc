/*
 * reap_immediate.c - until 5.17: the reaper comes at once, also before a robust list was walked.
 */
#include "mm/semantics.h"

static unsigned long delay_ms(bool frozen)
{
	(void)frozen;
	return 0;
}

static const struct semantics reap_immediate = {
	.name = "reap_immediate",
	.what = "reaper: at once (until 2022)",
	.axis = SEM_DELAY,
	.hooks = {.reap_delay = delay_ms},
};
SEMANTICS(reap_immediate);
