/*
 * uart.h - the 16550 at COM1.
 *
 * Owns: the device. Sending polls; receiving is by interrupt and hands each byte to one callback.
 * Not here: lines, locks, log levels (kernel/core/log.h).
 */
#ifndef KERNEL_X86_UART_H
#define KERNEL_X86_UART_H

#include "kernel/base/compiler.h"

/* 115200 8N1, FIFOs on, no interrupt yet. */
void uart_init(void);

/*
 * Send @len bytes; '\n' becomes CR LF. Any context; callers keep each other's bytes apart
 * themselves.
 */
void uart_write(const char *s, size_t len);
void uart_puts(const char *s);

/*
 * uart_set_receiver - from now on call @fn(byte) in interrupt context for every byte received.
 *
 * Context:  after x86_init(). Bytes that arrived before raise the interrupt at once.
 * Returns:  false if no IOAPIC has the line: there will be no input.
 */
bool uart_set_receiver(void (*fn)(u8 byte));

/*
 * uart_saw - has byte @wanted come in?
 *
 * For who keeps the interrupt away for long: takes what there is; other bytes are kept for the
 * receiver, which gets them with its next interrupt.
 * Context:  the CPU that takes the interrupt, with the interrupt held off
 */
bool uart_saw(u8 wanted);

#endif
