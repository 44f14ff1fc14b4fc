/*
 * cmd_power.c - ways to end the machine: `poweroff`, `panic`.
 *
 * Owns: the commands. `panic` takes the ways in which a machine can die, so that each of them can
 * be shown to be noticed from outside.
 */
#include "kernel/shell/shell.h"

#include <string.h>

#include "kernel/core/clock.h"
#include "kernel/core/panic.h"
#include "kernel/core/preempt.h"
#include "kernel/core/watchdog.h"
#include "kernel/shell/out.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/machine.h"

#define NEVER_TOLD 1000 /* times the watchdog's limit */

static int cmd_poweroff(int argc, char **argv)
{
	if (argc > 1)
		return shell_error("poweroff", "no words are accepted, got \"%s\"", argv[1]);
	shell_end_machine();
}

SHELL_CMD(poweroff, "poweroff: end; the status is the first failure so far",
	  cmd_poweroff);

/* ---- dying ---- */

static noinline void die_by_bug(void)
{
	panic("asked for by the shell");
}

static noinline void die_by_oops(void)
{
	*(volatile int *)0xbad0000 = 1;
}

/* Interrupts off for ever: neither log nor watchdog of the guest can tell. */
static noinline void die_by_hang(void)
{
	local_irq_disable();
	for (;;)
		cpu_pause();
}

/*
 * No thread can take its turn: the watchdog tells, once, and then all goes on. Time in which the
 * host does not run us is not seen by the watchdog, so its report is what is waited for.
 */
static noinline void seem_dead(void)
{
	unsigned long told = watchdog_reports();
	u64 until = clock_ns() + NEVER_TOLD * watchdog_limit_ns;

	preempt_disable();
	spin_until(watchdog_reports() != told || clock_ns() >= until);
	until = clock_ns() + 3 * watchdog_limit_ns;
	spin_until(clock_ns() >= until);
	preempt_enable();
}

static void die_by_loop(void)
{
	for (;;)
		cpu_pause();
}

/* Each call needs its frame, so the stack ends before the recursion does. */
static noinline unsigned die_deeper(volatile unsigned char *above)
{
	volatile unsigned char frame[512];

	frame[0] = above ? above[0] : 1;
	return frame[0] ? die_deeper(frame) + frame[0] : 0;
}

static void die_by_stack(void)
{
	die_deeper(NULL);
}

static const struct death {
	const char *name;
	void (*die)(void);
} deaths[] = {
	{"bug", die_by_bug},
	{"oops", die_by_oops},
	{"triple", machine_triple_fault},
	{"stack", die_by_stack},
	{"hang", die_by_hang},
	{"loop", die_by_loop},
	{"lockup", seem_dead},
};

static const char *death_names(unsigned i)
{
	return i < ARRAY_SIZE(deaths) ? deaths[i].name : NULL;
}

static int cmd_panic(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "bug";

	if (argc > 2)
		return shell_error("panic", "one word at most, \"%s\" is too many", argv[2]);
	for (unsigned i = 0; i < ARRAY_SIZE(deaths); i++) {
		if (strcmp(deaths[i].name, how))
			continue;
		deaths[i].die();
		return SHELL_OK;
	}
	return shell_error("panic", "\"%s\": accepted is bug|oops|triple|stack|hang|loop|lockup",
			   how);
}

SHELL_CMD_WORDS(panic,
		"panic [HOW]: kill the machine, to see what it prints\n"
		"  bug     kernel panic (default)\n"
		"  oops    a fault that costs the command, not the machine\n"
		"  triple  triple fault\n"
		"  stack   recursion without end, which costs the command as well\n"
		"  hang    endless loop with interrupts off\n"
		"  loop    endless loop with interrupts on\n"
		"  lockup  preemption off until the watchdog tells, which is survived",
		cmd_panic, death_names);
