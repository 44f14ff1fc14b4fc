/*
 * mm_model.c - random operations on address spaces against an array of pages.
 *
 * The model knows for each page of a window whether it is mapped, with what rights, what word it
 * holds, and nothing of VMAs, tables or pages. Each operation is done to both; what the program
 * would see afterwards must be the same.
 */
#include <errno.h>
#include <string.h>

#include "kernel/core/user.h"
#include "kernel/sched/thread.h"
#include "mm/mm_check.h"
#include "mm/mman.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"
#include "tests/ktest.h"
#include "tests/mm_layout.h"

#define ANON	 (MAP_PRIVATE | MAP_ANONYMOUS)
#define NR_PAGES 48u	   /* of a window */
#define NR_MMS	 3u	   /* one thread has */
#define STRIDE	 0x8200000ul /* between the two halves of a window: tables of their own */

struct page_model {
	bool mapped;
	u8 prot;
	u8 advice; /* 1: not for a child, 2: wiped there */
	u64 word;
};

struct actor {
	struct ktest *t;
	struct rng rng;
	struct mm_struct *mm[NR_MMS];
	struct page_model page[NR_MMS][NR_PAGES];
	unsigned now; /* which mm is in use */
};

/* Two halves, so that ranges cross and keep away from borders of tables. */
static unsigned long addr_of(unsigned i)
{
	unsigned long half = i / (NR_PAGES / 2), in = i % (NR_PAGES / 2);

	return LAYOUT_BASE + PMD_SIZE - 4 * PAGE_SIZE + half * STRIDE + in * PAGE_SIZE;
}

static unsigned below(struct actor *a, unsigned bound)
{
	return rng_below(&a->rng, bound);
}

/* A range within one half. */
static unsigned pick_range(struct actor *a, unsigned *first)
{
	unsigned half = NR_PAGES / 2, in = below(a, half);

	*first = below(a, 2) * half + in;
	return 1 + below(a, min(half - in, 10u));
}

static bool all_mapped(const struct page_model *page, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		if (!page[i].mapped)
			return false;
	}
	return true;
}

/* ---- operations ---- */

static void op_map(struct actor *a, struct mm_struct *mm, struct page_model *page)
{
	unsigned first, nr = pick_range(a, &first);
	u8 prot = below(a, 4) ? PROT_READ | PROT_WRITE : PROT_READ;

	t_expect_eq(a->t, vm_mmap(mm, addr_of(first), nr * PAGE_SIZE, prot, ANON | MAP_FIXED),
		    addr_of(first));
	for (unsigned i = first; i < first + nr; i++)
		page[i] = (struct page_model){.mapped = true, .prot = prot};
}

static void op_unmap(struct actor *a, struct mm_struct *mm, struct page_model *page)
{
	unsigned first, nr = pick_range(a, &first);

	t_expect_eq(a->t, vm_munmap(mm, addr_of(first), nr * PAGE_SIZE), 0);
	memset(&page[first], 0, nr * sizeof(*page));
}

static void op_protect(struct actor *a, struct mm_struct *mm, struct page_model *page)
{
	static const u8 prots[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
				   PROT_READ | PROT_WRITE};
	unsigned first, nr = pick_range(a, &first);
	u8 prot = prots[below(a, 4)];
	int err = vm_mprotect(mm, addr_of(first), nr * PAGE_SIZE, prot);

	t_expect_eq(a->t, err, all_mapped(&page[first], nr) ? 0 : -ENOMEM);
	for (unsigned i = first; i < first + nr && page[i].mapped; i++)
		page[i].prot = prot;
}

static void op_advise(struct actor *a, struct mm_struct *mm, struct page_model *page)
{
	static const struct {
		int advice;
		u8 clear, set;
	} how[] = {{MADV_DONTNEED, 0, 0}, {MADV_DONTNEED, 0, 0}, {MADV_DONTFORK, 0, 1},
		   {MADV_DOFORK, 1, 0}, {MADV_WIPEONFORK, 0, 2}, {MADV_KEEPONFORK, 2, 0}};
	unsigned first, nr = pick_range(a, &first), h = below(a, ARRAY_SIZE(how));
	int err = vm_madvise(mm, addr_of(first), nr * PAGE_SIZE, how[h].advice);

	t_expect_eq(a->t, err, all_mapped(&page[first], nr) ? 0 : -ENOMEM);
	for (unsigned i = first; i < first + nr; i++) {
		if (!page[i].mapped)
			continue;
		if (how[h].advice == MADV_DONTNEED)
			page[i].word = 0;
		page[i].advice = (page[i].advice & ~how[h].clear) | how[h].set;
	}
}

/* Will the kernel take pages [first, first + nr) for one VMA? Asked of the kernel. */
static bool one_vma(struct mm_struct *mm, unsigned first, unsigned nr)
{
	struct vm_area_struct *vma = vma_lookup(mm, addr_of(first));

	return vma && vma->vm_end >= addr_of(first) + nr * PAGE_SIZE;
}

static void op_move(struct actor *a, struct mm_struct *mm, struct page_model *page)
{
	unsigned from, to, nr = pick_range(a, &from), room = pick_range(a, &to);
	struct page_model moved[16];
	unsigned long result;
	bool whole = one_vma(mm, from, nr);

	if (to < from + nr && from < to + room)
		return;
	result = vm_mremap(mm, addr_of(from), nr * PAGE_SIZE, room * PAGE_SIZE,
			   MREMAP_MAYMOVE | MREMAP_FIXED, addr_of(to));
	t_expect_eq(a->t, result, whole ? addr_of(to) : -EFAULT);
	if (!whole)
		return;
	memcpy(moved, &page[from], nr * sizeof(*page));
	memset(&page[from], 0, nr * sizeof(*page));
	for (unsigned i = 0; i < room; i++) {
		page[to + i] = i < nr ? moved[i] : moved[0];
		if (i >= nr)
			page[to + i].word = 0;
	}
}

static void op_resize(struct actor *a, struct mm_struct *mm, struct page_model *page)
{
	unsigned from, nr = pick_range(a, &from), want = 1 + below(a, 10), i;
	unsigned half_end = (from / (NR_PAGES / 2) + 1) * (NR_PAGES / 2);
	bool whole = one_vma(mm, from, nr), room = true;
	unsigned long result, end = addr_of(from) + nr * PAGE_SIZE;

	if (from + want > half_end)
		return;
	/* In place only at the end of a VMA. */
	if (whole && want > nr && vma_lookup(mm, addr_of(from))->vm_end != end)
		room = false;
	for (i = from + nr; i < from + want; i++)
		room &= !page[i].mapped;
	result = vm_mremap(mm, addr_of(from), nr * PAGE_SIZE, want * PAGE_SIZE, 0, 0);
	if (!whole) {
		t_expect_eq(a->t, result, -EFAULT);
		return;
	}
	t_expect_eq(a->t, result, room ? addr_of(from) : -ENOMEM);
	for (i = from + nr; room && i < from + want; i++) {
		page[i] = page[from];
		page[i].word = 0;
	}
	for (i = from + want; i < from + nr; i++)
		memset(&page[i], 0, sizeof(*page));
}

static void op_write(struct actor *a, struct mm_struct *mm __maybe_unused, struct page_model *page)
{
	unsigned i = below(a, NR_PAGES);
	u64 word = rng_next(&a->rng) | 1;
	int err = put_user(word, addr_of(i));

	t_expect_eq(a->t, err, page[i].mapped && (page[i].prot & PROT_WRITE) ? 0 : -EFAULT);
	if (!err)
		page[i].word = word;
}

static void op_read(struct actor *a, struct mm_struct *mm __maybe_unused, struct page_model *page)
{
	unsigned i = below(a, NR_PAGES);
	u64 word = 0;
	int err = get_user(&word, addr_of(i));

	t_expect_eq(a->t, err, page[i].mapped && page[i].prot ? 0 : -EFAULT);
	if (!err)
		t_expect_eq(a->t, word, page[i].word);
}

static void (*const ops[])(struct actor *, struct mm_struct *, struct page_model *) = {
	op_map, op_unmap, op_protect, op_advise, op_move, op_resize,
	op_write, op_write, op_write, op_write, op_read, op_read, op_read,
};

/* ---- the whole ---- */

static void switch_mm(struct actor *a)
{
	mm_unuse(a->mm[a->now]);
	a->now = below(a, NR_MMS);
	mm_use(a->mm[a->now]);
}

/* Everything the model knows of the mm in use. */
static void compare(struct actor *a)
{
	struct mm_struct *mm = a->mm[a->now];
	struct page_model *page = a->page[a->now];
	unsigned long mapped = 0;

	for (unsigned i = 0; i < NR_PAGES; i++) {
		struct vm_area_struct *vma = vma_lookup(mm, addr_of(i));
		u64 word = 0;

		t_expect_eq(a->t, vma != NULL, page[i].mapped);
		if (!vma || !page[i].mapped)
			continue;
		mapped++;
		/* Read-only memory is charged if it was writable and has pages, perhaps. */
		t_expect(a->t, !(page[i].prot & PROT_WRITE) || (vma->vm_flags & VM_ACCOUNT));
		t_expect_eq(a->t, vma->vm_flags & ~VM_ACCOUNT,
			    page[i].prot | (page[i].advice & 1 ? VM_DONTCOPY : 0) |
				    (page[i].advice & 2 ? VM_WIPEONFORK : 0));
		if (page[i].prot) {
			t_expect_eq(a->t, get_user(&word, addr_of(i)), 0);
			t_expect_eq(a->t, word, page[i].word);
		}
	}
	t_expect_eq(a->t, mm->total_vm, mapped);
	mmap_write_lock(mm);
	t_expect_eq(a->t, mm_check(mm), 0);
	mmap_write_unlock(mm);
}

static void run(struct actor *a, u64 nr_ops)
{
	for (unsigned i = 0; i < NR_MMS; i++) {
		a->mm[i] = mm_alloc();
		t_expect(a->t, a->mm[i]);
	}
	mm_use(a->mm[a->now]);
	for (u64 n = 1; n <= nr_ops; n++) {
		ops[below(a, ARRAY_SIZE(ops))](a, a->mm[a->now], a->page[a->now]);
		if (n % 64 == 0)
			switch_mm(a);
		if (n % 256 == 0)
			compare(a);
	}
	compare(a);
	mm_unuse(a->mm[a->now]);
	for (unsigned i = 0; i < NR_MMS; i++)
		mmput(a->mm[i]);
}

static struct actor actors[8];

static void run_actor(struct ktest *t, unsigned i, void *arg)
{
	memset(&actors[i], 0, sizeof(actors[i]));
	actors[i].t = t;
	rng_init(&actors[i].rng, t_seed(t) + i);
	run(&actors[i], *(u64 *)arg);
}

KTEST(mm_model, one_thread, KT_MODEL)
{
	u64 nr = t_scale(t, 30000);

	run_actor(t, 0, &nr);
}

/* Each has spaces of its own: what they share is the allocators, RCU and the flushes. */
KTEST(mm_model, four_threads, KT_MODEL)
{
	u64 nr = t_scale(t, 7500);

	t_parallel(t, 4, run_actor, &nr);
}
