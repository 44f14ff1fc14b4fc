/*
 * start.c - the first C: keep what the loader said, then the kernel.
 */
#include "kernel/x86/boot_info.h"

#include <string.h>
#include "kernel/x86/cpu.h"
#include "kernel/x86/machine.h"
#include "kernel/x86/uart.h"

void boot_start(u32 multiboot_phys)
{
	uart_init();
	kernel_main();
}
