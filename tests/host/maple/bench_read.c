/*
 * bench_read.c - the operations that leave the tree alone.
 *
 * All run on one tree built in random order. What an operation returns is summed up, so that the
 * compiler cannot drop it, and checked against the data once.
 */
#include "tests/host/maple/bench.h"

static volatile unsigned long sink;

static void expect(const char *what, unsigned long got, unsigned long want)
{
	if (got != want)
		mtb_env_fail(what);
}

static void query_hits(struct mtb *b)
{
	unsigned int i;

	for (i = 0; i < MTB_QUERIES; i++) {
		struct range *r = &b->r[mtb_random(b, b->n)];

		b->query[i] = r->first + mtb_random(b, r->last - r->first + 1);
	}
}

static void query_pages(struct mtb *b)
{
	unsigned long pages = (mtb_data_end(b) - MTB_BASE) / MTB_PAGE;
	unsigned int i;

	for (i = 0; i < MTB_QUERIES; i++)
		b->query[i] = MTB_BASE + mtb_random(b, pages) * MTB_PAGE;
}

static void run_load(struct mtb *b)
{
	unsigned long sum = 0, i, hits = 0;

	query_hits(b);
	mtb_begin(b);
	for (i = 0; i < MTB_QUERIES; i++)
		sum += (unsigned long)mtree_load(&b->trees[0], b->query[i]);
	mtb_end(b, MTB_QUERIES);
	for (i = 0; i < MTB_QUERIES; i++)
		hits += mtree_load(&b->trees[0], b->query[i]) != NULL;
	expect("hits", hits, MTB_QUERIES);
	sink = sum;
}

/* The next key is known only when the last entry is: entries have bit 0 clear. */
static void run_load_dependent(struct mtb *b)
{
	unsigned long last = 0, i;

	query_hits(b);
	mtb_begin(b);
	for (i = 0; i < MTB_QUERIES; i++)
		last = (unsigned long)mtree_load(&b->trees[0], b->query[i] + (last & 1));
	mtb_end(b, MTB_QUERIES);
	sink = last;
}

static void run_walk(struct mtb *b)
{
	MA_STATE(mas, &b->trees[0], 0, 0);
	unsigned long sum = 0, i;

	query_hits(b);
	mtb_begin(b);
	rcu_read_lock();
	for (i = 0; i < MTB_QUERIES; i++) {
		mas_set(&mas, b->query[i]);
		sum += (unsigned long)mas_walk(&mas);
	}
	rcu_read_unlock();
	mtb_end(b, MTB_QUERIES);
	sink = sum;
}

static void run_find(struct mtb *b)
{
	unsigned long sum = 0, i;

	query_pages(b);
	mtb_begin(b);
	for (i = 0; i < MTB_QUERIES; i++) {
		unsigned long index = b->query[i];

		sum += (unsigned long)mt_find(&b->trees[0], &index, ULONG_MAX);
	}
	mtb_end(b, MTB_QUERIES);
	sink = sum;
}

/* As many passes as make up 8192 entries: small trees pay for beginning and end. */
static unsigned int passes(const struct mtb *b)
{
	return b->n < MTB_QUERIES ? MTB_QUERIES / b->n : 1;
}

static void run_for_each(struct mtb *b)
{
	unsigned long sum = 0, seen = 0;
	unsigned int i;
	void *entry;

	mtb_begin(b);
	for (i = 0; i < passes(b); i++) {
		MA_STATE(mas, &b->trees[0], 0, 0);

		mas_for_each(&mas, entry, ULONG_MAX) {
			sum += (unsigned long)entry;
			seen++;
		}
	}
	mtb_end(b, (uint64_t)passes(b) * b->n);
	expect("entries forward", seen, (unsigned long)passes(b) * b->n);
	sink = sum;
}

static void run_prev_each(struct mtb *b)
{
	unsigned long sum = 0, seen = 0;
	unsigned int i;
	void *entry;

	mtb_begin(b);
	for (i = 0; i < passes(b); i++) {
		MA_STATE(mas, &b->trees[0], ULONG_MAX, ULONG_MAX);

		while ((entry = mas_prev(&mas, 0)) != NULL) {
			sum += (unsigned long)entry;
			seen++;
		}
	}
	mtb_end(b, (uint64_t)passes(b) * b->n);
	expect("entries backward", seen, (unsigned long)passes(b) * b->n);
	sink = sum;
}

static void run_gap(struct mtb *b, bool rev)
{
	unsigned long end = mtb_data_end(b) + MTB_BIG * MTB_PAGE, sum = 0, i;

	query_pages(b);
	mtb_begin(b);
	for (i = 0; i < MTB_QUERIES; i++) {
		unsigned long size = (1 + i % 8) * MTB_PAGE;
		MA_STATE(mas, &b->trees[0], 0, 0);

		if (rev)
			mas_empty_area_rev(&mas, MTB_PAGE, b->query[i], size);
		else
			mas_empty_area(&mas, b->query[i], end, size);
		sum += mas.index;
	}
	mtb_end(b, MTB_QUERIES);
	sink = sum;
}

static void run_gap_forward(struct mtb *b)
{
	run_gap(b, false);
}

static void run_gap_rev(struct mtb *b)
{
	run_gap(b, true);
}

static void run_big_gap(struct mtb *b, bool rev)
{
	unsigned long end = mtb_data_end(b), size = MTB_BIG * MTB_PAGE, found = 0;
	unsigned int i;

	mtb_begin(b);
	for (i = 0; i < 1024; i++) {
		MA_STATE(mas, &b->trees[0], 0, 0);

		if (rev)
			mas_empty_area_rev(&mas, MTB_BASE, end, size);
		else
			mas_empty_area(&mas, MTB_BASE, end, size);
		found += mas.index == b->r[b->n / 2 - 1].last + 1;
	}
	mtb_end(b, 1024);
	expect("big gaps found", found, 1024);
}

static void run_big_gap_forward(struct mtb *b)
{
	run_big_gap(b, false);
}

static void run_big_gap_rev(struct mtb *b)
{
	run_big_gap(b, true);
}

const struct mtb_op mtb_reads[] = {
	{"mtree_load", run_load, true, 0},
	{"mtree_load_dependent", run_load_dependent, true, 0},
	{"mas_walk", run_walk, true, 0},
	{"mt_find", run_find, true, 0},
	{"for_each", run_for_each, true, 0},
	{"prev_each", run_prev_each, true, 0},
	{"empty_area_from_random", run_gap_forward, true, 0},
	{"empty_area_rev_from_random", run_gap_rev, true, 0},
	{"empty_area_one_big_gap", run_big_gap_forward, true, 0},
	{"empty_area_rev_one_big_gap", run_big_gap_rev, true, 0},
};
const unsigned int mtb_nr_reads = ARRAY_SIZE(mtb_reads);
