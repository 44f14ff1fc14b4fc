/*
 * cpu.h - single instructions and what CPUID says.
 *
 * Owns: control registers, MSRs, TLB instructions, time-stamp reads, pause, FPU switch bit, CPU
 *       facts.
 * Not here: interrupts as the kernel counts them (kernel/core/preempt.h): the functions here touch
 *       the real flag.
 */
#ifndef KERNEL_X86_CPU_H
#define KERNEL_X86_CPU_H

#include "kernel/base/compiler.h"

#define MSR_APIC_BASE 0x1b
#define MSR_EFER      0xc0000080
#define MSR_GS_BASE   0xc0000101

#define EFER_NXE (1UL << 11)

#define CR0_MP (1UL << 1)
#define CR0_EM (1UL << 2)
#define CR0_TS (1UL << 3)
#define CR0_NE (1UL << 5)
#define CR0_WP (1UL << 16)

#define CR4_PGE	       (1UL << 7)
#define CR4_OSFXSR     (1UL << 9)
#define CR4_OSXMMEXCPT (1UL << 10)
#define CR4_SMEP       (1UL << 20)
#define CR4_SMAP       (1UL << 21)

#define RFLAGS_IF (1UL << 9)
#define RFLAGS_AC (1UL << 18)

struct desc_ptr {
	u16 limit;
	u64 base;
} __packed;

/* Facts of the first CPU, fixed at boot; all CPUs are taken to be alike. */
struct cpu_facts {
	char vendor[13];
	char hypervisor[13]; /* "TCGTCGTCGTCG", "KVMKVMKVM", "" on bare metal */
	u32 max_leaf;	     /* leaves above it return garbage, never zeros: always compare */
	u32 max_ext_leaf;
	u8 phys_bits;
	bool smep, smap, pge, rdtscp, erms, invariant_tsc, tsc_deadline, pdpe1gb, fsgsbase;
};

extern struct cpu_facts cpu_facts;

struct cpuid_regs {
	u32 eax, ebx, ecx, edx;
};

static inline struct cpuid_regs cpuid(u32 leaf, u32 subleaf)
{
	struct cpuid_regs r;

	__asm__ volatile("cpuid"
			 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "a"(leaf), "c"(subleaf));
	return r;
}

static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr) : "memory");
	return ((u64)hi << 32) | lo;
}

static inline void wrmsr(u32 msr, u64 value)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

#define CPU_REG_ACCESS(reg)                                                     \
	static inline unsigned long read_##reg(void)                            \
	{                                                                       \
		unsigned long value;                                            \
		__asm__ volatile("mov %%" #reg ", %0" : "=r"(value)::"memory"); \
		return value;                                                   \
	}                                                                       \
	static inline void write_##reg(unsigned long value)                     \
	{                                                                       \
		__asm__ volatile("mov %0, %%" #reg : : "r"(value) : "memory");  \
	}

CPU_REG_ACCESS(cr0)
CPU_REG_ACCESS(cr2)
CPU_REG_ACCESS(cr3)
CPU_REG_ACCESS(cr4)

static inline unsigned long read_rflags(void)
{
	unsigned long flags;

	__asm__ volatile("pushfq; popq %0" : "=r"(flags)::"memory");
	return flags;
}

/* The real interrupt flag. Kernel code above layer 1 uses local_irq_*(). */
static inline void cpu_irq_disable(void)
{
	__asm__ volatile("cli" ::: "memory");
}

static inline void cpu_irq_enable(void)
{
	__asm__ volatile("sti" ::: "memory");
}

static inline bool cpu_irq_enabled(void)
{
	return read_rflags() & RFLAGS_IF;
}

/*
 * Enable interrupts and halt until one arrives, with no gap in between. Returns with interrupts
 * enabled.
 */
static inline void cpu_irq_enable_halt(void)
{
	__asm__ volatile("sti; hlt" ::: "memory");
}

static __always_inline void cpu_pause(void)
{
	__asm__ volatile("pause" ::: "memory");
}

/* Every busy wait: without the pause, QEMU under icount with several CPUs never makes progress. */
#define spin_until(cond)             \
	do {                         \
		while (!(cond))      \
			cpu_pause(); \
	} while (0)

static inline void invlpg(const volatile void *va)
{
	__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

/* Drop every translation of this CPU, global ones included. */
void cpu_flush_tlb_all(void);

/* Raw time-stamp counter: may be executed early or late by an out-of-order CPU. */
static __always_inline u64 rdtsc(void)
{
	u32 lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return ((u64)hi << 32) | lo;
}

/* All instructions before are done and none after has begun when the counter is read. */
static __always_inline u64 rdtsc_ordered(void)
{
	u32 lo, hi;

	__asm__ volatile("lfence; rdtsc; lfence" : "=a"(lo), "=d"(hi)::"memory");
	return ((u64)hi << 32) | lo;
}

/* A serialising instruction: needed by every CPU after code was patched. */
static inline void cpu_serialize(void)
{
	(void)cpuid(0, 0);
}

/* CR0.TS: while set, any FPU or SSE instruction traps (#NM). */
static inline void cpu_fpu_forbid(void)
{
	write_cr0(read_cr0() | CR0_TS);
}

static inline void cpu_fpu_allow(void)
{
	__asm__ volatile("clts" ::: "memory");
}

/* Rounding, masks, an empty register stack: as functions expect them. Needs the FPU allowed. */
static inline void cpu_fpu_default_modes(void)
{
	static const u32 mxcsr = 0x1f80;

	__asm__ volatile("fninit; ldmxcsr %0" : : "m"(mxcsr) : "memory");
}

/* @area: 512 bytes, 16-byte aligned. Needs the FPU allowed. */
static inline void cpu_fxsave(void *area)
{
	__asm__ volatile("fxsaveq (%0)" : : "r"(area) : "memory");
}

static inline void cpu_fxrstor(const void *area)
{
	__asm__ volatile("fxrstorq (%0)" : : "r"(area) : "memory");
}

/* Give @area the state of a fresh FPU: all exceptions masked, round to nearest. */
void cpu_fpu_init_area(void *area);

/*
 * cpu_init_features - switch on, on the running CPU, what the kernel wants: NX, WP, global pages,
 * SSE state, and SMEP and SMAP where CPUID has them. The first call fills cpu_facts.
 */
void cpu_init_features(void);

#endif
