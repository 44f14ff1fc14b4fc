/*
 * rbtree.c - balance of red-black trees.
 *
 * Idea: the textbook algorithm with parent pointers. After an insertion at most two rotations,
 *       after a removal at most three; everything else recolours on the way up. Subtree data: the
 *       path above the place that changed is recomputed once, before balancing, as far as it
 *       changes; a rotation then recomputes its two nodes, since above it nothing changed.
 */
#include "kernel/base/rbtree.h"

#define RB_BLACK 1UL

static bool is_black(const struct rb_node *node)
{
	return node == NULL || (node->parent_color & RB_BLACK);
}

static bool is_red(const struct rb_node *node)
{
	return !is_black(node);
}

static void set_parent(struct rb_node *node, struct rb_node *parent)
{
	node->parent_color = (unsigned long)parent | (node->parent_color & RB_BLACK);
}

static void set_black(struct rb_node *node)
{
	node->parent_color |= RB_BLACK;
}

static void set_red(struct rb_node *node)
{
	node->parent_color &= ~RB_BLACK;
}

static void copy_color(struct rb_node *to, const struct rb_node *from)
{
	to->parent_color = (to->parent_color & ~RB_BLACK) | (from->parent_color & RB_BLACK);
}

/* The pointer that holds @node: in its parent, or in the root. */
static struct rb_node **link_of(struct rb_node *node, struct rb_root *root)
{
	struct rb_node *parent = rb_parent(node);

	if (!parent)
		return &root->node;
	return parent->left == node ? &parent->left : &parent->right;
}

/* Something below @node changed: upwards, as far as anybody's data depend on it. */
static void propagate(struct rb_node *node, rb_update_t update)
{
	if (!update)
		return;
	while (node && update(node))
		node = rb_parent(node);
}

/*
 * @up, the child of @down on the side away from @to_left, takes @down's place; @down becomes its
 * child.
 */
static void rotate(struct rb_node *down, bool to_left, struct rb_root *root, rb_update_t update)
{
	struct rb_node *up = to_left ? down->right : down->left;
	struct rb_node *middle = to_left ? up->left : up->right;

	*link_of(down, root) = up;
	set_parent(up, rb_parent(down));
	set_parent(down, up);
	if (to_left) {
		up->left = down;
		down->right = middle;
	} else {
		up->right = down;
		down->left = middle;
	}
	if (middle)
		set_parent(middle, down);
	if (update) {
		update(down);
		update(up);
	}
}

/* @node and its parent are both red: repair. */
static noinline void rebalance_inserted(struct rb_node *node, struct rb_root *root,
					rb_update_t update)
{
	for (;;) {
		struct rb_node *parent = rb_parent(node);
		struct rb_node *grand, *uncle;
		bool left;

		if (is_black(parent))
			break;
		/* A red parent is not the root: there is a grandparent, and it is black. */
		grand = rb_parent(parent);
		left = grand->left == parent;
		uncle = left ? grand->right : grand->left;
		if (is_red(uncle)) {
			set_black(parent);
			set_black(uncle);
			set_red(grand);
			node = grand;
			continue;
		}
		/* Make the two reds lie in one line, then turn the black grandparent below them. */
		if ((left ? parent->right : parent->left) == node) {
			rotate(parent, left, root, update);
			parent = node;
		}
		set_black(parent);
		set_red(grand);
		rotate(grand, !left, root, update);
		break;
	}
	set_black(root->node);
}

void rb_insert_augmented(struct rb_node *node, struct rb_root *root, rb_update_t update)
{
	struct rb_node *parent = rb_parent(node);

	if (!parent) {
		set_black(node);
		return;
	}
	propagate(parent, update);
	if (is_red(parent))
		rebalance_inserted(node, root, update);
}

/*
 * The paths through @node, a child of @parent (NULL is a child as well), have one black node too
 * few: repair.
 */
static noinline void rebalance_erased(struct rb_node *node, struct rb_node *parent,
				      struct rb_root *root, rb_update_t update)
{
	while (node != root->node && is_black(node)) {
		bool left = parent->left == node;
		struct rb_node *sibling = left ? parent->right : parent->left;
		struct rb_node *near, *far;

		if (is_red(sibling)) {
			set_black(sibling);
			set_red(parent);
			rotate(parent, left, root, update);
			sibling = left ? parent->right : parent->left;
		}
		near = left ? sibling->left : sibling->right;
		far = left ? sibling->right : sibling->left;
		if (is_black(near) && is_black(far)) {
			set_red(sibling);
			node = parent;
			parent = rb_parent(node);
			continue;
		}
		if (is_black(far)) {
			set_black(near);
			set_red(sibling);
			rotate(sibling, !left, root, update);
			far = sibling;
			sibling = near;
		}
		copy_color(sibling, parent);
		set_black(parent);
		set_black(far);
		rotate(parent, left, root, update);
		node = root->node;
	}
	if (node)
		set_black(node);
}

/* @node, which has at most one child, leaves the tree; the child takes its place. */
static __always_inline void unlink_leafward(struct rb_node *node, struct rb_root *root,
					    rb_update_t update)
{
	struct rb_node *child = node->left ? node->left : node->right;
	struct rb_node *parent = rb_parent(node);

	*link_of(node, root) = child;
	if (child)
		set_parent(child, parent);
	propagate(parent, update);
	if (is_black(node))
		rebalance_erased(child, parent, root, update);
}

/*
 * Two children: the next node in order has at most one; it leaves its place and takes this one's.
 */
static noinline void erase_between(struct rb_node *node, struct rb_root *root, rb_update_t update)
{
	struct rb_node *next = rb_next(node);

	unlink_leafward(next, root, update);
	rb_replace_node(node, next, root);
	if (update) {
		/* What it knew was of its old place: whatever it knows now is news above. */
		update(next);
		propagate(rb_parent(next), update);
	}
}

void rb_erase_augmented(struct rb_node *node, struct rb_root *root, rb_update_t update)
{
	if (node->left && node->right)
		erase_between(node, root, update);
	else
		unlink_leafward(node, root, update);
}

void rb_replace_node(struct rb_node *victim, struct rb_node *fresh, struct rb_root *root)
{
	*link_of(victim, root) = fresh;
	*fresh = *victim;
	if (fresh->left)
		set_parent(fresh->left, fresh);
	if (fresh->right)
		set_parent(fresh->right, fresh);
}

struct rb_node *rb_first(const struct rb_root *root)
{
	struct rb_node *node = root->node;

	while (node && node->left)
		node = node->left;
	return node;
}

struct rb_node *rb_last(const struct rb_root *root)
{
	struct rb_node *node = root->node;

	while (node && node->right)
		node = node->right;
	return node;
}

struct rb_node *rb_next(const struct rb_node *node)
{
	struct rb_node *parent;

	if (node->right) {
		struct rb_node *next = node->right;

		while (next->left)
			next = next->left;
		return next;
	}
	for (parent = rb_parent(node); parent && parent->right == node; parent = rb_parent(node))
		node = parent;
	return parent;
}

struct rb_node *rb_prev(const struct rb_node *node)
{
	struct rb_node *parent;

	if (node->left) {
		struct rb_node *prev = node->left;

		while (prev->right)
			prev = prev->right;
		return prev;
	}
	for (parent = rb_parent(node); parent && parent->left == node; parent = rb_parent(node))
		node = parent;
	return parent;
}

/* Black nodes on the way from @node to the root, @node included. */
static unsigned black_depth(const struct rb_node *node)
{
	unsigned depth = 0;

	for (; node; node = rb_parent(node))
		depth += is_black(node);
	return depth;
}

static bool node_is_sound(const struct rb_node *node)
{
	if (node->left && rb_parent(node->left) != node)
		return false;
	if (node->right && rb_parent(node->right) != node)
		return false;
	return is_black(node) || (is_black(node->left) && is_black(node->right));
}

long rb_check(const struct rb_root *root)
{
	unsigned leaf_depth = 0;
	long n = 0;

	if (root->node && (rb_parent(root->node) || is_red(root->node)))
		return -1;
	for (const struct rb_node *node = rb_first(root); node; node = rb_next(node)) {
		n++;
		if (!node_is_sound(node))
			return -1;
		if (node->left && node->right)
			continue;
		if (leaf_depth == 0)
			leaf_depth = black_depth(node);
		if (black_depth(node) != leaf_depth)
			return -1;
	}
	return n;
}
