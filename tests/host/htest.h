/*
 * htest.h - unit tests of the kernel's pure parts, run as programs on the host.
 *
 * Owns: how a host test is written and what it may check. htest.c has main() and runs the tests.
 * Not here: discovery and building of test programs (host.mk), the summary over all of them (run).
 * Idea: HTEST() leaves a pointer in a linker section, so that no list is kept by hand; each test
 *       runs in a process of its own, so that a crash or a sanitizer report ends only that test.
 * Invariant: a test passes only if it made at least one check and every check held.
 *
 * Layout: tests/host/NAME/ holds *.c with tests and a file `sources` that lists the kernel sources
 * (paths from the top, one a line, # comments) to link; an optional file `flags` holds more words
 * for the compiler and linker (-pthread).
 */
#ifndef TESTS_HOST_HTEST_H
#define TESTS_HOST_HTEST_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct htest {
	const char *name;
	void (*fn)(void);
	const char *file;
};

/* HTEST(name) { body }: registers and defines one test. Names are unique within a program. */
#define HTEST(test_name)                                                                           \
	static void htest_fn_##test_name(void);                                                    \
	static const struct htest htest_##test_name = {#test_name, htest_fn_##test_name, __FILE__};\
	static const struct htest *const htest_ptr_##test_name                                     \
		__attribute__((used, section("htest_registry"))) = &htest_##test_name;             \
	static void htest_fn_##test_name(void)

/* Seed for random tests: HTEST_SEED of the environment, else 1. Printed when a test fails. */
uint64_t htest_seed(void);

/* Machinery of the macros below: each counts a check; on failure prints and marks the test. */
bool htest_check(bool ok, const char *file, int line, const char *text);
bool htest_check_eq(uint64_t a, uint64_t b, const char *file, int line, const char *text);
bool htest_check_str(const char *a, const char *b, const char *file, int line, const char *text);
void htest_end_failed(void) __attribute__((noreturn));
void htest_skip(const char *reason) __attribute__((noreturn));

/* h_expect*: note a failure and go on. The value is true when the check held. */
#define h_expect(cond) htest_check(!!(cond), __FILE__, __LINE__, #cond)
#define h_expect_eq(a, b)                                                                          \
	htest_check_eq((uint64_t)(a), (uint64_t)(b), __FILE__, __LINE__, #a " == " #b)
#define h_expect_str(a, b) htest_check_str((a), (b), __FILE__, __LINE__, #a " is " #b)

/* h_assert*: note a failure and end this test, because going on makes no sense. */
#define h_assert(cond)                                                                             \
	do {                                                                                       \
		if (!h_expect(cond))                                                               \
			htest_end_failed();                                                        \
	} while (0)
#define h_assert_eq(a, b)                                                                          \
	do {                                                                                       \
		if (!h_expect_eq(a, b))                                                            \
			htest_end_failed();                                                        \
	} while (0)

/* End this test as skipped; @reason is shown. For what this machine cannot show. */
#define h_skip(reason) htest_skip(reason)

#endif
