/*
 * trail.h - the calls in which something was failed or found broken, since the machine started.
 *
 * Idea: a call is known by its return address, so what has to be failed by a sweep, and which
 *       detectors have to fire, can be read from the image and held against what came
 *       (scripts/check-fired); nothing is listed by hand.
 */
#ifndef KERNEL_CORE_TRAIL_H
#define KERNEL_CORE_TRAIL_H

#include "kernel/base/compiler.h"

/* Note the return addresses of the innermost calls that lead here. Context: any. */
void trail_note(void);

/* Call @fn for each noted return address, in no order. */
void trail_each(void (*fn)(const void *ip));

#endif
