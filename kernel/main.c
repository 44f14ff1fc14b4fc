/*
 * main.c - boot order, as one readable list.
 */
#include "kernel/x86/boot_info.h"
#include "kernel/x86/machine.h"
#include "kernel/x86/uart.h"

void kernel_main(void)
{
	uart_puts("mmlife\n");
	machine_verdict(MACHINE_PASS);
}
