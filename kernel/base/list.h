/*
 * list.h - circular doubly linked lists, and singly headed ones, whose nodes live inside the
 * objects.
 *
 * Owns: the links only; never the objects. No allocation, no locks: the caller's lock guards the
 *       whole list.
 * Invariant: a node is either on exactly one list, or initialised (points at itself), or deleted
 *       (LIST_POISON),
 *            so that deleting twice or using a deleted node faults at an address that says so.
 */
#ifndef KERNEL_BASE_LIST_H
#define KERNEL_BASE_LIST_H

#include "kernel/base/compiler.h"

struct list_head {
	struct list_head *next, *prev;
};

/* Not canonical: any use of a deleted node's links traps. */
#define LIST_POISON_NEXT ((struct list_head *)0xdead000000000100UL)
#define LIST_POISON_PREV ((struct list_head *)0xdead000000000122UL)

#define LIST_HEAD_INIT(name) { &(name), &(name) }
#define LIST_HEAD(name)	     struct list_head name = LIST_HEAD_INIT(name)

static inline void INIT_LIST_HEAD(struct list_head *head)
{
	head->next = head;
	head->prev = head;
}

static inline bool list_empty(const struct list_head *head)
{
	return head->next == head;
}

static inline bool list_is_singular(const struct list_head *head)
{
	return !list_empty(head) && head->next == head->prev;
}

static inline bool list_is_last(const struct list_head *node, const struct list_head *head)
{
	return node->next == head;
}

static inline void list_insert_between(struct list_head *node, struct list_head *prev,
				       struct list_head *next)
{
	node->prev = prev;
	node->next = next;
	next->prev = node;
	prev->next = node;
}

/* @node becomes the first / the last of @head. */
static inline void list_add(struct list_head *node, struct list_head *head)
{
	list_insert_between(node, head, head->next);
}

static inline void list_add_tail(struct list_head *node, struct list_head *head)
{
	list_insert_between(node, head->prev, head);
}

static inline void list_unlink(struct list_head *node)
{
	node->next->prev = node->prev;
	node->prev->next = node->next;
}

/* Takes @node off its list and poisons it. */
static inline void list_del(struct list_head *node)
{
	list_unlink(node);
	node->next = LIST_POISON_NEXT;
	node->prev = LIST_POISON_PREV;
}

/* Takes @node off its list; list_empty(@node) is then true. */
static inline void list_del_init(struct list_head *node)
{
	list_unlink(node);
	INIT_LIST_HEAD(node);
}

/* Puts @fresh where @old is; @old is poisoned. */
static inline void list_replace(struct list_head *old, struct list_head *fresh)
{
	list_insert_between(fresh, old->prev, old->next);
	old->next = LIST_POISON_NEXT;
	old->prev = LIST_POISON_PREV;
}

static inline void list_move(struct list_head *node, struct list_head *head)
{
	list_unlink(node);
	list_add(node, head);
}

static inline void list_move_tail(struct list_head *node, struct list_head *head)
{
	list_unlink(node);
	list_add_tail(node, head);
}

/* Moves all of @list to the front / the back of @head and leaves @list empty. */
static inline void list_splice_init(struct list_head *list, struct list_head *head)
{
	if (list_empty(list))
		return;
	list->prev->next = head->next;
	head->next->prev = list->prev;
	list->next->prev = head;
	head->next = list->next;
	INIT_LIST_HEAD(list);
}

static inline void list_splice_tail_init(struct list_head *list, struct list_head *head)
{
	if (list_empty(list))
		return;
	list->next->prev = head->prev;
	head->prev->next = list->next;
	list->prev->next = head;
	head->prev = list->prev;
	INIT_LIST_HEAD(list);
}

/* Nodes on the list; walks it. */
static inline unsigned long list_count(const struct list_head *head)
{
	unsigned long n = 0;

	for (const struct list_head *node = head->next; node != head; node = node->next)
		n++;
	return n;
}

#define list_entry(node, type, member)	     container_of(node, type, member)
#define list_first_entry(head, type, member) list_entry((head)->next, type, member)
#define list_last_entry(head, type, member)  list_entry((head)->prev, type, member)
#define list_first_entry_or_null(head, type, member)                                               \
	(list_empty(head) ? NULL : list_first_entry(head, type, member))
/*
 * The node of @pos by arithmetic, not by access: at the end of a walk @pos is made from the head
 * and is no object of its type, perhaps not even aligned like one.
 */
#define list_node_of(pos, member)                                                                  \
	((struct list_head *)((char *)(pos) + offsetof(__typeof__(*(pos)), member)))
#define list_next_entry(pos, member)                                                               \
	list_entry(list_node_of(pos, member)->next, __typeof__(*(pos)), member)
#define list_prev_entry(pos, member)                                                               \
	list_entry(list_node_of(pos, member)->prev, __typeof__(*(pos)), member)

#define list_for_each(node, head)                                                                  \
	for ((node) = (head)->next; (node) != (head); (node) = (node)->next)
#define list_for_each_safe(node, tmp, head)                                                        \
	for ((node) = (head)->next, (tmp) = (node)->next; (node) != (head);                        \
	     (node) = (tmp), (tmp) = (node)->next)

#define list_for_each_entry(pos, head, member)                                                     \
	for ((pos) = list_first_entry(head, __typeof__(*(pos)), member);                           \
	     list_node_of(pos, member) != (head); (pos) = list_next_entry(pos, member))
#define list_for_each_entry_reverse(pos, head, member)                                             \
	for ((pos) = list_last_entry(head, __typeof__(*(pos)), member);                            \
	     list_node_of(pos, member) != (head); (pos) = list_prev_entry(pos, member))
/* The body may delete @pos; @tmp is the next one. */
#define list_for_each_entry_safe(pos, tmp, head, member)                 \
	for ((pos) = list_first_entry(head, __typeof__(*(pos)), member), \
	    (tmp) = list_next_entry(pos, member);                        \
	     list_node_of(pos, member) != (head);                        \
	     (pos) = (tmp), (tmp) = list_next_entry(tmp, member))

/*
 * A list with a one-pointer head, for hash buckets: @pprev points at whatever points at the node.
 */
struct hlist_head {
	struct hlist_node *first;
};

struct hlist_node {
	struct hlist_node *next, **pprev;
};

#define HLIST_HEAD_INIT { NULL }

static inline void INIT_HLIST_NODE(struct hlist_node *node)
{
	node->next = NULL;
	node->pprev = NULL;
}

static inline bool hlist_unhashed(const struct hlist_node *node)
{
	return node->pprev == NULL;
}

static inline bool hlist_empty(const struct hlist_head *head)
{
	return head->first == NULL;
}

static inline void hlist_add_head(struct hlist_node *node, struct hlist_head *head)
{
	node->next = head->first;
	if (head->first)
		head->first->pprev = &node->next;
	head->first = node;
	node->pprev = &head->first;
}

/* Takes @node off; harmless when it is on no list. */
static inline void hlist_del_init(struct hlist_node *node)
{
	if (hlist_unhashed(node))
		return;
	*node->pprev = node->next;
	if (node->next)
		node->next->pprev = node->pprev;
	INIT_HLIST_NODE(node);
}

#define hlist_entry(node, type, member) container_of(node, type, member)
#define hlist_entry_safe(node, type, member)                                                       \
	((node) ? hlist_entry(node, type, member) : (type *)NULL)
#define hlist_for_each_entry(pos, head, member)                                                    \
	for ((pos) = hlist_entry_safe((head)->first, __typeof__(*(pos)), member); (pos);           \
	     (pos) = hlist_entry_safe((pos)->member.next, __typeof__(*(pos)), member))

#endif
