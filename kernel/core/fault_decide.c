/*
 * fault_decide.c - the rule by which a call fails. Pure.
 *
 * Order (Linux's): task filter, times, space, interval, probability; the thread's nth counter, when
 * armed, was asked before and alone decides. `at` names one occurrence and is asked first: who sets
 * it wants that one and no other.
 */
#include "kernel/core/fault.h"

#include "kernel/core/random.h"

static u64 name_hash(const char *name)
{
	u64 hash = 0xcbf29ce484222325UL;

	for (; *name; name++)
		hash = (hash ^ (u8)*name) * 0x100000001b3UL;
	return hash;
}

/* Uniform in 0..99, from who asks, the seed and the occurrence alone. */
static unsigned dice(const struct fault_attr *attr, const char *name, u64 occurrence)
{
	return rng_mix(rng_mix(attr->seed ^ name_hash(name)) + occurrence) % 100;
}

static bool knobs_decide(struct fault_attr *attr, const char *name, size_t size, u64 occurrence,
			 bool filter_passed)
{
	if (attr->probability == 0)
		return false;
	if (attr->task_filter && !filter_passed)
		return false;
	if (attr->times == 0)
		return false;
	if (attr->space > size) {
		attr->space -= size;
		return false;
	}
	if (attr->interval > 1 && ++attr->interval_seen % attr->interval)
		return false;
	return dice(attr, name, occurrence) < attr->probability;
}

bool fault_decide(struct fault_attr *attr, const char *name, size_t size, bool filter_passed)
{
	u64 occurrence = attr->calls++;
	bool fail;

	if (attr->at >= 0)
		fail = occurrence == (u64)attr->at;
	else
		fail = knobs_decide(attr, name, size, occurrence, filter_passed);
	if (fail) {
		attr->fired++;
		if (attr->times > 0)
			attr->times--;
	}
	return fail;
}

bool fault_nth_decide(struct fault_nth *nth)
{
	if (nth->left--)
		return false;
	nth->armed = false;
	nth->fired = true;
	nth->left = 0;
	return true;
}

bool fault_attr_armed(const struct fault_attr *attr)
{
	return attr->at >= 0 || (attr->probability && attr->times);
}
