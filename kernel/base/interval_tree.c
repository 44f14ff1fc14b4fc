/*
 * interval_tree.c - search by overlap in a tree ordered by start.
 *
 * Idea: an overlap with [start, last] needs node->last >= start and node->start <= last. Subtrees
 *       whose greatest last lies below start are never entered; the order by start ends the walk on
 *       the other side.
 */
#include "kernel/base/interval_tree.h"

static struct interval_tree_node *node_of(const struct rb_node *rb)
{
	return rb_entry_safe(rb, struct interval_tree_node, rb);
}

static unsigned long computed_last(const struct interval_tree_node *node)
{
	unsigned long last = node->last;

	if (node->rb.left)
		last = max(last, node_of(node->rb.left)->subtree_last);
	if (node->rb.right)
		last = max(last, node_of(node->rb.right)->subtree_last);
	return last;
}

static bool update(struct rb_node *rb)
{
	struct interval_tree_node *node = node_of(rb);
	unsigned long before = node->subtree_last;

	node->subtree_last = computed_last(node);
	return node->subtree_last != before;
}

/* At @link, an empty place below @parent. */
static void insert_at(struct interval_tree_node *node, struct rb_node *parent,
		      struct rb_node **link, struct rb_root *root)
{
	node->subtree_last = node->last;
	rb_link_node(&node->rb, parent, link);
	rb_insert_augmented(&node->rb, root, update);
}

void interval_tree_insert(struct interval_tree_node *node, struct rb_root *root)
{
	struct rb_node **link = &root->node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = node->start < node_of(parent)->start ? &parent->left : &parent->right;
	}
	insert_at(node, parent, link, root);
}

void interval_tree_insert_after(struct interval_tree_node *node, struct interval_tree_node *prev,
				struct rb_root *root)
{
	struct rb_node *parent = &prev->rb, **link = &parent->right;

	while (*link) {
		parent = *link;
		link = &parent->left;
	}
	insert_at(node, parent, link, root);
}

void interval_tree_remove(struct interval_tree_node *node, struct rb_root *root)
{
	rb_erase_augmented(&node->rb, root, update);
}

/* The lowest-starting overlap within the subtree of @rb, or NULL. */
static struct interval_tree_node *first_below(const struct rb_node *rb, unsigned long start,
					      unsigned long last)
{
	while (rb) {
		struct interval_tree_node *node = node_of(rb);
		struct interval_tree_node *left = node_of(rb->left);

		if (left && left->subtree_last >= start) {
			/*
			 * Some interval on the left ends at or after @start; if none there
			 * overlaps, all start later.
			 */
			rb = rb->left;
			continue;
		}
		if (node->start > last)
			return NULL;
		if (node->last >= start)
			return node;
		rb = rb->right;
	}
	return NULL;
}

struct interval_tree_node *interval_tree_iter_first(const struct rb_root *root, unsigned long start,
						    unsigned long last)
{
	if (!root->node || node_of(root->node)->subtree_last < start)
		return NULL;
	return first_below(root->node, start, last);
}

struct interval_tree_node *interval_tree_iter_next(const struct interval_tree_node *node,
						   unsigned long start, unsigned long last)
{
	const struct rb_node *rb = &node->rb;

	for (;;) {
		const struct rb_node *right = rb->right;
		const struct rb_node *parent;

		if (right && node_of(right)->subtree_last >= start)
			return first_below(right, start, last);
		/* Up to the first ancestor that follows in order. */
		for (parent = rb_parent(rb); parent && parent->right == rb; parent = rb_parent(rb))
			rb = parent;
		if (!parent || node_of(parent)->start > last)
			return NULL;
		if (node_of(parent)->last >= start)
			return node_of(parent);
		rb = parent;
	}
}

long interval_tree_check(const struct rb_root *root)
{
	const struct interval_tree_node *prev = NULL;

	for (const struct rb_node *rb = rb_first(root); rb; rb = rb_next(rb)) {
		const struct interval_tree_node *node = node_of(rb);

		if (node->start > node->last || node->subtree_last != computed_last(node))
			return -1;
		if (prev && prev->start > node->start)
			return -1;
		prev = node;
	}
	return rb_check(root);
}
