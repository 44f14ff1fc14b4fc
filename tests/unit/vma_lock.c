/*
 * vma_lock.c - who may read a VMA beside whom.
 */
#include "kernel/core/user.h"
#include "kernel/sched/kthread.h"
#include "mm/mman.h"
#include "mm/mmap_lock.h"
#include "mm/vma_lock.h"
#include "tests/ktest.h"
#include "tests/mm_layout.h"

static struct mm_struct *space;

static void begin(struct ktest *t, const char *text)
{
	space = mm_alloc();
	t_assert(t, space);
	t_expect_eq(t, layout_map(space, text), 0);
}

/* The one holding page @n, read-locked; NULL: not to be had. */
static struct vm_area_struct *read_lock(unsigned n)
{
	return lock_vma_under_rcu(space, layout_addr(n));
}

KTEST(vma_lock, readers_share_and_count, KT_UNIT)
{
	struct vm_area_struct *vma, *again;

	begin(t, "AAbb");
	vma = read_lock(0);
	again = read_lock(1);
	t_assert(t, vma);
	t_expect(t, vma == again);
	t_expect_eq(t, atomic_read(&vma->vm_refcnt), 3);
	t_expect(t, !read_lock(4));
	vma_end_read(vma);
	vma_end_read(again);
	t_expect_eq(t, atomic_read(&vma->vm_refcnt), 1);
	mmput(space);
}

KTEST(vma_lock, a_writer_keeps_readers_of_its_vma_out, KT_UNIT)
{
	struct vm_area_struct *vma, *other;

	begin(t, "AAbb");
	mmap_write_lock(space);
	vma = vma_lookup(space, layout_addr(0));
	vma_start_write(vma);
	t_expect(t, vma_is_write_locked(vma));
	t_expect(t, !read_lock(0));
	other = read_lock(2); /* mmap_lock alone does not keep them out */
	t_expect(t, other != NULL);
	vma_end_read(other);
	mmap_write_unlock(space);
	t_expect(t, !vma_is_write_locked(vma));
	t_expect(t, read_lock(0) == vma);
	vma_end_read(vma);
	mmput(space);
}

KTEST(vma_lock, downgrade_lets_readers_in, KT_UNIT)
{
	struct vm_area_struct *vma;

	begin(t, "AA");
	mmap_write_lock(space);
	vma_start_write(vma_lookup(space, layout_addr(0)));
	mmap_write_downgrade(space);
	vma = read_lock(0);
	t_assert(t, vma);
	vma_end_read(vma);
	mmap_read_unlock(space);
	mmput(space);
}

/* ---- a writer that waits ---- */

static u32 wrote;
static int wrote_err;

static void writer(void *killable)
{
	struct vm_area_struct *vma;

	mmap_write_lock(space);
	vma = vma_lookup(space, layout_addr(0));
	wrote_err = 0;
	if (killable)
		wrote_err = vma_start_write_killable(vma);
	else
		vma_start_write(vma);
	WRITE_ONCE(wrote, 1);
	mmap_write_unlock(space);
}

/* @vma is read-locked by this thread; a writer of it has begun to wait. */
static struct thread *start_writer(struct ktest *t, struct vm_area_struct *vma, bool killable)
{
	struct thread *w;

	wrote = 0;
	w = kthread_run("writer", writer, killable ? space : NULL);
	t_assert(t, w);
	while (!(atomic_read(&vma->vm_refcnt) & VMA_LOCK_OFFSET))
		yield();
	return w;
}

KTEST(vma_lock, a_writer_waits_for_the_last_reader, KT_UNIT)
{
	struct vm_area_struct *vma;
	struct thread *w;

	begin(t, "AA");
	vma = read_lock(0);
	w = start_writer(t, vma, false);
	t_expect(t, !read_lock(0)); /* nobody new while it waits */
	t_expect_eq(t, READ_ONCE(wrote), 0);
	vma_end_read(vma);
	thread_join(w);
	t_expect_eq(t, wrote, 1);
	t_expect_eq(t, atomic_read(&vma->vm_refcnt), 1);
	mmput(space);
}

KTEST(vma_lock, a_killed_writer_gives_up, KT_UNIT)
{
	struct vm_area_struct *vma;
	struct thread *w;

	begin(t, "AA");
	vma = read_lock(0);
	w = start_writer(t, vma, true);
	thread_kill(w);
	thread_join(w);
	t_expect_eq(t, wrote_err, -EINTR);
	t_expect_eq(t, atomic_read(&vma->vm_refcnt), 2);
	t_expect(t, !vma_is_write_locked(vma));
	vma_end_read(vma);
	t_expect(t, read_lock(0) == vma);
	vma_end_read(vma);
	mmput(space);
}

/* A munmap that is killed while it waits for a reader puts everything back. */
static void unmapper(void *arg __maybe_unused)
{
	wrote_err = vm_munmap(space, LAYOUT_BASE, 4 * PAGE_SIZE);
}

KTEST(vma_lock, a_killed_munmap_changes_nothing, KT_UNIT)
{
	struct vm_area_struct *vma;
	struct thread *w;

	begin(t, "AAbbCC");
	vma = read_lock(2); /* the second of the two that go */
	w = kthread_run("unmapper", unmapper, NULL);
	t_assert(t, w);
	while (!(atomic_read(&vma->vm_refcnt) & VMA_LOCK_OFFSET))
		yield();
	thread_kill(w);
	thread_join(w);
	t_expect_eq(t, wrote_err, -EINTR);
	vma_end_read(vma);
	t_expect_layout(t, space, "AAbbCC");
	vma = read_lock(0);
	t_assert(t, vma); /* the first is attached again */
	vma_end_read(vma);
	mmput(space);
}
