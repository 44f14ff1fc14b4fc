/*
 * uart.c - the 16550 at COM1. See uart.h.
 */
#include "kernel/x86/uart.h"

#include <string.h>
#include "kernel/x86/apic.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/io.h"
#include "kernel/x86/trap.h"

#define COM1	 0x3f8
#define COM1_IRQ 4
#define FIFO_LEN 16

enum uart_reg { UART_DATA, UART_IER, UART_FCR, UART_LCR, UART_MCR, UART_LSR };

#define LCR_DLAB	 0x80
#define LCR_8N1		 0x03
#define FCR_ENABLE	 0x07 /* FIFOs on and emptied, interrupt at one byte */
#define MCR_DTR_RTS_OUT2 0x0b /* OUT2 gates the interrupt line */
#define IER_RECEIVED	 0x01
#define LSR_READY	 0x01
#define LSR_THR_EMPTY	 0x20

#define KEPT_MAX	 64

static void (*receiver)(u8 byte);

/* Bytes that uart_saw() met on its way. */
static u8 kept[KEPT_MAX];
static unsigned nr_kept;

void uart_init(void)
{
	outb(COM1 + UART_IER, 0);
	outb(COM1 + UART_LCR, LCR_DLAB | LCR_8N1);
	outb(COM1 + UART_DATA, 1); /* divisor 1: 115200 */
	outb(COM1 + UART_IER, 0);
	outb(COM1 + UART_LCR, LCR_8N1);
	outb(COM1 + UART_FCR, FCR_ENABLE);
	outb(COM1 + UART_MCR, MCR_DTR_RTS_OUT2);
}

void uart_write(const char *s, size_t len)
{
	unsigned room = 0;

	for (const char *end = s + len; s < end; s++) {
		/*
		 * An LF takes two places; when the transmitter is empty the FIFO has all of them.
		 */
		if (room < 2) {
			spin_until(inb(COM1 + UART_LSR) & LSR_THR_EMPTY);
			room = FIFO_LEN;
		}
		if (*s == '\n') {
			outb(COM1 + UART_DATA, '\r');
			room--;
		}
		outb(COM1 + UART_DATA, *s);
		room--;
	}
}

void uart_puts(const char *s)
{
	uart_write(s, strlen(s));
}

bool uart_saw(u8 wanted)
{
	bool saw = false;

	while (inb(COM1 + UART_LSR) & LSR_READY) {
		u8 byte = inb(COM1 + UART_DATA);

		saw |= byte == wanted;
		if (byte != wanted && nr_kept < KEPT_MAX)
			kept[nr_kept++] = byte;
	}
	return saw;
}

static void uart_drain(void)
{
	for (unsigned i = 0; i < nr_kept; i++)
		receiver(kept[i]);
	nr_kept = 0;
	while (inb(COM1 + UART_LSR) & LSR_READY)
		receiver(inb(COM1 + UART_DATA));
}

static void uart_interrupt(struct trap_frame *frame)
{
	uart_drain();
}

bool uart_set_receiver(void (*fn)(u8 byte))
{
	receiver = fn;
	irq_handler_set(VEC_ISA_BASE + COM1_IRQ, uart_interrupt);
	if (!ioapic_enable_isa(COM1_IRQ))
		return false;
	outb(COM1 + UART_IER, IER_RECEIVED);
	return true;
}
