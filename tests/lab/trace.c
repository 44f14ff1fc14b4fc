/*
 * trace.c - naming objects and formatting steps.
 */
#include "tests/lab/trace.h"

#include <stdio.h>
#include <string.h>

#include "kernel/core/oops.h"
#include "kernel/core/symbols.h"
#include "kernel/x86/layout.h"
#include "mm/slab.h"
#include "tests/lab/world.h"

#define NAMES_MAX 64
#define COLUMN	  26

static struct {
	unsigned long addr;
	size_t size;
	char name[32];
} names[NAMES_MAX];
static unsigned nr_names;

void trace_names_reset(void)
{
	nr_names = 0;
}

void trace_name(unsigned long addr, size_t size, const char *name)
{
	if (nr_names == NAMES_MAX)
		return;
	names[nr_names].addr = addr;
	names[nr_names].size = size;
	snprintf(names[nr_names].name, sizeof(names[0].name), "%s", name);
	nr_names++;
}

static bool given_name(unsigned long addr, char *buf, size_t len)
{
	for (unsigned i = 0; i < nr_names; i++) {
		unsigned long off = addr - names[i].addr;

		if (off >= names[i].size)
			continue;
		if (off)
			snprintf(buf, len, "%s+%#lx", names[i].name, off);
		else
			snprintf(buf, len, "%s", names[i].name);
		return true;
	}
	return false;
}

/* The slab's own structures may be what is broken: a fault while asking is no answer. */
struct slab_question {
	unsigned long addr;
	char *buf;
	size_t len;
	bool found;
};

static void ask_slab(void *arg)
{
	struct slab_question *q = arg;

	q->found = slab_describe(q->addr, q->buf, q->len);
}

static bool slab_object(unsigned long addr, char *buf, size_t len)
{
	struct slab_question q = {.addr = addr, .buf = buf, .len = len};

	return !oops_catch(ask_slab, &q, NULL) && q.found;
}

const char *trace_object(unsigned long addr, char *buf, size_t len)
{
	const char *part, *symbol;
	unsigned long off;

	if (given_name(addr, buf, len))
		return buf;
	if (addr < USER_MAX) {
		snprintf(buf, len, "user:%#lx", addr);
		return buf;
	}
	if (slab_object(addr, buf, len))
		return buf;
	symbol = symbol_lookup((void *)addr, &off);
	if (symbol) {
		if (off)
			snprintf(buf, len, "%s+%#lx", symbol, off);
		else
			snprintf(buf, len, "%s", symbol);
	} else if (world_offset(addr, &part, &off)) {
		snprintf(buf, len, "%s+%#lx", part, off);
	} else {
		snprintf(buf, len, "host");
	}
	return buf;
}

static const char *value_text(const struct ls_step *step, char *buf, size_t len)
{
	const char *part;
	unsigned long off;

	buf[0] = '\0';
	switch (step->kind) {
	case PT_STORE:
	case PT_RMW:
	case PT_PUBLISH:
	case PT_PTE:
	case PT_IPI: break;
	default: return buf;
	}
	if (world_offset(step->value, &part, &off))
		snprintf(buf, len, "=%s+%#lx", part, off);
	else
		snprintf(buf, len, "=%#llx", (unsigned long long)step->value);
	return buf;
}

void trace_format_operation(const struct ls_step *step, char *buf, size_t len)
{
	char obj[64], val[40];

	snprintf(buf, len, "%s%s %s%s", step->irq ? "irq:" : "", point_kind_name[step->kind],
		 step->obj ? trace_object(step->obj, obj, sizeof(obj)) : "-",
		 value_text(step, val, sizeof(val)));
}

void trace_format_step(const struct ls_step *step, char *buf, size_t len)
{
	char op[128];
	unsigned long off = 0;
	const char *symbol = symbol_lookup((void *)step->ip, &off);

	trace_format_operation(step, op, sizeof(op));
	snprintf(buf, len, "%6llu %s %s at %s+%#lx", (unsigned long long)step->nr,
		 lockstep_entity_name(step->entity), op, symbol ? symbol : "?", off);
}

/* Actors have the first columns, in the order they were made; everything else shares the last. */
static unsigned column_of(u16 entity)
{
	unsigned col = 0;

	for (unsigned e = 0; e < lockstep_nr_entities(); e++) {
		if (!lockstep_entity_is_actor((u16)e))
			continue;
		if (e == entity)
			return col;
		col++;
	}
	return col;
}

void trace_format_column(const struct ls_step *step, char *buf, size_t len)
{
	char op[128];
	unsigned col = column_of(step->entity);
	bool actor = lockstep_entity_is_actor(step->entity);

	trace_format_operation(step, op, sizeof(op));
	snprintf(buf, len, "%6llu  %*s%s%s%s", (unsigned long long)step->nr, (int)(col * COLUMN),
		 "", actor ? "" : lockstep_entity_name(step->entity), actor ? "" : ": ", op);
}

void trace_format_head(char *buf, size_t len)
{
	size_t at = (size_t)snprintf(buf, len, "  step  ");

	for (unsigned e = 0; e < lockstep_nr_entities(); e++)
		if (lockstep_entity_is_actor((u16)e) && at < len)
			at += (size_t)snprintf(buf + at, len - at, "%-*s", COLUMN,
					       lockstep_entity_name((u16)e));
	if (at < len)
		snprintf(buf + at, len - at, "others");
}
