/*
 * maple_path.c - the writer's way from the root to a leaf, and what it changes along it.
 *
 * Owns: walking with a record, stepping to a neighbour on any level, gaps and pivots on the way
 *   up.
 * Not here: readers, who keep no path (maple_walk.c).
 * Invariant: a path is valid until the next structural change by the same writer.
 */
#include "mm/maple_internal.h"

void path_walk(struct maple_path *path, const struct maple_tree *mt, unsigned long index)
{
	path_walk_inline(path, mt, index);
}

/* Is there a node to the left of the path's on @level, under any parent? */
bool path_has_left(const struct maple_path *path, unsigned int level)
{
	for (; level < path->levels; level++) {
		if (path->slot[level])
			return true;
	}
	return false;
}

bool path_has_right(const struct maple_path *path, unsigned int level)
{
	for (; level < path->levels; level++) {
		if (path->slot[level] + 1 < path->node[level]->h.n)
			return true;
	}
	return false;
}

/* Take the path down from @from to the node on @level, always the @right-most or left-most way. */
static void path_descend(struct maple_path *path, unsigned int from, unsigned int level, bool right)
{
	struct maple_enode *e = path->node[from]->slot[path->slot[from]];

	while (from-- > level) {
		struct maple_inner *node = mte_inner(e);

		path->node[from] = node;
		path->slot[from] = right ? node->h.n - 1 : 0;
		e = node->slot[path->slot[from]];
	}
	if (!level)
		path->leaf = e;
	else
		path->node[level - 1] = mte_inner(e);
}

/* Move the path to the left neighbour on @level, which exists. Levels below @level turn invalid. */
void path_step_left(struct maple_path *path, unsigned int level)
{
	unsigned int up = level;

	while (!path->slot[up])
		up++;
	path->slot[up]--;
	path_descend(path, up, level, true);
}

void path_step_right(struct maple_path *path, unsigned int level)
{
	unsigned int up = level;

	while (path->slot[up] + 1 == path->node[up]->h.n)
		up++;
	path->slot[up]++;
	path_descend(path, up, level, false);
}

/* Last key that the path's node on @level covers. */
unsigned long path_end(const struct maple_path *path, unsigned int level)
{
	for (; level < path->levels; level++) {
		if (path->slot[level] + 1 < path->node[level]->h.n)
			return path->node[level]->pivot[path->slot[level]];
	}
	return ~0UL;
}

/*
 * path_move_end - the node on @level now ends at @end.
 *
 * One pivot says so: that of the lowest ancestor in which the path does not take the last child.
 * Readers may look at it, so the keys it moves over are free, before and after.
 */
void path_move_end(struct maple_path *path, unsigned int level, unsigned long end)
{
	for (; level < path->levels; level++) {
		struct maple_inner *node = path->node[level];
		unsigned int slot = path->slot[level];

		if (slot + 1 < node->h.n) {
			WRITE_ONCE_NOPOINT(node->pivot[slot], end);
			return;
		}
	}
}

u32 inner_max_gap(const struct maple_inner *node)
{
	u32 most = 0;

	for (unsigned int i = 0; i < node->h.n; i++)
		most = max(most, node->gap[i]);
	return most;
}

/*
 * path_set_gap - the largest gap below the path's node on @level is now @code.
 *
 * Goes up while a maximum changes. A node's own maximum before the change stands in its parent;
 * only when that one shrinks must the node be looked through.
 */
void path_set_gap(struct maple_path *path, unsigned int level, u32 code)
{
	for (; level < path->levels; level++) {
		struct maple_inner *node = path->node[level];
		u32 old = node->gap[path->slot[level]];
		u32 most;

		if (old == code)
			return;
		node->gap[path->slot[level]] = code;
		if (level + 1 == path->levels)
			return;
		most = path->node[level + 1]->gap[path->slot[level + 1]];
		if (code > old)
			code = max(most, code);
		else if (old == most)
			code = inner_max_gap(node);
		else
			return;
	}
}
