/*
 * userfaultfd.c - registered memory: a fault there, who provides pages, what fork makes of it.
 */
#include "mm/userfaultfd.h"

#include <errno.h>
#include <string.h>
#include "kernel/base/err.h"
#include "kernel/core/fault.h"
#include "kernel/core/user.h"
#include "mm/file.h"
#include "mm/mm_check.h"
#include "mm/mman.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"
#include "tests/fork_run.h"
#include "tests/ktest.h"
#include "tests/mm_file.h"
#include "tests/mm_layout.h"
#include "tests/mm_same.h"
#include "tests/mm_user.h"

static struct mm_struct *space;
static struct userfaultfd_ctx *ctx;
static u64 contents[PAGE_SIZE / 8];

/* "AAAAAA", of which pages 0 and 1 hold 7. */
static void begin(struct ktest *t, unsigned features)
{
	space = mm_alloc();
	t_assert(t, space);
	t_expect_eq(t, layout_map(space, "AAAAAA"), 0);
	ctx = userfaultfd_create(space, features);
	t_assert(t, ctx);
	mm_use(space);
	t_expect_eq(t, user_touch(LAYOUT_BASE, 2, 7), 0);
}

static void end(struct ktest *t, const char *layout)
{
	t_expect_layout(t, space, layout);
	t_expect_sane(t, space);
	mm_unuse(space);
	mmput(space);
}

static int reg(unsigned first, unsigned nr)
{
	return userfaultfd_register(ctx, layout_addr(first), nr * PAGE_SIZE);
}

static int unreg(unsigned first, unsigned nr)
{
	return userfaultfd_unregister(ctx, layout_addr(first), nr * PAGE_SIZE);
}

static int provide(struct userfaultfd_ctx *with, unsigned page, u64 word)
{
	contents[0] = contents[PAGE_SIZE / 8 - 1] = word;
	return userfaultfd_copy(with, layout_addr(page), (const u8 *)contents);
}

/* The first word of @page of the space in use, or the errno of reading it. */
static long look(unsigned page)
{
	u64 value = 0;
	int err = get_user(&value, layout_addr(page));

	return err ? err : (long)value;
}

static struct userfaultfd_ctx *ctx_at(struct mm_struct *mm, unsigned page)
{
	return vma_lookup(mm, layout_addr(page))->vm_userfaultfd_ctx;
}

KTEST(userfaultfd, what_is_missing_is_provided_or_an_error, KT_UNIT)
{
	u64 last = 0;

	begin(t, 0);
	t_expect_eq(t, reg(1, 4), 0);
	t_expect_eq(t, look(1), 7);
	t_expect_eq(t, put_user((u64)1, layout_addr(2)), -EIO);
	t_expect_eq(t, look(2), -EIO);
	t_expect_eq(t, look(5), 0);
	t_expect_eq(t, provide(ctx, 2, 42), 0);
	t_expect_eq(t, look(2), 42);
	t_expect_eq(t, get_user(&last, layout_addr(3) - 8), 0);
	t_expect_eq(t, last, 42);
	t_expect_eq(t, put_user((u64)43, layout_addr(2)), 0);
	t_expect_eq(t, provide(ctx, 2, 44), -EEXIST);
	t_expect_eq(t, look(2), 43);
	/* Taken away it is missing again; swapped out, or moved, it is not. */
	t_expect_eq(t, vm_madvise(space, layout_addr(1), PAGE_SIZE, MADV_DONTNEED), 0);
	t_expect_eq(t, look(1), -EIO);
	t_expect_eq(t, vm_mremap(space, layout_addr(2), 2 * PAGE_SIZE, 2 * PAGE_SIZE,
				 MREMAP_MAYMOVE | MREMAP_FIXED, layout_addr(8)), layout_addr(8));
	t_expect_eq(t, look(8), 43);
	t_expect_eq(t, look(9), -EIO);
	userfaultfd_release(ctx);
	t_expect_eq(t, look(1), 0);
	t_expect_eq(t, look(9), 0);
	end(t, "AB..CD..EE");
}

KTEST(userfaultfd, ranges_are_cut_and_joined, KT_UNIT)
{
	struct userfaultfd_ctx *other;

	begin(t, 0);
	other = userfaultfd_create(space, 0);
	t_assert(t, other);
	t_expect_eq(t, reg(2, 2), 0);
	t_expect_layout(t, space, "AABBCC");
	t_expect_eq(t, reg(1, 2), 0);
	t_expect_layout(t, space, "ABBBCC");
	t_expect_eq(t, unreg(2, 1), 0);
	t_expect_layout(t, space, "ABCDEE");
	t_expect_eq(t, userfaultfd_register(other, layout_addr(4), 2 * PAGE_SIZE), 0);
	t_expect_eq(t, reg(2, 1), 0);
	t_expect_layout(t, space, "ABBBCC");
	t_expect_eq(t, userfaultfd_register(other, layout_addr(0), 6 * PAGE_SIZE), -EBUSY);
	t_expect_eq(t, unreg(0, 6), 0);
	t_expect_layout(t, space, "AAAABB");
	userfaultfd_release(other);
	t_expect_eq(t, atomic_read(&ctx->refcount), 1);
	userfaultfd_release(ctx);
	end(t, "AAAABB"); /* alike, and not joined: nothing may fail then */
}

KTEST(userfaultfd, bad_words_change_nothing, KT_UNIT)
{
	struct mm_picture *before;
	struct file *file = file_create("plain", PAGE_SIZE);

	begin(t, 0);
	t_assert(t, !IS_ERR(file));
	t_expect_eq(t, file_mmap(space, layout_addr(6), 1, PROT_READ, MAP_PRIVATE, file, 0), 0);
	t_expect_eq(t, reg(0, 2), 0);
	before = mm_picture_take(space);
	t_assert(t, before);
	t_expect_eq(t, reg(4, 3), -EINVAL);
	t_expect_eq(t, reg(4, 4), -EFAULT);
	t_expect_eq(t, unreg(4, 4), -EFAULT);
	t_expect_eq(t, reg(0, 0), -EINVAL);
	t_expect_eq(t, userfaultfd_register(ctx, LAYOUT_BASE + 1, PAGE_SIZE), -EINVAL);
	t_expect_eq(t, userfaultfd_register(ctx, LAYOUT_BASE, USER_MAX), -EINVAL);
	t_expect_eq(t, provide(ctx, 4, 1), -EINVAL);
	t_expect_eq(t, provide(ctx, 9, 1), -EINVAL);
	t_expect_eq(t, provide(ctx, 0, 1), -EEXIST);
	t_expect_eq(t, userfaultfd_copy(ctx, LAYOUT_BASE + 8, (const u8 *)contents), -EINVAL);
	t_expect_same(t, before, space);
	mm_picture_free(before);
	mm_unuse(space);
	mmput(space);
	t_expect_eq(t, reg(0, 2), -ESRCH);
	t_expect_eq(t, provide(ctx, 0, 1), -ESRCH);
	userfaultfd_release(ctx);
	fput(file);
}

KTEST(userfaultfd, one_that_cannot_be_is_found, KT_UNIT)
{
	begin(t, 0);
	t_expect_eq(t, reg(0, 6), 0);
	mmap_write_lock(space);
	t_expect_eq(t, mm_check(space), 0);
	ctx->mm = NULL;
	t_expect_eq(t, mm_check(space), 1);
	ctx->mm = space;
	mmap_write_unlock(space);
	userfaultfd_release(ctx);
	end(t, "AAAAAA");
}

/* ---- without memory ---- */

static void unchanged(struct ktest *t, struct mm_picture *before)
{
	t_expect_same(t, before, space);
	t_expect_sane(t, space);
}

KTEST(userfaultfd, survives_every_enomem, KT_SWEEP)
{
	struct mm_picture *before;

	begin(t, 0);
	before = mm_picture_take(space);
	t_assert(t, before);
	fault_sweep(t, reg(2, 2), unchanged(t, before));
	mm_picture_free(before);
	before = mm_picture_take(space);
	t_assert(t, before);
	fault_sweep(t, provide(ctx, 3, 5), unchanged(t, before));
	mm_picture_free(before);
	t_expect_eq(t, look(3), 5);
	userfaultfd_release(ctx);
	end(t, "AABBCC");
}

/* ---- fork ---- */

KTEST(userfaultfd, a_child_is_not_registered, KT_UNIT)
{
	struct mm_struct *child;

	begin(t, 0);
	t_expect_eq(t, reg(0, 3), 0);
	child = dup_mm(space);
	t_assert(t, !IS_ERR(child));
	t_expect_eq(t, ctx_at(child, 0), NULL);
	t_expect_eq(t, userfaultfd_read_fork(ctx), NULL);
	t_expect_sane(t, child);
	mm_unuse(space);
	mm_use(child);
	t_expect_eq(t, look(1), 7);
	t_expect_eq(t, look(2), 0);
	mm_unuse(child);
	mm_use(space);
	mmput(child);
	userfaultfd_release(ctx);
	end(t, "AAABBB");
}

/* One twin for each context, however many VMAs have it; each tells its own owner. */
KTEST(userfaultfd, a_child_has_a_twin_of_each_context, KT_UNIT)
{
	struct userfaultfd_ctx *other, *twin;
	struct mm_struct *child;

	begin(t, UFFD_EVENT_FORK);
	other = userfaultfd_create(space, UFFD_EVENT_FORK);
	t_assert(t, other);
	t_expect_eq(t, reg(0, 1), 0);
	t_expect_eq(t, userfaultfd_register(other, layout_addr(2), PAGE_SIZE), 0);
	t_expect_eq(t, reg(4, 1), 0);
	child = dup_mm(space);
	t_assert(t, !IS_ERR(child));
	t_expect_sane(t, child);
	twin = userfaultfd_read_fork(ctx);
	t_assert(t, twin);
	t_expect_eq(t, userfaultfd_read_fork(ctx), NULL);
	t_expect_eq(t, twin, ctx_at(child, 0));
	t_expect_eq(t, twin, ctx_at(child, 4));
	t_expect_eq(t, atomic_read(&twin->refcount), 3);
	t_expect_ne(t, twin, ctx_at(child, 2));
	t_expect_eq(t, provide(twin, 4, 9), 0);
	t_expect_eq(t, provide(ctx, 4, 8), 0);
	t_expect_eq(t, look(4), 8);
	userfaultfd_release(twin);
	/* The other's event is never read, and its child gone. */
	mmput(child);
	userfaultfd_release(other);
	userfaultfd_release(ctx);
	end(t, "ABCDEF");
}

/* Generations of twins that nobody reads go with the first. */
KTEST(userfaultfd, unread_events_go_with_their_context, KT_UNIT)
{
	struct mm_struct *child[4];

	begin(t, UFFD_EVENT_FORK);
	t_expect_eq(t, reg(0, 6), 0);
	child[0] = dup_mm(space);
	t_assert(t, !IS_ERR(child[0]));
	for (unsigned i = 1; i < ARRAY_SIZE(child); i++) {
		child[i] = dup_mm(child[i - 1]);
		t_assert(t, !IS_ERR(child[i]));
	}
	userfaultfd_release(ctx);
	for (unsigned i = 0; i < ARRAY_SIZE(child); i++) {
		t_expect_eq(t, ctx_at(child[i], 0), NULL);
		t_expect_sane(t, child[i]);
		mmput(child[i]);
	}
	end(t, "AAAAAA");
}

/* Where a copy fails: at the first VMA of each context; no event comes of it. */
KTEST(userfaultfd, a_copy_fails_at_each_new_context, KT_UNIT)
{
	struct fork_shape shape = {.vmas = 6, .pages = 1, .userfault = 4, .dontcopy = SHAPE_NO,
				   .kill = SHAPE_NO, .site = fault_site_find("F15")};
	struct fork_stage stage;
	struct fork_run run;

	t_assert_eq(t, fork_stage_build(&shape, &stage), 0);
	fork_run_begin();
	for (shape.k = 0; shape.k < shape.vmas; shape.k++) {
		t_expect_eq(t, fork_run_once(&shape, &stage, &run), 0);
		t_expect_eq(t, run.fired, shape.k < 2);
		t_expect_eq(t, run.err, run.fired ? -ENOMEM : 0);
		t_expect_eq(t, run.map_count, run.fired ? shape.k : shape.vmas);
		t_expect_eq(t, run.nr_ends, 1);
		t_expect_eq(t, userfaultfd_read_fork(stage.userfault[0]), NULL);
	}
	fork_run_end();
	t_expect_eq(t, fork_stage_end(&stage), 0);
}
