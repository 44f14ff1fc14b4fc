/*
 * maple_walk.c - from the root to the piece that holds a key.
 *
 * Owns: mtree_load, mas_walk, and how a state stands on a piece.
 * Not here: stepping from piece to piece (maple_iter.c), the writer's walk (maple_path.c).
 * Idea: a reader goes down once and never looks back. A node it reached was in the tree at some
 *   moment of the walk and keeps its contents while the reader is in its RCU section, so what it
 *   says was true at some moment too: no check on the way.
 */
#include "mm/maple_internal.h"

static __always_inline void *load(struct maple_tree *mt, unsigned long index)
{
	void *root = rcu_dereference(mt->ma_root), *entry = NULL;

	if (likely(mt_root_is_node(root))) {
		struct maple_enode *e = mt_descend(root, index);
		enum maple_kind kind = mte_kind(e);
		unsigned int place = leaf_find(mte_leaf(e), kind, index);

		if (place & 1)
			entry = leaf_entry(mte_leaf(e), kind, place / 2);
	} else if (!index) {
		entry = root;
	}
	return xa_is_zero(entry) ? NULL : entry;
}

void *mtree_load(struct maple_tree *mt, unsigned long index)
{
	void *entry;

	rcu_read_lock();
	entry = load(mt, index);
	rcu_read_unlock();
	return entry;
}

void *mtree_load_rcu(struct maple_tree *mt, unsigned long index)
{
	return load(mt, index);
}

/*
 * Where does the free range behind the last entry of leaf @e end, which holds @index and is not the
 * last leaf? A reader sees one only between two stores of a writer that shortens the leaf: it ends
 * where the pivots still say. If they lead elsewhere the leaf is not what to believe: @index - 1.
 */
static unsigned long trailing_end(struct maple_tree *mt, const struct maple_enode *e,
				  unsigned long index)
{
	struct maple_enode *at = rcu_dereference(mt->ma_root);
	unsigned long end = ~0UL;

	if (!mt_root_is_node(at))
		return index - 1;
	while (!mte_is_leaf(at)) {
		struct maple_inner *node = mte_inner(at);
		unsigned int i = inner_find(node, index);

		end = min(end, READ_ONCE_NOPOINT(node->pivot[i]));
		at = rcu_dereference(node->slot[i]);
	}
	return at == e ? end : index - 1;
}

/*
 * mas_stand - stand on @place of leaf @e; index and last become the piece.
 *
 * Returns: the entry there, NULL on a free range.
 * Beside a writer the piece may have moved since @place was found: who came with an index looks
 * whether it is still inside.
 */
void *mas_stand(struct ma_state *mas, struct maple_enode *e, unsigned int place)
{
	struct maple_leaf *leaf = mte_leaf(e);
	enum maple_kind kind = mte_kind(e);
	unsigned int i = place / 2;
	unsigned long first, last;

	mas->node = e;
	mas->offset = place;
	mas->status = ma_active;
	if (likely(place & 1)) {
		if (unlikely(kind == MAPLE_WIDE)) {
			mas->index = READ_ONCE_NOPOINT(leaf->start[i]);
			mas->last = READ_ONCE_NOPOINT(leaf->last[i]);
		} else {
			u64 word = READ_ONCE_NOPOINT(leaf->word[i]);

			mas->index = word_first(word, kind);
			mas->last = word_last(word, kind);
		}
		return leaf_entry(leaf, kind, i);
	}
	first = i ? leaf_last(leaf, kind, i - 1) + 1 : READ_ONCE_NOPOINT(leaf->h.min);
	if (i < leaf->h.n)
		last = leaf_first(leaf, kind, i) - 1;
	else
		last = leaf->h.is_last ? ~0UL : trailing_end(mas->tree, e, mas->index);
	mas->index = first;
	mas->last = last;
	return NULL;
}

/* A tree without nodes holds one piece that matters: [0, 0] or nothing. */
static void *mas_walk_rootless(struct ma_state *mas, void *root)
{
	mas->node = NULL;
	mas->last = ~0UL;
	if (root && !mas->index) {
		mas->last = 0;
		mas->status = ma_root;
		return root;
	}
	mas->index = root ? 1 : 0;
	mas->status = ma_none;
	return NULL;
}

/* mas_start_walk - stand on the piece that holds mas->index, coming from the root. */
void *mas_start_walk(struct ma_state *mas)
{
	unsigned long index = mas->index;
	struct maple_enode *e;
	void *entry, *root;

	do {
		mas->index = index;
		root = rcu_dereference(mas->tree->ma_root);
		if (unlikely(!mt_root_is_node(root)))
			return mas_walk_rootless(mas, root);
		e = mt_descend(root, index);
		entry = mas_stand(mas, e, leaf_find(mte_leaf(e), mte_kind(e), index));
		/* Again if the key changed hands between search and look. */
	} while (unlikely(index < mas->index || index > mas->last));
	return entry;
}

void *mas_walk(struct ma_state *mas)
{
	if (unlikely(mas_is_err(mas)))
		return NULL;
	return mas_start_walk(mas);
}

void mas_pause(struct ma_state *mas)
{
	mas->status = ma_pause;
	mas->node = NULL;
}
