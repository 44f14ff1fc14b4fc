/*
 * fork_model.c - address spaces that fork, change and end at random, against arrays.
 *
 * Idea: a model of an address space is one record per page. Copying the array is what fork should
 *       have done; everything else happens to an address space and to its array alike, and reads
 *       compare. Rights, advice, folios, swap and failed forks are all in it.
 */
#include <errno.h>
#include <string.h>

#include "kernel/base/err.h"
#include "kernel/core/fault.h"
#include "kernel/core/user.h"
#include "mm/fault.h"
#include "mm/mman.h"
#include "mm/swap.h"
#include "tests/ktest.h"
#include "tests/mm_swap.h"
#include "tests/mm_user.h"

#define PAGES  48u
#define SPACES 5u
#define RW     (PROT_READ | PROT_WRITE)

struct model_page {
	bool mapped, dontfork, wipe;
	u8 prot;
	u64 value;
};

struct space {
	struct mm_struct *mm; /* NULL: this place is free */
	struct model_page page[PAGES];
};

struct model {
	struct ktest *t;
	struct space space[SPACES];
	unsigned long nr_forks, nr_failed;
};

static unsigned long addr_of(unsigned i)
{
	return USER_BASE + i * PAGE_SIZE;
}

static struct space *any_space(struct model *m, bool alive)
{
	unsigned first = t_rand_below(m->t, SPACES);

	for (unsigned i = 0; i < SPACES; i++) {
		struct space *s = &m->space[(first + i) % SPACES];

		if ((s->mm != NULL) == alive)
			return s;
	}
	return NULL;
}

/* A range of pages, not empty. */
static unsigned any_range(struct model *m, unsigned *nr)
{
	unsigned first = t_rand_below(m->t, PAGES);

	*nr = 1 + t_rand_below(m->t, min(PAGES - first, 12u));
	return first;
}

static bool all_mapped(const struct space *s, unsigned first, unsigned nr)
{
	for (unsigned i = first; i < first + nr; i++) {
		if (!s->page[i].mapped)
			return false;
	}
	return true;
}

/* ---- one step each, in the space and in its array ---- */

static void do_map(struct model *m, struct space *s)
{
	unsigned nr, first = any_range(m, &nr);

	t_expect_eq(m->t, user_mmap(s->mm, addr_of(first), nr, RW), 0);
	for (unsigned i = first; i < first + nr; i++)
		s->page[i] = (struct model_page){.mapped = true, .prot = RW};
}

static void do_unmap(struct model *m, struct space *s)
{
	unsigned nr, first = any_range(m, &nr);

	t_expect_eq(m->t, vm_munmap(s->mm, addr_of(first), nr * PAGE_SIZE), 0);
	memset(&s->page[first], 0, nr * sizeof(s->page[0]));
}

static void do_protect(struct model *m, struct space *s)
{
	static const u8 prots[] = {PROT_NONE, PROT_READ, RW};
	unsigned nr, first = any_range(m, &nr);
	u8 prot = prots[t_rand_below(m->t, 3)];

	if (!all_mapped(s, first, nr))
		return;
	t_expect_eq(m->t, vm_mprotect(s->mm, addr_of(first), nr * PAGE_SIZE, prot), 0);
	for (unsigned i = first; i < first + nr; i++)
		s->page[i].prot = prot;
}

static void do_advise(struct model *m, struct space *s)
{
	static const int advice[] = {MADV_DONTFORK, MADV_DOFORK, MADV_WIPEONFORK, MADV_KEEPONFORK,
				     MADV_DONTNEED};
	unsigned nr, first = any_range(m, &nr), which = t_rand_below(m->t, 5);

	if (!all_mapped(s, first, nr))
		return;
	t_expect_eq(m->t, vm_madvise(s->mm, addr_of(first), nr * PAGE_SIZE, advice[which]), 0);
	for (unsigned i = first; i < first + nr; i++) {
		struct model_page *p = &s->page[i];

		switch (which) {
		case 0: p->dontfork = true; break;
		case 1: p->dontfork = false; break;
		case 2: p->wipe = true; break;
		case 3: p->wipe = false; break;
		default: p->value = 0;
		}
	}
}

static void do_write(struct model *m, struct space *s)
{
	unsigned nr, first = any_range(m, &nr);

	mm_use(s->mm);
	for (unsigned i = first; i < first + nr; i++) {
		struct model_page *p = &s->page[i];
		bool may = p->mapped && p->prot == RW;
		u64 value = t_rand(m->t);

		t_expect_eq(m->t, put_user(value, addr_of(i)), may ? 0 : -EFAULT);
		if (may)
			p->value = value;
	}
	mm_unuse(s->mm);
}

static void do_swap_out(struct model *m, struct space *s)
{
	unsigned nr, first = any_range(m, &nr);

	for (unsigned i = first; i < first + nr; i++) {
		struct page *page = user_page(s->mm, addr_of(i));

		if (page && !page->order)
			user_swap_out(s->mm, addr_of(i), 1);
	}
}

/* Everything is read and compared; counters and rmap are counted again. */
static void compare(struct model *m, struct space *s)
{
	unsigned long mapped = 0;

	mm_use(s->mm);
	for (unsigned i = 0; i < PAGES; i++) {
		struct model_page *p = &s->page[i];
		bool may = p->mapped && p->prot != PROT_NONE;
		u64 value = 0;

		mapped += p->mapped;
		t_expect_eq(m->t, get_user(&value, addr_of(i)), may ? 0 : -EFAULT);
		if (may)
			t_expect_eq(m->t, value, p->value);
	}
	mm_unuse(s->mm);
	t_expect_eq(m->t, s->mm->total_vm, mapped);
	t_expect_sane(m->t, s->mm);
}

static void copy_model(struct space *to, const struct space *from)
{
	for (unsigned i = 0; i < PAGES; i++) {
		struct model_page *p = &to->page[i];

		*p = from->page[i];
		if (p->dontfork)
			*p = (struct model_page){0};
		if (p->wipe)
			p->value = 0;
	}
}

static void do_fork(struct model *m, struct space *s)
{
	struct space *child = any_space(m, false);
	bool fail = t_rand_below(m->t, 4) == 0;
	struct mm_struct *mm;

	if (!child)
		return;
	if (fail)
		fault_nth_arm(t_rand_below(m->t, 60));
	mm = dup_mm(s->mm);
	if (fail)
		fault_nth_disarm();
	if (IS_ERR(mm)) {
		t_expect(m->t, fail);
		m->nr_failed++;
		return;
	}
	child->mm = mm;
	copy_model(child, s);
	m->nr_forks++;
}

static void do_exit_space(struct model *m, struct space *s)
{
	mmput(s->mm);
	s->mm = NULL;
	memset(s->page, 0, sizeof(s->page));
}

static void step(struct model *m)
{
	struct space *s = any_space(m, true);

	if (!s) {
		m->space[0].mm = mm_alloc();
		t_assert(m->t, m->space[0].mm != NULL);
		return;
	}
	switch (t_rand_below(m->t, 16)) {
	case 0: case 1: do_map(m, s); break;
	case 2: do_unmap(m, s); break;
	case 3: do_protect(m, s); break;
	case 4: do_advise(m, s); break;
	case 5: do_swap_out(m, s); break;
	case 6: compare(m, s); break;
	case 7: do_exit_space(m, s); break;
	case 8: case 9: case 10: do_fork(m, s); break;
	default: do_write(m, s);
	}
}

static void run(struct ktest *t)
{
	static struct model m;
	struct block_device *bdev = t_swapon(t, 512);
	unsigned before = anon_order;

	t_assert(t, bdev != NULL);
	memset(&m, 0, sizeof(m));
	m.t = t;
	fault_hold();
	for (u64 i = 0; i < t_scale(t, 400); i++) {
		anon_order = t_rand_below(t, 3) ? 0 : 2;
		step(&m);
	}
	fault_release();
	anon_order = before;
	for (unsigned i = 0; i < SPACES; i++) {
		if (!m.space[i].mm)
			continue;
		compare(&m, &m.space[i]);
		do_exit_space(&m, &m.space[i]);
	}
	t_expect_swap_sane(t);
	t_swapoff(t, bdev);
	t_expect_gt(t, m.nr_forks, 0);
	t_note(t, "%lu forks, %lu failed ones", m.nr_forks, m.nr_failed);
}

KTEST(fork_model, random_spaces_and_their_children, KT_MODEL)
{
	run(t);
}
