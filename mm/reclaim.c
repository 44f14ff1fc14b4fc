/*
 * reclaim.c - passes over all lists until enough is free.
 *
 * Owns: kswapd and the allocator's hooks.
 * Idea: a pass begins with the oldest 64th of each list and doubles its share until it has freed
 *       enough or seen everything. Who freed nothing because others hold the pages waits until one
 *       of them has finished a pass; when nobody is at work, nothing can be freed.
 */
#include "mm/reclaim.h"

#include <errno.h>
#include "kernel/core/setting.h"
#include "kernel/sched/kthread.h"
#include "kernel/sched/wait.h"
#include "mm/page_alloc.h"
#include "mm/shrink.h"
#include "mm/swap.h"

#define FIRST_PRIORITY	6u
#define DIRECT_ENOUGH	32ul
#define DIRECT_ATTEMPTS 8u
#define KSWAPD_GIVES_UP 16u
#define COSTLY_ORDER	3u /* a block for which nobody is ended */

/* Field key: [A] atomic */
static struct {
	struct wait_queue_head kswapd_wait;
	u32 kswapd_wanted;		 /* [A] memory ran low */
	u32 kswapd_failures;		 /* [A] passes in a row that freed nothing */
	struct wait_queue_head progress; /* who waits for another's pass to end */
	atomic_t nr_working;		 /* [A] threads inside a pass */
	atomic_t nr_passes;		 /* [A] finished */
	atomic_t first_vcpu;		 /* [A] whose lists the next pass begins with */
	atomic_long_t scanned, reclaimed, written, kswapd_rounds, direct_rounds; /* [A] */
} reclaim;

static const struct oom_ops *oom_ops;

void reclaim_set_oom(const struct oom_ops *ops)
{
	oom_ops = ops;
}

/* ---- a pass ---- */

static void scan_lists(struct scan_control *sc, unsigned priority)
{
	unsigned first = (unsigned)atomic_fetch_add(1, &reclaim.first_vcpu);

	for (unsigned i = 0; i < nr_vcpus && !scan_done(sc); i++)
		shrink_lruvec(per_cpu_ptr(lruvec, (first + i) % nr_vcpus), priority, sc);
}

static void note_pass(const struct scan_control *sc)
{
	atomic_long_add((long)sc->nr_scanned, &reclaim.scanned);
	atomic_long_add((long)sc->nr_reclaimed, &reclaim.reclaimed);
	atomic_long_add((long)sc->nr_written, &reclaim.written);
	if (sc->nr_reclaimed)
		WRITE_ONCE(reclaim.kswapd_failures, 0);
	atomic_dec(&reclaim.nr_working);
	atomic_inc(&reclaim.nr_passes);
	wake_up_all(&reclaim.progress);
}

/* Twice over everything before a page goes that was used in between. */
static void reclaim_pass(struct scan_control *sc)
{
	unsigned priority = FIRST_PRIORITY;

	atomic_inc(&reclaim.nr_working);
	for (;;) {
		sc->may_swap = get_nr_swap_pages() > 0 || atomic_long_read(&nr_swapcache_pages) > 0;
		scan_lists(sc, priority);
		if (scan_done(sc) || sc->desperate)
			break;
		if (priority)
			priority--;
		else
			sc->desperate = true;
	}
	note_pass(sc);
}

/* Until somebody's pass has ended since @seen was read. False: nobody is at work. */
static bool wait_for_others(int seen)
{
	wait_event(&reclaim.progress, atomic_read(&reclaim.nr_passes) != seen ||
					      atomic_read(&reclaim.nr_working) == 0);
	return atomic_read(&reclaim.nr_passes) != seen;
}

/* The running thread reclaims: false if it does already. */
static bool reclaim_enter(void)
{
	struct thread *t = current;

	if (t->base.flags & TF_RECLAIM)
		return false;
	t->base.flags |= TF_RECLAIM;
	return true;
}

static void reclaim_leave(void)
{
	current->base.flags &= ~TF_RECLAIM;
}

unsigned long reclaim_frames(unsigned long nr)
{
	struct scan_control sc = {.nr_to_reclaim = nr};

	if (!reclaim_enter())
		return 0;
	reclaim_pass(&sc);
	reclaim_leave();
	return sc.nr_reclaimed;
}

/* ---- kswapd ---- */

static void kswapd_balance(void)
{
	unsigned long high, nr_free;

	while ((nr_free = frames_free()) < (high = frames_watermark(WMARK_HIGH))) {
		struct scan_control sc = {.nr_to_reclaim = high - nr_free};

		atomic_long_inc(&reclaim.kswapd_rounds);
		reclaim_pass(&sc);
		if (!sc.nr_reclaimed) {
			WRITE_ONCE(reclaim.kswapd_failures, READ_ONCE(reclaim.kswapd_failures) + 1);
			break;
		}
	}
}

static void kswapd(void *arg __maybe_unused)
{
	current->base.flags |= TF_RECLAIM;
	for (;;) {
		wait_event(&reclaim.kswapd_wait, READ_ONCE(reclaim.kswapd_wanted));
		WRITE_ONCE(reclaim.kswapd_wanted, 0);
		kswapd_balance();
	}
}

/* ---- what the allocator asks ---- */

/* May be called under spinlocks. */
static void memory_low(void)
{
	if (READ_ONCE(reclaim.kswapd_wanted) ||
	    READ_ONCE(reclaim.kswapd_failures) >= KSWAPD_GIVES_UP)
		return;
	WRITE_ONCE(reclaim.kswapd_wanted, 1);
	wake_up(&reclaim.kswapd_wait);
}

static unsigned long direct_reclaim(unsigned order)
{
	unsigned long enough = max(DIRECT_ENOUGH, 2ul << order), nr = 0;

	if (!reclaim_enter())
		return 0;
	for (unsigned i = 0; i < DIRECT_ATTEMPTS && !nr; i++) {
		struct scan_control sc = {.nr_to_reclaim = enough};
		int seen = atomic_read(&reclaim.nr_passes);

		atomic_long_inc(&reclaim.direct_rounds);
		reclaim_pass(&sc);
		nr = sc.nr_reclaimed;
		/* Ours has ended as well. */
		if (!nr && (!sc.busy || !wait_for_others(seen + 1)))
			break;
	}
	reclaim_leave();
	return nr;
}

static bool is_oom_victim(void)
{
	return oom_ops && oom_ops->is_victim(current);
}

/* Nothing was reclaimed. What lies in lists of vCPUs is enough for one; else somebody must end. */
static bool last_resort(gfp_t gfp, unsigned order)
{
	if (!oom_ops || order > COSTLY_ORDER || (gfp & __GFP_RETRY_MAYFAIL) ||
	    (current_base()->flags & TF_RECLAIM) || is_oom_victim())
		return false;
	drain_all_pages();
	return frames_free() > frames_watermark(WMARK_MIN) || oom_ops->out_of_memory();
}

static unsigned long memory_short(gfp_t gfp, unsigned order)
{
	unsigned long nr = direct_reclaim(order);

	return nr ? nr : last_resort(gfp, order);
}

static gfp_t thread_gfp(gfp_t gfp)
{
	if (current_base()->flags & TF_RECLAIM)
		return (gfp & ~__GFP_DIRECT_RECLAIM) | __GFP_MEMALLOC;
	return is_oom_victim() ? gfp | __GFP_HIGH : gfp;
}

static const struct frames_pressure pressure = {
	.low = memory_low,
	.reclaim = memory_short,
	.thread_gfp = thread_gfp,
};

void reclaim_world_init(void)
{
	init_waitqueue_head(&reclaim.kswapd_wait);
	init_waitqueue_head(&reclaim.progress);
	shrink_world_init();
	frames_pressure_set(&pressure);
}

int reclaim_world_thread(void)
{
	struct thread *t = kthread_run("kswapd", kswapd, NULL);

	if (!t)
		return -ENOMEM;
	thread_detach(t);
	return 0;
}

/* ---- for people ---- */

void reclaim_figures(struct reclaim_figures *out)
{
	*out = (struct reclaim_figures){
		.scanned = atomic_long_read(&reclaim.scanned),
		.reclaimed = atomic_long_read(&reclaim.reclaimed),
		.written = atomic_long_read(&reclaim.written),
		.kswapd_rounds = atomic_long_read(&reclaim.kswapd_rounds),
		.direct_rounds = atomic_long_read(&reclaim.direct_rounds),
	};
}

static u64 min_free_get(void)
{
	return frames_watermark(WMARK_MIN);
}

static int min_free_set(u64 value)
{
	return frames_set_min(value);
}
SETTING_U64(min_free, "frames that only reclaim itself may use up (at most a quarter of all)", 1,
	    1 << 24, min_free_get, min_free_set);
