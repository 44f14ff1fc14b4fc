/*
 * console.c - pieces of text to the serial line.
 *
 * Owns: the lock word, whether the cursor stands within a line, the time before lines.
 * Idea: the lock holds the number of the processor that has it. Finding its own number there, a
 *       processor is printing from a fault or NMI that hit it while it printed, and goes on.
 */
#include "kernel/core/console.h"

#include <string.h>
#include "kernel/core/clock.h"
#include "kernel/core/format.h"
#include "kernel/core/setting.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/uart.h"
#include "kernel/x86/vcpu.h"

void (*console_redirect)(const char *s, size_t len);

static u32 console_owner; /* vCPU number + 1; 0: free */
static bool console_broken;
static bool mid_line;
static bool stamps;

struct console_hold {
	bool taken;
	bool irqs_were_on;
};

static struct console_hold console_lock(void)
{
	struct console_hold hold = { false, cpu_irq_enabled() };
	u32 me = smp_processor_id() + 1, nobody = 0;

	cpu_irq_disable();
	if (__atomic_load_n(&console_owner, __ATOMIC_RELAXED) == me)
		return hold;
	while (!__atomic_compare_exchange_n(&console_owner, &nobody, me, false, __ATOMIC_ACQUIRE,
					    __ATOMIC_RELAXED)) {
		if (__atomic_load_n(&console_broken, __ATOMIC_RELAXED))
			return hold;
		nobody = 0;
		cpu_pause();
	}
	hold.taken = true;
	return hold;
}

static void console_unlock(struct console_hold hold)
{
	if (hold.taken)
		__atomic_store_n(&console_owner, 0, __ATOMIC_RELEASE);
	if (hold.irqs_were_on)
		cpu_irq_enable();
}

/*
 * Every line of a piece that holds it whole, but records: programs know these by their first bytes.
 * All stamps have one width, which readers of KTAP cut off.
 */
static void put_stamped(const char *s, size_t len)
{
	const char *end = s + len, *line_end;
	char stamp[32];

	for (; s < end; s = line_end + 1) {
		u64 us = clock_ns() / 1000;

		line_end = memchr(s, '\n', (size_t)(end - s));
		if (*s != '{')
			uart_write(stamp, format(stamp, sizeof(stamp), "[%5lu.%06lu] ",
						 us / 1000000, us % 1000000));
		uart_write(s, (size_t)(line_end + 1 - s));
	}
}

static void put(const char *s, size_t len)
{
	bool whole_lines = !mid_line;

	if (!len)
		return;
	mid_line = s[len - 1] != '\n';
	if (console_redirect)
		console_redirect(s, len);
	else if (stamps && whole_lines && !mid_line)
		put_stamped(s, len);
	else
		uart_write(s, len);
}

void console_write(const char *s, size_t len)
{
	struct console_hold hold = console_lock();

	put(s, len);
	console_unlock(hold);
}

void console_write_line(const char *s, size_t len)
{
	struct console_hold hold = console_lock();

	if (mid_line)
		put("\n", 1);
	put(s, len);
	console_unlock(hold);
}

void console_break(void)
{
	console_redirect = NULL;
	__atomic_store_n(&console_broken, true, __ATOMIC_RELAXED);
}

static void drop(u8 byte)
{
}

void console_set_input(void (*fn)(u8 byte))
{
	uart_set_receiver(fn ? fn : drop);
}

static u64 stamps_get(void)
{
	return stamps;
}

static int stamps_put(u64 on)
{
	stamps = on;
	return 0;
}

SETTING_BOOL(time, "lines begin with the seconds since the start", stamps_get, stamps_put);
