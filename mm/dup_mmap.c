/*
 * dup_mmap.c - fork's copy of an address space: VMA by VMA, under both locks.
 *
 * Owns: the order of the steps, the loop, what is called a failure and where it was.
 * Not here: how the child's tree comes to be and what becomes of a failed copy (the hooks of
 *           mm->sem), pages (copy_page_range.c).
 * Idea: everything of one VMA that can fail comes before it is stored, but for its pages. So the
 *       child's tree always holds whole VMAs of its own, a head, whose last one may lack pages; and
 *       behind it what build_tree put there.
 *
 *	 child's tree    [ own VMAs: map_count of them ][ mpnt ][ not copied yet ]
 *	                                               ^ end
 */
#include "mm/dup_mmap.h"

#include <errno.h>
#include "kernel/base/err.h"
#include "kernel/core/fault.h"
#include "kernel/core/setting.h"
#include "kernel/sched/thread.h"
#include "mm/anon_vma.h"
#include "mm/commit.h"
#include "mm/copy_page_range.h"
#include "mm/i_mmap.h"
#include "mm/mempolicy.h"
#include "mm/mm_marks.h"
#include "mm/mman_internal.h"
#include "mm/mmap_lock.h"
#include "mm/semantics.h"
#include "mm/userfaultfd.h"
#include "mm/vma_lock.h"

FAULT_SITE(F01, "fork: the mm object");
FAULT_SITE(F02, "fork: the page directory");
FAULT_SITE(F07, "fork: killable write lock of the parent");
FAULT_SITE(F08, "fork: the tree clone's first node");
FAULT_SITE(F10, "fork: killable write lock of a VMA");
FAULT_SITE(F12, "fork: the commit limit, for a VMA that is charged");
FAULT_SITE(F13, "fork: the VMA object");
FAULT_SITE(F14, "fork: a copy of the VMA's memory policy");
FAULT_SITE(sigkill, "fork: SIGKILL arrives before VMA number at= is looked at");

DELAY_SITE(pub_tree, "fork: the child's VMA is in its tree");

unsigned long fork_kill_test;

static u64 kill_test_get(void)
{
	return fork_kill_test;
}

static int kill_test_set(u64 value)
{
	fork_kill_test = value;
	return 0;
}
SETTING_U64(fork_kill_test, "SIGKILL ends a copy: 0 as its semantics says, 1 loop, 2 VMA lock", 0,
	    KILL_VMA_LOCK, kill_test_get, kill_test_set);

/* ---- one VMA ---- */

/* The parent's VMA is locked; a fatal signal ends the copy, by the test of its time. */
static int lock_vma(struct fork_copy *fc, struct vm_area_struct *mpnt)
{
	unsigned long test = fork_kill_test ? fork_kill_test : fc->mm->sem->hooks.kill_test;

	if (fault_site_fires(&fault_site_sigkill))
		thread_kill(current);
	if (test == KILL_LOOP && fatal_signal_pending(current))
		return -EINTR;
	if (fault_should_fail(&fault_site_F10, 0))
		return -EINTR;
	if (test == KILL_VMA_LOCK)
		return vma_start_write_killable(mpnt);
	vma_start_write(mpnt);
	return 0;
}

static bool may_publish(struct fork_copy *fc, enum publication by)
{
	const struct sem_hooks *sem = &fc->mm->sem->hooks;

	if (sem->publish && !sem->publish(by))
		return false;
	if (fc->mm->mark < MARK_PUBLISH)
		mm_mark(fc->mm, MARK_PUBLISH);
	return true;
}

static int fork_anon_vma(struct fork_copy *fc, struct vm_area_struct *vma,
			 struct vm_area_struct *mpnt)
{
	bool link = may_publish(fc, PUB_ANON);
	int err = anon_vma_fork(vma, mpnt, link);

	if (!err && link)
		dup_published(PUB_ANON);
	return err;
}

/* What @vma still shares with the parent's VMA becomes its own. */
static noinline int copy_extras(struct fork_copy *fc, struct vm_area_struct *vma)
{
	if (vma->vm_policy && FAULT_SITE_CALL(F14, vma_dup_policy(vma)))
		return -ENOMEM;
	return vma->vm_userfaultfd_ctx ? dup_userfaultfd(vma, &fc->userfaults) : 0;
}

/* A VMA of the child with all that belongs to it, which is in no tree yet; or NULL. */
static struct vm_area_struct *copy_vma(struct fork_copy *fc, struct vm_area_struct *mpnt)
{
	struct vm_area_struct *vma = FAULT_SITE_CALL(F13, vm_area_dup(mpnt));

	if (!vma)
		return NULL;
	vma->vm_mm = fc->mm;
	if (unlikely(vma_has_extras(vma)) && copy_extras(fc, vma))
		goto undo_vma;
	/* A wiped one begins without pages, so nobody needs to find it by them. */
	if (!(vma->vm_flags & VM_WIPEONFORK) && mpnt->anon_vma && fork_anon_vma(fc, vma, mpnt))
		goto undo_vma;
	return vma;

undo_vma:
	vm_area_free(vma);
	return NULL;
}

/* Behind the store, so that whoever is told of the VMA finds it in the child's tree. */
static void open_file(struct fork_copy *fc, struct vm_area_struct *vma)
{
	vma_open(vma);
	if (!may_publish(fc, PUB_IMMAP))
		return;
	vma_link_file(vma);
	dup_published(PUB_IMMAP);
}

/* The copy of @mpnt takes its place; or nothing of it is left. */
static int add_copy(struct fork_copy *fc, struct vm_area_struct *mpnt,
		    struct vm_area_struct **vmap)
{
	struct vm_area_struct *vma = copy_vma(fc, mpnt);
	int err;

	if (!vma)
		return -ENOMEM;
	vma_attach_new(vma);
	err = fc->mm->sem->hooks.store_vma(fc, vma);
	if (err) {
		vma_mark_detached(vma);
		unlink_anon_vmas(vma);
		vm_area_free(vma);
		return err;
	}
	fc->mm->map_count++;
	delay_here(&delay_site_pub_tree);
	if (vma->vm_file)
		open_file(fc, vma);
	*vmap = vma;
	return 0;
}

static int skip_vma(struct fork_copy *fc, struct vm_area_struct *mpnt)
{
	int err = fc->mm->sem->hooks.skip_vma(fc, mpnt);

	/* What the child was given of the parent's counts; of charges it was given none. */
	if (!err)
		vm_stat_account(fc->mm, mpnt->vm_flags & ~VM_ACCOUNT, -(long)vma_pages(mpnt));
	return err;
}

/* Promised before anything is made; 0 or -ENOMEM. */
static int charge_vma(struct mm_struct *oldmm, long pages)
{
	if (!pages)
		return 0;
	if (fault_should_fail(&fault_site_F12, pages * PAGE_SIZE))
		return -ENOMEM;
	return security_vm_enough_memory_mm(oldmm, pages);
}

/*
 * In the order of Linux's loop. On failure fc->mpnt is the first that the child does not have:
 * @mpnt itself, or the next if only pages are missing.
 */
static int dup_vma(struct fork_copy *fc, struct copy_walk *pages, struct vm_area_struct *mpnt)
{
	long charge = mpnt->vm_flags & VM_ACCOUNT ? (long)vma_pages(mpnt) : 0;
	struct vm_area_struct *vma;
	int err = lock_vma(fc, mpnt);

	if (err)
		return err;
	if (mpnt->vm_flags & VM_DONTCOPY)
		return skip_vma(fc, mpnt);
	err = charge_vma(fc->oldmm, charge);
	if (err)
		return err;
	err = add_copy(fc, mpnt, &vma);
	if (err) {
		vm_unacct_memory(charge);
		return err;
	}
	fc->mm->accounted_vm += charge;
	/* Without anonymous pages there is nothing that a fault could not find again. */
	if (!(vma->vm_flags & VM_WIPEONFORK) && mpnt->anon_vma)
		err = copy_page_range(pages, vma, mpnt);
	if (err)
		fc->mpnt = vma_next(&fc->vmi);
	return err;
}

void (*dup_vma_hook)(unsigned long index) __host_data;

static noinline void tell_vma(unsigned long index)
{
	if (dup_vma_hook)
		dup_vma_hook(index);
}

/* All VMAs in order. On failure fc->mpnt is the first that the child does not have. */
static int dup_vmas(struct fork_copy *fc)
{
	struct vm_area_struct *mpnt;
	struct copy_walk pages;
	unsigned long index = 0;
	int err = 0;

	copy_pages_begin(&pages, fc->mm, fc->oldmm);
	for_each_vma(fc->vmi, mpnt) {
		fc->mpnt = mpnt;
		if (static_branch_unlikely(&faults_key))
			tell_vma(index);
		index++;
		err = dup_vma(fc, &pages, mpnt);
		if (err)
			break;
	}
	copy_pages_end(&pages);
	if (!err)
		fc->mpnt = NULL;
	return err;
}

/* ---- all of it ---- */

/* What an address space is beside its VMAs. */
static void copy_sizes(struct mm_struct *mm, const struct mm_struct *oldmm)
{
	mm->total_vm = oldmm->total_vm;
	mm->data_vm = oldmm->data_vm;
	mm->exec_vm = oldmm->exec_vm;
	mm->stack_vm = oldmm->stack_vm;
	mm->rlimit_as = oldmm->rlimit_as;
	mm->rlimit_data = oldmm->rlimit_data;
	mm->start_brk = oldmm->start_brk;
	mm->brk = oldmm->brk;
}

static unsigned long head_end(const struct fork_copy *fc)
{
	if (!fc->mm->map_count)
		return 0;
	return fc->mpnt ? fc->mpnt->vm_start : ~0ul;
}

static void fail(struct fork_copy *fc)
{
	const struct sem_hooks *sem = &fc->mm->sem->hooks;

	fc->end = head_end(fc);
	if (fc->mm->sem->hooks.publish)
		set_bit(MMF_UNPUBLISHED, &fc->mm->flags);
	mm_mark(fc->mm, MARK_RECOVER);
	if (sem->doom)
		sem->doom(fc->mm);
	sem->on_fail(fc);
}

static void show_to_all(struct mm_struct *mm)
{
	clear_bit(MMF_UNPUBLISHED, &mm->flags);
	dup_published(PUB_MM);
}

int dup_mmap(struct mm_struct *mm, struct mm_struct *oldmm) NO_LOCK_ANALYSIS
{
	const struct sem_hooks *sem = &mm->sem->hooks;
	struct fork_copy fc = {
		.mm = mm, .oldmm = oldmm, .userfaults = LIST_HEAD_INIT(fc.userfaults)};

	if (fault_should_fail(&fault_site_F07, 0) || mmap_write_lock_killable(oldmm))
		return -EINTR;
	down_write_nested(&mm->mmap_lock, LC_MMAP_CHILD);
	mm_mark(mm, MARK_CLONE);
	copy_sizes(mm, oldmm);
	fc.err = FAULT_SITE_CALL(F08, sem->build_tree(&fc));
	if (fc.err)
		goto unlock;
	mm_mark(mm, MARK_COPY);
	if (!sem->publish || sem->publish(PUB_MM))
		show_to_all(mm);
	fc.err = dup_vmas(&fc);
	if (fc.err) {
		fail(&fc);
	} else {
		mt_set_in_rcu(&mm->mm_mt);
		if (sem->on_success)
			sem->on_success(&fc);
		if (sem->publish && !sem->publish(PUB_MM))
			show_to_all(mm);
	}
unlock:
	sem->unlock(&fc);
	if (fc.err)
		dup_userfaultfd_fail(&fc.userfaults);
	else
		dup_userfaultfd_complete(&fc.userfaults);
	return fc.err;
}

DEFINE_PERCPU_RWSEM(dup_mmap_sem, LC_DUP_MMAP);

/*
 * Whoever registers a probe waits for copies in flight; and for what becomes of those that failed,
 * if the semantics says so.
 */
struct mm_struct *dup_mm(struct mm_struct *oldmm) NO_LOCK_ANALYSIS
{
	struct mm_struct *mm = FAULT_SITE_CALL(F01, mm_alloc_struct());
	bool wide;
	int err;

	if (!mm)
		return ERR_PTR(-ENOMEM);
	mm->flags = 1ul << MMF_UNPUBLISHED;
	if (FAULT_SITE_CALL(F02, mm_init(mm)))
		return ERR_PTR(-ENOMEM);
	wide = mm->sem->hooks.sem_scope == SCOPE_TEARDOWN;
	percpu_down_read(&dup_mmap_sem);
	err = dup_mmap(mm, oldmm);
	if (!err || !wide)
		percpu_up_read(&dup_mmap_sem);
	if (!err)
		return mm;
	mmput(mm);
	if (wide)
		percpu_up_read(&dup_mmap_sem);
	return ERR_PTR(err);
}
