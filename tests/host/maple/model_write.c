/*
 * model_write.c - the writes of a state, each beside its prediction.
 *
 * Owns: choosing where the state stands before the write (as it is, moved inside its piece, or
 *       set anew), the six ways to store, erase, gap search and what follows it.
 * Idea: a write that meets a failing allocator must leave the tree as it was; the oracle is then
 *       simply not told.
 */
#include "tests/host/maple/model.h"

typedef void (*write_call)(struct model *m, int k, void *entry);

/*
 * The outcome of a store through state @k: @err as the tree gave it. A refusal for lack of memory
 * must be the allocator's doing, and the state must then be set again.
 */
static void stored(struct model *m, int k, void *entry, gfp_t gfp, int err)
{
	bool starved = model_disarm(m, gfp);

	m->trace[m->step % MODEL_TRACE].ret = err;
	if (err) {
		if (err != -ENOMEM || !starved)
			model_fail(m, "store failed with %d, starved %d", err, starved);
		mas_reset(&m->mas[k]);
		model_place(m, k);
		model_wrote(m, k);
		return;
	}
	os_store(&m->o, &m->os[k], entry);
	model_wrote(m, k);
	model_same_state(m, k);
}

static void note_store(struct model *m, const char *name, int k, void *entry)
{
	struct model_call *call = model_note(m, name, m->os[k].index, m->os[k].last);

	call->c = k;
	call->entry = entry;
}

static void call_store_gfp(struct model *m, int k, void *entry)
{
	gfp_t gfp = model_arm(m);

	note_store(m, "mas_store_gfp", k, entry);
	stored(m, k, entry, gfp, mas_store_gfp(&m->mas[k], entry, gfp));
}

/* mas_store allocates without waiting; mas_nomem fetches what was missing. */
static void call_store(struct model *m, int k, void *entry)
{
	void *want = oracle_piece(&m->o, m->os[k].index).entry, *got;
	struct ma_state *mas = &m->mas[k];
	gfp_t gfp = model_arm(m);
	int err;

	note_store(m, "mas_store", k, entry);
	do {
		got = mas_store(mas, entry);
	} while (mas_nomem(mas, gfp));
	err = mas_is_err(mas) ? xa_err(mas->node) : 0;
	if (!err)
		model_same_entry(m, got, want);
	mas_destroy(mas);
	stored(m, k, entry, gfp, err);
}

/* ma_lock spins and is kept while preallocating: only a caller's own lock lets it wait. */
static gfp_t prealloc_gfp(struct model *m)
{
	gfp_t gfp = model_arm(m);

	return mt_external_lock(m->mt) ? gfp : GFP_NOWAIT;
}

static void call_prealloc(struct model *m, int k, void *entry)
{
	struct ma_state *mas = &m->mas[k];
	int err, again = model_one_in(m, 4);
	gfp_t gfp = prealloc_gfp(m);
	unsigned int count;

	note_store(m, "mas_preallocate", k, entry);
	count = mas_count_nodes(mas, entry);
	do {
		err = mas_preallocate(mas, entry, gfp);
	} while (!err && again--);
	if (err) {
		stored(m, k, entry, gfp, err);
		return;
	}
	model_disarm(m, gfp);
	model_same_long(m, "nodes held", mas->nr_alloc, count);
	model_same_long(m, "index after mas_preallocate", mas->index, m->os[k].index);
	model_same_long(m, "last after mas_preallocate", mas->last, m->os[k].last);
	if (entry && model_one_in(m, 4))
		entry = model_entry(m);
	model_env_fail_after(0);
	mas_store_prealloc(mas, entry);
	if (model_env_fault_fired())
		model_fail(m, "mas_store_prealloc allocated");
	model_env_fail_after(-1);
	stored(m, k, entry, gfp, 0);
}

/* With nodes for anything: it may not allocate. Returns what the tree answered. */
static int store_rest_prealloc(struct model *m, int k, void *entry, void *rest, gfp_t gfp)
{
	struct ma_state *mas = &m->mas[k];
	int err = mas_preallocate_any(mas, gfp);

	if (err)
		return err;
	model_disarm(m, gfp);
	model_env_fail_after(0);
	mas_store_rest_prealloc(mas, entry, rest);
	if (model_env_fault_fired())
		model_fail(m, "mas_store_rest_prealloc allocated");
	model_env_fail_after(-1);
	return 0;
}

/* If the range lies within an entry: what is left of that one behind it becomes another. */
static void call_store_rest(struct model *m, int k, void *entry)
{
	struct piece cut = oracle_piece(&m->o, m->os[k].last);
	unsigned long behind = m->os[k].last + 1;
	bool before = model_one_in(m, 2);
	void *rest;
	gfp_t gfp;
	int err;

	if (!cut.entry || cut.first >= m->os[k].index || cut.last == m->os[k].last) {
		call_store_gfp(m, k, entry);
		return;
	}
	rest = model_entry(m);
	gfp = before ? prealloc_gfp(m) : model_arm(m);
	note_store(m, before ? "mas_store_rest_prealloc" : "mas_store_rest_gfp", k, entry);
	if (before)
		err = store_rest_prealloc(m, k, entry, rest, gfp);
	else
		err = mas_store_rest_gfp(&m->mas[k], entry, rest, gfp);
	if (!err)
		oracle_store(&m->o, behind, cut.last, rest);
	stored(m, k, entry, gfp, err);
}

/* Preallocate and give up: nothing may have happened. */
static void call_prealloc_destroy(struct model *m, int k, void *entry)
{
	long nodes = model_env_live_nodes();
	struct ma_state *mas = &m->mas[k];
	gfp_t gfp = prealloc_gfp(m);
	bool starved;
	int err;

	note_store(m, "mas_preallocate+mas_destroy", k, entry);
	err = mas_preallocate(mas, entry, gfp);
	starved = model_disarm(m, gfp);
	if (err && (err != -ENOMEM || !starved))
		model_fail(m, "mas_preallocate returned %d", err);
	if (!err) {
		mas_destroy(mas);
		model_same_long(m, "index after mas_destroy", mas->index, m->os[k].index);
		model_same_long(m, "last after mas_destroy", mas->last, m->os[k].last);
	}
	model_same_long(m, "nodes after giving up", model_env_live_nodes(), nodes);
	model_place(m, k);
	model_wrote(m, k);
}

static void call_erase(struct model *m, int k, void *entry)
{
	struct ma_state *mas = &m->mas[k];
	struct ostate before = m->os[k];
	bool starved;
	void *got;

	(void)entry;
	model_note(m, "mas_erase", before.index, k);
	model_arm(m);
	got = mas_erase(mas);
	starved = model_disarm(m, GFP_KERNEL);
	if (mas_is_err(mas)) {
		if (!starved || xa_err(mas->node) != -ENOMEM)
			model_fail(m, "mas_erase failed with %d", xa_err(mas->node));
		mas_reset(mas);
		model_place(m, k);
		model_wrote(m, k);
		return;
	}
	model_same_entry(m, got, os_erase(&m->o, &m->os[k]));
	model_wrote(m, k);
	model_same_state(m, k);
}

/*
 * One search: from a state just set, or, with @after, from one that stands on the place found
 * before: then the answer lies behind (before) it. @at: the place found before, and now.
 */
static int search(struct model *m, int k, bool rev, bool after, unsigned long min,
		  unsigned long max, unsigned long size, unsigned long *at)
{
	unsigned long lo = after && !rev && min <= *at ? *at + 1 : min;
	unsigned long hi = after && rev && max >= *at + size - 1 ? *at + size - 2 : max;
	struct ma_state *mas = &m->mas[k];
	int err, want;

	want = rev ? oracle_gap_rev(&m->o, lo, hi, size, at) : oracle_gap(&m->o, lo, hi, size, at);
	if (after && want == -EINVAL)
		want = -EBUSY; /* the window is fine, what is left of it too small */
	err = rev ? mas_empty_area_rev(mas, min, max, size) : mas_empty_area(mas, min, max, size);
	m->trace[m->step % MODEL_TRACE].ret = err;
	if (err != want)
		model_fail(m, "gap search returned %d, should be %d", err, want);
	if (err || m->failed)
		return err;
	model_same_long(m, "index of the gap", mas->index, *at);
	model_same_long(m, "last of the gap", mas->last, *at + size - 1);
	if (!m->o.rooted)
		model_same_long(m, "status of the gap", mas->status, ma_active);
	return 0;
}

/* A state in error answers every read with NULL and stays as it is. */
static void read_in_error(struct model *m, int k)
{
	struct ma_state *mas = &m->mas[k];
	struct maple_enode *err = mas->node;
	unsigned long limit = model_index(m);
	void *got;

	switch (model_below(m, 6)) {
	case 0: got = mas_next(mas, limit); break;
	case 1: got = mas_prev_range(mas, limit); break;
	case 2: got = mas_find(mas, limit); break;
	case 3: got = mas_find_range(mas, limit); break;
	case 4: got = mas_find_rev(mas, limit); break;
	default: got = mas_walk(mas);
	}
	if (got || !mas_is_err(mas) || mas->node != err)
		model_fail(m, "a read in error returned %p, status %d", got, mas->status);
}

/* After a search that found nothing, or found a place that is not used. */
static void leave_search(struct model *m, int k)
{
	if (!m->failed && mas_is_err(&m->mas[k]) && model_one_in(m, 2))
		read_in_error(m, k);
	mas_reset(&m->mas[k]);
	model_place(m, k);
}

static void call_gap(struct model *m, int k, void *entry)
{
	unsigned long a = model_index(m), b = model_index(m), size, at = 0;
	unsigned long min = a < b ? a : b, max = a < b ? b : a;
	bool rev = model_one_in(m, 2);

	size = 1 + model_below(m, model_one_in(m, 2) ? 2 : 64);
	if (m->shape.grain > 1 && !model_one_in(m, 4))
		size *= m->shape.grain;
	if (model_one_in(m, 16))
		size = max - min + 1;
	if (model_one_in(m, 64))
		size = model_below(m, 2) * model_rand(m);
	model_note(m, rev ? "mas_empty_area_rev" : "mas_empty_area", min, max)->c = size;
	mas_reset(&m->mas[k]);
	if (search(m, k, rev, false, min, max, size, &at)) {
		leave_search(m, k);
		return;
	}
	if (m->failed)
		return;
	if (model_one_in(m, 4) && !m->o.rooted && at + size && at &&
	    search(m, k, rev, true, min, max, size, &at)) {
		leave_search(m, k);
		return;
	}
	m->os[k] = (struct ostate){at, at + size - 1, ma_active, true, m->o.rooted};
	if (m->o.n < m->target * 2 && model_one_in(m, 2))
		call_store_gfp(m, k, entry);
	else
		model_same_state(m, k);
}

/* From a border near the end on everything goes, without memory. */
static void call_clear_tail(struct model *m, int k)
{
	size_t reach = model_wild(m) ? m->o.n : m->target > 200 ? 3 : 12;
	size_t i = m->o.n - model_below(m, (reach < m->o.n ? reach : m->o.n) + 1);
	unsigned long at;

	if (i && i == m->o.n && m->o.p[i - 1].last == ULONG_MAX)
		i--;
	at = i < m->o.n ? m->o.p[i].first : i ? m->o.p[i - 1].last + 1 : 0;
	model_note(m, "mas_clear_tail", at, k);
	mas_set(&m->mas[k], at);
	os_set(&m->os[k], at, ULONG_MAX);
	model_env_fail_after(0);
	mas_clear_tail(&m->mas[k]);
	if (model_env_fault_fired())
		model_fail(m, "mas_clear_tail allocated");
	model_env_fail_after(-1);
	os_store(&m->o, &m->os[k], NULL);
	model_wrote(m, k);
	model_same_state(m, k);
}

static const write_call calls[] = {
	call_store_gfp, call_store_gfp, call_store_gfp,	       call_store, call_store,
	call_prealloc,	call_prealloc,	call_prealloc_destroy, call_erase, call_store_rest,
};

static bool narrow(struct model *m, unsigned long first, unsigned long last)
{
	return oracle_seek(&m->o, last) - oracle_seek(&m->o, first) < 16 || model_wild(m);
}

/* Where the write will strike: the place the state has, a part of it, or a range set anew. */
static void aim(struct model *m, int k)
{
	struct ostate *os = &m->os[k];
	unsigned long first, last;

	if (os->status == ma_active && model_one_in(m, 4)) {
		struct piece at = oracle_piece(&m->o, os->index);

		model_range(m, &first, &last);
		if (first < at.first || first > at.last)
			first = at.first;
		if (last < first || (last > at.last && !narrow(m, first, last)))
			last = at.last;
		__mas_set_range(&m->mas[k], first, last);
		os->index = first;
		os->last = last;
		return;
	}
	if (model_one_in(m, 16) && narrow(m, os->index, os->last))
		return;
	model_range(m, &first, &last);
	mas_set_range(&m->mas[k], first, last);
	os_set(os, first, last);
}

void model_write(struct model *m)
{
	int k = model_ready(m);
	void *entry = model_write_entry(m);

	model_lock(m);
	if (m->o.gaps && model_one_in(m, 8)) {
		call_gap(m, k, entry);
	} else if (!mt_in_rcu(m->mt) && model_one_in(m, m->target > 200 ? 2000 : 128)) {
		call_clear_tail(m, k);
	} else {
		aim(m, k);
		calls[model_below(m, ARRAY_SIZE(calls))](m, k, entry);
	}
	model_unlock(m);
}
