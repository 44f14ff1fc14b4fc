/*
 * registry.h (host) - a registered object is found by the test's own list.
 */
#ifndef TESTS_HOST_MM_INCLUDE_KERNEL_CORE_REGISTRY_H
#define TESTS_HOST_MM_INCLUDE_KERNEL_CORE_REGISTRY_H

#define REGISTER(kind, object) extern int registry_unused_
extern void *host_registered[];
#define for_each_registered(kind, pos) \
	for (void **reg_at_ = host_registered; ((pos) = *reg_at_) != 0; reg_at_++)

#endif
