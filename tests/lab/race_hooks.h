/*
 * race_hooks.h - what feeds the race detector. `make race` only: elsewhere every call here is
 * empty.
 *
 * Idea: instrumented code (mm/, kernel/proc, the cases) calls __tsan_* for each plain access;
 * schedule points
 *       tell of the annotated ones and of the order they make; the engine tells of switches and
 *       interrupts.
 */
#ifndef TESTS_LAB_RACE_HOOKS_H
#define TESTS_LAB_RACE_HOOKS_H

#include "kernel/core/point.h"

/* race_build: every point has to be heard. */
#ifdef MMLIFE_RACE
enum { race_build = true };

/*
 * Memory of the detector; from the interactive system, before it is set aside / after. 0 or
 * -ENOMEM.
 */
int __must_check race_session_begin(void);
void race_session_end(void);
void race_run_begin(void);

/* The running entity performs @p next. */
void race_point(const struct point *p);

/* The running entity takes over / hands over an order through @obj, which no point names. */
void race_edge_acquire(const volatile void *obj);
void race_edge_release(const volatile void *obj);

#else
enum { race_build = false };

static inline int __must_check race_session_begin(void)
{
	return 0;
}
static inline void race_session_end(void)
{
}
static inline void race_run_begin(void)
{
}
static inline void race_point(const struct point *p)
{
}
static inline void race_edge_acquire(const volatile void *obj)
{
}
static inline void race_edge_release(const volatile void *obj)
{
}

#endif
#endif
