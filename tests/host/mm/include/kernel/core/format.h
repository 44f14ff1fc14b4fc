/*
 * format.h (host) - the C library's own.
 */
#ifndef TESTS_HOST_MM_INCLUDE_KERNEL_CORE_FORMAT_H
#define TESTS_HOST_MM_INCLUDE_KERNEL_CORE_FORMAT_H

#include <stdio.h>

#define format(buf, size, ...) ((size_t)snprintf(buf, size, __VA_ARGS__))

#endif
