/*
 * fault_wp.c - writes to what may only be read: reused when it is ours alone, copied when not.
 */
#include <errno.h>

#include "kernel/core/setting.h"
#include "kernel/core/user.h"
#include "mm/fault.h"
#include "mm/mman.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"
#include "tests/ktest.h"
#include "tests/mm_user.h"

#define BASE USER_BASE
#define RW   (PROT_READ | PROT_WRITE)

static struct mm_struct *new_mm(struct ktest *t, unsigned long nr)
{
	struct mm_struct *mm = mm_alloc();

	t_assert(t, mm);
	t_expect_eq(t, user_mmap(mm, BASE, nr, RW), 0);
	return mm;
}

/* Two address spaces that share @nr pages; the thread uses the first. */
struct pair {
	struct mm_struct *a, *b;
};

static struct pair begin_pair(struct ktest *t, unsigned long nr)
{
	struct pair pair = {new_mm(t, nr), new_mm(t, nr)};

	mm_use(pair.a);
	t_expect_eq(t, user_touch(BASE, nr, 11), 0);
	t_expect_eq(t, user_share(pair.a, pair.b, BASE, nr), 0);
	return pair;
}

static void end_pair(struct ktest *t, struct pair pair)
{
	t_expect_sane(t, pair.a);
	t_expect_sane(t, pair.b);
	mm_unuse(pair.a);
	mmput(pair.a);
	mmput(pair.b);
}

static u64 first_word(struct mm_struct *mm, unsigned long addr)
{
	struct page *page = user_page(mm, addr);

	return page ? *(u64 *)page_address(page) : ~0ull;
}

KTEST(fault_wp, the_zero_page_is_left_for_a_page_of_its_own, KT_UNIT)
{
	struct mm_struct *mm = new_mm(t, 2);
	u64 value;

	mm_use(mm);
	t_expect_eq(t, get_user(&value, BASE), 0);
	t_expect_eq(t, put_user((u64)4, BASE), 0);
	t_expect_eq(t, get_user(&value, BASE), 0);
	t_expect_eq(t, value, 4);
	t_expect_eq(t, get_user(&value, BASE + 8), 0);
	t_expect_eq(t, value, 0);
	t_expect_eq(t, get_mm_counter(mm, MM_ANONPAGES), 1);
	t_expect_eq(t, ((const u64 *)zero_page)[0], 0);
	t_expect_sane(t, mm);
	mm_unuse(mm);
	mmput(mm);
}

KTEST(fault_wp, an_exclusive_page_is_reused, KT_UNIT)
{
	struct mm_struct *mm = new_mm(t, 2);
	struct page *page;

	mm_use(mm);
	t_expect_eq(t, user_touch(BASE, 2, 1), 0);
	page = user_page(mm, BASE);
	user_wrprotect(mm, BASE, 2);
	t_expect(t, !pte_write(__pte(user_pte(mm, BASE))));
	t_expect_eq(t, put_user((u64)2, BASE), 0);
	t_expect(t, user_page(mm, BASE) == page);
	t_expect(t, pte_write(__pte(user_pte(mm, BASE))));

	/* mprotect gives write back at once, without a fault. */
	t_expect_eq(t, vm_mprotect(mm, BASE, 2 * PAGE_SIZE, PROT_READ), 0);
	t_expect(t, !pte_write(__pte(user_pte(mm, BASE))));
	t_expect_eq(t, vm_mprotect(mm, BASE, 2 * PAGE_SIZE, RW), 0);
	t_expect(t, pte_write(__pte(user_pte(mm, BASE + PAGE_SIZE))));
	t_expect_eq(t, first_word(mm, BASE), 2);
	mm_unuse(mm);
	mmput(mm);
}

KTEST(fault_wp, a_shared_page_is_copied_then_the_last_one_reuses_it, KT_UNIT)
{
	struct pair pair = begin_pair(t, 4);
	struct page *page = user_page(pair.a, BASE), *copy;

	t_assert(t, page);
	t_expect(t, user_page(pair.b, BASE) == page);
	t_expect_eq(t, page_count(page), 2);
	t_expect_eq(t, page_mapcount(page), 2);
	t_expect_eq(t, folio_count_rmap(page), 2);

	t_expect_eq(t, put_user((u64)12, BASE), 0);
	copy = user_page(pair.a, BASE);
	t_assert(t, copy);
	t_expect(t, copy != page);
	t_expect(t, PageAnonExclusive(copy));
	t_expect_eq(t, first_word(pair.a, BASE), 12);
	t_expect_eq(t, first_word(pair.b, BASE), 11);
	t_expect_eq(t, page_count(page), 1);
	t_expect_eq(t, folio_count_rmap(page), 1);
	t_expect_eq(t, folio_count_rmap(copy), 1);

	mm_unuse(pair.a);
	mm_use(pair.b);
	t_expect(t, !PageAnonExclusive(page));
	t_expect_eq(t, put_user((u64)13, BASE), 0);
	t_expect(t, user_page(pair.b, BASE) == page);
	t_expect(t, PageAnonExclusive(page));
	t_expect_eq(t, first_word(pair.a, BASE), 12);
	mm_unuse(pair.b);
	mm_use(pair.a);
	end_pair(t, pair);
}

/* mprotect must not give away a page that another mm reads. */
KTEST(fault_wp, mprotect_gives_write_to_exclusive_pages_only, KT_UNIT)
{
	struct pair pair = begin_pair(t, 4);
	u64 value;

	t_expect_eq(t, put_user((u64)12, BASE), 0);
	t_expect_eq(t, vm_mprotect(pair.a, BASE, 4 * PAGE_SIZE, PROT_READ), 0);
	t_expect_eq(t, vm_mprotect(pair.a, BASE, 4 * PAGE_SIZE, RW), 0);
	t_expect(t, pte_write(__pte(user_pte(pair.a, BASE))));
	t_expect(t, !pte_write(__pte(user_pte(pair.a, BASE + PAGE_SIZE))));
	t_expect_eq(t, put_user((u64)14, BASE + PAGE_SIZE), 0);
	t_expect_eq(t, first_word(pair.b, BASE + PAGE_SIZE), 11);

	/* Nor the zero page to anyone. */
	t_expect_eq(t, vm_madvise(pair.a, BASE, PAGE_SIZE, MADV_DONTNEED), 0);
	t_expect_eq(t, get_user(&value, BASE), 0);
	t_expect_eq(t, value, 0);
	t_expect_eq(t, vm_mprotect(pair.a, BASE, 4 * PAGE_SIZE, PROT_READ), 0);
	t_expect_eq(t, vm_mprotect(pair.a, BASE, 4 * PAGE_SIZE, RW), 0);
	t_expect(t, !pte_write(__pte(user_pte(pair.a, BASE))));
	end_pair(t, pair);
}

KTEST(fault_wp, a_shared_folio_is_copied_page_by_page, KT_UNIT)
{
	const struct setting *order = setting_find("anon_order");
	u64 before = order->get();
	struct pair pair;
	struct page *page;

	t_expect_eq(t, order->set(3), 0);
	pair = begin_pair(t, 8);
	t_expect_eq(t, order->set(before), 0);
	page = user_page(pair.a, BASE);
	t_assert(t, page);
	t_expect_eq(t, page_count(page), 16);
	t_expect_eq(t, put_user((u64)12, BASE + 3 * PAGE_SIZE), 0);
	t_expect_eq(t, page_count(page), 15);
	t_expect_eq(t, page_mapcount(page + 3), 1);
	t_expect_eq(t, folio_count_rmap(page + 3), 1);
	t_expect_eq(t, folio_count_rmap(page + 4), 2);
	t_expect_eq(t, user_page(pair.a, BASE + 3 * PAGE_SIZE)->order, 0);
	t_expect_eq(t, first_word(pair.b, BASE + 3 * PAGE_SIZE), 11);
	end_pair(t, pair);
}

KTEST(fault_wp, a_copy_survives_every_enomem, KT_SWEEP)
{
	struct pair pair = begin_pair(t, 4);
	struct page *page = user_page(pair.a, BASE);

	t_assert(t, page);
	fault_sweep(t, put_user((u64)12, BASE), {
		t_expect(t, user_page(pair.a, BASE) == page);
		t_expect_eq(t, page_count(page), 2);
		t_expect_eq(t, page_mapcount(page), 2);
	});
	t_expect_eq(t, first_word(pair.a, BASE), 12);
	t_expect_eq(t, first_word(pair.b, BASE), 11);
	end_pair(t, pair);
}

/* ---- another CPU ---- */

#define NR_ROUNDS 64

struct seen {
	struct pair pair;
	u64 copied; /* pages the writer is done with */
};

/* Thread 0 makes copies; the others read what they had read before and must see them at once. */
static void copy_or_read(struct ktest *t, unsigned i, void *arg)
{
	struct seen *seen = arg;
	u64 value, nr;

	mm_use(seen->pair.a);
	for (unsigned long n = 0; n < NR_ROUNDS && i == 0; n++) {
		t_expect_eq(t, put_user((u64)100, BASE + n * PAGE_SIZE), 0);
		smp_store_release(&seen->copied, n + 1);
	}
	while (i) {
		nr = smp_load_acquire(&seen->copied);
		for (unsigned long n = 0; n < NR_ROUNDS; n++) {
			t_expect_eq(t, get_user(&value, BASE + n * PAGE_SIZE), 0);
			t_expect(t, value == 100 || (value == 11 && n >= nr));
		}
		if (nr == NR_ROUNDS)
			break;
		yield();
	}
	mm_unuse(seen->pair.a);
}

KTEST(fault_wp, other_cpus_see_the_copy_at_once, KT_STRESS)
{
	for (unsigned long round = 0; round < t_scale(t, 4); round++) {
		struct seen seen = {.pair = begin_pair(t, NR_ROUNDS)};

		t_parallel(t, 4, copy_or_read, &seen);
		t_expect_eq(t, first_word(seen.pair.b, BASE), 11);
		end_pair(t, seen.pair);
	}
}
