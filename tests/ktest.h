/*
 * ktest.h - tests that run inside the kernel.
 *
 * Owns: how a test is declared, what its body may say, what counts as passed.
 * Not here: running and reporting (ktest_run.c), failure sweeps (fault_sweep.c), host tests
 *       (tests/host).
 * Idea: a test is found because it is registered, and it passed only if it was run, checked at
 *       least one thing, failed nothing, did not oops, and left the ledger exactly as it found it.
 *
 *	KTEST(slab, alloc_returns_aligned, KT_UNIT)
 *	{
 *		void *p = kmem_cache_alloc(&cache, GFP_KERNEL);
 *
 *		t_assert(t, p);
 *		t_expect_eq(t, (unsigned long)p & 63, 0);
 *		kmem_cache_free(&cache, p);
 *	}
 *
 * A body runs in a thread of its own with floating point allowed (newlib's printf family may be
 * called), may sleep, and must pass with schedule points and lock checks on and off. Numbers come
 * from t_rand(), which follows the run's seed; nothing may depend on time.
 */
#ifndef TESTS_KTEST_H
#define TESTS_KTEST_H

#include "kernel/base/compiler.h"
#include "kernel/core/random.h"
#include "kernel/core/registry.h"

enum ktest_kind {
	KT_UNIT,   /* one fact */
	KT_SWEEP,  /* every allocation of an operation failed once: must use fault_sweep() */
	KT_MODEL,  /* random operations against a simple model */
	KT_STRESS, /* many CPUs, printed seed */
};

struct ktest;
struct thread;

struct ktest_case {
	const char *name;  /* "suite.name": unique, what filters match */
	const char *suite;
	const char *file;
	void (*fn)(struct ktest *t);
	enum ktest_kind kind;
};

#define KTEST(suite_, name_, kind_)                                                                \
	static void ktest_##suite_##_##name_(struct ktest *t);                                     \
	static const struct ktest_case ktest_case_##suite_##_##name_ = {                           \
		.name = #suite_ "." #name_,                                                        \
		.suite = #suite_,                                                                  \
		.file = __FILE__,                                                                  \
		.fn = ktest_##suite_##_##name_,                                                    \
		.kind = kind_,                                                                     \
	};                                                                                         \
	REGISTER(ktest, &ktest_case_##suite_##_##name_);                                           \
	static void ktest_##suite_##_##name_(struct ktest *t __maybe_unused)

/*
 * Expectations. t_expect* record a failure with both values and go on; t_assert* end the body at
 * once. t_expect* may be used by any thread of the test. t_assert* and t_skip leave by a jump: no
 * lock may be held and what the body owned is the body's loss (the ledger will say so). In a thread
 * that is not the test's own, a failed t_assert* ends that thread.
 * The comparison forms take integers or pointers, evaluated once, compared as signed 64-bit values
 * (two addresses compare for equality as they should).
 */
#define t_expect(t, cond)	     t_check_(t, cond, #cond, false)
#define t_assert(t, cond)	     t_check_(t, cond, #cond, true)
#define t_expect_eq(t, a, b)	     t_cmp_(t, a, ==, b, false)
#define t_expect_ne(t, a, b)	     t_cmp_(t, a, !=, b, false)
#define t_expect_lt(t, a, b)	     t_cmp_(t, a, <, b, false)
#define t_expect_le(t, a, b)	     t_cmp_(t, a, <=, b, false)
#define t_expect_gt(t, a, b)	     t_cmp_(t, a, >, b, false)
#define t_expect_ge(t, a, b)	     t_cmp_(t, a, >=, b, false)
#define t_assert_eq(t, a, b)	     t_cmp_(t, a, ==, b, true)
#define t_assert_ne(t, a, b)	     t_cmp_(t, a, !=, b, true)
#define t_assert_ge(t, a, b)	     t_cmp_(t, a, >=, b, true)
#define t_expect_str_eq(t, a, b)     t_check_str((t), (a), (b), #a, T_HERE, false)
#define t_assert_str_eq(t, a, b)     t_check_str((t), (a), (b), #a, T_HERE, true)

/* Record a failure in words. The body goes on. */
#define t_fail(t, ...)		     t_fail_at((t), T_HERE, __VA_ARGS__)

/* Not run here, and why: the test counts as skipped, never as passed. Ends the body. */
void __noreturn __printf(2, 3) t_skip(struct ktest *t, const char *fmt, ...);

/*
 * The body will cause @nr more kernel warnings (WARN, reports of lock checks). A warning that was
 * not announced, or one that did not come, fails the test.
 */
void t_expect_warnings(struct ktest *t, unsigned nr);

/* Skip unless the machine has @nr virtual CPUs. */
void t_need_cpus(struct ktest *t, unsigned nr);

/* A diagnostic line ("# ...") in the report. */
void __printf(2, 3) t_note(struct ktest *t, const char *fmt, ...);

/*
 * Next number from the test's own generator; the seed is printed with the report. One thread only.
 */
u64 t_rand(struct ktest *t);
/* A number in [0, @bound), @bound > 0. */
u64 t_rand_below(struct ktest *t, u64 bound);
/* The seed of this test: give each of several threads rng_init(&rng, t_seed(t) + i). */
u64 t_seed(const struct ktest *t);
/*
 * How much a stress or model test should do: the test's own figure times the `scale=` of the run.
 */
u64 t_scale(const struct ktest *t, u64 nr_ops);

/*
 * Wait until @thread is at rest in @state: a wake that comes now finds it asleep. Its state alone
 * does not say so, since it is set before the condition is tested for the last time.
 * Context: may sleep.
 */
void t_until_blocked(struct thread *thread, u32 state);

/*
 * t_parallel - run @fn(t, i, @arg) for i in [0, @nr) on @nr threads at once and wait for all of
 * them.
 *
 * Thread i is bound to virtual CPU i % nr_vcpus; all start together.
 * Context:  may sleep; the test's own thread.
 * Failure:  no memory for a thread fails the test and runs none of them.
 */
void t_parallel(struct ktest *t, unsigned nr, void (*fn)(struct ktest *t, unsigned i, void *arg),
		void *arg);

/*
 * fault_sweep - fail the 1st, 2nd, 3rd ... allocation inside @op until it succeeds.
 *
 * @op:        int expression, 0 or a negative errno; evaluated once per round, by the test's own
 *             thread
 * @unchanged: statement run after every failure: expects that nothing changed
 *
 * The test fails if @op succeeds although an allocation failed in it, fails with none failed, or if
 * the whole sweep ends without a single failure. It ends with @op having succeeded exactly once.
 */
#define fault_sweep(t, op, unchanged) fault_sweep_undo(t, op, unchanged, fault_sweep_absorbed(&fs_))

/* As fault_sweep(), for an @op that may cope with a failed allocation: @undo then takes it back. */
#define fault_sweep_undo(t, op, unchanged, undo)                                                   \
	do {                                                                                       \
		struct fault_sweep fs_ = {.t = (t)};                                               \
		while (fault_sweep_arm(&fs_)) {                                                    \
			enum fault_sweep_result fsr_ = fault_sweep_judge(&fs_, (op));              \
			if (fsr_ == SWEEP_FAILED) {                                                \
				unchanged;                                                         \
			} else if (fsr_ == SWEEP_COPED) {                                          \
				undo;                                                              \
			}                                                                          \
		}                                                                                  \
	} while (0)

/* ---- below: what the macros stand on ---- */

struct t_where {
	const char *file;
	int line;
};
#define T_HERE ((struct t_where){__FILE__, __LINE__})

struct fault_sweep {
	struct ktest *t;
	unsigned nth;	   /* allocation that fails in this round, from 0 */
	unsigned nr_fired; /* rounds in which it was reached */
	bool begun, done;
};
enum fault_sweep_result { SWEEP_FAILED, SWEEP_COPED, SWEEP_DONE };

bool fault_sweep_arm(struct fault_sweep *fs);
enum fault_sweep_result fault_sweep_judge(struct fault_sweep *fs, int err);
void fault_sweep_absorbed(struct fault_sweep *fs);

/* One check made; its outcome is @ok. */
void t_count_check(struct ktest *t);
void t_check_failed(struct ktest *t, struct t_where at, const char *text, bool fatal);
void t_cmp_failed(struct ktest *t, struct t_where at, const char *text, s64 a, s64 b, bool fatal);
void t_check_str(struct ktest *t, const char *a, const char *b, const char *text, struct t_where at,
		 bool fatal);
void __printf(3, 4) t_fail_at(struct ktest *t, struct t_where at, const char *fmt, ...);

#define t_check_(t, cond, text, fatal)                                                             \
	do {                                                                                       \
		t_count_check(t);                                                                  \
		if (unlikely(!(cond)))                                                             \
			t_check_failed((t), T_HERE, text, fatal);                                  \
	} while (0)

#define t_cmp_(t, a, op, b, fatal)                                                                 \
	do {                                                                                       \
		__auto_type t_a_ = (a);                                                            \
		__auto_type t_b_ = (b);                                                            \
		t_count_check(t);                                                                  \
		if (unlikely(!((s64)t_a_ op (s64)t_b_)))                                           \
			t_cmp_failed((t), T_HERE, #a " " #op " " #b, (s64)t_a_, (s64)t_b_, fatal); \
	} while (0)

#endif
