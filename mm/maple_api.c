/*
 * maple_api.c - the calls that need no state: they lock, do one thing and unlock.
 *
 * Owns: mtree_store, mtree_insert, mtree_erase, the allocating calls.
 * Not here: mtree_load (maple_walk.c), mt_find (maple_iter.c), destroying and copying.
 */
#include "mm/maple_write.h"

int mtree_store_range(struct maple_tree *mt, unsigned long first, unsigned long last, void *entry,
		      gfp_t gfp)
{
	MA_STATE(mas, mt, first, last);
	int err;

	if (WARN_ON_ONCE(mt_is_advanced(entry)) || first > last)
		return -EINVAL;
	mtree_lock(mt);
	err = mas_store_gfp(&mas, entry, gfp);
	mtree_unlock(mt);
	return err;
}

int mtree_store(struct maple_tree *mt, unsigned long index, void *entry, gfp_t gfp)
{
	return mtree_store_range(mt, index, index, entry, gfp);
}

int mtree_insert_range(struct maple_tree *mt, unsigned long first, unsigned long last,
		       void *entry, gfp_t gfp)
{
	MA_STATE(mas, mt, first, last);
	int err;

	if (WARN_ON_ONCE(mt_is_advanced(entry)) || first > last)
		return -EINVAL;
	mtree_lock(mt);
	err = mas_insert_gfp(&mas, entry, gfp);
	mtree_unlock(mt);
	return err;
}

int mtree_insert(struct maple_tree *mt, unsigned long index, void *entry, gfp_t gfp)
{
	return mtree_insert_range(mt, index, index, entry, gfp);
}

void *mtree_erase(struct maple_tree *mt, unsigned long index)
{
	MA_STATE(mas, mt, index, index);
	void *entry;

	mtree_lock(mt);
	entry = mas_erase(&mas);
	mtree_unlock(mt);
	return entry;
}

/* A place in a tree that may be unlocked on the way: one found must still be free when used. */
struct alloc_request {
	unsigned long size, min, max;
	bool highest;
	gfp_t gfp;
};

static int mas_alloc_place(struct ma_state *mas, void *entry, const struct alloc_request *req)
{
	int err;

	do {
		mas_reset(mas);
		err = req->highest ? mas_empty_area_rev(mas, req->min, req->max, req->size) :
				     mas_empty_area(mas, req->min, req->max, req->size);
		if (!err)
			err = mas_insert_gfp(mas, entry, req->gfp);
	} while (err == -EEXIST);
	return err;
}

static int mtree_alloc(struct maple_tree *mt, unsigned long *startp, void *entry,
		       const struct alloc_request *req)
{
	MA_STATE(mas, mt, 0, 0);
	int err;

	if (!mt_tracks_gaps(mt) || WARN_ON_ONCE(mt_is_reserved(entry)))
		return -EINVAL;
	mtree_lock(mt);
	err = mas_alloc_place(&mas, entry, req);
	if (!err)
		*startp = mas.index;
	mtree_unlock(mt);
	return err;
}

int mtree_alloc_range(struct maple_tree *mt, unsigned long *startp, void *entry,
		      unsigned long size, unsigned long min, unsigned long max, gfp_t gfp)
{
	struct alloc_request req = {size, min, max, false, gfp};

	return mtree_alloc(mt, startp, entry, &req);
}

int mtree_alloc_rrange(struct maple_tree *mt, unsigned long *startp, void *entry,
		       unsigned long size, unsigned long min, unsigned long max, gfp_t gfp)
{
	struct alloc_request req = {size, min, max, true, gfp};

	return mtree_alloc(mt, startp, entry, &req);
}

int mas_alloc_cyclic(struct ma_state *mas, unsigned long *startp, void *entry,
		     unsigned long range_lo, unsigned long range_hi, unsigned long *next,
		     gfp_t gfp)
{
	struct maple_tree *mt = mas->tree;
	struct alloc_request req = {1, max(range_lo, *next), range_hi, false, gfp};
	int wrapped = 0;
	int err;

	err = mas_alloc_place(mas, entry, &req);
	if ((err == -EBUSY || err == -EINVAL) && req.min > range_lo) {
		req.min = range_lo;
		wrapped = 1;
		err = mas_alloc_place(mas, entry, &req);
	}
	if (err)
		return err;
	if (mt->ma_flags & MT_FLAGS_ALLOC_WRAPPED) {
		WRITE_ONCE_NOPOINT(mt->ma_flags, mt->ma_flags & ~MT_FLAGS_ALLOC_WRAPPED);
		wrapped = 1;
	}
	*startp = mas->index;
	*next = mas->index + 1;
	if (!*next)
		WRITE_ONCE_NOPOINT(mt->ma_flags, mt->ma_flags | MT_FLAGS_ALLOC_WRAPPED);
	return wrapped;
}

int mtree_alloc_cyclic(struct maple_tree *mt, unsigned long *startp, void *entry,
		       unsigned long range_lo, unsigned long range_hi, unsigned long *next,
		       gfp_t gfp)
{
	MA_STATE(mas, mt, 0, 0);
	int err;

	if (!mt_tracks_gaps(mt) || WARN_ON_ONCE(mt_is_reserved(entry)))
		return -EINVAL;
	mtree_lock(mt);
	err = mas_alloc_cyclic(&mas, startp, entry, range_lo, range_hi, next, gfp);
	mtree_unlock(mt);
	return err;
}
