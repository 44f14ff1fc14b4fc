/*
 * backtrace.h (host) - addresses have no names here.
 */
#ifndef TESTS_HOST_MM_INCLUDE_KERNEL_CORE_BACKTRACE_H
#define TESTS_HOST_MM_INCLUDE_KERNEL_CORE_BACKTRACE_H

#include <stdio.h>

static inline const char *symbol_text(const void *ip, char *buf, size_t size)
{
	snprintf(buf, size, "%p", ip);
	return buf;
}

#endif
