/*
 * bench.c - runs the cells and prints one line for each: op, n, rcu, clock, value per operation.
 *
 *	bench ns|count|memory [n=N] [rcu=0|1] [op=NAME] [runs=N]
 *
 * ns: the best of @runs medians of @runs runs. count: for use under callgrind, which this program
 * tells when to count; it dumps one profile per region, whose description carries the line.
 * memory: bytes of nodes per entry after building in order and in random order.
 */
#include "tests/host/maple/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <valgrind/callgrind.h>
#include "mm/maple_node.h"
#include "tests/host/maple/bench_pool.h"

#define MAX_RUNS 15

static const unsigned int sizes[] = {16, 256, 4096, 65536};

static struct {
	enum { MODE_NS, MODE_COUNT, MODE_MEMORY } mode;
	unsigned int n;
	int rcu;
	unsigned int runs;
	const char *op;
} options = {.rcu = -1, .runs = 5};

void *mtb_env_room(size_t bytes)
{
	void *room = calloc(1, bytes);

	if (!room)
		mtb_env_fail("memory for the data");
	return room;
}

void mtb_env_free(void *room)
{
	free(room);
}

void mtb_env_fail(const char *what)
{
	fprintf(stderr, "bench: wrong: %s\n", what);
	exit(2);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ul + t.tv_nsec;
}

void mtb_begin(struct mtb *b)
{
	if (b->counting)
		CALLGRIND_START_INSTRUMENTATION;
	else
		b->began_ns = now_ns();
}

void mtb_end(struct mtb *b, uint64_t ops)
{
	if (b->counting)
		CALLGRIND_STOP_INSTRUMENTATION;
	else
		b->total_ns += now_ns() - b->began_ns;
	b->ops += ops;
}

/* A fresh set of trees for operations that change them, and the operation. */
static void run_once(struct mtb *b, const struct mtb_op *op)
{
	if (!op->reads) {
		mtb_empty(b);
		mtb_shuffle(b);
		mtb_build(b, false);
	}
	b->total_ns = 0;
	b->ops = 0;
	op->run(b);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double best_of_medians(struct mtb *b, const struct mtb_op *op)
{
	double run[MAX_RUNS], best = 0;
	unsigned int i, k;

	for (k = 0; k < options.runs; k++) {
		for (i = 0; i < options.runs; i++) {
			run_once(b, op);
			run[i] = b->ops ? (double)b->total_ns / b->ops : 0;
		}
		qsort(run, options.runs, sizeof(run[0]), by_value);
		if (!k || run[options.runs / 2] < best)
			best = run[options.runs / 2];
	}
	return best;
}

static void measure(struct mtb *b, const struct mtb_op *op)
{
	char label[128];

	if (b->n < op->least || (options.op && strcmp(options.op, op->name)))
		return;
	b->name = op->name;
	if (!b->counting) {
		printf("%s %u %d ns %.2f\n", op->name, b->n, b->rcu, best_of_medians(b, op));
		fflush(stdout);
		return;
	}
	run_once(b, op);
	snprintf(label, sizeof(label), "%s %u %d %lu", op->name, b->n, b->rcu, b->ops);
	CALLGRIND_DUMP_STATS_AT(label);
}

static void measure_size(unsigned int n, bool rcu)
{
	struct mtb b = {.counting = options.mode == MODE_COUNT};
	unsigned int i;

	mtb_make(&b, n, rcu);
	pool_reserve(b.nr_trees * n / 4); /* twice what a tree and its copy take */
	for (i = 0; i < mtb_nr_writes; i++)
		measure(&b, &mtb_writes[i]);
	mtb_empty(&b);
	mtb_shuffle(&b);
	mtb_build(&b, false);
	for (i = 0; i < mtb_nr_reads; i++)
		measure(&b, &mtb_reads[i]);
	mtb_unmake(&b);
}

static void measure_memory(unsigned int n)
{
	struct mtb b = {0};
	int in_order;

	mtb_make(&b, n, true);
	for (in_order = 1; in_order >= 0; in_order--) {
		mtb_empty(&b);
		mtb_shuffle(&b);
		mtb_build(&b, in_order);
		mtb_env_barrier();
		printf("memory_%s %u 1 bytes %.2f\n", in_order ? "seq" : "rand", n,
		       (double)pool_nodes_in_use() * MAPLE_NODE_SIZE / b.nr_trees / n);
		printf("height_%s %u 1 levels %u\n", in_order ? "seq" : "rand", n,
		       mt_height(&b.trees[0]));
	}
	mtb_unmake(&b);
}

static bool understand(const char *arg)
{
	if (!strcmp(arg, "ns"))
		options.mode = MODE_NS;
	else if (!strcmp(arg, "count"))
		options.mode = MODE_COUNT;
	else if (!strcmp(arg, "memory"))
		options.mode = MODE_MEMORY;
	else if (!strncmp(arg, "n=", 2))
		options.n = strtoul(arg + 2, NULL, 0);
	else if (!strncmp(arg, "rcu=", 4))
		options.rcu = arg[4] == '1';
	else if (!strncmp(arg, "op=", 3))
		options.op = arg + 3;
	else if (!strncmp(arg, "runs=", 5))
		options.runs = strtoul(arg + 5, NULL, 0);
	else
		return false;
	return options.runs >= 1 && options.runs <= MAX_RUNS;
}

int main(int argc, char **argv)
{
	unsigned int i;
	int k, rcu;

	for (k = 1; k < argc; k++)
		if (!understand(argv[k])) {
			fprintf(stderr, "%s: what is '%s'?\n", argv[0], argv[k]);
			return 2;
		}
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (options.n && options.n != sizes[i])
			continue;
		if (options.mode == MODE_MEMORY) {
			measure_memory(sizes[i]);
			continue;
		}
		for (rcu = 1; rcu >= 0; rcu--)
			if (options.rcu < 0 || options.rcu == rcu)
				measure_size(sizes[i], rcu);
	}
	return 0;
}
