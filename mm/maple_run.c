/*
 * maple_run.c - a row of elements taken from several nodes, dealt out to new ones.
 *
 * Owns: the run: what goes into the new nodes of one level, which kind of leaf holds it.
 * Not here: which elements, and how many to a node (maple_rebuild.c, maple_wr.c).
 * Idea: a write keeps the outer parts of the old nodes and puts its own few elements between.
 *   The run names these stretches; taking from it copies them straight into the new nodes.
 */
#include "mm/maple_write.h"

/* run_add - elements [@from, @to) of @node, or of the write's own if @node is NULL, come next. */
void run_add(struct maple_run *run, struct maple_enode *node, unsigned int from, unsigned int to,
	     unsigned long end)
{
	if (from == to)
		return;
	run->item[run->nr_items++] = (struct maple_item){
		.node = node,
		.from = from,
		.n = to - from,
		.end = end,
	};
	run->total += to - from;
}

/* run_of_leaf - what the leaf of a write that stays in one leaf will hold. */
void run_of_leaf(struct maple_run *run, const struct maple_wr *wr)
{
	run_start(run);
	run->range = wr->mid;
	run_add(run, wr->l.leaf, 0, wr->a, 0);
	run_add(run, NULL, 0, wr->nr_mid, 0);
	run_add(run, wr->l.leaf, wr->b, mte_leaf(wr->l.leaf)->h.n, 0);
}

static struct maple_range item_range(const struct maple_run *run, const struct maple_item *item,
				     unsigned int i)
{
	enum maple_kind kind;
	struct maple_leaf *leaf;

	i += item->from;
	if (!item->node)
		return run->range[i];
	kind = mte_kind(item->node);
	leaf = mte_leaf(item->node);
	return (struct maple_range){
		.first = leaf_first(leaf, kind, i),
		.last = leaf_last(leaf, kind, i),
		.entry = leaf_slots(leaf, kind)[i],
	};
}

/* run_kind - the smallest form that holds the next @n elements. */
enum maple_kind run_kind(const struct maple_run *run, unsigned int n)
{
	bool pages = true, units = true;

	for (unsigned int i = run->cur; n; i++) {
		const struct maple_item *item = &run->item[i];

		for (unsigned int j = 0; j < item->n && n; j++, n--) {
			struct maple_range range = item_range(run, item, j);

			pages = pages && word_fits(range.first, range.last, MAPLE_PAGES);
			units = units && word_fits(range.first, range.last, MAPLE_UNITS);
		}
	}
	if (pages)
		return MAPLE_PAGES;
	return units ? MAPLE_UNITS : MAPLE_WIDE;
}

/* The next stretch of at most @n elements, and step over it. */
static struct maple_item run_next(struct maple_run *run, unsigned int n)
{
	struct maple_item *item = &run->item[run->cur];
	struct maple_item part = *item;

	part.n = min(n, (unsigned int)item->n);
	item->from += part.n;
	item->n -= part.n;
	if (!item->n)
		run->cur++;
	return part;
}

/* run_take_leaf - the next @n elements become the entries of the new leaf @dst. */
void run_take_leaf(struct maple_run *run, struct maple_node *dst, enum maple_kind kind,
		   unsigned int n)
{
	unsigned int at = 0;

	while (at < n) {
		struct maple_item part = run_next(run, n - at);

		if (part.node) {
			leaf_copy(&dst->leaf, kind, at, mte_leaf(part.node), mte_kind(part.node),
				  part.from, part.n);
		} else {
			for (unsigned int i = 0; i < part.n; i++)
				leaf_put(&dst->leaf, kind, at + i, &run->range[part.from + i]);
		}
		at += part.n;
	}
}

static void inner_copy(struct maple_inner *dst, unsigned int at, const struct maple_item *part)
{
	struct maple_inner *src = mte_inner(part->node);
	unsigned int from = part->from, n = part->n;

	copy_words(&dst->pivot[at], &src->pivot[from], n);
	copy_words(&dst->slot[at], &src->slot[from], n);
	memcpy(&dst->gap[at], &src->gap[from], n * sizeof(dst->gap[0]));
	memset(&src->gap[from], 0xff, n * sizeof(src->gap[0]));
	if (from + n == src->h.n)
		dst->pivot[at + n - 1] = part->end;
}

/* run_take_inner - the next @n elements become the children of the new node @dst. */
void run_take_inner(struct maple_run *run, struct maple_node *dst, unsigned int n,
		    struct maple_child *result)
{
	struct maple_inner *node = &dst->inner;
	unsigned int at = 0;

	while (at < n) {
		struct maple_item part = run_next(run, n - at);

		if (part.node) {
			inner_copy(node, at, &part);
		} else {
			for (unsigned int i = 0; i < part.n; i++) {
				node->pivot[at + i] = run->child[part.from + i].end;
				node->slot[at + i] = run->child[part.from + i].node;
				node->gap[at + i] = run->child[part.from + i].gap;
			}
		}
		at += part.n;
	}
	result->end = node->pivot[n - 1];
	for (unsigned int i = n - 1; i < MAPLE_INNER_CAP; i++)
		node->pivot[i] = MAPLE_UNUSED;
	node->h.n = n;
	node->h.kind = MAPLE_INNER;
	node->h.dead = 0;
	result->node = mte_make(node, MAPLE_INNER);
	result->gap = inner_max_gap(node);
}
