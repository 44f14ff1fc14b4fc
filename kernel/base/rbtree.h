/*
 * rbtree.h - red-black trees whose nodes live inside the objects, with data per subtree if wanted.
 *
 * Owns: links, colours, balance. Not here: the order of keys (the caller descends and links),
 *       memory, locks.
 * Idea: the caller finds the place with its own comparison, rb_link_node()s the node there, and
 *       lets rb_insert_color() restore the balance. An augmented tree passes @update, which
 *       recomputes one node's subtree data from the node and its children; the tree calls it,
 *       bottom up, wherever a subtree changed, until that changes nothing. What a new node knows of
 *       itself alone the caller fills in before rb_insert_augmented().
 * Invariant: no red node has a red child; every path from a node down to a leaf passes equally many
 *       black nodes.
 */
#ifndef KERNEL_BASE_RBTREE_H
#define KERNEL_BASE_RBTREE_H

#include "kernel/base/compiler.h"

struct rb_node {
	unsigned long parent_color; /* parent's address; bit 0 set = black */
	struct rb_node *left, *right;
} __aligned(sizeof(long));

struct rb_root {
	struct rb_node *node;
};

/*
 * Recomputes what @node knows of its subtree; its children are already right. Returns: did it
 * change? NULL where a tree has no such data.
 */
typedef bool (*rb_update_t)(struct rb_node *node);

#define RB_ROOT (struct rb_root){ NULL }
#define rb_entry(ptr, type, member) container_of(ptr, type, member)
#define rb_entry_safe(ptr, type, member) ((ptr) ? rb_entry(ptr, type, member) : (type *)NULL)

static inline struct rb_node *rb_parent(const struct rb_node *node)
{
	return (struct rb_node *)(node->parent_color & ~1UL);
}

static inline bool RB_EMPTY_ROOT(const struct rb_root *root)
{
	return root->node == NULL;
}

/* A cleared node is on no tree and says so. */
static inline void RB_CLEAR_NODE(struct rb_node *node)
{
	node->parent_color = (unsigned long)node;
}

static inline bool RB_EMPTY_NODE(const struct rb_node *node)
{
	return node->parent_color == (unsigned long)node;
}

/*
 * Hangs @node, red, at @link, which is @parent's empty child pointer (or the root's). rb_insert_*()
 * must follow.
 */
static inline void rb_link_node(struct rb_node *node, struct rb_node *parent, struct rb_node **link)
{
	node->parent_color = (unsigned long)parent;
	node->left = NULL;
	node->right = NULL;
	*link = node;
}

/* Restores the balance after rb_link_node(@node). */
void rb_insert_augmented(struct rb_node *node, struct rb_root *root, rb_update_t update);

/* Takes @node out; its own fields are left as they were. */
void rb_erase_augmented(struct rb_node *node, struct rb_root *root, rb_update_t update);

/*
 * Puts @fresh in the place of @victim; their keys must be equal in order, and subtree data copied
 * by the caller.
 */
void rb_replace_node(struct rb_node *victim, struct rb_node *fresh, struct rb_root *root);

static inline void rb_insert_color(struct rb_node *node, struct rb_root *root)
{
	rb_insert_augmented(node, root, NULL);
}

static inline void rb_erase(struct rb_node *node, struct rb_root *root)
{
	rb_erase_augmented(node, root, NULL);
}

/* In key order; NULL at the end. */
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

/*
 * rb_check - is every invariant of the tree true?
 *
 * Returns: the number of nodes, or -1 if links, colours or black heights are wrong. For tests and
 *          debug checks.
 */
long rb_check(const struct rb_root *root);

#endif
