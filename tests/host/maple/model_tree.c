/*
 * model_tree.c - the calls that take a tree, each beside its prediction.
 *
 * These lock for themselves. After a write every state is stale.
 */
#include "tests/host/maple/model.h"

typedef void (*tree_call)(struct model *m);

static struct model_call *note(struct model *m, const char *name, unsigned long a, unsigned long b,
			       const void *entry)
{
	struct model_call *call = model_note(m, name, a, b);

	call->entry = entry;
	return call;
}

/* True when @err is the answer of a starved allocator, and the tree must be as it was. */
static bool starved(struct model *m, gfp_t gfp, int err)
{
	m->trace[m->step % MODEL_TRACE].ret = err;
	return model_disarm(m, gfp) && err == -ENOMEM;
}

static void call_load(struct model *m)
{
	unsigned long at = model_index(m);

	note(m, "mtree_load", at, 0, NULL);
	model_same_entry(m, mtree_load(m->mt, at), oracle_load(&m->o, at));
}

static void call_find(struct model *m)
{
	unsigned long at = model_index(m), max = model_index(m), want = at;

	note(m, "mt_find", at, max, NULL);
	model_same_entry(m, mt_find(m->mt, &at, max), oracle_find(&m->o, &want, max));
	model_same_long(m, "index of mt_find", at, want);
}

static void call_find_after(struct model *m)
{
	unsigned long at = model_index(m), max = model_index(m), want = at;

	note(m, "mt_find_after", at, max, NULL);
	model_same_entry(m, mt_find_after(m->mt, &at, max), oracle_find_after(&m->o, &want, max));
	model_same_long(m, "index of mt_find_after", at, want);
}

static void call_next(struct model *m)
{
	unsigned long at = model_index(m), max = model_index(m);

	note(m, "mt_next", at, max, NULL);
	model_same_entry(m, mt_next(m->mt, at, max), oracle_next(&m->o, at, max));
}

static void call_prev(struct model *m)
{
	unsigned long at = model_index(m), min = model_index(m);

	note(m, "mt_prev", at, min, NULL);
	model_same_entry(m, mt_prev(m->mt, at, min), oracle_prev(&m->o, at, min));
}

static void *wrapper_entry(struct model *m)
{
	if (model_one_in(m, 64) && model_env_may_warn())
		return (void *)(model_below(m, 1030) << 2 | 2);
	return model_write_entry(m);
}

static void call_store_range(struct model *m)
{
	unsigned long first, last;
	void *entry = wrapper_entry(m);
	gfp_t gfp = model_arm(m);
	int err, want;

	model_range(m, &first, &last);
	if (model_wild(m))
		first = model_index(m);
	if (model_one_in(m, 8))
		last = first;
	note(m, "mtree_store_range", first, last, entry);
	want = oracle_check_store(first, last, entry);
	if (first == last && model_one_in(m, 2))
		err = mtree_store(m->mt, first, entry, gfp);
	else
		err = mtree_store_range(m->mt, first, last, entry, gfp);
	if (starved(m, gfp, err))
		want = err;
	model_same_long(m, "mtree_store_range", err, want);
	if (!err)
		oracle_store(&m->o, first, last, entry);
	model_wrote(m, -1);
}

static void call_insert_range(struct model *m)
{
	unsigned long first, last;
	void *entry = wrapper_entry(m);
	gfp_t gfp = model_arm(m);
	int err, want;

	model_range(m, &first, &last);
	if (model_one_in(m, 2)) {
		first = model_index(m);
		last = oracle_piece(&m->o, first).last;
		if (m->shape.grain == 1 && last - first > 8)
			last = first + model_below(m, 8);
	}
	note(m, "mtree_insert_range", first, last, entry);
	if (first == last && model_one_in(m, 2))
		err = mtree_insert(m->mt, first, entry, gfp);
	else
		err = mtree_insert_range(m->mt, first, last, entry, gfp);
	want = starved(m, gfp, err) ? err : oracle_insert(&m->o, first, last, entry);
	model_same_long(m, "mtree_insert_range", err, want);
	model_wrote(m, -1);
}

/* A starved erase says nothing; whether it happened is seen by looking. */
static void call_erase(struct model *m)
{
	unsigned long at = model_index(m);
	struct piece old = oracle_piece(&m->o, at);
	void *got;
	bool fired;

	note(m, "mtree_erase", at, 0, old.entry);
	model_arm(m);
	got = mtree_erase(m->mt, at);
	fired = model_disarm(m, GFP_KERNEL);
	if (fired && old.entry && !oracle_is_zero(old.entry) && mtree_load(m->mt, at) == old.entry)
		return;
	if (fired && oracle_is_zero(old.entry) && !got)
		return;
	model_same_entry(m, got, oracle_erase(&m->o, at));
	model_wrote(m, -1);
}

/* For the calls that refuse the zero entry too. */
static void *alloc_entry(struct model *m)
{
	void *entry = model_one_in(m, 16) ? wrapper_entry(m) : model_entry(m);

	return mt_is_reserved(entry) && !model_env_may_warn() ? NULL : entry;
}

static void call_alloc_range(struct model *m)
{
	unsigned long a = model_index(m), b = model_index(m), got = 77, at = 77;
	unsigned long min = a < b ? a : b, max = a < b ? b : a;
	unsigned long size = (1 + model_below(m, 4)) * m->shape.grain;
	void *entry = alloc_entry(m);
	bool rev = model_one_in(m, 2);
	int err, want;
	gfp_t gfp;

	if (!entry || m->o.n > m->target * 2)
		return;
	gfp = model_arm(m);
	if (model_one_in(m, 16))
		size = model_below(m, 2) * model_rand(m);
	note(m, rev ? "mtree_alloc_rrange" : "mtree_alloc_range", min, max, entry)->c = size;
	if (rev)
		err = mtree_alloc_rrange(m->mt, &got, entry, size, min, max, gfp);
	else
		err = mtree_alloc_range(m->mt, &got, entry, size, min, max, gfp);
	want = starved(m, gfp, err) ? err : oracle_alloc(&m->o, &at, entry, size, min, max, rev);
	model_same_long(m, "mtree_alloc_range", err, want);
	if (!err)
		model_same_long(m, "start of mtree_alloc_range", got, at);
	model_wrote(m, -1);
}

static void call_alloc_cyclic(struct model *m)
{
	unsigned long a = model_index(m), b = model_index(m), got = 77, at = 77, next, want_next;
	unsigned long lo = a < b ? a : b, hi = a < b ? b : a;
	void *entry = alloc_entry(m);
	int err, want;
	gfp_t gfp;

	if (!entry || m->o.n > m->target * 2)
		return;
	gfp = model_arm(m);
	next = want_next = model_one_in(m, 4) ? 0 : model_index(m);
	note(m, "mtree_alloc_cyclic", lo, hi, entry)->c = next;
	err = mtree_alloc_cyclic(m->mt, &got, entry, lo, hi, &next, gfp);
	if (starved(m, gfp, err))
		want = err;
	else
		want = oracle_alloc_cyclic(&m->o, &at, entry, lo, hi, &want_next);
	model_same_long(m, "mtree_alloc_cyclic", err, want);
	if (err >= 0)
		model_same_long(m, "start of mtree_alloc_cyclic", got, at);
	model_same_long(m, "next of mtree_alloc_cyclic", next, want_next);
	model_wrote(m, -1);
}

static void move_states(struct model *m)
{
	int k;

	for (k = 0; k < MODEL_STATES; k++) {
		mas_init(&m->mas[k], m->mt, 0);
		model_place(m, k);
	}
}

static void refuse_unlike_dup(struct model *m, struct maple_tree *to)
{
	mt_init_flags(to, m->flags ^ MT_FLAGS_ALLOC_RANGE);
	model_same_long(m, "dup to other flags", mtree_dup(m->mt, to, GFP_KERNEL), -EINVAL);
	mt_init_flags(to, m->flags | (m->o.wrapped ? MT_FLAGS_ALLOC_WRAPPED : 0));
}

/* Copy, compare the copy, spoil one of the two, go on with the other. */
static void call_dup(struct model *m)
{
	struct maple_tree *from = m->mt, *to = &m->tree[from == &m->tree[0]];
	long nodes = model_env_live_nodes();
	bool keep_copy = model_one_in(m, 2);
	gfp_t gfp;
	int err;

	note(m, "mtree_dup", keep_copy, 0, NULL);
	refuse_unlike_dup(m, to);
	model_arm(m);
	gfp = GFP_NOWAIT; /* both locks are held, and they spin */
	err = mtree_dup(from, to, gfp);
	if (starved(m, gfp, err)) {
		model_same_long(m, "copy after a failed dup", !mtree_empty(to), 0);
		model_same_long(m, "nodes after a failed dup", model_env_live_nodes(), nodes);
		return;
	}
	model_same_long(m, "mtree_dup", err, 0);
	model_check_tree(m, to);
	model_same_long(m, "height of the copy", mt_height(to), mt_height(from));
	m->mt = keep_copy ? to : from;
	to = keep_copy ? from : to;
	if (m->o.n && mtree_store(to, m->o.p[0].first, xa_mk_value(1), GFP_KERNEL))
		model_fail(m, "cannot write to a copy");
	if (model_one_in(m, 2))
		model_check_tree(m, m->mt);
	mtree_destroy(to);
	move_states(m);
}

static void call_rcu_mode(struct model *m)
{
	note(m, "rcu mode", mt_in_rcu(m->mt), 0, NULL);
	if (mt_in_rcu(m->mt))
		mt_clear_in_rcu(m->mt);
	else
		mt_set_in_rcu(m->mt);
	m->flags ^= MT_FLAGS_USE_RCU;
	model_wrote(m, -1);
}

static void call_destroy(struct model *m)
{
	bool wrapped = m->o.wrapped;

	if (m->target > 300)
		return;
	note(m, "mtree_destroy", 0, 0, NULL);
	mtree_destroy(m->mt);
	oracle_init(&m->o, m->o.p, m->o.cap, m->flags);
	m->o.wrapped = wrapped;
	model_same_long(m, "mtree_empty after mtree_destroy", mtree_empty(m->mt), true);
	model_wrote(m, -1);
}

void model_tree_call(struct model *m)
{
	static const tree_call often[] = {
		call_load,	  call_load,	     call_load,		call_find,
		call_find,	  call_find_after,   call_next,		call_prev,
		call_store_range, call_store_range,  call_insert_range, call_erase,
		call_alloc_range, call_alloc_cyclic,
	};

	switch (model_below(m, 256)) {
	case 0: call_dup(m); break;
	case 1: call_rcu_mode(m); break;
	case 2:
		if (model_one_in(m, 16))
			call_destroy(m);
		break;
	default: often[model_below(m, ARRAY_SIZE(often))](m);
	}
}
