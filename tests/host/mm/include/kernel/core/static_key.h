/*
 * static_key.h (host) - a key is a variable.
 */
#ifndef TESTS_HOST_MM_INCLUDE_KERNEL_CORE_STATIC_KEY_H
#define TESTS_HOST_MM_INCLUDE_KERNEL_CORE_STATIC_KEY_H

#include "kernel/base/compiler.h"

struct static_key {
	bool on;
};

#define DECLARE_STATIC_KEY(name)    extern struct static_key name
#define static_branch_unlikely(key) unlikely((key)->on)

#endif
