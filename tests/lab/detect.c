/*
 * detect.c - from a fault, a failed assert, a freed frame or a silent loop to a verdict.
 */
#include "tests/lab/detect.h"

#include <stdio.h>
#include <string.h>

#include "kernel/core/bug.h"
#include "kernel/core/panic.h"
#include "kernel/core/symbols.h"
#include "kernel/x86/apic.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/kmap.h"
#include "kernel/x86/tlb_ctx.h"
#include "kernel/x86/trap.h"
#include "mm/observer.h"
#include "mm/page.h"
#include "tests/lab/lockstep.h"
#include "tests/lab/stale.h"
#include "tests/lab/trace.h"
#include "tests/lab/world.h"

#define WATCHDOG_NS	  20000000ull
/* Ticks without a point before `stall`; calls of the race build's compiler take their time. */
#ifdef MMLIFE_RACE
#define WATCHDOG_PATIENCE 100
#else
#define WATCHDOG_PATIENCE 10
#endif

static bool (*bug_hook_before)(const struct bug *bug);
static bool (*oops_hook_before)(struct trap_frame *f, unsigned long addr);
static u64 last_beat;
static unsigned silent_ticks;

/* ---- faults in kernel code ---- */

static const char *where(unsigned long rip, char *buf, size_t len)
{
	unsigned long off = 0;
	const char *name = symbol_lookup((void *)rip, &off);

	snprintf(buf, len, "%s+%#lx", name ? name : "?", off);
	return buf;
}

/* What kind of misuse does a fault at @addr tell of? */
static enum lab_verdict verdict_of_fault(const struct trap_frame *f, unsigned long addr)
{
	if (f->vector != TRAP_PF)
		return f->vector == TRAP_GP ? LV_UAF
					    : LV_CORRUPT; /* poison is no canonical address */
	if (addr >= 0x406 && addr < 0x406 + PAGE_SIZE)
		return LV_MARKER;
	if (addr < PAGE_SIZE)
		return LV_NULL;
	if (addr >= WINDOW_BASE && addr < WINDOW_BASE + WINDOW_SIZE)
		return LV_UAF;
	return LV_CORRUPT;
}

/*
 * The lab itself is at fault. The thread that runs could be recovered, but not the system it would
 * come back to: that is set aside, and what the processor carries may be a world.
 */
static void __noreturn lab_faulted(const struct trap_frame *f, unsigned long addr)
{
	char at[80];

	where(f->rip, at, sizeof(at));
	panic_frame(f, "%s in the lab at %s, address %#lx", trap_name((unsigned)f->vector), at,
		    addr);
}

/* Who wanted the access: a load is made by the point before it. */
static unsigned long faulting_ip(const struct trap_frame *f)
{
	unsigned long off;
	const char *name = symbol_lookup((void *)f->rip, &off);

	if (name && !strcmp(name, "point_entry"))
		return *(const unsigned long *)f->rsp; /* passed over: to where it returns */
	return name && !strcmp(name, "point_slow") ? (unsigned long)point_load_ip : f->rip;
}

static bool take_fault(struct trap_frame *f, unsigned long addr)
{
	char at[80], what[64];

	if (panicking())
		return oops_hook_before(f, addr);
	if (!lockstep_active())
		lab_faulted(f, addr);
	lockstep_to_host();
	where(faulting_ip(f), at, sizeof(at));
	trace_object(addr, what, sizeof(what));
	lockstep_fail(verdict_of_fault(f, addr), "%s at %s, address %s",
		      trap_name((unsigned)f->vector), at, what);
}

static enum lab_verdict verdict_of_bug(const struct bug *bug)
{
	return strstr(bug->text, "use after free") || strstr(bug->text, "poison") ? LV_UAF
										  : LV_CORRUPT;
}

static bool take_bug(const struct bug *bug)
{
	if (!lockstep_active() && bug->kind == BUG_WARNING)
		return bug_hook_before ? bug_hook_before(bug) : false;
	if (!lockstep_active())
		panic("in the lab: %s (%s:%d)", bug->text, bug->file ? bug->file : "?", bug->line);
	lockstep_fail(verdict_of_bug(bug), "%s", bug->text);
}

/* ---- stale translations ---- */

/*
 * The frame that the tables of @pgd map at @addr, and the tables on the way. As the hardware walks,
 * 4 KiB only. Returns the last level whose entry is there: 0 is the page's.
 */
static int walk(phys_t pgd, unsigned long addr, unsigned long pfn[STALE_FRAMES])
{
	u64 entry = pgd.v | KM_PRESENT;
	int level;

	for (level = STALE_FRAMES; level > 0; level--) {
		const u64 *table = phys_to_virt(PHYS(entry & KM_ADDR));

		entry = table[(addr >> (PAGE_SHIFT + 9 * (level - 1))) & 511];
		if (!(entry & KM_PRESENT))
			break;
		pfn[level - 1] = (entry & KM_ADDR) >> PAGE_SHIFT;
	}
	return level;
}

void detect_user_access(unsigned cpu, unsigned long addr)
{
	const struct tlb_ctx *ctx = per_cpu_ptr(tlb_state, cpu)->loaded;
	unsigned long pfn[STALE_FRAMES];
	int level;

	if (!ctx)
		return;
	level = walk(ctx->pgd, addr, pfn);
	world_note_frame(ctx->pgd.v >> PAGE_SHIFT);
	for (int i = level; i < STALE_FRAMES; i++)
		world_note_frame(pfn[i]);
	if (level == 0)
		stale_note_use(cpu, ctx, addr, pfn);
}

/*
 * It has left the address space (its translations went with it), or catches up before it uses it
 * again.
 */
static bool may_keep_frames(unsigned cpu, const struct tlb_ctx *ctx)
{
	const struct tlb_state *s = per_cpu_ptr(tlb_state, cpu);

	return s->loaded != ctx || s->lazy;
}

/* A page directory that vCPU *@cpu has loaded, lazily or not: its CPU may walk it at any time. */
static bool is_loaded(const struct page *page, unsigned *cpu)
{
	for_each_vcpu(*cpu) {
		const struct tlb_ctx *ctx = per_cpu_ptr(tlb_state, *cpu)->loaded;

		/* 1: in the middle of a change. */
		if (ctx > (struct tlb_ctx *)1 && ctx->pgd.v >> PAGE_SHIFT == page_to_pfn(page))
			return true;
	}
	return false;
}

static void frames_freed(struct page *page, unsigned order)
{
	struct stale_hit hit;
	unsigned cpu;

	if (lockstep_active() && order == 0 && is_loaded(page, &cpu))
		lockstep_fail(LV_STALE, "page directory freed while vCPU %u has it loaded", cpu);

	if (lockstep_active() &&
	    stale_check_free(page_to_pfn(page), 1ul << order, may_keep_frames, &hit))
		lockstep_fail(LV_STALE, "%s freed while vCPU %u may still use it at %#lx",
			      hit.table ? "table" : "frame", hit.cpu, hit.addr);
}

static void range_flushed(struct tlb_ctx *ctx, unsigned long start, unsigned long end)
{
	/* A vCPU that takes an address space on again catches up within one step of the lab's. */
	if (lockstep_in_run())
		stale_note_flush(smp_processor_id(), ctx, start, end);
}

static const struct mm_observer observer = {.flushed = range_flushed, .freed = frames_freed};

/* ---- code that loops without a point ---- */

/*
 * The one real interrupt: on a stack of its own, it writes nothing of the world, so a world cannot
 * know how often it came. The name of the function only: where in the loop it was hit is chance.
 */
static void watchdog(struct trap_frame *f)
{
	const char *name;
	unsigned long off;
	u64 now = lockstep_beats();

	apic_timer_arm(WATCHDOG_NS, VEC_WATCHDOG);
	silent_ticks = lockstep_active() && now == last_beat ? silent_ticks + 1 : 0;
	last_beat = now;
	if (lockstep_active() && lockstep_endless()) {
		lockstep_to_host();
		lockstep_fail(LV_STALL, "no end of what comes before or after the actors");
	}
	if (silent_ticks < WATCHDOG_PATIENCE)
		return;
	silent_ticks = 0;
	lockstep_to_host();
	name = symbol_lookup((void *)f->rip, &off);
	lockstep_fail(LV_STALL, "no point reached any more, in %s", name ? name : "?");
}

void detect_enter(void)
{
	bug_hook_before = bug_hook;
	bug_hook = take_bug;
	oops_hook_before = oops_hook;
	oops_hook = take_fault;
	mm_observer = &observer;
	lock_stat_clock = lockstep_clock;
	irq_handler_set(VEC_WATCHDOG, watchdog);
	apic_hold(true);
	apic_timer_arm(WATCHDOG_NS, VEC_WATCHDOG);
}

void detect_leave(void)
{
	apic_timer_stop();
	apic_hold(false);
	irq_handler_set(VEC_WATCHDOG, NULL);
	lock_stat_clock = NULL;
	mm_observer = NULL;
	oops_hook = oops_hook_before;
	bug_hook = bug_hook_before;
}

void detect_begin_run(bool measured)
{
	stale_begin_run();
	silent_ticks = 0;
	if (measured)
		apic_timer_arm(WATCHDOG_NS, VEC_WATCHDOG);
}
