/*
 * format.c - newlib's vsnprintf inside fpu_begin() and fpu_end().
 */
#include "kernel/core/format.h"

#include <stdio.h>
#include "kernel/core/fpu.h"

size_t format_va(char *buf, size_t size, const char *fmt, va_list ap)
{
	int len;

	fpu_begin();
	len = vsnprintf(buf, size, fmt, ap);
	fpu_end();
	if (len < 0) {
		buf[0] = '\0';
		return 0;
	}
	return (size_t)len < size ? (size_t)len : size - 1;
}

size_t format(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	len = format_va(buf, size, fmt, ap);
	va_end(ap);
	return len;
}
