/*
 * format.h - newlib's formatting, callable anywhere in the kernel.
 *
 * newlib's printf family uses the FPU registers even for integers, so each call is made inside
 * fpu_begin() and fpu_end(). Floating-point conversions also allocate: threads with TF_FPU and a
 * _reent of their own only.
 */
#ifndef KERNEL_CORE_FORMAT_H
#define KERNEL_CORE_FORMAT_H

#include <stdarg.h>
#include "kernel/base/compiler.h"

/*
 * As vsnprintf and snprintf, but return the bytes stored (without the 0), never more than @size -
 * 1. Any context.
 */
size_t format_va(char *buf, size_t size, const char *fmt, va_list ap) __printf(3, 0);
size_t format(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

#endif
