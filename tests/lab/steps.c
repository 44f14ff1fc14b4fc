/*
 * steps.c - the steps of one replayed run. Not here: how one is written (trace.c).
 */
#include "tests/lab/steps.h"

#include <stdio.h>

#include "mm/page_alloc.h"
#include "tests/lab/trace.h"

#define STEPS_ORDER  9 /* 2 MiB: 32768 steps */
#define COLUMN_LINES 400 /* of a trace for people */

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

static void print_step(struct lab_print *print, const struct ls_step *step)
{
	char line[256];

	if (print->columns)
		trace_format_column(step, line, sizeof(line));
	else
		trace_format_step(step, line, sizeof(line));
	print->line(line);
}

static void print_gap(struct lab_print *print, unsigned nr)
{
	char line[64];

	snprintf(line, sizeof(line), "... %u more steps ...", nr);
	print->line(line);
}

void steps_print(struct lab_print *print)
{
	unsigned kept = min(steps.nr, steps.max);
	unsigned head = print->columns && kept > COLUMN_LINES ? COLUMN_LINES / 2 : kept;
	unsigned tail = head < kept ? kept - COLUMN_LINES / 2 : kept;

	for (unsigned i = 0; i < head; i++)
		print_step(print, &steps.step[i]);
	if (tail > head)
		print_gap(print, tail - head);
	for (unsigned i = tail; i < kept; i++)
		print_step(print, &steps.step[i]);
	if (steps.nr > kept)
		print_gap(print, steps.nr - kept);
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
