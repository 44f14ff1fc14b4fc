/*
 * host_mm.h - a machine of host memory for the tests of frames, slab and tables.
 */
#ifndef TESTS_HOST_MM_HOST_MM_H
#define TESTS_HOST_MM_HOST_MM_H

#include <setjmp.h>
#include "kernel/base/compiler.h"
#include "mm/page_alloc.h"
#include "tests/host/htest.h"

/* Fresh memory of @nr_pages frames from @base_pfn on, handed to the allocator, for @cpus vCPUs. */
void host_world(unsigned long base_pfn, unsigned long nr_pages, unsigned cpus);
/* The same with several ranges. */
void host_world_ranges(const struct frame_range *ranges, unsigned nr, unsigned cpus);
/* Checked runs on or off. */
void host_checks(bool on);
/* Every vCPU's list and magazine back; all RCU callbacks run. */
void host_settle(void);

/* A report expected of the statement: true if it came. Its text is in host_bug_text. */
extern jmp_buf host_bug_jump;
extern bool host_bug_expected;
extern char host_bug_text[256];
#define host_bug_caught(statement)            \
	({                                    \
		volatile bool caught_ = true; \
		host_bug_expected = true;     \
		if (!setjmp(host_bug_jump)) { \
			statement;            \
			caught_ = false;      \
		}                             \
		host_bug_expected = false;    \
		caught_;                      \
	})

/* Numbers that follow the seed of the run. */
u64 host_rand(void);

#endif
