/*
 * fault.h (host) - the n-th eligible call fails.
 */
#ifndef TESTS_HOST_MM_INCLUDE_KERNEL_CORE_FAULT_H
#define TESTS_HOST_MM_INCLUDE_KERNEL_CORE_FAULT_H

#include "kernel/core/static_key.h"

struct fault_site {
	const char *name;
};

#define FAULT_SITE(site, what) static struct fault_site fault_site_##site = {#site}

#define FAULT_SITE_CALL(site, call)	 ((void)&fault_site_##site, (call))

DECLARE_STATIC_KEY(faults_key);
extern long host_fault_countdown; /* calls until one fails; negative: never */

static inline void host_fault_arm(long countdown)
{
	faults_key.on = countdown >= 0;
	host_fault_countdown = countdown;
}

static inline bool fault_should_fail(struct fault_site *site __maybe_unused,
				     size_t size __maybe_unused)
{
	return host_fault_countdown >= 0 && host_fault_countdown-- == 0;
}

#endif
