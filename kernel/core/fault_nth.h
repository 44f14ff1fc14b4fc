/*
 * fault_nth.h - a thread's order to fail its n-th eligible call, whatever the site.
 */
#ifndef KERNEL_CORE_FAULT_NTH_H
#define KERNEL_CORE_FAULT_NTH_H

#include "kernel/base/compiler.h"

struct fault_nth {
	u64 left;   /* eligible calls that still succeed */
	bool armed; /* overrides every knob while set; cleared when it fires */
	bool fired; /* since the last arm */
};

#endif
