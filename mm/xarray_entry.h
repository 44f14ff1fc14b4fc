/*
 * xarray_entry.h - the values a range tree entry may not, or may specially, be.
 *
 * Entries whose low two bits are 10 are "internal": small ones are reserved markers, those near
 * the top carry an errno. Odd entries are integers. Everything else is a plain pointer.
 * Names are Linux's because code that stores such values is written with them.
 */
#ifndef MM_XARRAY_ENTRY_H
#define MM_XARRAY_ENTRY_H

#include "kernel/base/err.h"
#include "kernel/base/types.h"

static inline void *xa_mk_value(unsigned long v)
{
	return (void *)((v << 1) | 1);
}

static inline unsigned long xa_to_value(const void *entry)
{
	return (unsigned long)entry >> 1;
}

static inline bool xa_is_value(const void *entry)
{
	return (unsigned long)entry & 1;
}

static inline void *xa_mk_internal(unsigned long v)
{
	return (void *)((v << 2) | 2);
}

static inline unsigned long xa_to_internal(const void *entry)
{
	return (unsigned long)entry >> 2;
}

static inline bool xa_is_internal(const void *entry)
{
	return ((unsigned long)entry & 3) == 2;
}

/*
 * The zero entry holds its range: no insert goes over it and no gap search finds room there.
 *
 *	read as NULL		mtree_load
 *	passed over		mt_find, mt_find_after, mt_for_each
 *	returned as it is	mas_walk, mas_find, mas_next, mas_prev and their _range and _rev
 *				forms, mas_for_each, mt_next, mt_prev, mas_erase, mtree_erase
 *	stored			mas_store and relatives, mtree_store, mtree_insert
 *	refused (-EINVAL)	mtree_alloc_range, mtree_alloc_rrange, mtree_alloc_cyclic
 */
#define XA_RETRY_ENTRY xa_mk_internal(256)
#define XA_ZERO_ENTRY  xa_mk_internal(257)

static inline bool xa_is_zero(const void *entry)
{
	return entry == XA_ZERO_ENTRY;
}

static inline bool xa_is_retry(const void *entry)
{
	return entry == XA_RETRY_ENTRY;
}

/* Values with a meaning inside the tree: mtree_store() and mtree_insert() refuse them. */
static inline bool xa_is_advanced(const void *entry)
{
	return xa_is_internal(entry) && entry <= XA_RETRY_ENTRY;
}

/* An errno in entry form: -errno shifted left by two, plus two. */
static inline bool xa_is_err(const void *entry)
{
	return xa_is_internal(entry) && entry >= xa_mk_internal((unsigned long)-MAX_ERRNO);
}

static inline int xa_err(const void *entry)
{
	return xa_is_err(entry) ? (int)((long)entry >> 2) : 0;
}

/* Everything the allocating calls refuse: internal values below 4096, the zero entry among them. */
static inline bool mt_is_reserved(const void *entry)
{
	return (unsigned long)entry < 4096 && xa_is_internal(entry);
}

static inline bool mt_is_advanced(const void *entry)
{
	return xa_is_advanced(entry);
}

#endif
