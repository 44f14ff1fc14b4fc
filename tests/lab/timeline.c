/*
 * timeline.c - spans noted while a run goes on, and all of it as records when it is over.
 *
 * Idea: locks tell of a wait and of a hold when it ends, address spaces of the moments that open
 *       and close their windows (mm_marks.h); both in the lab's clock. What is open at the end of
 *       the run ends there.
 * Invariant: host side; noting passes no point, so the run is the one that its schedule names.
 */
#include "tests/lab/timeline.h"

#include <stdio.h>
#include <string.h>

#include "kernel/core/lock_order.h"
#include "kernel/shell/record.h"
#include "mm/mm.h"
#include "mm/mm_marks.h"
#include "mm/page_alloc.h"
#include "tests/lab/steps.h"
#include "tests/lab/trace.h"

#define SPANS_ORDER 6  /* 256 KiB: 8192 spans */
#define OPEN_MAX    16 /* address spaces in a window or phase at once */

enum span_kind { SPAN_WAIT, SPAN_HOLD, SPAN_WINDOW, SPAN_PHASE };

struct span {
	u64 from, until;
	unsigned long of; /* the lock held; the number of the address space */
	const char *name;
	u16 entity;
	u8 kind;
};

/* What an address space is in: KEEP says that a moment changes nothing. */
#define KEEP	"="
#define NOWHERE NULL

static const struct {
	const char *window, *phase;
} opens[MARK_NR] = {
	[MARK_CLONE] = {KEEP, "clone"},	 [MARK_COPY] = {KEEP, "copy"},
	[MARK_PUBLISH] = {"W0", KEEP},	 [MARK_RECOVER] = {KEEP, "recover"},
	[MARK_UNLOCK] = {"W1", NOWHERE}, [MARK_LIVE] = {NOWHERE, NOWHERE},
	[MARK_PARENT] = {KEEP, KEEP},	 [MARK_ZAP] = {"W2", "pages"},
	[MARK_ZAPPED] = {"W3", "frees"}, [MARK_TABLES] = {"W4", "tables"},
	[MARK_VMAS] = {KEEP, "VMAs"},	 [MARK_TREE] = {KEEP, "tree"},
	[MARK_SHELL] = {"W5", NOWHERE},	 [MARK_END] = {NOWHERE, NOWHERE},
};

static struct {
	struct span *span;
	unsigned nr, max;
	struct span open[OPEN_MAX]; /* windows and phases; free: no name */
	mm_marks_hook_t watched_before;
	bool lockstat_before;
	u64 end;
} tl;

/* ---- noting ---- */

static void keep(const struct span *span)
{
	if (tl.nr < tl.max)
		tl.span[tl.nr] = *span;
	tl.nr++;
}

static void on_lock(enum lock_told what, enum lock_class class, const void *lock, u64 ticks)
{
	u64 now = lockstep_clock();

	if (!lockstep_searched())
		return;
	keep(&(struct span){
		.from = now - min(ticks, now),
		.until = now,
		.of = (unsigned long)lock,
		.name = lock_class_name[class],
		.entity = lockstep_entity(),
		.kind = what == LOCK_WAITED ? SPAN_WAIT : SPAN_HOLD,
	});
}

/* What @mm has open of @kind ends now; what is called @name begins. */
static void move_to(const struct mm_struct *mm, enum span_kind kind, const char *name)
{
	struct span *room = NULL;

	if (name && !strcmp(name, KEEP))
		return;
	for (struct span *s = tl.open; s < tl.open + OPEN_MAX; s++) {
		if (s->name && s->of == mm->id && s->kind == kind) {
			s->until = lockstep_clock();
			keep(s);
			s->name = NULL;
		}
		if (!s->name)
			room = s;
	}
	if (!name)
		return;
	if (!room)
		tl.nr = max(tl.nr, tl.max) + 1; /* left out, and so is what follows */
	else
		*room = (struct span){
			.from = lockstep_clock(), .of = mm->id, .name = name, .kind = (u8)kind};
}

static void on_mark(const struct mm_struct *mm, enum mm_mark mark)
{
	if (lockstep_searched()) {
		move_to(mm, SPAN_WINDOW, opens[mark].window);
		move_to(mm, SPAN_PHASE, opens[mark].phase);
	}
	if (tl.watched_before)
		tl.watched_before(mm, mark);
}

void timeline_watch(bool on)
{
	if (on)
		tl.watched_before = mm_marks_watch(on_mark);
	else
		(void)mm_marks_watch(tl.watched_before);
}

void timeline_begin(void)
{
	struct page *page = alloc_pages(GFP_KERNEL, SPANS_ORDER);

	memset(&tl, 0, sizeof(tl));
	tl.span = page ? page_address(page) : NULL;
	tl.max = page ? PAGE_SIZE_ORDER(SPANS_ORDER) / sizeof(*tl.span) : 0;
	tl.lockstat_before = static_key_enabled(&lockstat_key);
	lockstat_set(true);
	lock_stat_tell = on_lock;
}

void timeline_end(void)
{
	lock_stat_tell = NULL;
	lockstat_set(tl.lockstat_before);
	if (tl.span)
		free_pages(virt_to_page(tl.span), SPANS_ORDER);
	tl.span = NULL;
}

/* ---- records ---- */

static struct record r;
static const char *unit;

static void begin_event(const char *ph, const char *name, const char *actor, const char *lane,
			u64 ts)
{
	record_begin(&r, "trace");
	record_str(&r, "ph", ph);
	record_str(&r, "name", name);
	record_str(&r, "actor", actor);
	if (lane)
		record_str(&r, "lane", lane);
	record_u64(&r, "ts", ts);
	record_str(&r, "unit", unit);
}

static void send(void (*line)(const char *text))
{
	const char *text = record_end(&r);

	if (text)
		line(text);
}

static void print_span(const struct span *s, void (*line)(const char *text))
{
	static const char *const lane[] = {"waits", "holds", "window", "phase"};
	char text[64];

	if (s->kind == SPAN_WINDOW || s->kind == SPAN_PHASE)
		snprintf(text, sizeof(text), "mm %lu", s->of);
	begin_event("X", s->name,
		    s->kind == SPAN_WINDOW || s->kind == SPAN_PHASE
			    ? text
			    : lockstep_entity_name(s->entity),
		    lane[s->kind], s->from);
	record_u64(&r, "dur", s->until - s->from);
	if (s->kind == SPAN_HOLD) {
		record_open(&r, "args");
		record_str(&r, "lock", trace_object(s->of, text, sizeof(text)));
		record_close(&r);
	}
	send(line);
}

/* Until when step @i lasts: in steps it is one, in virtual time its actor's next one ends it. */
static u64 step_end(const struct ls_step *step, unsigned nr, unsigned i, bool virtual)
{
	if (!virtual)
		return step[i].clock + 1;
	for (unsigned next = i + 1; next < nr; next++)
		if (step[next].entity == step[i].entity)
			return step[next].clock;
	return max(tl.end, step[i].clock);
}

static void print_steps(const struct ls_step *step, unsigned nr, bool virtual,
			void (*line)(const char *text))
{
	char op[128];

	for (unsigned i = 0; i < nr; i++) {
		trace_format_operation(&step[i], op, sizeof(op));
		begin_event("X", op, lockstep_entity_name(step[i].entity), NULL, step[i].clock);
		record_u64(&r, "dur", step_end(step, nr, i, virtual) - step[i].clock);
		send(line);
	}
}

static void print_run(const struct scenario *sc, const struct lab_result *res, bool virtual,
		      unsigned left_out, void (*line)(const char *text))
{
	record_begin(&r, "run");
	record_str(&r, "scenario", sc->line);
	record_str(&r, "strategy", virtual ? "vtime" : "replay");
	record_str(&r, "verdict", lab_verdicts[res->verdict].name);
	record_str(&r, "why", res->summary.first.why);
	record_str(&r, "unit", unit);
	record_u64(&r, "end", tl.end);
	record_u64(&r, "left_out", left_out);
	send(line);
}

/* Windows in which the run ended, and locks with which. */
static void print_open(void (*line)(const char *text))
{
	for (struct span *s = tl.open; s < tl.open + OPEN_MAX; s++) {
		s->until = max(tl.end, s->from);
		if (s->name)
			print_span(s, line);
	}
	for (unsigned e = 0; e < lockstep_nr_entities(); e++) {
		const struct held_locks *held = lockstep_entity_holds((u16)e);

		for (u32 i = 0; i < held->nr; i++)
			print_span(&(struct span){.from = held->lock[i].since,
						  .until = max(tl.end, held->lock[i].since),
						  .of = (unsigned long)held->lock[i].lock,
						  .name = lock_class_name[held->lock[i].class],
						  .entity = (u16)e,
						  .kind = SPAN_HOLD},
				   line);
	}
}

void timeline_print(const struct scenario *sc, const struct lab_result *res, bool virtual,
		    void (*line)(const char *text))
{
	unsigned nr, left_out = 0;
	const struct ls_step *step = steps_all(&nr, &left_out);

	unit = virtual ? "insn" : "step";
	tl.end = virtual ? res->vtime : 0;
	for (unsigned i = 0; i < nr; i++)
		tl.end = max(tl.end, step[i].clock + !virtual);
	left_out += tl.nr - min(tl.nr, tl.max);
	print_run(sc, res, virtual, left_out, line);
	for (unsigned i = 0; i < min(tl.nr, tl.max); i++)
		print_span(&tl.span[i], line);
	print_open(line);
	print_steps(step, nr, virtual, line);
}
