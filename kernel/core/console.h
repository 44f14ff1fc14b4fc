/*
 * console.h - the serial console: whole pieces out, bytes in.
 *
 * Owns: the console lock, the rule that a log line never lands in the middle of somebody's line.
 * Not here: levels and the ring (log.h), editing (kernel/shell), the device (kernel/x86/uart.h).
 * Idea: the lock is a bare word, not a spinlock_t: it is taken while lock bugs are reported.
 *       Whoever finds its own CPU holding it (a fault or NMI while printing) goes on without it;
 *       panic breaks it.
 */
#ifndef KERNEL_CORE_CONSOLE_H
#define KERNEL_CORE_CONSOLE_H

#include "kernel/base/compiler.h"

/* Writes @len bytes as one piece, never torn by another CPU's. Any context. */
void console_write(const char *s, size_t len);

/* Writes @len bytes that begin a line: a newline comes first if the console stands within one. */
void console_write_line(const char *s, size_t len);

/* From now on nobody waits for the console lock: the machine is about to end. */
void console_break(void);

/* Calls @fn in interrupt context for every byte received; NULL = drop them. */
void console_set_input(void (*fn)(u8 byte));

/* Sees all output instead of the device while set (the lab, tests); NULL = the device. */
extern void (*console_redirect)(const char *s, size_t len);

#endif
