/*
 * fault_anon.c - first touches, as the CPU makes them: zeros, rights, folios, locks, no memory.
 */
#include <errno.h>

#include "kernel/core/setting.h"
#include "kernel/core/user.h"
#include "kernel/sched/completion.h"
#include "kernel/sched/kthread.h"
#include "mm/fault.h"
#include "mm/mman.h"
#include "mm/mmap_lock.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"
#include "mm/vma_lock.h"
#include "tests/ktest.h"
#include "tests/mm_user.h"

#define BASE USER_BASE
#define RW   (PROT_READ | PROT_WRITE)

static struct mm_struct *begin(struct ktest *t, unsigned long nr, unsigned long prot)
{
	struct mm_struct *mm = mm_alloc();

	t_assert(t, mm);
	t_expect_eq(t, user_mmap(mm, BASE, nr, prot), 0);
	mm_use(mm);
	return mm;
}

static void end(struct ktest *t, struct mm_struct *mm)
{
	t_expect_sane(t, mm);
	mm_unuse(mm);
	mmput(mm);
}

KTEST(fault, reads_see_zeros_and_cost_no_frame, KT_UNIT)
{
	struct mm_struct *mm = begin(t, 10, RW);
	u64 value = 1;

	for (unsigned long i = 0; i < 10; i++) {
		t_expect_eq(t, get_user(&value, BASE + i * PAGE_SIZE + 16), 0);
		t_expect_eq(t, value, 0);
		t_expect(t, pte_special(__pte(user_pte(mm, BASE + i * PAGE_SIZE))));
		t_expect(t, !pte_write(__pte(user_pte(mm, BASE + i * PAGE_SIZE))));
	}
	t_expect_eq(t, get_mm_counter(mm, MM_ANONPAGES), 0);
	end(t, mm);
}

KTEST(fault, writes_get_zeroed_frames_of_their_own, KT_UNIT)
{
	struct mm_struct *mm = begin(t, 10, RW);
	u64 value;

	for (unsigned long i = 0; i < 10; i++) {
		unsigned long addr = BASE + i * PAGE_SIZE;
		struct page *page;

		t_expect_eq(t, put_user((u64)i + 5, addr), 0);
		t_expect_eq(t, get_user(&value, addr + 8), 0);
		t_expect_eq(t, value, 0);
		page = user_page(mm, addr);
		t_assert(t, page);
		t_expect_eq(t, page->kind, FK_ANON);
		t_expect_eq(t, page_mapcount(page), 1);
		t_expect_eq(t, page_count(page), 1);
		t_expect(t, PageAnonExclusive(page));
		t_expect_eq(t, page_pgoff(page), addr >> PAGE_SHIFT);
		t_expect_eq(t, folio_count_rmap(page), 1);
		t_expect_eq(t, *(u64 *)page_address(page), i + 5);
	}
	t_expect_eq(t, get_mm_counter(mm, MM_ANONPAGES), 10);
	end(t, mm);
}

KTEST(fault, rights_are_the_vmas, KT_UNIT)
{
	struct mm_struct *mm = begin(t, 4, PROT_READ);
	u64 value = 7;

	t_expect_eq(t, put_user(value, BASE), -EFAULT);
	t_expect_eq(t, get_user(&value, BASE), 0);
	t_expect_eq(t, put_user(value, BASE), -EFAULT);
	t_expect_eq(t, get_user(&value, BASE - 8), -EFAULT);
	t_expect_eq(t, get_user(&value, BASE + 4 * PAGE_SIZE), -EFAULT);
	t_expect_eq(t, vm_mprotect(mm, BASE, PAGE_SIZE, RW), 0);
	t_expect_eq(t, put_user((u64)3, BASE), 0);

	/* Without any right the page stays, and nobody reaches it. */
	t_expect_eq(t, vm_mprotect(mm, BASE, PAGE_SIZE, PROT_NONE), 0);
	t_expect_eq(t, get_user(&value, BASE), -EFAULT);
	t_expect_eq(t, put_user(value, BASE), -EFAULT);
	t_expect_eq(t, user_mapped(mm, BASE, 4), 1);
	t_expect_sane(t, mm);
	t_expect_eq(t, vm_mprotect(mm, BASE, PAGE_SIZE, PROT_READ), 0);
	t_expect_eq(t, get_user(&value, BASE), 0);
	t_expect_eq(t, value, 3);
	t_expect_eq(t, put_user(value, BASE), -EFAULT);
	end(t, mm);
}

KTEST(fault, an_unstable_mm_shows_no_zeros, KT_UNIT)
{
	struct mm_struct *mm = begin(t, 4, RW);
	u64 value = 0;

	t_expect_eq(t, put_user((u64)9, BASE), 0);
	set_bit(MMF_UNSTABLE, &mm->flags);
	t_expect_eq(t, get_user(&value, BASE + PAGE_SIZE), -EIO);
	t_expect_eq(t, put_user(value, BASE + PAGE_SIZE), -EIO);
	t_expect_eq(t, get_user(&value, BASE), 0);
	t_expect_eq(t, value, 9);
	t_expect_eq(t, user_mapped(mm, BASE, 4), 1);
	clear_bit(MMF_UNSTABLE, &mm->flags);
	t_expect_eq(t, put_user(value, BASE + PAGE_SIZE), 0);
	end(t, mm);
}

/* ---- folios ---- */

static unsigned order_before;

static void order_set(struct ktest *t, u64 order)
{
	const struct setting *s = setting_find("anon_order");

	t_assert(t, s);
	order_before = s->get();
	t_expect_eq(t, s->set(order), 0);
}

static void order_restore(struct ktest *t)
{
	t_expect_eq(t, setting_find("anon_order")->set(order_before), 0);
}

KTEST(fault, a_first_write_maps_an_aligned_folio, KT_UNIT)
{
	for (unsigned order = 1; order <= ANON_ORDER_MAX; order++) {
		struct mm_struct *mm = begin(t, 2048, RW);
		unsigned long nr = 1ul << order, addr = BASE + 5 * nr / 2 * PAGE_SIZE;
		struct page *page, *head;

		order_set(t, order);
		t_expect_eq(t, put_user((u64)1, addr), 0);
		order_restore(t);
		page = user_page(mm, addr);
		t_assert(t, page);
		head = page_head(page);
		t_expect_eq(t, head->order, order);
		t_expect_eq(t, page->tail, (addr >> PAGE_SHIFT) & (nr - 1));
		t_expect_eq(t, page_to_pfn(head) & (nr - 1), 0);
		t_expect_eq(t, user_mapped(mm, BASE, 2048), nr);
		t_expect_eq(t, get_mm_counter(mm, MM_ANONPAGES), nr);
		t_expect_eq(t, page_count(page), nr);
		for (unsigned long i = 0; i < nr; i++) {
			t_expect_eq(t, page_mapcount(head + i), 1);
			t_expect_eq(t, folio_count_rmap(head + i), 1);
			t_expect_eq(t, ((u64 *)page_address(head + i))[1], 0);
		}
		end(t, mm);
	}
}

KTEST(fault, folios_shrink_to_what_is_free, KT_UNIT)
{
	struct mm_struct *mm = begin(t, 64, RW);

	/* Page 9 of 64 is taken: the other half of its 16 may have 8, its neighbour just itself. */
	t_expect_eq(t, put_user((u64)1, BASE + 9 * PAGE_SIZE), 0);
	order_set(t, 4);
	t_expect_eq(t, put_user((u64)1, BASE + 3 * PAGE_SIZE), 0);
	t_expect_eq(t, put_user((u64)1, BASE + 8 * PAGE_SIZE), 0);
	t_expect_eq(t, put_user((u64)1, BASE + 12 * PAGE_SIZE), 0);
	t_expect_eq(t, user_page(mm, BASE)->order, 3);
	t_expect_eq(t, user_page(mm, BASE + 8 * PAGE_SIZE)->order, 0);
	t_expect_eq(t, user_page(mm, BASE + 13 * PAGE_SIZE)->order, 2);
	t_expect_eq(t, user_mapped(mm, BASE, 16), 14);

	/* The VMA ends inside. */
	t_expect_eq(t, vm_munmap(mm, BASE + 60 * PAGE_SIZE, 4 * PAGE_SIZE), 0);
	t_expect_eq(t, put_user((u64)1, BASE + 50 * PAGE_SIZE), 0);
	t_expect_eq(t, user_page(mm, BASE + 50 * PAGE_SIZE)->order, 3);
	order_restore(t);
	end(t, mm);
}

KTEST(fault, a_folio_goes_page_by_page, KT_UNIT)
{
	struct mm_struct *mm = begin(t, 16, RW);
	struct page *page;

	order_set(t, 4);
	t_expect_eq(t, put_user((u64)1, BASE), 0);
	order_restore(t);
	page = user_page(mm, BASE);
	t_assert(t, page);
	t_expect_eq(t, vm_munmap(mm, BASE + 3 * PAGE_SIZE, 5 * PAGE_SIZE), 0);
	t_expect_eq(t, page_count(page), 11);
	t_expect_eq(t, page_mapcount(page + 3), 0);
	t_expect_eq(t, vm_madvise(mm, BASE, 3 * PAGE_SIZE, MADV_DONTNEED), 0);
	t_expect_eq(t, page_count(page), 8);
	t_expect_eq(t, get_mm_counter(mm, MM_ANONPAGES), 8);
	end(t, mm);
}

/* ---- locks ---- */

struct toucher {
	struct mm_struct *mm;
	unsigned long addr;
	int result;
	struct completion done;
	struct thread *thread;
};

static void touch_fn(void *arg)
{
	struct toucher *toucher = arg;

	mm_use(toucher->mm);
	toucher->result = put_user((u64)1, toucher->addr);
	mm_unuse(toucher->mm);
	complete(&toucher->done);
}

static bool touch_start(struct ktest *t, struct toucher *toucher, struct mm_struct *mm,
			unsigned long addr)
{
	*toucher = (struct toucher){.mm = mm, .addr = addr, .result = 1};
	init_completion(&toucher->done);
	toucher->thread = kthread_run("toucher", touch_fn, toucher);
	t_expect(t, toucher->thread);
	return toucher->thread;
}

KTEST(fault, the_vmas_own_lock_is_enough, KT_UNIT)
{
	struct mm_struct *mm = begin(t, 4, RW);
	struct toucher toucher;

	t_expect_eq(t, put_user((u64)1, BASE), 0);
	mmap_write_lock(mm);
	if (touch_start(t, &toucher, mm, BASE + PAGE_SIZE)) {
		wait_for_completion(&toucher.done);
		t_expect_eq(t, toucher.result, 0);
	}
	mmap_write_unlock(mm);
	if (toucher.thread)
		thread_join(toucher.thread);
	end(t, mm);
}

KTEST(fault, a_write_locked_vma_keeps_faults_out, KT_UNIT)
{
	struct mm_struct *mm = begin(t, 4, RW);
	struct toucher toucher;

	t_expect_eq(t, put_user((u64)1, BASE), 0);
	mmap_write_lock(mm);
	vma_start_write(vma_lookup(mm, BASE));
	if (touch_start(t, &toucher, mm, BASE + PAGE_SIZE)) {
		for (int i = 0; i < 100; i++)
			yield();
		t_expect_eq(t, toucher.result, 1);
		t_expect_eq(t, user_mapped(mm, BASE, 4), 1);
	}
	mmap_write_unlock(mm);
	if (toucher.thread) {
		thread_join(toucher.thread);
		t_expect_eq(t, toucher.result, 0);
	}
	end(t, mm);
}

KTEST(fault, a_killed_thread_does_not_wait_for_mmap_lock, KT_UNIT)
{
	struct mm_struct *mm = begin(t, 4, RW);
	struct toucher toucher;

	mmap_write_lock(mm);
	vma_start_write(vma_lookup(mm, BASE));
	if (touch_start(t, &toucher, mm, BASE)) {
		thread_kill(toucher.thread);
		thread_join(toucher.thread);
		t_expect_eq(t, toucher.result, -EINTR);
	}
	mmap_write_unlock(mm);
	t_expect_eq(t, user_mapped(mm, BASE, 4), 0);
	end(t, mm);
}

/* ---- no memory ---- */

static bool empty_still(struct mm_struct *mm)
{
	return user_mapped(mm, BASE, 16) == 0 && get_mm_counter(mm, MM_ANONPAGES) == 0;
}

KTEST(fault, a_first_write_survives_every_enomem, KT_SWEEP)
{
	struct mm_struct *mm = begin(t, 16, RW);

	fault_sweep(t, put_user((u64)1, BASE + PAGE_SIZE), t_expect(t, empty_still(mm)));
	t_expect_eq(t, user_mapped(mm, BASE, 16), 1);
	end(t, mm);
}

KTEST(fault, a_first_read_survives_every_enomem, KT_SWEEP)
{
	struct mm_struct *mm = begin(t, 16, RW);
	u64 value;

	fault_sweep(t, get_user(&value, BASE + PAGE_SIZE), t_expect(t, empty_still(mm)));
	end(t, mm);
}

/* Without memory for a folio there is one for a page. */
KTEST(fault, a_folio_survives_every_enomem, KT_SWEEP)
{
	struct mm_struct *mm = begin(t, 16, RW);

	order_set(t, 4);
	fault_sweep_undo(t, put_user((u64)1, BASE), t_expect(t, empty_still(mm)),
			 t_expect_eq(t, vm_madvise(mm, BASE, 16 * PAGE_SIZE, MADV_DONTNEED), 0));
	order_restore(t);
	t_expect_eq(t, user_mapped(mm, BASE, 16), 16);
	end(t, mm);
}

/* ---- many at once ---- */

static void touch_all(struct ktest *t, unsigned i, void *arg)
{
	struct mm_struct *mm = arg;
	u64 value;

	mm_use(mm);
	for (unsigned long n = 0; n < 256; n++) {
		unsigned long addr = BASE + (n * 37 + i * 11) % 256 * PAGE_SIZE;

		t_expect_eq(t, put_user((u64)i, addr + 8 * i), 0);
		t_expect_eq(t, get_user(&value, addr + 8 * i), 0);
		t_expect_eq(t, value, i);
	}
	mm_unuse(mm);
}

KTEST(fault, threads_that_meet_share_one_page, KT_STRESS)
{
	u64 value;

	for (u64 order = 0; order <= 4; order += 2) {
		struct mm_struct *mm = begin(t, 256, RW);

		order_set(t, order);
		t_parallel(t, 4, touch_all, mm);
		order_restore(t);
		t_expect_eq(t, get_mm_counter(mm, MM_ANONPAGES), 256);
		for (unsigned long n = 0; n < 256; n++) {
			for (unsigned long i = 0; i < 4; i++) {
				t_expect_eq(t, get_user(&value, BASE + n * PAGE_SIZE + 8 * i), 0);
				t_expect_eq(t, value, i);
			}
		}
		end(t, mm);
	}
}
