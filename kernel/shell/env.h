/*
 * env.h - what this run is: for people on the first screen, for programs in the `env` record.
 */
#ifndef KERNEL_SHELL_ENV_H
#define KERNEL_SHELL_ENV_H

#include "kernel/base/compiler.h"

#define MMLIFE_VERSION "0.1"
#define SEED_DEFAULT   1

/* "tcg", "kvm" or "none": what executes the instructions, as CPUID says. */
const char *env_accel(void);

/* The first screen: version, CPUs, memory, clock, accelerator, how to get help. */
void env_banner(void);

/*
 * Send the `env` record, once per boot; it must come before every other record. @seed is recorded.
 */
void env_record(u64 seed);

#endif
