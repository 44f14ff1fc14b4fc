/*
 * out.h - what commands, tests and benches print: plain text, no level, no prefix, not in the log
 * ring.
 */
#ifndef KERNEL_SHELL_OUT_H
#define KERNEL_SHELL_OUT_H

#include "kernel/base/compiler.h"

#define OUT_LINE_MAX 1024

/* Print formatted text; what exceeds OUT_LINE_MAX - 1 bytes is cut. Context: any thread. */
void __printf(1, 2) out(const char *fmt, ...);

/* Print @line and a newline, whole: never mixed with another's. */
void out_line(const char *line);

#endif
