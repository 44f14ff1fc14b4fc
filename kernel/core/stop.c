/*
 * stop.c - the rendezvous of processors in NMI handlers.
 */
#include "kernel/core/stop.h"

#include "kernel/core/bug.h"
#include "kernel/x86/apic.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/pcpu.h"
#include "kernel/x86/trap.h"
#include "kernel/x86/tsc.h"

#define STOP_TIMEOUT_NS 100000000UL

struct parked {
	bool here; /* written by the parked processor */
	bool at_rest; /* its own: an NMI finds it in its halt, which is kept at @sp */
	unsigned long sp;
	unsigned long rip, rbp;
};

static struct parked parked[MAX_PCPUS];
static u32 park_owner; /* processor id + 1 of who parked the others; 0: nobody */
static u32 park_depth; /* only touched by the owner */
static bool park_flags_if; /* the owner's interrupt flag before */
static bool park_wanted;

static unsigned this_pcpu_id(void)
{
	struct pcpu *cpu = this_pcpu();

	return cpu ? cpu->id : 0;
}

static bool other_online(unsigned cpu)
{
	return cpu != this_pcpu_id() && __atomic_load_n(&pcpus[cpu]->online, __ATOMIC_ACQUIRE);
}

static bool is_parked(unsigned cpu)
{
	return __atomic_load_n(&parked[cpu].here, __ATOMIC_ACQUIRE);
}

static bool wanted(void)
{
	return __atomic_load_n(&park_wanted, __ATOMIC_ACQUIRE);
}

/* Interrupts off, between irq_enter() and irq_exit(). Touches nothing that could have a point. */
static bool park_here(struct trap_frame *frame)
{
	struct parked *me = &parked[this_pcpu_id()];

	if (me->at_rest && !wanted()) {
		irq_exit(); /* of this NMI, which has no end of its own */
		pcpu_wake_in_nmi(me->sp);
	}
	if (me->at_rest || !wanted())
		return me->at_rest;
	me->rip = frame->rip;
	me->rbp = frame->rbp;
	me->at_rest = true;
	__atomic_store_n(&me->here, true, __ATOMIC_RELEASE);
	pcpu_rest_in_nmi(&me->sp);
	me->at_rest = false;
	cpu_serialize();
	__atomic_store_n(&me->here, false, __ATOMIC_RELEASE);
	return true;
}

/* Sends an NMI to all others and waits until @deadline (TSC) for them; how many did not come. */
static unsigned gather(u64 deadline)
{
	unsigned missing = 0;

	__atomic_store_n(&park_wanted, true, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < nr_pcpus; i++) {
		if (other_online(i) && !is_parked(i))
			apic_send_nmi(i);
	}
	for (unsigned i = 0; i < nr_pcpus; i++) {
		if (!other_online(i))
			continue;
		spin_until(is_parked(i) || rdtsc() > deadline);
		missing += !is_parked(i);
	}
	return missing;
}

void cpus_park(void)
{
	u32 me = this_pcpu_id() + 1, nobody = 0;
	bool irqs_were_on = cpu_irq_enabled();

	if (__atomic_load_n(&park_owner, __ATOMIC_RELAXED) == me) {
		park_depth++;
		return;
	}
	/* Whoever waits here may be parked meanwhile: that is what the owner waits for. */
	cpu_irq_disable();
	this_cpu_inc(vcpu_self.irq_depth);
	while (!__atomic_compare_exchange_n(&park_owner, &nobody, me, false, __ATOMIC_ACQUIRE,
					    __ATOMIC_RELAXED)) {
		nobody = 0;
		cpu_pause();
	}
	park_depth = 1;
	park_flags_if = irqs_were_on;
	if (gather(~0UL))
		BUGF("a processor does not answer an NMI");
}

void cpus_release(void)
{
	bool irqs_were_on = park_flags_if;

	if (--park_depth)
		return;
	__atomic_store_n(&park_wanted, false, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < nr_pcpus; i++) {
		if (other_online(i) && is_parked(i))
			apic_send_nmi(i);
	}
	for (unsigned i = 0; i < nr_pcpus; i++) {
		if (other_online(i))
			spin_until(!is_parked(i));
	}
	__atomic_store_n(&park_owner, 0, __ATOMIC_RELEASE);
	this_cpu_dec(vcpu_self.irq_depth);
	if (irqs_were_on)
		cpu_irq_enable();
}

unsigned cpus_stop(void)
{
	cpu_irq_disable();
	return gather(rdtsc() + tsc_from_ns(STOP_TIMEOUT_NS));
}

bool cpus_parked_at(unsigned cpu, unsigned long *rip, unsigned long *rbp)
{
	if (!is_parked(cpu))
		return false;
	*rip = parked[cpu].rip;
	*rbp = parked[cpu].rbp;
	return true;
}

void stop_init(void)
{
	nmi_hook = park_here;
}
