/*
 * seam.c - what happens at a schedule point, and which implementation of the seven calls is in use.
 *
 * Owns: sched_ops, the keys of points and lockstep, the handlers of inter-processor requests, the
 *       slow half of preempt_enable().
 * Idea: the same call sites serve two listeners, the seam and the event counters; the points' key
 *       is on while either listens.
 */
#include "kernel/core/point.h"
#include "kernel/core/preempt.h"
#include "kernel/core/sched_ops.h"

#include <errno.h>
#include "kernel/core/bug.h"
#include "kernel/core/events.h"
#include "kernel/core/lock_order.h"
#include "kernel/core/once.h"
#include "kernel/core/seam_internal.h"
#include "kernel/core/setting.h"
#include "kernel/core/stop.h"

struct static_key points_key;
struct static_key lockstep_key;

const struct sched_ops *sched_ops;
void (*preempt_hook)(void);

static void (*ipi_handler[IPI_NR])(void);
static bool points_wanted;

u64 points_left;
bool points_wrote;

/* For point_entry. */
const u8 points_pass[PT_NR] = {
	[PT_LOCK] = PASS_OVER, [PT_TRYLOCK] = PASS_OVER, [PT_UNLOCK] = PASS_OVER,
	[PT_LOAD] = PASS_LOAD, [PT_STORE] = PASS_OVER,	 [PT_RMW] = PASS_OVER,
	[PT_PTE] = PASS_OVER,  [PT_USER] = PASS_NEVER,	 [PT_IPI] = PASS_OVER,
	[PT_WAIT] = PASS_NEVER, [PT_WAKE] = PASS_OVER,	 [PT_PUBLISH] = PASS_OVER,
	[PT_FREE] = PASS_OVER, [PT_DELAY] = PASS_OVER,
};

const char *const point_kind_name[PT_NR] = {
	[PT_LOCK] = "lock", [PT_TRYLOCK] = "trylock", [PT_UNLOCK] = "unlock",
	[PT_LOAD] = "load", [PT_STORE] = "store",     [PT_RMW] = "rmw",
	[PT_PTE] = "pte",   [PT_USER] = "user",	      [PT_IPI] = "ipi",
	[PT_WAIT] = "wait", [PT_WAKE] = "wake",	      [PT_PUBLISH] = "publish",
	[PT_FREE] = "free", [PT_DELAY] = "delay",
};

const char *const ipi_kind_name[IPI_NR] = {
	[IPI_RESCHED] = "resched", [IPI_TLB] = "tlb",	[IPI_RCU] = "rcu",
	[IPI_CALL] = "call",	   [IPI_STOP] = "stop",
};

void *point_load_ip;

u64 point_slow(u32 how, const volatile void *obj, u64 value, void *ip)
{
	struct point p = {
		.kind = how & 0xff,
		.size = how >> 8 & 0xff,
		.order = how >> 16,
		.obj = obj,
		.value = value,
		.ip = ip,
	};
	bool performed = false;

	event_count(EV_POINT, 1);
	if (p.kind == PT_RMW)
		event_count(EV_ATOMIC, 1);
	if (points_wanted)
		performed = sched_ops->point(&p);
	if (p.kind == PT_LOAD) {
		point_load_ip = ip;
		return performed ? p.value : load_nopoint(obj, p.size);
	}
	return performed;
}

/* Also called by events.c when counting is switched. */
void points_key_update(void)
{
	cpus_park();
	static_key_set(&points_key, points_wanted || static_key_enabled(&events_key));
	lock_slow_update();
	cpus_release();
}

bool points_set(bool on)
{
	if (on && !sched_ops)
		return false;
	if (on == points_wanted)
		return true;
	/* Off: no new point reaches the listener, then the sites go back to nops. */
	WRITE_ONCE_NOPOINT(points_wanted, on);
	points_key_update();
	return true;
}

bool points_enabled(void)
{
	return points_wanted;
}

static u64 points_get(void)
{
	return points_wanted;
}

static int points_put(u64 on)
{
	return points_set(on) ? 0 : -EAGAIN;
}

SETTING_BOOL(points, "schedule points are heard by the scheduler", points_get, points_put);

u64 preempt_slow(u64 unused1, u64 unused2, u64 unused3, void *ip)
{
	if (!irqs_disabled() && preempt_hook)
		preempt_hook();
	return 0;
}

void ipi_handler_set(enum ipi_kind kind, void (*fn)(void))
{
	ASSERT(kind < IPI_NR);
	ipi_handler[kind] = fn;
}

void ipi_dispatch(enum ipi_kind kind)
{
	ASSERT(kind < IPI_NR);
	if (ipi_handler[kind])
		ipi_handler[kind]();
}
