/*
 * percpu.h (host) - one copy per virtual CPU in an array; the test says which CPU it plays.
 */
#ifndef TESTS_HOST_MM_INCLUDE_KERNEL_X86_PERCPU_H
#define TESTS_HOST_MM_INCLUDE_KERNEL_X86_PERCPU_H

#include "kernel/base/compiler.h"

#define MAX_VCPUS 64

#define DECLARE_PER_CPU(type, name) extern __typeof__(type) name[MAX_VCPUS]
#define DEFINE_PER_CPU(type, name)  __typeof__(type) name[MAX_VCPUS]

extern unsigned nr_vcpus;
extern unsigned host_cpu;

#define per_cpu_ptr(var, cpu) (&(var)[cpu])
#define this_cpu_ptr(var)     (&(var)[host_cpu])

#define for_each_vcpu(i) for ((i) = 0; (i) < nr_vcpus; (i)++)

#endif
