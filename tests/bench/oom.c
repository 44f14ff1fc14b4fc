/*
 * oom.c - what it costs to free the memory of an address space from outside.
 *
 * The counterpart of exit's benches (fork.c): the same pages, with the tables left standing, and a
 * flush and a gather for each VMA.
 */
#include "kernel/sched/rcu.h"
#include "mm/mman.h"
#include "mm/oom_reap.h"
#include "tests/bench.h"
#include "tests/mm_user.h"

#define RW    (PROT_READ | PROT_WRITE)
#define SWEEP BENCH_SWEEP("pages", 512, 2048, 8192)

static struct mm_struct *space_of(struct bench *b, unsigned long nr, bool touched)
{
	struct mm_struct *mm = mm_alloc();
	int err = mm ? user_mmap(mm, USER_BASE, nr, RW) : -1;

	if (!err && touched) {
		mm_use(mm);
		err = user_touch(USER_BASE, nr, 1);
		mm_unuse(mm);
	}
	if (err)
		bench_fail(b, "no memory for %lu pages", nr);
	return mm;
}

static void measured(struct bench *b, struct mm_struct *mm)
{
	int err;

	bench_start(b);
	err = oom_reap_mm(mm);
	bench_stop(b, bench_x(b));
	if (err || get_mm_counter(mm, MM_ANONPAGES))
		bench_fail(b, "not all of it was freed");
}

static void end(struct mm_struct *mm)
{
	if (mm)
		mmput(mm);
	rcu_barrier();
}

BENCH(oom_reap_private, "pte", SWEEP)
{
	struct mm_struct *mm = space_of(b, bench_x(b), true);

	if (mm)
		measured(b, mm);
	end(mm);
}

/* Another address space maps the same pages, as after a fork: none of them becomes free. */
BENCH(oom_reap_shared, "pte", SWEEP)
{
	struct mm_struct *mm = space_of(b, bench_x(b), true);
	struct mm_struct *other = space_of(b, bench_x(b), false);

	if (mm && other && user_share(mm, other, USER_BASE, bench_x(b)))
		bench_fail(b, "the pages cannot be shared");
	if (mm)
		measured(b, mm);
	end(mm);
	end(other);
}

/* What is left for one who comes when all pages are gone. */
BENCH(oom_reap_again, "pte", SWEEP)
{
	struct mm_struct *mm = space_of(b, bench_x(b), true);

	if (mm && oom_reap_mm(mm))
		bench_fail(b, "interrupted");
	if (mm)
		measured(b, mm);
	end(mm);
}
