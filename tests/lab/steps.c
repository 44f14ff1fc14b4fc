/*
 * steps.c - the steps of one replayed run. Not here: how one is written (trace.c).
 */
#include "tests/lab/steps.h"

#include <stdio.h>

#include "mm/page_alloc.h"
#include "tests/lab/trace.h"

#define STEPS_ORDER    9   /* 2 MiB: 32768 steps */
#define COLUMN_LINES   400 /* of a trace for people */
#define SHORT_TRACE    40  /* steps of which none is left out */
#define TOLD_AT_SWITCH 4   /* steps on each side of a switch */
#define TOLD_AT_END    12  /* steps before the end, which is what it is about */

static struct {
	struct ls_step *step;
	unsigned nr, max;
} steps;

void steps_keep(const struct ls_step *step)
{
	if (steps.nr < steps.max)
		steps.step[steps.nr] = *step;
	steps.nr++;
}

const struct ls_step *steps_all(unsigned *nr, unsigned *left_out)
{
	*nr = min(steps.nr, steps.max);
	*left_out = steps.nr - *nr;
	return steps.step;
}

static void print_step(struct lab_print *print, const struct ls_step *step)
{
	char line[256];

	if (print->form == LAB_COLUMNS)
		trace_format_column(step, line, sizeof(line));
	else
		trace_format_step(step, line, sizeof(line));
	print->line(line);
}

/* ---- for people: where the turn goes from one to the other ---- */

static bool another_turn(unsigned i, unsigned kept)
{
	return i > 0 && i < kept && steps.step[i].entity != steps.step[i - 1].entity;
}

/* The steps of a long turn are left out, but for its first and last ones. */
static bool is_told(unsigned i, unsigned kept)
{
	if (kept <= SHORT_TRACE || i < TOLD_AT_SWITCH || i + TOLD_AT_END >= kept)
		return true;
	for (unsigned d = 0; d < TOLD_AT_SWITCH; d++) {
		if (another_turn(i - d, kept) || another_turn(i + d + 1, kept))
			return true;
	}
	return false;
}

static void print_gap(struct lab_print *print, unsigned nr, const char *whose)
{
	char line[64];

	snprintf(line, sizeof(line), "   ...  %u more of %s", nr, whose);
	print->line(line);
}

/* One line a step, one column an actor. Of what is still too long the beginning is shown. */
static void print_columns(struct lab_print *print, unsigned kept)
{
	unsigned left_out = 0, lines = 0, i;
	char head[256];

	trace_format_head(head, sizeof(head));
	print->line(head);
	for (i = 0; i < kept && lines < COLUMN_LINES; i++) {
		if (!is_told(i, kept)) {
			left_out++;
			continue;
		}
		if (left_out)
			print_gap(print, left_out, lockstep_entity_name(steps.step[i - 1].entity));
		left_out = 0;
		print_step(print, &steps.step[i]);
		lines++;
	}
	if (i < kept)
		print_gap(print, kept - i, "all");
}

void steps_print(struct lab_print *print)
{
	unsigned kept = min(steps.nr, steps.max);

	if (print->form == LAB_COLUMNS)
		print_columns(print, kept);
	else
		for (unsigned i = 0; i < kept; i++)
			print_step(print, &steps.step[i]);
	if (steps.nr > kept)
		print_gap(print, steps.nr - kept, "all");
}

void steps_begin(void)
{
	struct page *page = alloc_pages(GFP_KERNEL, STEPS_ORDER);

	steps.step = page ? page_address(page) : NULL;
	steps.max = page ? PAGE_SIZE_ORDER(STEPS_ORDER) / sizeof(*steps.step) : 0;
	steps.nr = 0;
}

void steps_end(void)
{
	if (steps.step)
		free_pages(virt_to_page(steps.step), STEPS_ORDER);
	steps.step = NULL;
}
