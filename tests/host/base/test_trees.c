/*
 * test_trees.c - red-black and interval trees against arrays, with every invariant checked.
 */
#include "tests/host/htest.h"

#include "kernel/base/bits.h"
#include "kernel/base/interval_tree.h"
#include "kernel/core/random.h"

#define NR 200

struct item {
	struct rb_node rb;
	unsigned long key;
	bool in;
};

static void insert(struct rb_root *root, struct item *it)
{
	struct rb_node **link = &root->node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = it->key < rb_entry(parent, struct item, rb)->key ? &parent->left
									: &parent->right;
	}
	rb_link_node(&it->rb, parent, link);
	rb_insert_color(&it->rb, root);
}

/* Is the tree, walked both ways, the set of items that are in, in order? */
static void expect_same(struct rb_root *root, const struct item *items)
{
	long n = 0, walked = 0;
	unsigned long last = 0;

	for (int i = 0; i < NR; i++)
		n += items[i].in;
	h_assert_eq(rb_check(root), n);
	for (struct rb_node *rb = rb_first(root); rb; rb = rb_next(rb), walked++) {
		h_expect(rb_entry(rb, struct item, rb)->key >= last);
		last = rb_entry(rb, struct item, rb)->key;
		h_expect(rb_entry(rb, struct item, rb)->in);
	}
	h_expect_eq(walked, n);
	for (struct rb_node *rb = rb_last(root); rb; rb = rb_prev(rb))
		walked--;
	h_expect_eq(walked, 0);
}

HTEST(rbtree_model)
{
	static struct item items[NR];
	struct rb_root root = RB_ROOT;
	struct rng rng;

	rng_init(&rng, htest_seed());
	for (int step = 0; step < 40000; step++) {
		struct item *it = &items[rng_below(&rng, NR)];
		bool growing = step / 2000 % 2 == 0;

		if (!it->in && rng_chance(&rng, growing ? 90 : 20)) {
			it->key = rng_below(&rng, NR); /* equal keys occur */
			insert(&root, it);
			it->in = true;
		} else if (it->in && rng_chance(&rng, growing ? 20 : 90)) {
			rb_erase(&it->rb, &root);
			it->in = false;
		}
		if (step % 16 == 0)
			expect_same(&root, items);
	}
	expect_same(&root, items);
}

HTEST(rbtree_replace)
{
	static struct item items[NR];
	struct rb_root root = RB_ROOT;
	struct item fresh;

	for (int i = 0; i < NR; i++) {
		items[i].key = i;
		insert(&root, &items[i]);
	}
	for (int i = 0; i < NR; i++) {
		fresh.key = items[i].key;
		rb_replace_node(&items[i].rb, &fresh.rb, &root);
		h_assert_eq(rb_check(&root), NR);
		rb_replace_node(&fresh.rb, &items[i].rb, &root);
	}
	h_expect_eq(rb_check(&root), NR);
}

HTEST(rbtree_check_sees_damage)
{
	static struct item items[NR];
	struct rb_root root = RB_ROOT;
	int damaged = 0;

	for (int i = 0; i < NR; i++) {
		items[i].key = i;
		insert(&root, &items[i]);
	}
	for (int i = 0; i < NR; i++) {
		items[i].rb.parent_color ^= 1; /* one wrong colour anywhere */
		damaged += rb_check(&root) == -1;
		items[i].rb.parent_color ^= 1;
	}
	h_expect_eq(damaged, NR);
	h_expect_eq(rb_check(&root), NR);
}

struct span {
	struct interval_tree_node node;
	bool in;
};

static void expect_overlaps(struct rb_root *root, const struct span *spans, unsigned long start,
			    unsigned long last)
{
	struct interval_tree_node *node;
	unsigned long prev = 0;
	int expected = 0, found = 0;

	for (int i = 0; i < NR; i++)
		expected +=
			spans[i].in && spans[i].node.start <= last && spans[i].node.last >= start;
	interval_tree_for_each(node, root, start, last) {
		h_expect(node->start <= last && node->last >= start);
		h_expect(node->start >= prev);
		prev = node->start;
		found++;
	}
	h_expect_eq(found, expected);
}

HTEST(interval_tree_model)
{
	static struct span spans[NR];
	struct rb_root root = RB_ROOT;
	struct rng rng;
	long n = 0;

	rng_init(&rng, htest_seed());
	for (int step = 0; step < 20000; step++) {
		struct span *s = &spans[rng_below(&rng, NR)];
		struct span *other = &spans[rng_below(&rng, NR)];
		unsigned long start = rng_below(&rng, 1000), len = 1UL << rng_below(&rng, 10);

		if (s->in) {
			interval_tree_remove(&s->node, &root);
		} else if (other->in) {
			s->node.start = other->node.start;
			s->node.last = s->node.start + rng_below(&rng, len);
			interval_tree_insert_after(&s->node, &other->node, &root);
			h_expect(rb_next(&other->node.rb) == &s->node.rb);
		} else {
			s->node.start = start;
			s->node.last = start + rng_below(&rng, len);
			interval_tree_insert(&s->node, &root);
		}
		s->in = !s->in;
		n += s->in ? 1 : -1;
		if (step % 8 == 0) {
			h_assert_eq(interval_tree_check(&root), n);
			start = rng_below(&rng, 1100);
			expect_overlaps(&root, spans, start, start + rng_below(&rng, 200));
		}
	}
	expect_overlaps(&root, spans, 0, ~0UL);
}

HTEST(bit_arithmetic)
{
	unsigned bit, seen = 0;

	for (unsigned i = 0; i < 64; i++) {
		h_expect_eq(__ffs(BIT(i)), i);
		h_expect_eq(__fls(BIT(i) | 1), i);
		h_expect_eq(ilog2(BIT(i)), i);
		h_expect(is_power_of_2(BIT(i)));
		h_expect_eq(GENMASK(i, 0), i == 63 ? ~0UL : BIT(i + 1) - 1);
		h_expect_eq(hweight64(GENMASK(63, i)), 64 - i);
	}
	h_expect(!is_power_of_2(0) && !is_power_of_2(6));
	h_expect_eq(roundup_pow_of_two(0), 1);
	h_expect_eq(roundup_pow_of_two(1), 1);
	h_expect_eq(roundup_pow_of_two(5), 8);
	h_expect_eq(roundup_pow_of_two(BIT(40)), BIT(40));
	for_each_set_bit(bit, BIT(3) | BIT(17) | BIT(63))
		seen = seen * 64 + bit;
	h_expect_eq(seen, (3 * 64 + 17) * 64 + 63);
}
