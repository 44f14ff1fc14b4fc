/*
 * race_hooks.c - from compiler calls and schedule points to the race detector.
 *
 * Owns: the detector's memory and the meaning of each kind of point for it. The compiler's entry
 * points are in race_tsan.c. Compiled to nothing unless the build is `make race`.
 *
 * An annotated access without an order (READ_ONCE, WRITE_ONCE, a PTE, a user access) makes no
 * order, but two of them never race; a plain access that meets one of them unordered does.
 */
#include "tests/lab/race_hooks.h"

#ifdef MMLIFE_RACE

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/core/symbols.h"
#include "kernel/x86/layout.h"
#include "mm/page_alloc.h"
#include "tests/lab/lockstep.h"
#include "tests/lab/race.h"
#include "tests/lab/race_tsan.h"
#include "tests/lab/trace.h"
#include "tests/lab/world.h"

#define CELLS_ORDER 10
#define SYNCS_ORDER 8

_Static_assert(RACE_CELLS * sizeof(struct race_cell) <= PAGE_SIZE << CELLS_ORDER, "cells fit");
_Static_assert(RACE_SYNCS * sizeof(struct race_sync) <= PAGE_SIZE << SYNCS_ORDER, "syncs fit");

static struct race race;
static bool listening;

static void *zeroed(unsigned order)
{
	struct page *page = alloc_pages(GFP_KERNEL, order);

	return page ? memset(page_address(page), 0, PAGE_SIZE << order) : NULL;
}

int race_session_begin(void)
{
	race.cell = zeroed(CELLS_ORDER);
	race.sync = zeroed(SYNCS_ORDER);
	race.run = 0;
	listening = race.cell && race.sync;
	if (!listening)
		race_session_end();
	return listening ? 0 : -ENOMEM;
}

void race_session_end(void)
{
	listening = false;
	if (race.cell)
		free_pages(virt_to_page(race.cell), CELLS_ORDER);
	if (race.sync)
		free_pages(virt_to_page(race.sync), SYNCS_ORDER);
	race.cell = NULL;
	race.sync = NULL;
}

void race_run_begin(void)
{
	race_begin(&race);
}

static bool on(void)
{
	return listening && lockstep_searched() && lockstep_entity() < RACE_ENTITIES;
}

/* ---- order ---- */

void race_edge_acquire(const volatile void *obj)
{
	if (listening && lockstep_entity() < RACE_ENTITIES)
		race_acquire(&race, lockstep_entity(), (u64)obj);
}

void race_edge_release(const volatile void *obj)
{
	if (listening && lockstep_entity() < RACE_ENTITIES)
		race_release(&race, lockstep_entity(), (u64)obj);
}

static bool acquires(const struct point *p)
{
	switch (p->kind) {
	case PT_LOCK:
	case PT_TRYLOCK:
	case PT_WAIT:
	case PT_RMW: return true;
	case PT_LOAD: return p->order != MO_RELAXED;
	default: return false;
	}
}

static bool releases(const struct point *p)
{
	switch (p->kind) {
	case PT_UNLOCK:
	case PT_WAKE:
	case PT_PUBLISH:
	case PT_RMW: return true;
	case PT_STORE: return p->order != MO_RELAXED;
	default: return false;
	}
}

/* ---- accesses ---- */

static const char *place(u64 ip, char *buf, size_t len)
{
	unsigned long off = 0;
	const char *name = symbol_lookup((void *)ip, &off);

	snprintf(buf, len, "%s+%#lx", name ? name : "?", off);
	return buf;
}

static void report(const struct race_access *now, const struct race_report *then)
{
	char here[64], there[64], obj[64];

	lockstep_to_host();
	place(now->ip, here, sizeof(here));
	place(then->ip, there, sizeof(there));
	trace_object(now->addr, obj, sizeof(obj));
	lockstep_fail(LV_RACE, "%s: %s%s at %s, %s%s by %s at %s", obj, now->marked ? "" : "plain ",
		      now->write ? "write" : "read", here, then->marked ? "" : "plain ",
		      then->write ? "write" : "read", lockstep_entity_name(then->entity), there);
}

static void access(const volatile void *addr, unsigned size, bool write, bool marked, u64 ip)
{
	struct race_access a = {.addr = (u64)addr,
				.size = size,
				.entity = lockstep_entity(),
				.write = write,
				.marked = marked,
				.ip = ip};
	struct race_report then;

	if (race_access(&race, &a, &then))
		report(&a, &then);
}

/* What the host side owns (the one CPU's own state, the lab) has no races: one CPU runs it all. */
static bool of_a_world(u64 addr)
{
	const char *part;
	unsigned long off;

	return world_offset(addr, &part, &off) ||
	       (addr >= WINDOW_BASE && addr < WINDOW_BASE + WINDOW_SIZE);
}

void race_plain_access(const volatile void *addr, unsigned size, bool write, void *ip)
{
	if (on() && of_a_world((u64)addr))
		access(addr, size, write, false, (u64)ip);
}

static bool writes(const struct point *p)
{
	return p->kind == PT_STORE || p->kind == PT_RMW || p->kind == PT_PUBLISH ||
	       p->kind == PT_PTE;
}

void race_point(const struct point *p)
{
	if (!on())
		return;
	if (acquires(p))
		race_edge_acquire(p->obj);
	/* What is handed on includes the access: who acquires next comes after it. */
	if (p->size && (writes(p) || p->kind == PT_LOAD))
		access(p->obj, p->size, writes(p), true, (u64)p->ip);
	if (releases(p))
		race_edge_release(p->obj);
}

#endif
