/*
 * oom_reap.c - a pass of the reaper over an address space, in each order, beside exit.
 */
#include <errno.h>

#include "kernel/core/user.h"
#include "mm/fault.h"
#include "mm/file.h"
#include "mm/mman.h"
#include "mm/mmap_lock.h"
#include "mm/oom_reap.h"
#include "tests/ktest.h"
#include "tests/mm_file.h"
#include "tests/mm_user.h"
#include "tests/oom_test.h"

#define RW	   (PROT_READ | PROT_WRITE)
#define NR	   8ul
#define ANON	   USER_BASE
#define PRIV	   (USER_BASE + 0x400000ul)
#define SHRD	   (USER_BASE + 0x800000ul)
#define HUGE	   (USER_BASE + 0x40000000ul) /* a VMA of more than two pieces of 1 GiB */
#define HUGE_PAGES ((5ul << 30 >> PAGE_SHIFT) / 2)

static struct file *file;

static unsigned long huge_page(unsigned long i)
{
	return HUGE + i * (HUGE_PAGES / 8) * PAGE_SIZE;
}

/* Anonymous memory, a file mapped privately (read and written) and shared, and a sparse giant. */
static struct mm_struct *make_space(struct ktest *t)
{
	struct mm_struct *mm = mm_alloc();
	u64 value;

	t_assert(t, mm);
	file = t_file(t, "reaped", NR, 7);
	t_expect_eq(t, user_mmap(mm, ANON, NR, RW), 0);
	t_expect_eq(t, file_mmap(mm, PRIV, NR, RW, MAP_PRIVATE, file, 0), 0);
	t_expect_eq(t, file_mmap(mm, SHRD, NR, RW, MAP_SHARED, file, 0), 0);
	t_expect_eq(t,
		    vm_mmap(mm, HUGE, HUGE_PAGES * PAGE_SIZE, RW,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE),
		    HUGE);
	mm_use(mm);
	t_expect_eq(t, user_touch(ANON, NR, 1), 0);
	t_expect_eq(t, user_touch(PRIV, NR / 2, 2), 0);
	t_expect_eq(t, user_touch(SHRD, NR, 3), 0);
	for (unsigned long i = 0; i < 8; i++)
		t_expect_eq(t, put_user((u64)i, huge_page(i)), 0);
	t_expect_eq(t, get_user(&value, PRIV + (NR - 1) * PAGE_SIZE), 0);
	mm_unuse(mm);
	return mm;
}

static void expect_reaped(struct ktest *t, struct mm_struct *mm)
{
	u64 value = 0;

	t_expect_eq(t, get_mm_counter(mm, MM_ANONPAGES), 0);
	t_expect_eq(t, get_mm_counter(mm, MM_FILEPAGES), NR); /* what others share stays */
	t_expect_eq(t, user_mapped(mm, ANON, NR), 0);
	t_expect_eq(t, user_mapped(mm, SHRD, NR), NR);
	mm_use(mm);
	t_expect_eq(t, get_user(&value, ANON), -EIO); /* no zeros for what is lost */
	t_expect_eq(t, get_user(&value, SHRD), 0);
	t_expect_eq(t, value, 3);
	mm_unuse(mm);
	t_expect_sane(t, mm);
}

static void reap_under(struct ktest *t, const char *rules)
{
	struct mm_struct *mm;

	t_rules(t, rules);
	mm = make_space(t);
	t_expect_eq(t, oom_reap_mm(mm), 0);
	expect_reaped(t, mm);
	t_expect(t, oom_reap_try(mm)); /* again: nothing is left */
	expect_reaped(t, mm);
	mmput(mm);
	fput(file);
	t_rules_end();
}

KTEST(oom, every_order_frees_what_is_private, KT_UNIT)
{
	reap_under(t, "reap_same_order");
	reap_under(t, "reap_reverse");
	reap_under(t, "reap_chunked_yield");
}

KTEST(oom, who_does_not_wait_is_turned_away, KT_UNIT)
{
	struct mm_struct *mm = make_space(t);

	mmap_write_lock(mm);
	t_expect(t, !oom_reap_try(mm));
	t_expect_eq(t, get_mm_counter(mm, MM_ANONPAGES), NR + NR / 2 + 8);
	mmap_write_unlock(mm);
	set_bit(MMF_OOM_SKIP, &mm->flags);
	t_expect(t, oom_reap_try(mm)); /* exit has been there: hands off */
	t_expect_eq(t, get_mm_counter(mm, MM_ANONPAGES), NR + NR / 2 + 8);
	mmput(mm);
	fput(file);
}

/* A gather that gets no memory frees less at a time, and all the same. */
KTEST(oom, reaping_needs_no_memory, KT_SWEEP)
{
	unsigned long many = 2048;
	struct mm_struct *mm = mm_alloc();

	t_assert(t, mm);
	t_expect_eq(t, user_mmap(mm, ANON, many, RW), 0);
	mm_use(mm);
	t_expect_eq(t, user_touch(ANON, many, 1), 0);
	mm_unuse(mm);
	fault_sweep_undo(t, oom_reap_mm(mm), (void)0, ({
				 t_expect_eq(t, get_mm_counter(mm, MM_ANONPAGES), 0);
				 clear_bit(MMF_UNSTABLE, &mm->flags);
				 mm_use(mm);
				 t_expect_eq(t, user_touch(ANON, many, 1), 0);
				 mm_unuse(mm);
			 }));
	t_expect_eq(t, get_mm_counter(mm, MM_ANONPAGES), 0);
	mmput(mm);
}

/* ---- beside the last user ---- */

struct beside {
	struct mm_struct *mm;
	atomic_t reaped;
};

static void exit_or_reap(struct ktest *t, unsigned i, void *arg)
{
	struct beside *b = arg;

	if (i == 0)
		mmput(b->mm);
	else if (oom_reap_try(b->mm))
		atomic_inc(&b->reaped);
	if (i)
		mmdrop(b->mm);
}

static void exit_beside(struct ktest *t, const char *rules, unsigned nr)
{
	struct beside b = {.reaped = ATOMIC_INIT(0)};

	t_rules(t, rules);
	b.mm = make_space(t);
	for (unsigned i = 1; i < nr; i++)
		mmgrab(b.mm);
	mmgrab(b.mm);
	t_parallel(t, nr, exit_or_reap, &b);
	t_expect_eq(t, get_mm_counter(b.mm, MM_ANONPAGES), 0);
	t_expect_eq(t, get_mm_counter(b.mm, MM_FILEPAGES), 0);
	t_expect(t, test_bit(MMF_OOM_SKIP, &b.mm->flags));
	mmdrop(b.mm);
	fput(file);
	t_rules_end();
}

KTEST(oom, exit_and_reaper_free_together, KT_STRESS)
{
	static const char *const rules[] = {
		"reap_same_order", "reap_reverse",	    "reap_chunked_yield",
		"exit_skip_early", "exit_write_throughout",
	};

	for (u64 n = 0; n < t_scale(t, 2); n++) {
		for (unsigned i = 0; i < ARRAY_SIZE(rules); i++)
			exit_beside(t, rules[i], 2 + n % 2);
	}
}

/* Write-locked throughout, a victim frees its pages as the reaper would have. */
KTEST(oom, a_victim_that_lets_nobody_in_reaps_itself, KT_UNIT)
{
	struct mm_struct *mm;

	t_rules(t, "exit_write_throughout");
	mm = make_space(t);
	set_bit(MMF_OOM_VICTIM, &mm->flags);
	mmgrab(mm);
	mmput(mm);
	t_expect(t, test_bit(MMF_UNSTABLE, &mm->flags));
	t_expect_eq(t, get_mm_counter(mm, MM_ANONPAGES), 0);
	mmdrop(mm);
	fput(file);
	t_rules_end();
}
