/*
 * fixture.c - see fixture.h.
 */
#include "tests/host/maple/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include "tests/host/maple/nodes.h"

struct fixture *fx_new(unsigned int flags)
{
	struct fixture *fx = malloc(sizeof(*fx));

	mt_init_flags(&fx->mt, flags);
	oracle_init(&fx->o, fx->array, FX_CAP, flags);
	fx->quiet = false;
	fx->reading = false;
	return fx;
}

void fx_free(struct fixture *fx)
{
	mtree_destroy(&fx->mt);
	h_expect(mtree_empty(&fx->mt));
	nodes_quiesce();
	free(fx);
}

static void settle(struct fixture *fx)
{
	if (!fx->quiet)
		fx_same(fx);
	if (!fx->reading)
		nodes_quiesce();
}

void fx_store(struct fixture *fx, unsigned long first, unsigned long last, void *entry)
{
	MA_STATE(mas, &fx->mt, first, last);

	mtree_lock(&fx->mt);
	h_expect_eq(mas_store_gfp(&mas, entry, GFP_KERNEL), 0);
	mtree_unlock(&fx->mt);
	oracle_store(&fx->o, first, last, entry);
	settle(fx);
}

void fx_erase(struct fixture *fx, unsigned long index)
{
	h_expect_eq(mtree_erase(&fx->mt, index), oracle_erase(&fx->o, index));
	settle(fx);
}

void fx_fill(struct fixture *fx, unsigned long base, size_t n, unsigned long width,
	     unsigned long hole)
{
	bool quiet = fx->quiet;
	size_t i;

	fx->quiet = true;
	for (i = 0; i < n; i++) {
		fx_store(fx, base, base + width - 1, fx_entry(i));
		base += width + hole;
	}
	fx->quiet = quiet;
	fx_same(fx);
}

void fx_copy(struct fixture *fx, struct fixture *from)
{
	h_assert_eq(mtree_dup(&from->mt, &fx->mt, GFP_KERNEL), 0);
	memcpy(fx->array, from->array, from->o.n * sizeof(fx->array[0]));
	fx->o.n = from->o.n;
	fx->o.rooted = from->o.rooted;
}

static bool same_pieces(struct fixture *fx, size_t from, size_t to)
{
	unsigned long at = from < fx->o.n ? fx->o.p[from].first : 0;
	MA_STATE(mas, &fx->mt, at, at);
	void *entry;
	size_t i;

	for (i = from; i < to; i++) {
		struct piece *p = &fx->o.p[i];

		entry = mas_find(&mas, ULONG_MAX);
		if (entry == p->entry && mas.index == p->first && mas.last == p->last)
			continue;
		printf("# piece %zu of %zu: tree %lx-%lx %p, should be %lx-%lx %p\n", i, fx->o.n,
		       mas.index, mas.last, entry, p->first, p->last, p->entry);
		return false;
	}
	return to < fx->o.n || !mas_find(&mas, ULONG_MAX);
}

static bool same_backward(struct fixture *fx)
{
	MA_STATE(mas, &fx->mt, ULONG_MAX, ULONG_MAX);
	size_t i = fx->o.n;

	while (i--) {
		struct piece *p = &fx->o.p[i];
		void *entry = mas_find_rev(&mas, 0);

		if (entry != p->entry || mas.index != p->first || mas.last != p->last)
			return false;
	}
	return !mas_find_rev(&mas, 0);
}

static bool same_loads(struct fixture *fx)
{
	size_t i;

	for (i = 0; i < fx->o.n; i++) {
		struct piece *p = &fx->o.p[i];

		if (mtree_load(&fx->mt, p->first) != oracle_load(&fx->o, p->first) ||
		    mtree_load(&fx->mt, p->last) != oracle_load(&fx->o, p->last) ||
		    mtree_load(&fx->mt, p->last + 1) != oracle_load(&fx->o, p->last + 1))
			return false;
	}
	return true;
}

bool fx_same(struct fixture *fx)
{
	bool ok;

	mt_validate(&fx->mt);
	rcu_read_lock();
	ok = h_expect(same_pieces(fx, 0, fx->o.n));
	ok = h_expect(same_backward(fx)) && ok;
	rcu_read_unlock();
	ok = h_expect(same_loads(fx)) && ok;
	return h_expect_eq(mtree_empty(&fx->mt), fx->o.n == 0) && ok;
}

bool fx_same_near(struct fixture *fx, unsigned long index, size_t around)
{
	size_t i = oracle_seek(&fx->o, index);
	size_t from = i > around ? i - around : 0;
	size_t to = i + around < fx->o.n ? i + around : fx->o.n;
	bool ok;

	mt_validate(&fx->mt);
	rcu_read_lock();
	ok = h_expect(same_pieces(fx, from, to));
	rcu_read_unlock();
	return ok;
}
