/*
 * fuzz.c - libFuzzer drives the model: its bytes are the choices.
 *
 * Every input is a life: shape, flags and calls follow from the bytes, the oracle judges. What the
 * fuzzer adds to random lives is that it keeps the inputs which reached new branches of the tree.
 */
#include "tests/host/maple/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "tests/host/maple/nodes.h"

#define CAP	  4096
#define MAX_STEPS 100000

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

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

void model_env_report(struct model *m, const char *fmt, va_list args)
{
	uint64_t i;

	fprintf(stderr, "step %lu: ", m->step);
	vfprintf(stderr, fmt, args);
	fprintf(stderr, "\nshape %s, flags %#x\n", m->shape.name, m->flags);
	for (i = 1; i <= MODEL_TRACE; i++) {
		const struct model_call *c = &m->trace[(m->step + i) % MODEL_TRACE];

		if (c->name)
			fprintf(stderr, "  %-24s %#lx %#lx %#lx %p -> %ld\n", c->name, c->a, c->b,
				c->c, c->entry, c->ret);
	}
	abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static struct model m;
	static struct piece array[CAP];

	m.target = 0;
	m.feed = data;
	m.feed_left = size;
	model_life(&m, array, CAP, 1, 1, MAX_STEPS);
	return 0;
}
