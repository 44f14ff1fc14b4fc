/*
 * out.c - what commands, tests and benches print.
 *
 * Owns: formatting into one piece, so that a line reaches the console in a single call and is never
 *       torn by
 * another CPU's. Not here: the console itself, log messages (kernel/core/log.c).
 */
#include "kernel/shell/out.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kernel/core/console.h"
#include "kernel/core/fpu.h"

void out(const char *fmt, ...)
{
	char text[OUT_LINE_MAX];
	va_list ap;

	fpu_begin();
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fpu_end();
	console_write(text, strlen(text));
}

void out_line(const char *line)
{
	char text[OUT_LINE_MAX];
	size_t len = strlen(line);

	if (len >= sizeof(text)) { /* does not fit a piece: two writes */
		console_write(line, len);
		console_write("\n", 1);
		return;
	}
	memcpy(text, line, len);
	text[len] = '\n';
	console_write(text, len + 1);
}
