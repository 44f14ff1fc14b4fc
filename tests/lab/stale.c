/*
 * stale.c - the translation sets. Pure but for its state; compiles on the host.
 */
#include "tests/lab/stale.h"

#include <string.h>

struct translation {
	const struct tlb_ctx *ctx;
	unsigned long page; /* address of the page */
	unsigned long pfn[STALE_FRAMES];
};

static struct {
	unsigned nr;
	struct translation t[STALE_SET_MAX];
} sets[STALE_VCPUS];

static unsigned used_cpus; /* sets beyond are empty */

void stale_begin_run(void)
{
	for (unsigned i = 0; i < used_cpus; i++)
		sets[i].nr = 0;
	used_cpus = 0;
}

void stale_note_use(unsigned cpu, const struct tlb_ctx *ctx, unsigned long addr,
		    const unsigned long pfn[STALE_FRAMES])
{
	unsigned long page = addr & ~4095ul;

	used_cpus = max(used_cpus, cpu + 1);
	for (unsigned i = 0; i < sets[cpu].nr; i++) {
		const struct translation *t = &sets[cpu].t[i];

		/* A cached translation is used as it is: the tables are not asked again. */
		if (t->ctx == ctx && t->page == page)
			return;
	}
	if (sets[cpu].nr < STALE_SET_MAX) {
		struct translation *t = &sets[cpu].t[sets[cpu].nr++];

		t->ctx = ctx;
		t->page = page;
		memcpy(t->pfn, pfn, sizeof(t->pfn));
	}
}

void stale_note_flush(unsigned cpu, const struct tlb_ctx *ctx, unsigned long start,
		      unsigned long end)
{
	unsigned kept = 0;

	if (cpu >= used_cpus)
		return;
	for (unsigned i = 0; i < sets[cpu].nr; i++) {
		struct translation *t = &sets[cpu].t[i];

		if (t->ctx != ctx || t->page + 4096 <= start || t->page >= end)
			sets[cpu].t[kept++] = *t;
	}
	sets[cpu].nr = kept;
}

static bool names(const struct translation *t, unsigned long pfn, unsigned long nr, bool frames_too,
		  bool *table)
{
	for (unsigned i = frames_too ? 0 : 1; i < STALE_FRAMES; i++) {
		if (t->pfn[i] - pfn < nr) {
			*table = i > 0;
			return true;
		}
	}
	return false;
}

bool stale_check_free(unsigned long pfn, unsigned long nr,
		      bool (*lazy)(unsigned cpu, const struct tlb_ctx *ctx), struct stale_hit *hit)
{
	for (unsigned c = 0; c < used_cpus; c++) {
		for (unsigned i = 0; i < sets[c].nr; i++) {
			const struct translation *t = &sets[c].t[i];

			if (!names(t, pfn, nr, true, &hit->table))
				continue;
			if (lazy(c, t->ctx) && !names(t, pfn, nr, false, &hit->table))
				continue;
			hit->cpu = c;
			hit->addr = t->page;
			return true;
		}
	}
	return false;
}
