/*
 * bug.h - broken invariants: asserts that stay in every build, and warnings.
 *
 * Owns: the macros, the report's struct, the hook that sees every report first.
 * Rule: a programming error is a bug; a condition of the world (no memory, bad input) returns an
 *       error instead.
 * What happens: the hook may take it (the lab leaves its world and never returns). Otherwise a
 * thread that declared a
 *       recovery (oops.h) goes on there, with the bug recorded as an oops; anything else is a
 *       panic. A warning is printed, counted, and the caller goes on.
 */
#ifndef KERNEL_CORE_BUG_H
#define KERNEL_CORE_BUG_H

#include "kernel/base/compiler.h"

enum bug_kind {
	BUG_WARNING,	 /* the caller goes on; all others are fatal */
	BUG_ASSERT,	 /* BUG, BUG_ON, ASSERT */
	BUG_LOCK_ORDER,	 /* against the order of classes */
	BUG_LOCK_DOUBLE, /* locked or unlocked twice */
	BUG_LOCK_OWNER,	 /* unlocked by another thread, or not held where it must be */
	BUG_LOCK_IRQ,	 /* a class used in interrupts and with interrupts on */
	BUG_LOCK_SLEEP,	 /* a thread would sleep where it may not */
	BUG_MEMORY,	 /* freed twice, used after free, overwritten: the allocators' detectors */
};

struct bug {
	enum bug_kind kind;
	const char *text; /* one line without newline */
	const char *file; /* where the check stands; NULL = only ip says */
	int line;
	void *ip; /* where the macro was expanded, or the place at fault */
};

/*
 * Sees every bug and warning before anything is printed; NULL = nobody. True = handled: a warning
 * is then silent. For a fatal bug true has no meaning: a hook that wants the thread to live does
 * not return.
 */
extern bool (*bug_hook)(const struct bug *bug);

/* Warnings since boot; a test that raises it without having said so has failed. */
unsigned long warn_count(void);

void bug_fail(const char *file, int line, const char *fmt, ...) __noreturn __cold __printf(3, 4);
/* The same from a function that checks for its callers: @ip is where the caller went wrong. */
void bug_fail_at(enum bug_kind kind, void *ip, const char *fmt, ...) __noreturn __cold
	__printf(3, 4);
void warn_report(const char *file, int line, const char *fmt, ...) __cold __printf(3, 4);

#define BUG()	     bug_fail(__FILE__, __LINE__, "BUG")
#define BUGF(...)    bug_fail(__FILE__, __LINE__, __VA_ARGS__)
#define BUG_ON(cond)                                                                               \
	do {                                                                                       \
		if (unlikely(cond))                                                                \
			bug_fail(__FILE__, __LINE__, "BUG_ON(%s)", #cond);                         \
	} while (0)

/* One condition each. */
#define ASSERT(cond)                                                                               \
	do {                                                                                       \
		if (unlikely(!(cond)))                                                             \
			bug_fail(__FILE__, __LINE__, "assertion failed: %s", #cond);               \
	} while (0)

/* Integers or pointers; prints both values. */
#define ASSERT_EQ(a, b)                                                                            \
	bug_assert_eq((u64)(a), (u64)(b), __FILE__, __LINE__, #a " == " #b)

static __always_inline void bug_assert_eq(u64 a, u64 b, const char *file, int line,
					  const char *text)
{
	if (unlikely(a != b))
		bug_fail(file, line, "assertion failed: %s: %#lx, %#lx", text, (long)a, (long)b);
}

/* Evaluates to the condition. */
#define WARN_ON(cond) bug_warn_on(!!(cond), NULL, __FILE__, __LINE__, #cond)
#define WARN_ON_ONCE(cond)                                                                         \
	({                                                                                         \
		static bool CONCAT(warned_, __LINE__) __host_data;                                 \
		bug_warn_on(!!(cond), &CONCAT(warned_, __LINE__), __FILE__, __LINE__, #cond);      \
	})

static __always_inline bool bug_warn_on(bool bad, bool *once, const char *file, int line,
					const char *text)
{
	if (unlikely(bad) && !(once && *once)) {
		if (once)
			*once = true;
		warn_report(file, line, "WARN_ON(%s)", text);
	}
	return bad;
}

#define WARN(cond, ...)                                                                            \
	do {                                                                                       \
		if (unlikely(cond))                                                                \
			warn_report(__FILE__, __LINE__, __VA_ARGS__);                              \
	} while (0)
#define WARN_ONCE(cond, ...)                                                                       \
	do {                                                                                       \
		static bool CONCAT(warned_, __LINE__) __host_data;                                 \
		if (unlikely(cond) && !CONCAT(warned_, __LINE__)) {                                \
			CONCAT(warned_, __LINE__) = true;                                          \
			warn_report(__FILE__, __LINE__, __VA_ARGS__);                              \
		}                                                                                  \
	} while (0)

#endif
