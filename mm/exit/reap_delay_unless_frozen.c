/*
 * reap_delay_unless_frozen.c - proposed 2025: no delay for a victim that could not use it.
 *
 * As it was meant: frozen when it was chosen. (As it was written the test came after the chosen
 * thread had been thawed, and never held.) But who is thawed by then needs the delay.
 */
#include "mm/semantics.h"

static unsigned long delay_ms(bool frozen)
{
	return frozen ? 0 : 2000;
}

static const struct semantics reap_delay_unless_frozen = {
	.name = "reap_delay_unless_frozen",
	.what = "reaper: after two seconds, but a frozen victim at once (v5-v6 of 2025)",
	.axis = SEM_DELAY,
	.hooks = {.reap_delay = delay_ms},
};
SEMANTICS(reap_delay_unless_frozen);
