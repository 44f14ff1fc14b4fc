/*
 * oom_test.h - rules for the address spaces of one test, and waiting for a process to be gone.
 */
#ifndef TESTS_OOM_TEST_H
#define TESTS_OOM_TEST_H

#include "kernel/base/types.h"

struct ktest;

/* Address spaces are made under "NAME+NAME..." until t_rules_end(). */
void t_rules(struct ktest *t, const char *names);
void t_rules_end(void);

/* Until nobody knows the process @pid, which is not a child of the caller's, any more. */
void t_wait_gone(u32 pid);

#endif
