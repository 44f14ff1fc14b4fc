/*
 * events.c - switching, summing and clearing the event counters.
 */
#include "kernel/core/events.h"

#include <string.h>
#include "kernel/core/seam_internal.h"
#include "kernel/core/stop.h"
#include "kernel/x86/vcpu.h"

struct static_key events_key;
DEFINE_PER_CPU(struct event_counts, event_counters);

const char *const event_name[EV_NR] = {
#define X(id, name, what) name,
	EVENTS(X)
#undef X
};

const char *const event_what[EV_NR] = {
#define X(id, name, what) what,
	EVENTS(X)
#undef X
};

void events_set(bool on)
{
	if (on == static_key_enabled(&events_key))
		return;
	cpus_park();
	static_key_set(&events_key, on);
	points_key_update();
	cpus_release();
}

void events_read(struct event_counts *out)
{
	unsigned cpu;

	memset(out, 0, sizeof(*out));
	for_each_vcpu(cpu) {
		const struct event_counts *c = per_cpu_ptr(event_counters, cpu);

		for (unsigned i = 0; i < EV_NR; i++)
			out->n[i] += c->n[i];
	}
}

void events_clear(void)
{
	unsigned cpu;

	for_each_vcpu(cpu)
		memset(per_cpu_ptr(event_counters, cpu), 0, sizeof(struct event_counts));
}
