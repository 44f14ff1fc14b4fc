/*
 * machine.c - how a run ends. See machine.h.
 */
#include "kernel/x86/machine.h"

#include "kernel/x86/cpu.h"
#include "kernel/x86/io.h"
#include "kernel/x86/uart.h"

#define DEBUG_EXIT_PORT 0xf4

void machine_exit(enum machine_status status)
{
	outb(DEBUG_EXIT_PORT, status);
	for (;;)
		__asm__ volatile("cli; hlt");
}

void machine_verdict(enum machine_status status)
{
	static const char *const word[] = {"pass", "fail", "refused", "panic", "skipped"};

	uart_puts("mmlife: verdict ");
	uart_puts(word[status - MACHINE_PASS]);
	uart_puts("\n");
	machine_exit(status);
}

void machine_refuse(const char *reason)
{
	uart_puts("mmlife: refused: ");
	uart_puts(reason);
	uart_puts("\n");
	machine_verdict(MACHINE_REFUSED);
}

void machine_triple_fault(void)
{
	struct desc_ptr none = {0, 0};

	__asm__ volatile("cli; lidt %0; ud2" : : "m"(none));
	__builtin_unreachable();
}
