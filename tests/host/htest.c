/*
 * htest.c - main() of every host test program: run each registered test, print KTAP.
 *
 * Owns: the loop over the registry, one process per test, the KTAP lines, the exit status.
 * Idea: the child's exit status is its verdict; anything else (signal, sanitizer) is a failure.
 * Invariant: one result line per registered test, whatever a test does.
 *
 * Usage: PROGRAM [--list | --no-fork] [NAME...]   run all tests, or those named. --no-fork is for a
 * debugger: the first failure ends the program. Environment: HTEST_SEED, HTEST_TIMEOUT (seconds
 * of processor time; a loaded host must not fail a test. A test that sleeps has eight times that).
 */
#include "tests/host/htest.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

extern const struct htest *const __start_htest_registry[];
extern const struct htest *const __stop_htest_registry[];

enum child_status {
	CHILD_PASS = 0,
	CHILD_FAIL = 1,
	CHILD_SKIP = 77,
	CHILD_NO_CHECK = 78,
};

/* State of the running test; each child has its own copy. */
static unsigned long checks;
static unsigned long failures;

uint64_t htest_seed(void)
{
	const char *text = getenv("HTEST_SEED");

	return text ? strtoull(text, NULL, 0) : 1;
}

bool htest_check(bool ok, const char *file, int line, const char *text)
{
	checks++;
	if (ok)
		return true;
	failures++;
	printf("# %s:%d: expected %s\n", file, line, text);
	return false;
}

bool htest_check_eq(uint64_t a, uint64_t b, const char *file, int line, const char *text)
{
	if (htest_check(a == b, file, line, text))
		return true;
	printf("#   left  %lld (0x%llx)\n", (long long)a, (unsigned long long)a);
	printf("#   right %lld (0x%llx)\n", (long long)b, (unsigned long long)b);
	return false;
}

bool htest_check_str(const char *a, const char *b, const char *file, int line, const char *text)
{
	bool same = a && b && strcmp(a, b) == 0;

	if (htest_check(same, file, line, text))
		return true;
	printf("#   left  \"%s\"\n#   right \"%s\"\n", a ? a : "(null)", b ? b : "(null)");
	return false;
}

void htest_end_failed(void)
{
	printf("# seed %llu\n", (unsigned long long)htest_seed());
	exit(CHILD_FAIL);
}

void htest_skip(const char *reason)
{
	if (failures)
		htest_end_failed();
	printf("# SKIP %s\n", reason);
	exit(CHILD_SKIP);
}

/* The body of the child. exit(), not _exit(): the leak check runs at exit. */
static void run_child(const struct htest *test)
{
	const char *text = getenv("HTEST_TIMEOUT");
	unsigned limit = text ? (unsigned)strtoul(text, NULL, 0) : 300;
	struct itimerval processor = {.it_value.tv_sec = limit};

	setitimer(ITIMER_PROF, &processor, NULL);
	alarm(8 * limit);
	test->fn();
	if (failures)
		htest_end_failed();
	exit(checks ? CHILD_PASS : CHILD_NO_CHECK);
}

/* Run @test in a process of its own. Returns its wait status. */
static int run_forked(const struct htest *test)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		perror("fork");
		exit(2);
	}
	if (pid == 0)
		run_child(test);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR) {
			perror("waitpid");
			exit(2);
		}
	}
	return status;
}

static bool out_of_time(int signal)
{
	return signal == SIGPROF || signal == SIGALRM;
}

/* Print the result line of test number @nr. Returns true when it did not fail. */
static bool report(const struct htest *test, unsigned nr, int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	if (code == CHILD_PASS) {
		printf("ok %u %s\n", nr, test->name);
		return true;
	}
	if (code == CHILD_SKIP) {
		printf("ok %u %s # SKIP\n", nr, test->name);
		return true;
	}
	if (code == CHILD_NO_CHECK)
		printf("# %s: %s made no check\n", test->file, test->name);
	else if (WIFSIGNALED(status))
		printf("# %s: %s ended by signal %d%s\n", test->file, test->name, WTERMSIG(status),
		       out_of_time(WTERMSIG(status)) ? " (time limit)" : "");
	else if (code != CHILD_FAIL)
		printf("# %s: %s exited with %d (sanitizer report?)\n", test->file, test->name,
		       code);
	printf("not ok %u %s\n", nr, test->name);
	return false;
}

static bool selected(const struct htest *test, int argc, char **argv)
{
	if (argc == 0)
		return true;
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], test->name) == 0)
			return true;
	return false;
}

static int by_name(const void *a, const void *b)
{
	const struct htest *const *left = a, *const *right = b;

	return strcmp((*left)->name, (*right)->name);
}

/* The selected tests sorted by name, in @list; ends the program when two have one name. */
static unsigned collect(const struct htest **list, int argc, char **argv)
{
	unsigned nr = 0;

	for (const struct htest *const *p = __start_htest_registry; p < __stop_htest_registry; p++)
		if (selected(*p, argc, argv))
			list[nr++] = *p;
	qsort(list, nr, sizeof(*list), by_name);
	for (unsigned i = 1; i < nr; i++) {
		if (strcmp(list[i - 1]->name, list[i]->name) == 0) {
			fprintf(stderr, "two tests are called %s\n", list[i]->name);
			exit(2);
		}
	}
	if (nr == 0) {
		fprintf(stderr, "no such test\n");
		exit(2);
	}
	return nr;
}

int main(int argc, char **argv)
{
	bool list_only = argc > 1 && strcmp(argv[1], "--list") == 0;
	bool no_fork = argc > 1 && strcmp(argv[1], "--no-fork") == 0;
	int first = list_only || no_fork ? 2 : 1;
	size_t most = (size_t)(__stop_htest_registry - __start_htest_registry);
	const struct htest **list = malloc((most + 1) * sizeof(*list));
	unsigned nr = collect(list, argc - first, argv + first);
	unsigned passed = 0;

	/* By lines, so that what a crashing child said is not lost with its buffer. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!list_only)
		printf("KTAP version 1\n1..%u\n", nr);
	for (unsigned i = 0; i < nr; i++) {
		if (list_only)
			printf("%s\n", list[i]->name);
		else if (no_fork)
			list[i]->fn();
		else
			passed += report(list[i], i + 1, run_forked(list[i]));
	}
	if (!list_only && !no_fork)
		printf("# %u passed, %u failed\n", passed, nr - passed);
	free(list);
	return list_only || (no_fork ? !failures : passed == nr) ? 0 : 1;
}
