/*
 * maple_dump.c - print a tree, for people.
 *
 * One line per node, indented by level, and one per entry. Output goes through the caller's
 * function; nothing is changed and nothing allocated.
 */
#include "mm/maple_internal.h"

struct dump {
	mt_print_fn out;
	void *arg;
};

static const char *kind_name(enum maple_kind kind)
{
	switch (kind) {
	case MAPLE_INNER: return "inner";
	case MAPLE_PAGES: return "leaf/pages";
	case MAPLE_UNITS: return "leaf/units";
	case MAPLE_WIDE: return "leaf/wide";
	}
	return "?";
}

static void dump_leaf(const struct dump *d, struct maple_enode *e, int indent)
{
	struct maple_leaf *leaf = mte_leaf(e);
	enum maple_kind kind = mte_kind(e);

	for (unsigned int i = 0; i < leaf->h.n; i++)
		d->out(d->arg, "%*s%#lx-%#lx: %p\n", indent, "", leaf_first(leaf, kind, i),
		       leaf_last(leaf, kind, i), leaf_slots(leaf, kind)[i]);
}

static void dump_node(const struct dump *d, struct maple_enode *e, unsigned long min,
		      unsigned long max, int indent)
{
	const struct maple_header *h = &mte_leaf(e)->h;

	d->out(d->arg, "%*s%s %p n %u, %#lx-%#lx%s\n", indent, "", kind_name(mte_kind(e)),
	       (void *)mte_node(e), h->n, min, max, mte_is_leaf(e) && h->dead ? ", DEAD" : "");
	if (mte_is_leaf(e)) {
		dump_leaf(d, e, indent + 2);
		return;
	}
	for (unsigned int i = 0; i < h->n; i++) {
		const struct maple_inner *node = mte_inner(e);
		unsigned long end = i + 1 < h->n ? node->pivot[i] : max;

		d->out(d->arg, "%*s[%u] gap %#x\n", indent, "", i, node->gap[i]);
		dump_node(d, node->slot[i], min, end, indent + 2);
		min = end + 1;
	}
}

void mt_dump(struct maple_tree *mt, mt_print_fn out, void *arg)
{
	const struct dump d = {out, arg};

	out(arg, "maple tree %p flags %#x height %u root %p\n", (void *)mt, mt->ma_flags,
	    mt_height(mt), mt->ma_root);
	if (mt_root_is_node(mt->ma_root))
		dump_node(&d, mt->ma_root, 0, ~0UL, 0);
	else if (mt->ma_root)
		out(arg, "0-0: %p\n", mt->ma_root);
}
