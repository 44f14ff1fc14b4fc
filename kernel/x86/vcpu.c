/*
 * vcpu.c - the table of virtual CPUs and the making of their areas.
 *
 * Idea: an area is a copy of the .percpu load image; whoever makes a world gives the memory.
 *       Loading %gs is the processor's business and not done here.
 */
#include "kernel/x86/vcpu.h"

#include <string.h>
#include "kernel/x86/layout.h"

/*
 * As entry64.S copies it for the first CPU: interrupts are off and there is no thread. Every copy
 * starts so.
 */
__section(".percpu.first") __used struct vcpu vcpu_self = {
	.self = (struct vcpu *)__percpu_boot,
	.irq_depth = 1,
	.preempt_depth = 1,
};

unsigned nr_vcpus = 1;
struct vcpu *vcpu_table[MAX_VCPUS] = {(struct vcpu *)__percpu_boot};

unsigned long vcpu_area_size(void)
{
	return ALIGN_UP((unsigned long)__percpu_size, 64UL);
}

unsigned long vcpu_base(unsigned cpu)
{
	return (unsigned long)vcpu_table[cpu];
}

struct vcpu *vcpu_init_area(void *mem, unsigned id)
{
	struct vcpu *vcpu = mem;

	memcpy(mem, __percpu_load, (unsigned long)__percpu_size);
	vcpu->self = vcpu;
	vcpu->id = id;
	vcpu_table[id] = vcpu;
	return vcpu;
}
