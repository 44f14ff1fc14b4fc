/*
 * err.h - errno values carried in pointers.
 *
 * The top 4095 addresses are never objects, so a pointer can carry a negative errno.
 */
#ifndef KERNEL_BASE_ERR_H
#define KERNEL_BASE_ERR_H

#include <errno.h>
#include "kernel/base/compiler.h"

#define MAX_ERRNO 4095

static inline void *ERR_PTR(long err)
{
	return (void *)err;
}

static inline long PTR_ERR(const void *ptr)
{
	return (long)ptr;
}

static inline bool IS_ERR(const void *ptr)
{
	return (unsigned long)ptr >= (unsigned long)-MAX_ERRNO;
}

#endif
