/*
 * format.h (host) - the C library's own.
 */
#ifndef KERNEL_CORE_FORMAT_H
#define KERNEL_CORE_FORMAT_H

#include <stdio.h>

#define format(buf, size, ...) ((size_t)snprintf(buf, size, __VA_ARGS__))

#endif
