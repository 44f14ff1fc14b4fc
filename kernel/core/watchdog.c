/*
 * watchdog.c - the look at each tick, and the one report.
 */
#include "kernel/core/watchdog.h"

#include "kernel/core/backtrace.h"
#include "kernel/core/log.h"
#include "kernel/core/setting.h"
#include "kernel/core/thread_base.h"
#include "kernel/x86/trap.h"

u64 watchdog_limit_ns __host_data = 10000000000UL;
void (*watchdog_limit_hook)(void);

static DEFINE_PER_CPU(struct watchdog, watchdog);
static unsigned long reports;

unsigned long watchdog_reports(void)
{
	return __atomic_load_n(&reports, __ATOMIC_RELAXED);
}

void watchdog_touch(void)
{
	this_cpu_write(watchdog.touched, true);
}

static void print(const char *line)
{
	pr_warn("%s", line);
}

bool watchdog_judge(struct watchdog *w, bool preempt_off, u64 now)
{
	u64 gap = now - w->last_ns;

	w->last_ns = now;
	if (w->touched || !preempt_off || w->alive_ns == 0) {
		w->touched = false;
		w->reported = false;
		w->alive_ns = now;
		w->stuck_ns = 0;
		return false;
	}
	w->stuck_ns += min(gap, watchdog_limit_ns / WATCHDOG_GAPS);
	if (w->reported || w->stuck_ns < watchdog_limit_ns)
		return false;
	w->reported = true;
	return true;
}

void watchdog_tick(const struct trap_frame *frame, u64 now)
{
	struct watchdog *w = this_cpu_ptr(watchdog);
	struct thread_base *thread = current_base();

	/* The interrupt raised irq_depth, not preempt_depth: that is what was interrupted. */
	if (!watchdog_judge(w, this_cpu_read(vcpu_self.preempt_depth) != 0, now))
		return;
	__atomic_fetch_add(&reports, 1, __ATOMIC_RELAXED);
	pr_warn("soft lockup: vCPU %u could not switch for %lu ms, thread %s", smp_processor_id(),
		(now - w->alive_ns) / 1000000, thread ? thread->name : "none");
	backtrace_print_frame(frame, print);
	if (thread)
		held_locks_print(&thread->held);
}

static u64 limit_get(void)
{
	return watchdog_limit_ns / 1000000;
}

static int limit_put(u64 ms)
{
	watchdog_limit_ns = ms * 1000000;
	if (watchdog_limit_hook)
		watchdog_limit_hook();
	return 0;
}

SETTING_U64(watchdog_ms, "time without a switch that counts as a soft lockup", 10, 3600000,
	    limit_get, limit_put);
