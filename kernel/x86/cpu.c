/*
 * cpu.c - CPU facts and features. See cpu.h.
 */
#include "kernel/x86/cpu.h"

#include <string.h>

struct cpu_facts cpu_facts;

/* Twelve characters of identification out of three registers. */
static void copy_id(char *to, u32 a, u32 b, u32 c)
{
	memcpy(to, &a, 4);
	memcpy(to + 4, &b, 4);
	memcpy(to + 8, &c, 4);
	to[12] = '\0';
}

static void read_facts(struct cpu_facts *f)
{
	struct cpuid_regs r = cpuid(0, 0);

	f->max_leaf = r.eax;
	copy_id(f->vendor, r.ebx, r.edx, r.ecx);

	r = cpuid(1, 0);
	f->pge = r.edx & (1u << 13);
	f->tsc_deadline = r.ecx & (1u << 24);
	if (r.ecx & (1u << 31)) {
		struct cpuid_regs h = cpuid(0x40000000, 0);

		copy_id(f->hypervisor, h.ebx, h.ecx, h.edx);
	}
	if (f->max_leaf >= 7) {
		r = cpuid(7, 0);
		f->fsgsbase = r.ebx & (1u << 0);
		f->smep = r.ebx & (1u << 7);
		f->erms = r.ebx & (1u << 9);
		f->smap = r.ebx & (1u << 20);
	}

	f->max_ext_leaf = cpuid(0x80000000, 0).eax;
	r = cpuid(0x80000001, 0);
	f->pdpe1gb = r.edx & (1u << 26);
	f->rdtscp = r.edx & (1u << 27);
	if (f->max_ext_leaf >= 0x80000007)
		f->invariant_tsc = cpuid(0x80000007, 0).edx & (1u << 8);
	f->phys_bits = f->max_ext_leaf >= 0x80000008 ? cpuid(0x80000008, 0).eax & 0xff : 36;
}

void cpu_init_features(void)
{
	unsigned long cr4 = read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT;

	if (!cpu_facts.max_leaf)
		read_facts(&cpu_facts);
	if (cpu_facts.pge)
		cr4 |= CR4_PGE;
	if (cpu_facts.smep)
		cr4 |= CR4_SMEP;
	if (cpu_facts.smap)
		cr4 |= CR4_SMAP;
	write_cr4(cr4);
	write_cr0((read_cr0() & ~(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE | CR0_WP);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
}

void cpu_flush_tlb_all(void)
{
	unsigned long cr4 = read_cr4();

	if (cr4 & CR4_PGE) {
		write_cr4(cr4 & ~CR4_PGE);
		write_cr4(cr4);
	} else {
		write_cr3(read_cr3());
	}
}

void cpu_fpu_init_area(void *area)
{
	static const u16 fcw = 0x37f;
	static const u32 mxcsr = 0x1f80;

	memset(area, 0, 512);
	memcpy(area, &fcw, sizeof(fcw));
	memcpy((char *)area + 24, &mxcsr, sizeof(mxcsr));
}
