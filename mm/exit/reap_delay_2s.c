/*
 * reap_delay_2s.c - since 5.18: the victim gets time to wake who waits for its futexes.
 */
#include "mm/semantics.h"

static unsigned long delay_ms(bool frozen)
{
	(void)frozen;
	return 2000;
}

static const struct semantics reap_delay_2s = {
	.name = "reap_delay_2s",
	.what = "reaper: two seconds after the kill (since 2022)",
	.axis = SEM_DELAY,
	.hooks = {.reap_delay = delay_ms},
};
SEMANTICS(reap_delay_2s);
