/*
 * test_shape.c - what the API cannot show: how full nodes are, and that damage is seen.
 *
 * Density after long histories catches rebalancing that got lost. Damage: any bit of any node is
 * turned in turn; the validator must report it, unless the bit means nothing or is an entry.
 */
#include "tests/host/maple/fixture.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "mm/maple_node.h"
#include "tests/host/maple/nodes.h"

static unsigned long below(uint64_t *rng, unsigned long n)
{
	*rng = *rng * 6364136223846793005 + 1442695040888963407;
	return (*rng >> 33) % n;
}

static struct mt_stats stats_of(struct fixture *fx)
{
	struct mt_stats stats;

	mtree_lock(&fx->mt);
	h_expect_eq(mt_check(&fx->mt, NULL, NULL), 0);
	mt_get_stats(&fx->mt, &stats);
	mtree_unlock(&fx->mt);
	h_expect_eq(stats.nr_entries, fx->o.n);
	h_expect_eq(stats.height, mt_height(&fx->mt));
	h_expect_eq(stats.bytes, nodes_live() * MAPLE_NODE_SIZE);
	h_expect_eq(stats.nr_leaves + stats.nr_inner, nodes_live());
	return stats;
}

static void expect_density(struct fixture *fx, const char *history, unsigned long most)
{
	struct mt_stats stats = stats_of(fx);

	printf("# %s: %lu entries, %lu bytes each, height %u\n", history, stats.nr_entries,
	       stats.bytes / stats.nr_entries, stats.height);
	h_expect(stats.bytes <= most * stats.nr_entries);
}

/* Nodes never less than a third full: no history may leave more than this per entry. */
#define WORST_BYTES 72

HTEST(density_after_erasing_at_random)
{
	struct fixture *fx = fx_new(FX_VMA);
	uint64_t rng = htest_seed();

	fx_fill(fx, 0x1000, 6000, 0x1000, 0x1000);
	fx->quiet = true;
	while (fx->o.n > 600)
		fx_erase(fx, fx->o.p[below(&rng, fx->o.n)].first);
	expect_density(fx, "nine of ten erased", WORST_BYTES);
	fx_same(fx);
	fx_free(fx);
}

HTEST(density_after_random_churn)
{
	struct fixture *fx = fx_new(FX_VMA);
	uint64_t rng = htest_seed();
	int i;

	fx->quiet = true;
	for (i = 0; i < 60000; i++) {
		unsigned long at = 0x1000 * (1 + below(&rng, 8000));

		if (fx->o.n < 2000 || below(&rng, 2))
			fx_store(fx, at, at + 0xfff, fx_entry(i));
		else
			fx_erase(fx, fx->o.p[below(&rng, fx->o.n)].first);
	}
	expect_density(fx, "stores and erases", WORST_BYTES);
	fx_same(fx);
	fx_free(fx);
}

/* 4096 pages-and-gaps stored in one order; @nr_of says which comes i-th. */
static void expect_build(const char *order, unsigned long (*nr_of)(unsigned long i))
{
	struct fixture *fx = fx_new(FX_VMA);
	unsigned long i;

	fx->quiet = true;
	for (i = 0; i < 4096; i++) {
		unsigned long at = (1 + nr_of(i)) * 0x2000;

		fx_store(fx, at, at + (nr_of(i) & 1 ? 0x1fff : 0xfff), fx_entry(i));
	}
	h_expect_eq(fx->o.n, 4096);
	expect_density(fx, order, 28);
	fx_same(fx);
	fx_free(fx);
}

static unsigned long ascending(unsigned long i)
{
	return i;
}

static unsigned long descending(unsigned long i)
{
	return 4095 - i;
}

static unsigned long inward(unsigned long i)
{
	return i & 1 ? 4095 - i / 2 : i / 2;
}

static unsigned long outward(unsigned long i)
{
	return i & 1 ? 2048 + i / 2 : 2047 - i / 2;
}

static unsigned long shuffled(unsigned long i)
{
	return i * 2531 % 4096;
}

static unsigned long eight_streams(unsigned long i)
{
	return i % 8 * 512 + i / 8;
}

/* Whatever order a page-granular tree is built in: at most 28 bytes of nodes for an entry. */
HTEST(density_of_builds_in_any_order)
{
	expect_build("ascending", ascending);
	expect_build("descending", descending);
	expect_build("inward", inward);
	expect_build("outward", outward);
	expect_build("shuffled", shuffled);
	expect_build("eight streams", eight_streams);
}

HTEST(density_of_descending_and_sawtooth)
{
	struct fixture *fx = fx_new(FX_VMA);
	unsigned long i;

	fx->quiet = true;
	for (i = 5000; i > 0; i--)
		fx_store(fx, i * 0x2000, i * 0x2000 + 0xfff, fx_entry(i));
	expect_density(fx, "descending", 40);
	for (i = 1; i < 5000; i += 2)
		fx_store(fx, i * 0x2000, i * 0x2000 + 0x1fff, NULL);
	expect_density(fx, "every other one freed", WORST_BYTES);
	for (i = 1; i < 5000; i += 2)
		fx_store(fx, i * 0x2000, i * 0x2000 + 0x1fff, fx_entry(i));
	expect_density(fx, "and stored again", WORST_BYTES);
	fx_same(fx);
	fx_free(fx);
}

/* ---- damage ---- */

struct damage {
	struct fixture *fx;
	void *nodes[NODES_TRACKED];
	unsigned int nr_nodes;
	unsigned long turned, seen, unseen;
};

/* Entries may be anything, and addresses of nodes lead the validator astray: not turned. */
static bool leave_alone(const struct damage *d, unsigned long word)
{
	unsigned int i;

	for (i = 0; i < d->nr_nodes; i++)
		if ((word & ~(MAPLE_NODE_ALIGN - 1ul)) == (unsigned long)d->nodes[i])
			return true;
	for (i = 0; i < d->fx->o.n; i++)
		if (word == (unsigned long)d->fx->o.p[i].entry)
			return true;
	return false;
}

static __printf(2, 3) void hear(void *arg, const char *fmt, ...)
{
	*(bool *)arg = true;
	h_expect(fmt[0]);
}

static void turn_bits(struct damage *d, unsigned long *word)
{
	unsigned long was = *word;
	unsigned int bit;

	for (bit = 0; bit < 64; bit += 3) {
		bool heard = false;

		*word = was ^ 1ul << bit;
		d->turned++;
		if (mt_check(&d->fx->mt, hear, &heard))
			d->seen++;
		h_expect_eq(heard, mt_check(&d->fx->mt, NULL, NULL) != 0);
		*word = was;
	}
}

static void damage_tree(unsigned long base, unsigned long width, unsigned long hole)
{
	static struct damage d;
	unsigned int i, k;

	memset(&d, 0, sizeof(d));
	nodes_track(true);
	d.fx = fx_new(FX_VMA);
	fx_fill(d.fx, base, 60, width, hole);
	d.nr_nodes = nodes_tracked(d.nodes);
	h_expect(d.nr_nodes > 2);
	for (i = 0; i < d.nr_nodes; i++)
		for (k = 0; k < MAPLE_NODE_SIZE / sizeof(unsigned long); k++) {
			unsigned long *word = (unsigned long *)d.nodes[i] + k;

			if (!leave_alone(&d, *word))
				turn_bits(&d, word);
		}
	printf("# %lu bits turned, %lu seen\n", d.turned, d.seen);
	h_expect(d.turned > 500);
	h_expect(d.seen * 100 >= d.turned * 50);
	fx_same(d.fx);
	nodes_track(false);
	fx_free(d.fx);
}

/* The header of a node holds what only RCU and padding use: a share of its bits may go unseen. */
HTEST(validator_sees_turned_bits)
{
	damage_tree(0x10000, 0x3000, 0x1000);
	damage_tree(7, 3, 1);
	damage_tree(1ul << 40, 1ul << 50, 1ul << 45);
}

struct text {
	char *at, *end;
};

static __printf(2, 3) void append(void *arg, const char *fmt, ...)
{
	struct text *t = arg;
	va_list args;

	va_start(args, fmt);
	t->at += vsnprintf(t->at, t->end - t->at, fmt, args);
	va_end(args);
	h_assert(t->at < t->end);
}

/* The report of damage names it; the dump shows every entry. */
HTEST(dump_and_check_speak)
{
	static char buffer[1 << 20];
	struct text t = {buffer, buffer + sizeof(buffer)};
	struct fixture *fx = fx_new(FX_VMA);
	size_t i;

	mt_dump(&fx->mt, append, &t);
	fx_store(fx, 0, 0, fx_entry(1));
	mt_dump(&fx->mt, append, &t);
	fx_fill(fx, 0x10000, 100, 0x1000, 0x1000);
	fx_store(fx, 5, 5, fx_entry(2));
	t.at = buffer;
	mt_dump(&fx->mt, append, &t);
	for (i = 0; i < fx->o.n; i++) {
		char want[32];

		snprintf(want, sizeof(want), "%lx", (unsigned long)fx->o.p[i].entry);
		h_expect(strstr(buffer, want));
	}
	t.at = buffer;
	h_expect_eq(mt_check(&fx->mt, append, &t), 0);
	h_expect(t.at == buffer);
	fx_store(fx, 0, ULONG_MAX, NULL);
	fx_fill(fx, 0x10000, 10, 0x1000, 0x1000); /* pages */
	mt_dump(&fx->mt, append, &t);
	fx_store(fx, 1ul << 62, 1ul << 63, fx_entry(3)); /* too long for any packed form */
	mt_dump(&fx->mt, append, &t);
	fx_free(fx);
}
