/*
 * test_list.c - lists against arrays.
 */
#include "tests/host/htest.h"

#include "kernel/base/list.h"
#include "kernel/core/random.h"

struct item {
	struct list_head node;
	struct hlist_node hash;
	int key;
};

#define NR 40

/* Does @head hold exactly keys[0..n-1], walked both ways? */
static void expect_keys(struct list_head *head, const int *keys, int n)
{
	struct item *it;
	int i = 0;

	list_for_each_entry(it, head, node) {
		h_assert(i < n);
		h_expect_eq(it->key, keys[i]);
		i++;
	}
	h_assert_eq(i, n);
	list_for_each_entry_reverse(it, head, node)
		h_expect_eq(it->key, keys[--i]);
	h_expect_eq(i, 0);
	h_expect_eq(list_count(head), n);
}

static int take(int *keys, int *n, int at)
{
	int key = keys[at];

	memmove(keys + at, keys + at + 1, (*n - at - 1) * sizeof(*keys));
	(*n)--;
	return key;
}

static void put(int *keys, int *n, int at, int key)
{
	memmove(keys + at + 1, keys + at, (*n - at) * sizeof(*keys));
	keys[at] = key;
	(*n)++;
}

HTEST(list_model)
{
	struct item items[NR];
	bool listed[NR] = { false };
	int keys[NR], n = 0;
	LIST_HEAD(head);
	struct rng rng;

	rng_init(&rng, htest_seed());
	for (int step = 0; step < 20000; step++) {
		int k = rng_below(&rng, NR), at = 0;
		bool back = rng_chance(&rng, 50);

		items[k].key = k;
		if (!listed[k]) {
			(back ? list_add_tail : list_add)(&items[k].node, &head);
			put(keys, &n, back ? n : 0, k);
			listed[k] = true;
			continue;
		}
		while (keys[at] != k)
			at++;
		take(keys, &n, at);
		if (rng_chance(&rng, 60)) {
			list_del(&items[k].node);
			h_expect(items[k].node.next == LIST_POISON_NEXT);
			listed[k] = false;
		} else {
			(back ? list_move_tail : list_move)(&items[k].node, &head);
			put(keys, &n, back ? n : 0, k);
		}
		if (step % 64 == 0)
			expect_keys(&head, keys, n);
	}
	expect_keys(&head, keys, n);
}

HTEST(list_splice_and_replace)
{
	struct item it[6];
	LIST_HEAD(a);
	LIST_HEAD(b);

	for (int i = 0; i < 6; i++)
		it[i].key = i;
	list_splice_init(&a, &b);
	h_expect(list_empty(&b));
	list_add_tail(&it[0].node, &a);
	h_expect(list_is_singular(&a));
	list_add_tail(&it[1].node, &a);
	h_expect(list_is_last(&it[1].node, &a));
	list_add_tail(&it[2].node, &b);
	list_add_tail(&it[3].node, &b);
	list_splice_init(&b, &a);
	h_expect(list_empty(&b));
	expect_keys(&a, (int[]){ 2, 3, 0, 1 }, 4);
	list_add_tail(&it[4].node, &b);
	list_splice_tail_init(&b, &a);
	expect_keys(&a, (int[]){ 2, 3, 0, 1, 4 }, 5);
	list_replace(&it[3].node, &it[5].node);
	expect_keys(&a, (int[]){ 2, 5, 0, 1, 4 }, 5);
	list_del_init(&it[0].node);
	h_expect(list_empty(&it[0].node));
	h_expect(list_first_entry_or_null(&b, struct item, node) == NULL);
	h_expect(list_first_entry_or_null(&a, struct item, node) == &it[2]);
}

HTEST(hlist)
{
	struct hlist_head head = HLIST_HEAD_INIT;
	struct item it[3], *pos;
	int seen = 0;

	for (int i = 0; i < 3; i++) {
		it[i].key = i;
		INIT_HLIST_NODE(&it[i].hash);
		hlist_del_init(&it[i].hash);
		hlist_add_head(&it[i].hash, &head);
	}
	hlist_del_init(&it[1].hash);
	h_expect(hlist_unhashed(&it[1].hash));
	hlist_for_each_entry(pos, &head, hash)
		seen = seen * 10 + pos->key + 1;
	h_expect_eq(seen, 31);
	hlist_del_init(&it[2].hash);
	hlist_del_init(&it[0].hash);
	h_expect(hlist_empty(&head));
}
