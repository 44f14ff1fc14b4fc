/*
 * interval_tree.h - intervals [start, last] ordered by start; finds all that overlap a range.
 *
 * Owns: an rbtree in which each node knows the greatest `last` of its subtree. Several intervals
 *       may be equal.
 * Not here: memory and locks; what the numbers mean (page offsets for i_mmap and anon_vma).
 */
#ifndef KERNEL_BASE_INTERVAL_TREE_H
#define KERNEL_BASE_INTERVAL_TREE_H

#include "kernel/base/rbtree.h"

struct interval_tree_node {
	struct rb_node rb;
	unsigned long start;	    /* first value inside; unchanged while on the tree */
	unsigned long last;	    /* last value inside, >= start; unchanged while on the tree */
	unsigned long subtree_last; /* greatest last below and here */
};

void interval_tree_insert(struct interval_tree_node *node, struct rb_root *root);

/* Right behind @prev, which is on the tree and starts where @node does: no search. */
void interval_tree_insert_after(struct interval_tree_node *node, struct interval_tree_node *prev,
				struct rb_root *root);
void interval_tree_remove(struct interval_tree_node *node, struct rb_root *root);

/* First interval (lowest start) that has a value in [@start, @last], or NULL. O(log n). */
struct interval_tree_node *interval_tree_iter_first(const struct rb_root *root, unsigned long start,
						    unsigned long last);

/* The next one after @node that has a value in [@start, @last], or NULL. */
struct interval_tree_node *interval_tree_iter_next(const struct interval_tree_node *node,
						   unsigned long start, unsigned long last);

/* Number of intervals, or -1 if order, balance or subtree data are wrong. */
long interval_tree_check(const struct rb_root *root);

#define interval_tree_for_each(node, root, start, last)                                            \
	for ((node) = interval_tree_iter_first(root, start, last); (node);                         \
	     (node) = interval_tree_iter_next(node, start, last))

#endif
