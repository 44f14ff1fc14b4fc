/*
 * model_host.c - what the model needs of a host program, and the model runs themselves.
 *
 * One life's failure is replayed by the line printed with it. Environment:
 *   MAPLE_STEPS=N  calls in all (short form when absent)   MAPLE_PART=I/N  this process's share
 *   MAPLE_LIFE=N   that life alone                         MAPLE_BIG=N     calls above 10^4 pieces
 */
#include "tests/host/maple/model.h"

#include <stdio.h>
#include <stdlib.h>
#include "tests/host/htest.h"
#include "tests/host/maple/nodes.h"

#define CAP	    400000
#define SHORT_STEPS 2000000ul
#define SHORT_BIG   40000ul
#define LIFE_STEPS  4000ul
#define BIG_LIFE    1000000ul /* lives numbered from here have more than 10^4 pieces */
#define BIG_STEPS   100000ul

void model_env_fail_after(long nr)
{
	nodes_fail_after(nr);
}

void model_env_fail_nowait(bool on)
{
	nodes_fail_nowait(on);
}

bool model_env_fails_nowait(void)
{
	return nodes_fails_nowait();
}

bool model_env_fault_fired(void)
{
	return nodes_fault_fired();
}

bool model_env_may_warn(void)
{
	return true;
}

long model_env_live_nodes(void)
{
	return nodes_live();
}

void model_env_quiesce(void)
{
	nodes_quiesce();
}

static void print_call(const struct model_call *c)
{
	if (c->name)
		printf("#   %-24s %#lx %#lx %#lx %p -> %ld\n", c->name, c->a, c->b, c->c, c->entry,
		       c->ret);
}

void model_env_report(struct model *m, const char *fmt, va_list args)
{
	uint64_t i;

	printf("# life %lu step %lu: ", m->life, m->step);
	vprintf(fmt, args);
	printf("\n# shape %s, order %d, flags %#x, %zu pieces about %zu; the last calls:\n",
	       m->shape.name, m->order, m->flags, m->o.n, m->target);
	for (i = 1; i <= MODEL_TRACE; i++)
		print_call(&m->trace[(m->step + i) % MODEL_TRACE]);
	printf("# again: HTEST_SEED=%lu MAPLE_LIFE=%lu build/host/maple/asan/test model\n", m->seed,
	       m->life);
}

static unsigned long number(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : otherwise;
}

static void share(unsigned int *part, unsigned int *parts)
{
	const char *text = getenv("MAPLE_PART");

	*part = 0;
	*parts = 1;
	if (text && (sscanf(text, "%u/%u", part, parts) != 2 || *part >= *parts)) {
		printf("# MAPLE_PART is I/N with I < N, not '%s'\n", text);
		exit(1);
	}
}

static struct model m;
static struct piece array[CAP];

/* False ends the run. */
static bool live(uint64_t life, uint64_t steps)
{
	m.target = life >= BIG_LIFE ? 12000 + life % 7 * 9000 : 0;
	return h_expect(model_life(&m, array, CAP, htest_seed(), life, steps));
}

static void run_lives(void (*done)(void))
{
	unsigned long life = number("MAPLE_LIFE", 0), steps = number("MAPLE_STEPS", SHORT_STEPS);
	unsigned long big = number("MAPLE_BIG", SHORT_BIG), run = 0;
	unsigned int part, parts;

	if (life) {
		live(life, life >= BIG_LIFE ? BIG_STEPS : LIFE_STEPS);
		return;
	}
	share(&part, &parts);
	for (life = part + 1; run < steps / parts; life += parts, run += LIFE_STEPS)
		if (!live(life, LIFE_STEPS))
			return;
	for (life = BIG_LIFE + part; m.big_steps < big / parts; life += parts, run += BIG_STEPS)
		if (!live(life, BIG_STEPS))
			return;
	printf("# model: seed %lu, %lu calls, %lu writes, %lu of memory refused, %lu calls above "
	       "10000 pieces\n",
	       htest_seed(), run, m.writes, m.failures, m.big_steps);
	done();
}

static void check_figures(void)
{
	h_expect(m.writes > 100000);
	h_expect(m.failures > 100);
	h_expect(m.big_steps > 1000);
}

HTEST(model)
{
	run_lives(check_figures);
}
