/*
 * model.c - one life of a tree beside its oracle.
 *
 * Owns: beginning and end of a life, comparison of trees and states, the record of recent calls.
 * Not here: which key (model_gen.c), which call (model_read.c, model_write.c, model_tree.c).
 * Invariant: after each call tree and oracle hold the same pieces, and every state that is not
 *            stale shows the same index, last and status as its prediction.
 */
#include "tests/host/maple/model.h"

#include <stdarg.h>
#include "kernel/base/annotations.h"

void model_fail(struct model *m, const char *fmt, ...)
{
	va_list args;

	if (m->failed)
		return;
	m->failed = true;
	va_start(args, fmt);
	model_env_report(m, fmt, args);
	va_end(args);
}

struct model_call *model_note(struct model *m, const char *name, unsigned long a, unsigned long b)
{
	struct model_call *call = &m->trace[m->step % MODEL_TRACE];

	*call = (struct model_call){.name = name, .a = a, .b = b};
	return call;
}

void model_same_entry(struct model *m, const void *got, const void *want)
{
	if (got != want)
		model_fail(m, "returned %p, should be %p", got, want);
}

void model_same_long(struct model *m, const char *what, unsigned long got, unsigned long want)
{
	if (got != want)
		model_fail(m, "%s is %lx, should be %lx", what, got, want);
}

void model_same_state(struct model *m, int k)
{
	struct ma_state *mas = &m->mas[k];
	struct ostate *os = &m->os[k];

	if (os->loose) {
		model_place(m, k);
		return;
	}
	if (mas->index == os->index && mas->last == os->last && mas->status == os->status)
		return;
	model_fail(m, "state %d: %lx-%lx status %d, should be %lx-%lx status %d", k, mas->index,
		   mas->last, mas->status, os->index, os->last, os->status);
}

/*
 * Before a write that may be starved of memory: the flags to write with. Either every allocation
 * from some point on fails, or only those that may not sleep.
 */
gfp_t model_arm(struct model *m)
{
	if (model_one_in(m, m->starve)) {
		if (model_one_in(m, 3))
			model_env_fail_nowait(true);
		else
			model_env_fail_after(model_below(m, 4));
	}
	return model_one_in(m, 2) ? GFP_KERNEL : GFP_NOWAIT;
}

/* After it. True if the write may have failed for lack of memory. */
bool model_disarm(struct model *m, gfp_t gfp)
{
	bool fired = model_env_fault_fired(), waits = model_env_fails_nowait();

	model_env_fail_after(-1);
	m->failures += fired;
	return fired && !(waits && gfpflags_allow_blocking(gfp));
}

/* Whether a lock is taken shows at run time only: the analysis of locks cannot follow these two. */
void model_lock(struct model *m) NO_LOCK_ANALYSIS
{
	if (!mt_external_lock(m->mt))
		mtree_lock(m->mt);
}

void model_unlock(struct model *m) NO_LOCK_ANALYSIS
{
	if (!mt_external_lock(m->mt))
		mtree_unlock(m->mt);
}

/* Put state @k somewhere new. */
void model_place(struct model *m, int k)
{
	unsigned long at = model_index(m), to = at;

	if (model_one_in(m, 8)) {
		to = model_index(m);
		if (to < at) {
			unsigned long t = at;

			at = to;
			to = t;
		}
	}
	mas_set_range(&m->mas[k], at, to);
	os_set(&m->os[k], at, to);
	m->stale[k] = false;
}

/* A state that may be used now, whatever was written since it was last. */
int model_ready(struct model *m)
{
	int k = model_below(m, MODEL_STATES);

	if (!m->stale[k])
		return k;
	m->stale[k] = false;
	switch (m->os[k].status == ma_error ? 0 : model_below(m, 3)) {
	case 0: model_place(m, k); break;
	case 1:
		mas_reset(&m->mas[k]);
		os_reset(&m->os[k]);
		break;
	default: mas_pause(&m->mas[k]); os_pause(&m->os[k]);
	}
	return k;
}

/*
 * After a write through state @k (or -1): the others must be placed anew. Where a lone [0,0]
 * entry is kept is the tree's choice once it had nodes, and its height tells.
 */
void model_wrote(struct model *m, int k)
{
	struct oracle *o = &m->o;
	bool flat = mt_height(m->mt) == 0;
	int i;

	for (i = 0; i < MODEL_STATES; i++)
		if (i != k)
			m->stale[i] = true;
	m->writes++;
	if (!o->rooted && o->n == 1 && !o->p[0].last && !oracle_is_internal(o->p[0].entry))
		o->rooted = flat;
	if (o->rooted != flat)
		model_fail(m, "height %u with %zu pieces", mt_height(m->mt), o->n);
	if (mtree_empty(m->mt) != !o->n)
		model_fail(m, "mtree_empty with %zu pieces", o->n);
	if (o->n <= 64 || model_below(m, o->n) < 32)
		model_check(m);
}

static void check_forward(struct model *m, struct maple_tree *mt)
{
	MA_STATE(mas, mt, 0, 0);
	size_t i = 0;
	void *entry;

	mas_for_each(&mas, entry, ULONG_MAX) {
		struct piece *p = &m->o.p[i++];

		if (i > m->o.n || entry != p->entry || mas.index != p->first ||
		    mas.last != p->last) {
			model_fail(m, "forward piece %zu: %lx-%lx %p", i - 1, mas.index, mas.last,
				   entry);
			return;
		}
	}
	model_same_long(m, "pieces forward", i, m->o.n);
}

static void check_backward(struct model *m, struct maple_tree *mt)
{
	MA_STATE(mas, mt, ULONG_MAX, ULONG_MAX);
	size_t i = m->o.n;
	void *entry;

	mas_for_each_rev(&mas, entry, 0) {
		struct piece *p = &m->o.p[i - 1];

		if (!i-- || entry != p->entry || mas.index != p->first || mas.last != p->last) {
			model_fail(m, "backward piece %zu: %lx-%lx %p", i, mas.index, mas.last,
				   entry);
			return;
		}
	}
	model_same_long(m, "pieces left backward", i, 0);
}

static void check_load(struct model *m, struct maple_tree *mt, unsigned long index)
{
	void *got = mtree_load(mt, index), *want = oracle_load(&m->o, index);

	if (got != want)
		model_fail(m, "load %lx: %p, should be %p", index, got, want);
}

static void check_loads(struct model *m, struct maple_tree *mt)
{
	size_t i;

	for (i = 0; i < m->o.n && !m->failed; i++) {
		check_load(m, mt, m->o.p[i].first);
		check_load(m, mt, m->o.p[i].last);
		check_load(m, mt, m->o.p[i].last + 1);
	}
	check_load(m, mt, 0);
	check_load(m, mt, ULONG_MAX);
}

static void check_for_each(struct model *m, struct maple_tree *mt)
{
	unsigned long index = 0, want = 0;
	void *entry;

	mt_for_each(mt, entry, index, ULONG_MAX) {
		model_same_entry(m, entry, oracle_find(&m->o, &want, ULONG_MAX));
		model_same_long(m, "mt_for_each index", index, want);
		if (m->failed)
			return;
	}
}

/* The whole of @mt against the piece list, by every way of reading. */
void model_check_tree(struct model *m, struct maple_tree *mt)
{
	mt_validate(mt);
	rcu_read_lock();
	check_forward(m, mt);
	check_backward(m, mt);
	rcu_read_unlock();
	if (m->o.n > 64 && model_below(m, 4))
		return;
	check_loads(m, mt);
	check_for_each(m, mt);
}

/* As often as the size allows: the validator always, the rest of the comparison sometimes. */
void model_check(struct model *m)
{
	if (model_below(m, 8)) {
		mt_validate(m->mt);
		return;
	}
	model_check_tree(m, m->mt);
}

static void begin(struct model *m, struct piece *array, size_t cap, uint64_t seed, uint64_t life)
{
	int k;

	m->seed = seed;
	m->life = life;
	m->rng = seed * 0x2545f4914f6cdd1d + life * 0xd1342543de82ef95;
	m->step = 0;
	m->stamp = 0;
	m->last_entry = NULL;
	m->failed = false;
	model_choose_life(m, cap);
	oracle_init(&m->o, array, cap, m->flags);
	m->mt = &m->tree[0];
	mt_init_flags(m->mt, m->flags);
	for (k = 0; k < MODEL_STATES; k++) {
		mas_init(&m->mas[k], m->mt, 0);
		model_place(m, k);
	}
}

static void end(struct model *m)
{
	model_note(m, "mtree_destroy", 0, 0);
	model_check_tree(m, m->mt);
	mtree_destroy(m->mt);
	if (!mtree_empty(m->mt) || mt_height(m->mt))
		model_fail(m, "not empty after mtree_destroy");
	model_env_quiesce();
	model_same_long(m, "nodes left", model_env_live_nodes(), 0);
}

static void one_call(struct model *m)
{
	unsigned long what = model_below(m, 16);

	if (m->o.n + 4 > m->o.cap)
		model_fail(m, "the oracle's array is too small");
	else if (model_opening(m) ? what < 12 : what < 4)
		model_write(m);
	else if (what < 14)
		model_read(m);
	else
		model_tree_call(m);
	if (m->o.n >= 10000)
		m->big_steps++;
}

bool model_life(struct model *m, struct piece *array, size_t cap, uint64_t seed, uint64_t life,
		uint64_t steps)
{
	begin(m, array, cap, seed, life);
	while (m->step < steps && !m->failed && (!m->feed || m->feed_left)) {
		one_call(m);
		m->step++;
		if (m->step % 64 == 0)
			model_env_quiesce();
		if (m->step % 1024 == 0 && m->o.n < m->target / 4)
			m->built = 0; /* emptied by a wide store: fill it again */
	}
	if (!m->failed)
		end(m);
	return !m->failed;
}
