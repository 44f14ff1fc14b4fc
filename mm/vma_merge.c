/*
 * vma_merge.c - a range that gets new attributes joins the neighbours that have them already.
 *
 * Owns: which neighbours are alike, every case of merging, changing flags of part of a VMA.
 * Not here: splitting (vma.c).
 * Idea: whatever the case, one VMA grows over the range, and what it grows over shrinks by one end
 *       or vanishes. So a case is a struct vma_change, and all of them are carried out alike, with
 *       one store into the tree.
 *
 * P and N are alike with the range (*), M is the VMA that has it now; `.` is free.
 *
 *	  before         after      grows  shrinks  vanishes
 *	  PPP***NNN   -> PPPPPPPPP    P               M, N   M is the whole of *
 *	  PPP***xxx   -> PPPPPPxxx    P               M
 *	  xxx***NNN   -> xxxNNNNNN    N               M
 *	  PPP***MMM   -> PPPPPPMMM    P      M
 *	  MMM***NNN   -> MMMNNNNNN    N      M
 *	  PPP...NNN   -> PPPPPPPPP    P               N      * is free, or about to be overwritten
 *	  PPP...xxx   -> PPPPPPxxx    P
 *	  xxx...NNN   -> xxxNNNNNN    N
 *
 * Alike: equal flags and policies, the same file and userfault context or none, page offsets that
 * go on without a step, anon_vmas that may be one.
 */
#include "mm/vma.h"

#include <errno.h>
#include "kernel/core/bug.h"
#include "mm/anon_vma.h"
#include "mm/i_mmap.h"
#include "mm/mempolicy.h"
#include "mm/vma_internal.h"
#include "mm/vma_lock.h"

/* ---- rmap around a change ---- */

NO_LOCK_ANALYSIS struct vma_range vma_range_begin(struct vm_area_struct *a,
						  struct vm_area_struct *b)
{
	/* If both have one it is the same: they were mergeable. So is their file. */
	struct vma_range r = {
		.mapping = vma_mapping(a),
		.anon = a->anon_vma ? a->anon_vma
			: b	    ? b->anon_vma
				    : NULL,
	};

	if (r.mapping) {
		down_write(&r.mapping->i_mmap_rwsem);
		i_mmap_pre_update_vma(a);
		if (b)
			i_mmap_pre_update_vma(b);
	}
	if (r.anon) {
		anon_vma_lock_write(r.anon);
		anon_vma_interval_tree_pre_update_vma(a);
		if (b)
			anon_vma_interval_tree_pre_update_vma(b);
	}
	return r;
}

NO_LOCK_ANALYSIS void vma_range_end(struct vma_range locked, struct vm_area_struct *a,
				    struct vm_area_struct *b)
{
	if (locked.anon) {
		anon_vma_interval_tree_post_update_vma(a);
		if (b)
			anon_vma_interval_tree_post_update_vma(b);
		anon_vma_unlock_write(locked.anon);
	}
	if (locked.mapping) {
		i_mmap_post_update_vma(a);
		if (b)
			i_mmap_post_update_vma(b);
		up_write(&locked.mapping->i_mmap_rwsem);
	}
}

void vma_set_range(struct vm_area_struct *vma, unsigned long start, unsigned long end,
		   unsigned long pgoff)
{
	struct vma_range locked = vma_range_begin(vma, NULL);

	vma->vm_start = start;
	vma->vm_end = end;
	vma->vm_pgoff = pgoff;
	vma_range_end(locked, vma, NULL);
}

/* ---- alike or not ---- */

static bool anon_vma_alike(struct vm_area_struct *vma, struct anon_vma *anon,
			   struct vm_area_struct *owner)
{
	return is_mergeable_anon_vma(vma->anon_vma, anon, vma->anon_vma ? vma : owner);
}

/* Page offset that @vma has, or would have, at @addr. */
static unsigned long pgoff_at(const struct vm_area_struct *vma, unsigned long addr)
{
	return vma->vm_pgoff + ((long)(addr - vma->vm_start) >> PAGE_SHIFT);
}

static bool has_attributes(const struct vm_area_struct *vma, const struct vma_merge *m)
{
	return vma->vm_flags == m->flags && vma->vm_file == m->file &&
	       mpol_equal(vma->vm_policy, m->policy) &&
	       vma->vm_userfaultfd_ctx == m->userfault;
}

/* They may reach into the range, where the caller is about to unmap them. */
static bool can_merge_prev(const struct vma_merge *m)
{
	struct vm_area_struct *prev = m->prev;

	return prev && prev->vm_end >= m->start && has_attributes(prev, m) &&
	       pgoff_at(prev, m->start) == m->pgoff &&
	       anon_vma_alike(prev, m->anon_vma, m->middle);
}

static bool can_merge_next(const struct vma_merge *m)
{
	struct vm_area_struct *next = m->next;

	return next && next->vm_start <= m->end && has_attributes(next, m) &&
	       m->pgoff + ((m->end - m->start) >> PAGE_SHIFT) == pgoff_at(next, m->end) &&
	       anon_vma_alike(next, m->anon_vma, m->middle);
}

/* ---- the cases ---- */

/* The range joins the neighbour on the @left, on the @right, or both. */
static noinline void change_make(const struct vma_merge *m, bool left, bool right,
				 struct vma_change *c)
{
	struct vm_area_struct *middle = m->middle;

	if (left && right && !anon_vma_alike(m->prev, m->next->anon_vma, m->next))
		right = false;
	*c = (struct vma_change){
		.grows = left ? m->prev : m->next,
		.start = left ? m->prev->vm_start : m->start,
		.end = right ? m->next->vm_end : m->end,
		.pgoff = left ? m->prev->vm_pgoff : m->pgoff,
	};
	if (middle && m->start == middle->vm_start && m->end == middle->vm_end)
		c->vanishes[0] = middle;
	else
		c->shrinks = middle;
	if (left && right && m->prev != m->next)
		c->vanishes[1] = m->next;
}

bool vma_change_choose(const struct vma_merge *m, struct vma_change *c)
{
	struct vm_area_struct *middle = m->middle;
	bool left = (!middle || m->start == middle->vm_start) && can_merge_prev(m);
	bool right = (!middle || m->end == middle->vm_end) && can_merge_next(m);

	if (!left && !right)
		return false;
	change_make(m, left, right, c);
	return true;
}

/* ---- carrying one out ---- */

/* The VMA whose pages come to @c->grows, which has no anon_vma to find them by; NULL: none. */
static struct vm_area_struct *anon_vma_donor(const struct vma_change *c)
{
	struct vm_area_struct *const from[] = {c->shrinks, c->vanishes[0], c->vanishes[1]};

	for (unsigned i = 0; i < ARRAY_SIZE(from) && !c->grows->anon_vma; i++) {
		if (from[i] && from[i]->anon_vma)
			return from[i];
	}
	return NULL;
}

static void lock_all(const struct vma_change *c)
{
	vma_start_write(c->grows);
	if (c->shrinks)
		vma_start_write(c->shrinks);
	for (unsigned i = 0; i < ARRAY_SIZE(c->vanishes); i++) {
		if (c->vanishes[i])
			vma_start_write(c->vanishes[i]);
	}
}

int vma_change_store(struct vma_iterator *vmi, const struct vma_change *c)
{
	struct vm_area_struct *donor = anon_vma_donor(c);
	int err;

	/* Memory mapped over a part of the VMA that takes it: the tree has it already. */
	if (c->start == c->grows->vm_start && c->end == c->grows->vm_end)
		return 0;
	if (donor && anon_vma_clone(c->grows, donor))
		return -ENOMEM;
	lock_all(c);
	mas_set_range(&vmi->mas, c->start, c->end - 1);
	err = mas_store_gfp(&vmi->mas, c->grows, GFP_KERNEL_ACCOUNT);
	if (err && donor)
		unlink_anon_vmas(c->grows);
	return err;
}

static void set_ranges(const struct vma_change *c)
{
	struct vm_area_struct *vma = c->shrinks;

	if (vma && c->end < vma->vm_end) {
		vma->vm_pgoff += (c->end - vma->vm_start) >> PAGE_SHIFT;
		vma->vm_start = c->end;
	} else if (vma) {
		vma->vm_end = c->start;
	}
	c->grows->vm_start = c->start;
	c->grows->vm_end = c->end;
	c->grows->vm_pgoff = c->pgoff;
}

static void free_vanished(const struct vma_change *c)
{
	struct vm_area_struct *list = NULL;

	for (unsigned i = 0; i < ARRAY_SIZE(c->vanishes); i++) {
		struct vm_area_struct *vma = c->vanishes[i];

		if (!vma)
			continue;
		vma_mark_detached(vma);
		unlink_file_vma(vma);
		unlink_anon_vmas(vma);
		vma->vm_mm->map_count--;
		vma->next = list;
		list = vma;
	}
	vm_area_free_list(list);
}

void vma_change_commit(const struct vma_change *c)
{
	struct vma_range locked = vma_range_begin(c->grows, c->shrinks);

	set_ranges(c);
	vma_range_end(locked, c->grows, c->shrinks);
	free_vanished(c);
}

int vma_merge_range(struct vma_iterator *vmi, struct vma_merge *m, struct vm_area_struct **merged)
{
	struct vma_change change;
	int err = 0;

	*merged = NULL;
	if (vma_change_choose(m, &change)) {
		err = vma_change_store(vmi, &change);
		if (!err) {
			vma_change_commit(&change);
			*merged = change.grows;
		}
	}
	return err;
}

static int split_counted(struct vma_iterator *vmi, struct vm_area_struct *vma, unsigned long at,
			 bool new_below)
{
	if (vma->vm_mm->map_count >= (long)sysctl_max_map_count)
		return -ENOMEM;
	return vma_split(vmi, vma, at, new_below);
}

/* The part as it is now, for one attribute to be replaced. */
static inline struct vma_merge merge_of(const struct vma_part *part)
{
	struct vm_area_struct *vma = part->vma;

	return (struct vma_merge){
		.mm = vma->vm_mm,
		.prev = part->start == vma->vm_start ? part->prev : NULL,
		.middle = vma,
		.next = part->end == vma->vm_end ? vma_lookup(vma->vm_mm, part->end) : NULL,
		.start = part->start,
		.end = part->end,
		.pgoff = pgoff_at(vma, part->start),
		.flags = vma->vm_flags,
		.file = vma->vm_file,
		.policy = vma->vm_policy,
		.userfault = vma->vm_userfaultfd_ctx,
		.anon_vma = vma->anon_vma,
	};
}

/* @part->vma becomes the one that holds what @m says, by merging, or else exactly the part. */
static int vma_modify(struct vma_part *part, struct vma_merge *m)
{
	struct vm_area_struct *vma = part->vma, *merged;
	int err;

	err = vma_merge_range(part->vmi, m, &merged);
	if (err)
		return err;
	if (merged) {
		part->vma = merged;
		return 0;
	}
	if (part->start > vma->vm_start)
		err = split_counted(part->vmi, vma, part->start, true);
	if (!err && part->end < vma->vm_end)
		err = split_counted(part->vmi, vma, part->end, false);
	if (!err)
		vma_start_write(vma);
	return err;
}

int vma_modify_flags(struct vma_part *part, unsigned long flags)
{
	struct vma_merge m = merge_of(part);

	m.flags = flags;
	return vma_modify(part, &m);
}

int vma_modify_policy(struct vma_part *part, struct mempolicy *policy)
{
	struct vma_merge m = merge_of(part);

	m.policy = policy;
	return vma_modify(part, &m);
}

int vma_modify_userfault(struct vma_part *part, struct userfaultfd_ctx *ctx)
{
	struct vma_merge m = merge_of(part);

	m.userfault = ctx;
	return vma_modify(part, &m);
}
