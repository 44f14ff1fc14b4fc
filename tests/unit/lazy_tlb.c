/*
 * lazy_tlb.c - an mm outlives its users where a vCPU has it loaded lazily, or makes it leave.
 *
 * Rule of these tests: a vCPU may be told to leave at any time, by any flush; so what is expected
 *       is what always holds: where it is loaded, it lives. On one vCPU nobody tells.
 */
#include "kernel/core/fault.h"
#include "kernel/core/preempt.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/work.h"
#include "mm/lazy_tlb.h"
#include "mm/mm.h"
#include "mm/tlb.h"
#include "tests/fork_run.h"
#include "tests/ktest.h"

struct search {
	u64 id;
	bool found;
};

static bool is_it(struct mm_struct *mm, void *arg)
{
	struct search *s = arg;

	s->found |= mm->id == s->id;
	return !s->found;
}

static bool lives(u64 id)
{
	struct search s = {.id = id};

	mm_for_each(is_it, &s);
	return s.found;
}

/* Is @ctx what this vCPU has loaded? And, as long as that cannot change: does the mm live? */
static bool loaded_here(const struct tlb_ctx *ctx, u64 id, bool *alive)
{
	unsigned long flags;
	bool loaded;

	local_irq_save(flags);
	loaded = this_cpu_ptr(tlb_state)->loaded == ctx;
	*alive = lives(id);
	local_irq_restore(flags);
	return loaded;
}

static struct mm_struct *use_and_lay_down(struct ktest *t)
{
	struct mm_struct *mm = mm_alloc();

	t_assert(t, mm);
	mm_use(mm);
	mm_unuse(mm);
	return mm;
}

static void bind_here(struct ktest *t)
{
	t_expect_eq(t, thread_set_affinity(current, 1ull << smp_processor_id()), 0);
}

KTEST(lazy_tlb, counted_it_lives_until_the_vcpu_leaves, KT_UNIT)
{
	bool alive, before = lazy_tlb_refcount;
	struct mm_struct *mm, *other;
	struct tlb_ctx *ctx;
	u64 id;

	bind_here(t);
	lazy_tlb_refcount = true;
	mm = use_and_lay_down(t);
	ctx = &mm->tables.tlb;
	id = mm->id;
	mmput(mm);
	t_expect(t, loaded_here(ctx, id, &alive) || nr_vcpus > 1);
	t_expect(t, alive || nr_vcpus > 1);

	other = use_and_lay_down(t);
	flush_workqueue(&system_wq);
	t_expect(t, !loaded_here(ctx, id, &alive));
	t_expect(t, !alive);
	id = other->id;
	mmput(other);
	tlb_leave_lazy();
	flush_workqueue(&system_wq);
	t_expect(t, !lives(id));
	lazy_tlb_refcount = before;
	t_expect_eq(t, thread_set_affinity(current, AFFINITY_ANY), 0);
}

KTEST(lazy_tlb, told_to_leave_it_does_at_once, KT_UNIT)
{
	bool alive, before = lazy_tlb_refcount;
	struct mm_struct *mm;
	struct tlb_ctx *ctx;
	u64 id;

	bind_here(t);
	lazy_tlb_refcount = false;
	mm = use_and_lay_down(t);
	ctx = &mm->tables.tlb;
	id = mm->id;
	t_expect(t, loaded_here(ctx, id, &alive) || nr_vcpus > 1);
	mmput(mm);
	t_expect(t, !loaded_here(ctx, id, &alive));
	t_expect(t, !alive);
	lazy_tlb_refcount = before;
	t_expect_eq(t, thread_set_affinity(current, AFFINITY_ANY), 0);
}

/* ---- another vCPU is lazy ---- */

static struct {
	struct mm_struct *mm;
	u64 id;
	u32 step;
} shared;

static void wait_for(u32 step)
{
	while (__atomic_load_n(&shared.step, __ATOMIC_SEQ_CST) < step)
		yield();
}

static void step_to(u32 step)
{
	__atomic_store_n(&shared.step, step, __ATOMIC_SEQ_CST);
}

static void drop_beside_a_lazy_vcpu(struct ktest *t, unsigned i, void *arg)
{
	const struct tlb_ctx *ctx = &shared.mm->tables.tlb;
	bool alive, loaded;

	if (i == 0) {
		wait_for(1);
		mmput(shared.mm);
		step_to(2);
		return;
	}
	mm_use(shared.mm);
	mm_unuse(shared.mm);
	step_to(1);
	wait_for(2);
	loaded = loaded_here(ctx, shared.id, &alive);
	t_expect(t, !loaded || alive);
	if (!lazy_tlb_refcount) {
		t_expect(t, !loaded);
		t_expect(t, !alive);
	}
}

static void drop_rounds(struct ktest *t, bool refcount)
{
	bool before = lazy_tlb_refcount;

	lazy_tlb_refcount = refcount;
	for (u64 round = 0; round < t_scale(t, 20); round++) {
		shared.mm = mm_alloc();
		t_assert(t, shared.mm);
		shared.id = shared.mm->id;
		shared.step = 0;
		t_parallel(t, 2, drop_beside_a_lazy_vcpu, NULL);
		tlb_leave_lazy();
		flush_workqueue(&system_wq);
		t_expect(t, !lives(shared.id));
	}
	lazy_tlb_refcount = before;
}

KTEST(lazy_tlb, other_vcpus_in_both_schemes, KT_STRESS)
{
	t_need_cpus(t, 2);
	drop_rounds(t, false);
	drop_rounds(t, true);
}

/* ---- a child that no vCPU has ever loaded ---- */

/* The copy fails; its struct goes with its last user, under either scheme, waiting for nobody. */
KTEST(lazy_tlb, a_failed_child_has_no_lazy_users, KT_UNIT)
{
	static struct fork_shape shape;
	static struct fork_run run;
	struct fork_stage stage;

	for (int refcount = 0; refcount < 2; refcount++) {
		shape = (struct fork_shape){.vmas = 3, .pages = 2, .dontcopy = SHAPE_NO, .k = 1,
					    .kill = SHAPE_NO, .lazy_refcount = refcount};
		shape.site = fault_site_find("F13");
		t_assert_eq(t, fork_stage_build(&shape, &stage), 0);
		t_expect_eq(t, fork_run_once(&shape, &stage, &run), 0);
		t_expect(t, run.fired);
		t_expect_eq(t, run.nr_ends, 1);
		t_expect_eq(t, fork_stage_end(&stage), 0);
	}
}
