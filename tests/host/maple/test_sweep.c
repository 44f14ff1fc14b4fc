/*
 * test_sweep.c - every allocation of every operation of a history fails once.
 *
 * Owns: the histories, the sweep, the measure of how exact preallocation is.
 * Idea: an operation is tried with its first allocation failing, then its second, and so on until
 *       it succeeds with none left to fail. After each failure the pieces, the validator and the
 *       number of nodes say that nothing happened. A sweep in which nothing failed is a failure.
 */
#include "tests/host/maple/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include "tests/host/maple/nodes.h"

enum op_kind {
	OP_STORE_GFP,
	OP_STORE,
	OP_STORE_RANGE,
	OP_INSERT_RANGE,
	OP_MAS_ERASE,
	OP_ERASE,
	OP_PREALLOCATE,
	OP_ALLOC_RANGE,
	OP_ALLOC_RRANGE,
	OP_ALLOC_CYCLIC,
	OP_DUP,
	OP_NR,
};

static const char *const op_names[OP_NR] = {
	"mas_store_gfp",      "mas_store",	    "mtree_store_range", "mtree_insert_range",
	"mas_erase",	      "mtree_erase",	    "mas_preallocate",	 "mtree_alloc_range",
	"mtree_alloc_rrange", "mtree_alloc_cyclic", "mtree_dup",
};

struct op {
	enum op_kind kind;
	unsigned long first, last;
	void *entry;
};

struct sweep {
	struct fixture *fx;
	uint64_t rng;
	unsigned long stamp;
	gfp_t gfp;
	unsigned long fired[OP_NR];
	unsigned long asked, used, preallocations, slack; /* of OP_PREALLOCATE that succeeded */
};

static unsigned long below(struct sweep *s, unsigned long n)
{
	s->rng = s->rng * 6364136223846793005 + 1442695040888963407;
	return (s->rng >> 33) % n;
}

/* A range whose ends are page-granular, over up to a node's worth of pieces. */
static void choose(struct sweep *s, struct op *op, size_t target)
{
	struct oracle *o = &s->fx->o;
	unsigned long at = 0x10000 + below(s, target * 4) * 0x1000;
	unsigned long len = 1 + below(s, below(s, 8) ? 4 : 120);

	op->kind = below(s, OP_NR);
	op->first = at;
	op->last = at + len * 0x1000 - 1;
	if (o->n && below(s, 3) == 0) {
		struct piece *p = &o->p[below(s, o->n)];

		op->first = p->first;
		op->last = p->last;
	}
	op->entry = below(s, o->n > target ? 2 : 5) ? fx_entry(++s->stamp) : NULL;
	if (op->kind >= OP_ALLOC_RANGE && !op->entry)
		op->entry = fx_entry(++s->stamp);
}

static int with_state(struct sweep *s, const struct op *op)
{
	MA_STATE(mas, &s->fx->mt, op->first, op->last);
	int err = 0;

	mtree_lock(&s->fx->mt);
	switch (op->kind) {
	case OP_STORE_GFP: err = mas_store_gfp(&mas, op->entry, s->gfp); break;
	case OP_STORE: do { mas_store(&mas, op->entry);
		} while (mas_nomem(&mas, s->gfp));
		err = mas_is_err(&mas) ? xa_err(mas.node) : 0;
		mas_destroy(&mas);
		break;
	case OP_MAS_ERASE:
		mas_erase(&mas);
		err = mas_is_err(&mas) ? xa_err(mas.node) : 0;
		break;
	default:
		nodes_mark();
		err = mas_preallocate(&mas, op->entry, s->gfp);
		if (err) {
			h_expect_eq(mas.status, ma_start);
			break;
		}
		mas_store_prealloc(&mas, op->entry);
		s->preallocations++;
		s->asked += nodes_asked();
		s->used += nodes_asked() - nodes_unused();
		if (nodes_unused() > s->slack)
			s->slack = nodes_unused();
	}
	mtree_unlock(&s->fx->mt);
	return err;
}

static int duplicate(struct sweep *s)
{
	struct maple_tree copy;
	int err;

	mt_init_flags(&copy, s->fx->mt.ma_flags & ~MT_FLAGS_HEIGHT_MASK);
	err = mtree_dup(&s->fx->mt, &copy, s->gfp);
	if (err)
		h_expect(mtree_empty(&copy));
	else
		mt_validate(&copy);
	mtree_destroy(&copy);
	return err;
}

/* mtree_erase has no way to report: what it did is seen by looking. */
static int erase(struct sweep *s, const struct op *op)
{
	void *there = oracle_load(&s->fx->o, op->first);

	mtree_erase(&s->fx->mt, op->first);
	return there && mtree_load(&s->fx->mt, op->first) == there ? -ENOMEM : 0;
}

static int run(struct sweep *s, const struct op *op)
{
	struct maple_tree *mt = &s->fx->mt;
	unsigned long at = 1, next = op->first, size = op->last - op->first + 1;

	switch (op->kind) {
	case OP_STORE_RANGE: return mtree_store_range(mt, op->first, op->last, op->entry, s->gfp);
	case OP_INSERT_RANGE: return mtree_insert_range(mt, op->first, op->last, op->entry, s->gfp);
	case OP_ERASE: return erase(s, op);
	case OP_ALLOC_RANGE:
		return mtree_alloc_range(mt, &at, op->entry, size, 0, ULONG_MAX, s->gfp);
	case OP_ALLOC_RRANGE:
		return mtree_alloc_rrange(mt, &at, op->entry, size, 0, 1ul << 32, s->gfp);
	case OP_ALLOC_CYCLIC:
		return mtree_alloc_cyclic(mt, &at, op->entry, 0, ULONG_MAX, &next, s->gfp);
	case OP_DUP: return duplicate(s);
	default: return with_state(s, op);
	}
}

/* What the oracle says to @op; the answer must be the tree's. */
static int predict(struct sweep *s, const struct op *op)
{
	struct oracle *o = &s->fx->o;
	unsigned long at, next = op->first, size = op->last - op->first + 1;

	switch (op->kind) {
	case OP_INSERT_RANGE: return oracle_insert(o, op->first, op->last, op->entry);
	case OP_MAS_ERASE:
	case OP_ERASE: oracle_erase(o, op->first); return 0;
	case OP_ALLOC_RANGE: return oracle_alloc(o, &at, op->entry, size, 0, ULONG_MAX, false);
	case OP_ALLOC_RRANGE: return oracle_alloc(o, &at, op->entry, size, 0, 1ul << 32, true);
	case OP_ALLOC_CYCLIC: return oracle_alloc_cyclic(o, &at, op->entry, 0, ULONG_MAX, &next);
	case OP_DUP: return 0;
	default: oracle_store(o, op->first, op->last, op->entry); return 0;
	}
}

/* Fail allocation 0, 1, 2... of @op until it needs no more. */
static void sweep_op(struct sweep *s, const struct op *op)
{
	long live, k;
	int err;

	for (k = 0;; k++) {
		live = nodes_live();
		nodes_fail_after(k);
		err = run(s, op);
		if (!nodes_fault_fired())
			break;
		s->fired[op->kind]++;
		nodes_fail_after(-1);
		nodes_quiesce();
		h_expect_eq(err, -ENOMEM);
		h_expect_eq(nodes_live(), live);
		fx_same(s->fx);
		h_assert(k < 1000);
	}
	nodes_fail_after(-1);
	h_expect_eq(err, predict(s, op));
	fx_same(s->fx);
	nodes_quiesce();
}

static void sweep_history(struct sweep *s, unsigned int flags, size_t target, size_t ops)
{
	struct op op;
	size_t i;

	s->fx = fx_new(flags);
	fx_fill(s->fx, 0x10000, target * 3 / 4, 0x2000, flags & MT_FLAGS_USE_RCU ? 0x1000 : 0);
	for (i = 0; i < ops; i++) {
		choose(s, &op, target);
		if (!(flags & MT_FLAGS_ALLOC_RANGE) && op.kind >= OP_ALLOC_RANGE &&
		    op.kind < OP_DUP)
			op.kind = OP_STORE_RANGE;
		sweep_op(s, &op);
	}
	fx_free(s->fx);
	h_expect_eq(nodes_live(), 0);
}

static void sweep_all(gfp_t gfp)
{
	static const size_t sizes[] = {2, 14, 40, 300};
	struct sweep s = {.rng = htest_seed(), .gfp = gfp};
	size_t i, thorough = getenv("MAPLE_LONG") ? 20 : 1;
	int kind;

	for (i = 0; i < ARRAY_SIZE(sizes) * thorough; i++) {
		size_t n = sizes[i % ARRAY_SIZE(sizes)];

		sweep_history(&s, MT_FLAGS_ALLOC_RANGE | MT_FLAGS_USE_RCU, n, n > 100 ? 150 : 400);
		sweep_history(&s, MT_FLAGS_ALLOC_RANGE, n, n > 100 ? 150 : 400);
		sweep_history(&s, 0, n, n > 100 ? 150 : 400);
	}
	for (kind = 0; kind < OP_NR; kind++) {
		printf("# %-20s %6lu failures fired\n", op_names[kind], s.fired[kind]);
		h_expect(s.fired[kind] > 20);
	}
	printf("# preallocation: %lu asked, %lu used in %lu stores, at most %lu too many\n",
	       s.asked, s.used, s.preallocations, s.slack);
	h_expect(s.preallocations > 100);
	h_expect(s.slack <= 1);
}

HTEST(sweep_of_every_allocation_blocking)
{
	sweep_all(GFP_KERNEL);
}

HTEST(sweep_of_every_allocation_nowait)
{
	sweep_all(GFP_NOWAIT);
}

/* A copy that fails below an inner node has the node's other children to give back. */
HTEST(sweep_of_a_copy_of_three_levels)
{
	struct sweep s = {.rng = htest_seed(), .gfp = GFP_KERNEL};
	const struct op op = {.kind = OP_DUP};

	s.fx = fx_new(FX_VMA);
	fx_fill(s.fx, 0x10000, 3000, 0x2000, 0x1000);
	h_assert(mt_height(&s.fx->mt) >= 3);
	sweep_op(&s, &op);
	h_expect(s.fired[OP_DUP] > mt_height(&s.fx->mt));
	fx_free(s.fx);
	h_expect_eq(nodes_live(), 0);
}

/* One refusal is not the end when the caller may wait: each operation then succeeds. */
HTEST(one_refusal_and_a_caller_that_waits)
{
	struct sweep s = {.rng = htest_seed(), .gfp = GFP_KERNEL};
	unsigned long fired = 0;
	struct op op;
	int i, err;

	s.fx = fx_new(FX_VMA);
	fx_fill(s.fx, 0x10000, 200, 0x2000, 0x1000);
	for (i = 0; i < 2000; i++) {
		choose(&s, &op, 300);
		if (op.kind == OP_PREALLOCATE || op.kind == OP_DUP)
			op.kind = OP_STORE_GFP;
		nodes_fail_nowait(true);
		err = run(&s, &op);
		h_expect_eq(err, predict(&s, &op));
		fired += nodes_fault_fired();
		nodes_fail_nowait(false);
		if (i % 16 == 0)
			fx_same(s.fx);
		nodes_quiesce();
	}
	h_expect(fired > 100);
	fx_free(s.fx);
	h_expect_eq(nodes_live(), 0);
}
