/*
 * cmd_test.c - `test`: run kernel tests.
 *
 * Owns: the command's words and the list of tests for the tab key.
 */
#include <string.h>

#include "kernel/core/kv.h"
#include "kernel/shell/env.h"
#include "kernel/shell/out.h"
#include "kernel/shell/shell.h"
#include "tests/ktest_internal.h"

#define TEST_GLOB_MAX 128

static const char *test_names(unsigned i)
{
	const struct ktest_case *kc;

	for_each_registered(ktest, kc) {
		if (i-- == 0)
			return kc->name;
	}
	return NULL;
}

static int cmd_test(int argc, char **argv)
{
	static struct kv kv;
	struct ktest_opts opts = {.glob = "*", .seed = SEED_DEFAULT, .scale = 1};
	const char *skip_word = NULL;
	char skip[TEST_GLOB_MAX];
	int first = 1;

	if (argc > 1 && !strchr(argv[1], '='))
		opts.glob = argv[first++];
	kv_parse_words(&kv, argc - first, argv + first);
	/* A test of the shell may run this command within: what is used later is kept here. */
	if (kv_str(&kv, "skip", &skip_word) && skip_word) {
		if (strlcpy(skip, skip_word, sizeof(skip)) >= sizeof(skip))
			kv_fail(&kv, "skip=%s: at most %d characters", skip_word,
				TEST_GLOB_MAX - 1);
		opts.skip = skip;
	}
	kv_u64(&kv, "seed", 0, ~0ull, &opts.seed);
	kv_u64(&kv, "scale", 1, 1000000, &opts.scale);
	kv_bool(&kv, "shuffle", &opts.shuffle);
	if (kv_done(&kv))
		return shell_error("test", "%s", kv.error);
	if (ktest_count(&opts) == 0)
		return shell_error("test", "no test matches \"%s\"", opts.glob);

	switch (ktest_run(&opts)) {
	case KTAP_PASS: return SHELL_OK;
	case KTAP_SKIP: return SHELL_SKIPPED;
	default: return SHELL_FAIL;
	}
}

SHELL_CMD_WORDS(test,
		"test [GLOB] [k=v...]: run the tests called suite.name\n"
		"  skip=GLOB   all but those that match this\n"
		"  seed=N      what random tests draw from (1)\n"
		"  shuffle=on  in an order that follows from the seed\n"
		"  scale=N     multiplies the work of stress and model tests (1)",
		cmd_test, test_names);
