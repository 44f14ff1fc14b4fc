/*
 * percpu.h - variables of which every virtual CPU has its own copy.
 *
 * Owns: how such a variable is declared and reached. Not here: what a virtual CPU is (vcpu.h).
 * Idea: section .percpu is linked at address 0, so a variable's address is its offset in the area
 *       that %gs points to. One instruction with a %gs prefix reaches the running vCPU's copy; it
 *       cannot be torn by preemption.
 * Invariant: the bare name is never used as a variable: address 0 is not mapped, a mistake faults.
 */
#ifndef KERNEL_X86_PERCPU_H
#define KERNEL_X86_PERCPU_H

#include "kernel/base/compiler.h"

#define DEFINE_PER_CPU(type, name)  __section(".percpu") __used __typeof__(type) name
#define DECLARE_PER_CPU(type, name) extern __typeof__(type) name

/* Offset of a per-CPU lvalue in the area. */
#define percpu_offset(lvalue) ((unsigned long)&(lvalue))

/* The running vCPU's copy as an lvalue in the %gs address space. */
#define percpu_gs(lvalue) (*(volatile __seg_gs __typeof__(lvalue) *)percpu_offset(lvalue))

/*
 * Each is one access of the running vCPU's copy; @lvalue may be a field:
 * this_cpu_read(vcpu_self.id).
 */
#define this_cpu_read(lvalue)	  percpu_gs(lvalue)
#define this_cpu_write(lvalue, v) ((void)(percpu_gs(lvalue) = (v)))

/*
 * Applies @op to the running vCPU's copy in one instruction: safe against interrupts and
 * preemption, not atomic.
 */
#define percpu_op(op, lvalue, n)                                                               \
	do {                                                                                   \
		switch (sizeof(lvalue)) {                                                      \
		case 1:                                                                        \
			__asm__ volatile(op "b %b1, %%gs:%a0" ::"i"(&(lvalue)), "iq"((u8)(n))  \
					 : "memory", "cc");                                    \
			break;                                                                 \
		case 4:                                                                        \
			__asm__ volatile(op "l %k1, %%gs:%a0" ::"i"(&(lvalue)), "ir"((u32)(n)) \
					 : "memory", "cc");                                    \
			break;                                                                 \
		case 8:                                                                        \
			__asm__ volatile(op "q %q1, %%gs:%a0" ::"i"(&(lvalue)), "er"((u64)(n)) \
					 : "memory", "cc");                                    \
			break;                                                                 \
		}                                                                              \
	} while (0)

#define this_cpu_add(lvalue, n) percpu_op("add", lvalue, n)
#define this_cpu_inc(lvalue)	percpu_op("add", lvalue, 1)
#define this_cpu_dec(lvalue)	percpu_op("sub", lvalue, 1)

/*
 * Linear address of the running vCPU's copy; meaningful while preemption is off or the thread is
 * pinned.
 */
#define this_cpu_ptr(var) \
	((__typeof__(var) *)(*(volatile __seg_gs unsigned long *)0UL + percpu_offset(var)))

/* Linear address of vCPU @cpu's copy. */
#define per_cpu_ptr(var, cpu) ((__typeof__(var) *)(vcpu_base(cpu) + percpu_offset(var)))

/* Start of vCPU @cpu's area; @cpu < nr_vcpus. */
unsigned long vcpu_base(unsigned cpu);

#endif
