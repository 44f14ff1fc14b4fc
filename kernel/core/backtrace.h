/*
 * backtrace.h - who called whom, by frame pointers, every step checked.
 *
 * A walk ends at the first frame pointer that is not aligned, does not lie above the last one or
 * leaves the stack, so that a broken stack ends the walk and nothing else.
 */
#ifndef KERNEL_CORE_BACKTRACE_H
#define KERNEL_CORE_BACKTRACE_H

#include "kernel/base/compiler.h"

struct trap_frame;
struct thread_base;

#define BACKTRACE_MAX 32

/*
 * backtrace_from - return addresses from the frame at @rbp upwards.
 *
 * @ips:     gets at most @max addresses, innermost first
 * Returns:  how many. Any context; touches only the stack that @rbp lies on
 */
unsigned backtrace_from(unsigned long rbp, void **ips, unsigned max);

/* Prints the caller's, or @frame's, backtrace through @print, one line a step. */
void backtrace_print(void (*print)(const char *line));
void backtrace_print_frame(const struct trap_frame *frame, void (*print)(const char *line));

/*
 * "function+0x12" into @buf, or the bare number where nothing is known; returns @buf. The second is
 * for return addresses: the function that made the call, even if the call was its last instruction.
 */
const char *symbol_text(const void *address, char *buf, size_t size);
const char *caller_text(const void *ip, char *buf, size_t size);

#endif
