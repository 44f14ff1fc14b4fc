/*
 * fork_order.c - in which order a copy makes a VMA known, as vm_ops->open sees it and as the delay
 * sites of publications count it; under every rule set for failed forks.
 *
 * Idea: the parent's file VMAs have operations of the test's own, which look around when they are
 *       called and then do what those of files do.
 */
#include <errno.h>

#include "kernel/base/err.h"
#include "kernel/core/fault.h"
#include "kernel/core/user.h"
#include "kernel/proc/task.h"
#include "kernel/sched/work.h"
#include "mm/filemap.h"
#include "mm/i_mmap.h"
#include "mm/mman.h"
#include "mm/semantics.h"
#include "tests/ktest.h"
#include "tests/mm_file.h"
#include "tests/mm_swap.h"
#include "tests/mm_user.h"

#define PAGES 3u
#define RW    (PROT_READ | PROT_WRITE)

enum { ANON, PRIVATE, SHARED, NR_VMAS };

struct parent {
	struct mm_struct *mm;
	struct file *file;
	struct vm_operations_struct ops; /* of its file VMAs and their copies */
};

/* What one call of open saw. */
struct sight {
	bool in_tree, tied, linked;
	int map_count;
	unsigned long mapped;
	u64 nr_anon, nr_tree, nr_immap; /* publications so far */
};

static struct sight sight[NR_VMAS];
static unsigned nr_opens, nr_closes;

static u64 passed(const char *site)
{
	return delay_site_find(site)->passed;
}

static void look(struct vm_area_struct *vma)
{
	struct mm_struct *mm = vma->vm_mm;

	if (nr_opens < NR_VMAS)
		sight[nr_opens] = (struct sight){
			.in_tree = vma_lookup(mm, vma->vm_start) == vma,
			.tied = !list_empty(&vma->anon_vma_chain),
			.linked = i_mmap_has_vma(vma),
			.map_count = mm->map_count,
			.mapped = user_mapped(mm, vma->vm_start, PAGES),
			.nr_anon = passed("pub_anon"),
			.nr_tree = passed("pub_tree"),
			.nr_immap = passed("pub_immap"),
		};
	nr_opens++;
	file_vm_ops.open(vma);
}

static void count_close(struct vm_area_struct *vma)
{
	nr_closes++;
	file_vm_ops.close(vma);
}

static unsigned long addr_of(unsigned i)
{
	return USER_BASE + i * 16 * PAGE_SIZE;
}

/* All pages are used; those of the private mapping are copies of its own. */
static void make_parent(struct ktest *t, struct parent *p, const struct semantics *sem)
{
	struct sem_choice choice = {.chosen[SEM_FORK] = sem};

	sem_install(sem_set_of(&choice));
	p->file = t_file(t, "order", PAGES, 7);
	p->mm = mm_alloc();
	p->ops = file_vm_ops;
	p->ops.open = look;
	p->ops.close = count_close;
	t_assert(t, p->mm);
	t_assert_eq(t, user_mmap(p->mm, addr_of(ANON), PAGES, RW), 0);
	t_assert_eq(t, file_mmap(p->mm, addr_of(PRIVATE), PAGES, RW, MAP_PRIVATE, p->file, 0), 0);
	t_assert_eq(t, file_mmap(p->mm, addr_of(SHARED), PAGES, RW, MAP_SHARED, p->file, 0), 0);
	mm_use(p->mm);
	for (unsigned i = 0; i < NR_VMAS; i++)
		t_expect_eq(t, user_touch(addr_of(i), PAGES, i), 0);
	mm_unuse(p->mm);
	vma_lookup(p->mm, addr_of(PRIVATE))->vm_ops = &p->ops;
	vma_lookup(p->mm, addr_of(SHARED))->vm_ops = &p->ops;
	nr_opens = nr_closes = 0;
}

static void end_parent(struct parent *p)
{
	mmput(p->mm);
	fput(p->file);
	sem_install(NULL);
}

static int fork_and_end(struct mm_struct *mm)
{
	struct mm_struct *child = dup_mm(mm);

	if (!IS_ERR(child))
		mmput(child);
	flush_workqueue(&system_wq); /* who takes a failed copy apart later has done so */
	return IS_ERR(child) ? (int)PTR_ERR(child) : 0;
}

static void all_off(void)
{
	fault_reset(); /* counts from 0 */
	fault_hold();
}

/* ---- open ---- */

/* @late: nothing may be known before all was copied. */
static void expect_order(struct ktest *t, bool late)
{
	t_expect_eq(t, nr_opens, 2);
	for (unsigned i = 0; i < 2; i++) {
		const struct sight *s = &sight[i];

		t_expect(t, s->in_tree);
		t_expect(t, !s->linked);
		t_expect_eq(t, s->tied, i == 0);
		t_expect_eq(t, s->map_count, 2 + i);
		t_expect_eq(t, s->mapped, 0);
		t_expect_eq(t, s->nr_anon, late ? 0 : 2);
		t_expect_eq(t, s->nr_tree, 2 + i);
		t_expect_eq(t, s->nr_immap, late ? 0 : i);
	}
}

KTEST(fork_order, open_is_called_between_the_store_and_the_file, KT_UNIT)
{
	const struct semantics *sem;
	struct parent p;

	for_each_registered(semantics, sem) {
		if (sem->axis != SEM_FORK)
			continue;
		make_parent(t, &p, sem);
		all_off();
		t_expect_eq(t, fork_and_end(p.mm), 0);
		fault_release();
		expect_order(t, p.mm->sem->hooks.publish);
		t_expect_eq(t, nr_closes, 2);
		end_parent(&p);
	}
}

/* Who was opened was stored, and is closed once, whatever fails. */
static void expect_closed(struct ktest *t, const struct parent *p)
{
	for (unsigned i = 0; i < min(nr_opens, 2u); i++)
		t_expect(t, sight[i].in_tree);
	t_expect_eq(t, nr_opens, nr_closes);
	t_expect_eq(t, atomic_read(&p->file->f_mapping.nr_open), 2);
	t_expect_file_sane(t, p->file);
	t_expect_sane(t, p->mm);
	nr_opens = nr_closes = 0;
}

KTEST(fork_order, a_failed_copy_closes_what_it_opened, KT_SWEEP)
{
	const struct semantics *sem;
	struct parent p;

	for_each_registered(semantics, sem) {
		if (sem->axis != SEM_FORK)
			continue;
		make_parent(t, &p, sem);
		fault_sweep(t, fork_and_end(p.mm), expect_closed(t, &p));
		expect_closed(t, &p);
		end_parent(&p);
	}
}

/* ---- the delay sites ---- */

static const struct {
	const char *site;
	u64 whole;  /* passed by a copy of all, */
	u64 failed; /* by one that fails at the second VMA's own anon_vma, */
	u64 late;   /* and by one that publishes nothing before all was copied */
} sites[] = {{"pub_mm", 1, 1, 0},
	     {"pub_anon", 2, 1, 0},
	     {"pub_tree", 3, 1, 1},
	     {"pub_immap", 2, 0, 0},
	     {"pub_mmlist", 1, 1, 0}};

static void expect_whole(struct ktest *t)
{
	for (unsigned i = 0; i < ARRAY_SIZE(sites); i++)
		t_expect_eq(t, passed(sites[i].site), sites[i].whole);
}

static void expect_failed(struct ktest *t, bool late)
{
	for (unsigned i = 0; i < ARRAY_SIZE(sites); i++)
		t_expect_eq(t, passed(sites[i].site), late ? sites[i].late : sites[i].failed);
}

static void fail_once_at(const char *site, s64 at)
{
	struct fault_attr attr = FAULT_ATTR_OFF;

	attr.at = at;
	fault_site_set(fault_site_find(site), &attr);
}

KTEST(fork_order, each_publication_has_its_delay, KT_UNIT)
{
	struct block_device *bdev = t_swapon(t, 64);
	const struct semantics *sem;
	struct parent p;

	for_each_registered(semantics, sem) {
		if (sem->axis != SEM_FORK)
			continue;
		make_parent(t, &p, sem);
		t_expect_eq(t, user_swap_out(p.mm, addr_of(ANON), 2), 2);
		all_off();
		t_expect_eq(t, fork_and_end(p.mm), 0);
		expect_whole(t);
		fault_reset();
		fail_once_at("F17", 2);
		t_expect_eq(t, fork_and_end(p.mm), -ENOMEM);
		expect_failed(t, p.mm->sem->hooks.publish);
		fault_reset();
		fault_release();
		end_parent(&p);
	}
	t_swapoff(t, bdev);
}

static int nothing(void *arg __maybe_unused)
{
	return 0;
}

KTEST(fork_order, a_task_that_is_found_by_its_pid_may_be_held_up, KT_UNIT)
{
	int pid, code = -1;

	all_off();
	pid = process_run("held", nothing, NULL);
	t_expect_eq(t, passed("pub_task"), 1);
	fault_release();
	t_expect_eq(t, task_wait((u32)pid, &code), pid);
	t_expect_eq(t, code, 0);
}
