/*
 * race_tsan.h - between the compiler's entry points and the detector.
 */
#ifndef TESTS_LAB_RACE_TSAN_H
#define TESTS_LAB_RACE_TSAN_H

#include "kernel/base/compiler.h"

/* A plain access of instrumented code. Anything but a lockstep run: returns at once. */
void race_plain_access(const volatile void *addr, unsigned size, bool write, void *ip);

#endif
