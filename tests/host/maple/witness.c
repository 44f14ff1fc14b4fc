/*
 * witness.c - see witness.h.
 *
 * All records are sequentially consistent atomics: they must order themselves against the tree's
 * accesses without help from the tree.
 */
#include "tests/host/maple/witness.h"

#include <string.h>

#define LOAD(x)	    __atomic_load_n(&(x), __ATOMIC_SEQ_CST)
#define STORE(x, v) __atomic_store_n(&(x), (v), __ATOMIC_SEQ_CST)

void witness_init(struct witness *w, struct stamp *stamps, unsigned long max_stamp)
{
	unsigned int i;

	memset(w, 0, sizeof(*w));
	w->max_stamp = max_stamp;
	w->next_stamp = 2;
	w->stamps = stamps;
	memset(stamps, 0, max_stamp * sizeof(*stamps));
	for (i = 0; i < CELLS; i++) {
		w->begun[i] = 1; /* empty: as if stamp 1 had stored NULL everywhere */
		w->done[i] = 1;
		w->null_begun[i] = 1;
	}
}

/* The value @id now also stands in [@a, @b]. */
static void stands_in(struct witness *w, unsigned int id, unsigned int a, unsigned int b)
{
	struct stamp *value = &w->stamps[id];
	bool known = value->highest;

	if (!known || a < value->lowest)
		STORE(value->lowest, a);
	if (!known || b + 1 > value->highest)
		STORE(value->highest, b + 1);
}

unsigned long witness_begin(struct witness *w, unsigned int a, unsigned int b, bool null,
			    void *again)
{
	unsigned long stamp = (w->next_stamp & ~1ul) + 2 + null;
	unsigned int i, id = again ? xa_to_value(again) : stamp;

	w->next_stamp = stamp;
	STORE(w->stamps[stamp].first, a);
	STORE(w->stamps[stamp].last, b);
	STORE(w->stamps[stamp].id, null ? 0 : id);
	if (!null)
		stands_in(w, id, a, b);
	for (i = a; i <= b; i++) {
		STORE(w->begun[i], stamp);
		if (null)
			STORE(w->null_begun[i], stamp);
	}
	return stamp;
}

void *witness_entry(const struct witness *w, unsigned long stamp)
{
	unsigned int id = w->stamps[stamp].id;

	return id ? xa_mk_value(id) : NULL;
}

void witness_done(struct witness *w, unsigned long stamp)
{
	unsigned int i;

	for (i = w->stamps[stamp].first; i <= w->stamps[stamp].last; i++)
		STORE(w->done[i], stamp);
}

unsigned long witness_before(const struct witness *w, unsigned int cell)
{
	return LOAD(w->done[cell]);
}

static bool stored(const struct witness *w, unsigned long stamp, unsigned int cell,
		   unsigned long id)
{
	const struct stamp *s = &w->stamps[stamp];

	return LOAD(s->id) == id && LOAD(s->first) <= cell && cell <= LOAD(s->last);
}

bool witness_legal(const struct witness *w, unsigned int cell, unsigned long before,
		   const void *seen)
{
	unsigned long id = xa_to_value(seen), begun = LOAD(w->begun[cell]), stamp;

	if (!seen)
		return before & 1 || LOAD(w->null_begun[cell]) > before;
	if (!xa_is_value(seen) || id >= w->max_stamp || !id)
		return false;
	for (stamp = before & ~1ul; stamp <= begun; stamp += 2)
		if (stored(w, stamp, cell, id))
			return true;
	return false;
}

bool witness_plausible(const struct witness *w, unsigned int cell, const void *seen)
{
	unsigned long id = xa_to_value(seen);

	return xa_is_value(seen) && id < w->max_stamp && LOAD(w->stamps[id].lowest) <= cell &&
	       cell < LOAD(w->stamps[id].highest);
}
