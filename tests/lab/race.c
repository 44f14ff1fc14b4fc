/*
 * race.c - vector clocks and the shadow of recent accesses. See race.h.
 */
#include "tests/lab/race.h"

#include <string.h>

#define RACE_PROBES 16

void race_begin(struct race *r)
{
	r->run++;
	r->lost = 0;
	memset(r->clock, 0, sizeof(r->clock));
	for (unsigned e = 0; e < RACE_ENTITIES; e++)
		r->clock[e][e] = 1;
}

static unsigned hash(u64 key, unsigned slots)
{
	return (unsigned)((key * 0x9e3779b97f4a7c15ull) >> 32) & (slots - 1);
}

/* The clocks of @obj; fresh ones when @make and it has none; NULL when absent or no room. */
static struct race_sync *sync_of(struct race *r, u64 obj, bool make)
{
	unsigned at = hash(obj, RACE_SYNCS);

	for (unsigned i = 0; i < RACE_PROBES; i++) {
		struct race_sync *s = &r->sync[(at + i) & (RACE_SYNCS - 1)];

		if (s->run == r->run && s->obj == obj)
			return s;
		if (s->run == r->run)
			continue;
		if (!make)
			return NULL;
		memset(s, 0, sizeof(*s));
		s->run = r->run;
		s->obj = obj;
		return s;
	}
	r->lost += make;
	return NULL;
}

void race_acquire(struct race *r, u16 e, u64 obj)
{
	const struct race_sync *s = sync_of(r, obj, false);

	if (!s)
		return;
	for (unsigned i = 0; i < RACE_ENTITIES; i++)
		r->clock[e][i] = max(r->clock[e][i], s->clock[i]);
}

void race_release(struct race *r, u16 e, u64 obj)
{
	struct race_sync *s = sync_of(r, obj, true);

	if (s)
		for (unsigned i = 0; i < RACE_ENTITIES; i++)
			s->clock[i] = max(s->clock[i], r->clock[e][i]);
	r->clock[e][e]++;
}

static struct race_cell *cell_of(struct race *r, u64 granule)
{
	unsigned at = hash(granule, RACE_CELLS);

	for (unsigned i = 0; i < RACE_PROBES; i++) {
		struct race_cell *c = &r->cell[(at + i) & (RACE_CELLS - 1)];

		if (c->run == r->run && c->granule == granule)
			return c;
		if (c->run == r->run)
			continue;
		memset(c, 0, sizeof(*c));
		c->run = r->run;
		c->granule = granule;
		return c;
	}
	r->lost++;
	return NULL;
}

/* Did what @p stands for happen before the present of entity @e? */
static bool ordered(const struct race *r, const struct race_entry *p, u16 e)
{
	return p->entity == e || p->clock <= r->clock[e][p->entity];
}

static bool races(const struct race *r, const struct race_entry *p, const struct race_entry *now)
{
	return (p->mask & now->mask) && (p->write || now->write) && !(p->marked && now->marked) &&
	       !ordered(r, p, now->entity);
}

/* What @now makes superfluous: it is ordered after @p and would race wherever @p would. */
static bool covers(const struct race *r, const struct race_entry *now, const struct race_entry *p)
{
	return ordered(r, p, now->entity) && (p->mask & ~now->mask) == 0 &&
	       (now->write || !p->write) && (!now->marked || p->marked);
}

static void remember(struct race *r, struct race_cell *c, const struct race_entry *now)
{
	struct race_entry *to = NULL;

	for (unsigned i = 0; i < RACE_RECENT; i++) {
		struct race_entry *p = &c->recent[i];

		if (p->mask == 0 || covers(r, now, p)) {
			p->mask = 0;
			to = to ? to : p;
		}
	}
	if (!to) {
		to = &c->recent[c->next];
		c->next = (c->next + 1) % RACE_RECENT;
	}
	*to = *now;
}

static bool access_granule(struct race *r, u64 granule, const struct race_entry *now,
			   struct race_report *out)
{
	struct race_cell *c = cell_of(r, granule);
	bool found = false;

	if (!c)
		return false;
	for (unsigned i = 0; i < RACE_RECENT && !found; i++) {
		const struct race_entry *p = &c->recent[i];

		if (!races(r, p, now))
			continue;
		*out = (struct race_report){p->entity, p->write, p->marked,
					    p->ip | 0xffffffff00000000ull};
		found = true;
	}
	remember(r, c, now);
	return found;
}

bool race_access(struct race *r, const struct race_access *a, struct race_report *out)
{
	struct race_entry now = {.clock = r->clock[a->entity][a->entity],
				 .ip = (u32)a->ip,
				 .entity = (u8)a->entity,
				 .write = a->write,
				 .marked = a->marked};
	u64 at = a->addr, end = a->addr + a->size;
	bool found = false;

	while (at < end) {
		unsigned low = at & 7, n = (unsigned)min((u64)(8 - low), end - at);

		now.mask = (u8)(((1u << n) - 1) << low);
		found |= access_granule(r, at >> 3, &now, found ? &(struct race_report){0} : out);
		at += n;
	}
	return found;
}
