/*
 * cmd_bench.c - `bench`: measure.
 *
 * Owns: the command's words, the loop over benches and values, the verdict.
 */
#include <string.h>

#include "kernel/core/clock.h"
#include "kernel/core/kv.h"
#include "kernel/shell/env.h"
#include "kernel/shell/out.h"
#include "kernel/shell/shell.h"
#include "kernel/x86/vcpu.h"
#include "tests/bench_internal.h"
#include "tests/glob.h"

static const char *bench_names(unsigned i)
{
	const struct bench_case *bc;

	for_each_registered(bench, bc) {
		if (i-- == 0)
			return bc->name;
	}
	return NULL;
}

/* One bench over its axis. A value that cannot be measured ends it. */
static int run_bench(const struct bench_case *bc, const struct bench_opts *opts)
{
	static struct bench_result result[BENCH_MAX_POINTS];
	static struct bench_run run;

	for (unsigned i = 0; i < bc->axis.nr; i++) {
		run = (struct bench_run){.bc = bc, .opts = opts};
		switch (bench_measure(&run, bc->axis.value[i], &result[i])) {
		case BENCH_RAN:
			break;
		case BENCH_SKIPPED:
			out("%s: skipped: %s\n", bc->name, run.why);
			return SHELL_SKIPPED;
		case BENCH_FAILED:
			out("%s: FAILED: %s\n", bc->name, run.why);
			return SHELL_FAIL;
		}
	}
	bench_report(bc, result, bc->axis.nr);
	return SHELL_OK;
}

static int run_benches(const struct bench_opts *opts)
{
	const struct bench_case *bc;
	unsigned nr = 0, nr_failed = 0, nr_skipped = 0;

	env_record(opts->seed);
	for_each_registered(bench, bc) {
		int status;

		if (!glob_match(opts->glob, bc->name))
			continue;
		status = run_bench(bc, opts);
		nr++;
		nr_failed += status == SHELL_FAIL;
		nr_skipped += status == SHELL_SKIPPED;
	}
	if (nr == 0)
		return shell_error("bench", "no bench matches \"%s\"", opts->glob);
	out("%u benches, %u failed, %u skipped\n", nr, nr_failed, nr_skipped);
	if (nr_failed)
		return SHELL_FAIL;
	return nr_skipped == nr ? SHELL_SKIPPED : SHELL_OK;
}

static int cmd_bench(int argc, char **argv)
{
	static struct kv kv;
	struct bench_opts opts = {.glob = "*", .seed = SEED_DEFAULT};
	u64 samples = clock_is_insn() ? 3 : 15;
	u64 warm = clock_is_insn() ? 2 : 3;
	int first = 1;

	if (argc > 1 && !strchr(argv[1], '='))
		opts.glob = argv[first++];
	kv_parse_words(&kv, argc - first, argv + first);
	kv_u64(&kv, "n", 1, BENCH_MAX_SAMPLES, &samples);
	kv_u64(&kv, "warm", 0, 100, &warm);
	kv_u64(&kv, "seed", 0, ~0ull, &opts.seed);
	if (kv_done(&kv))
		return shell_error("bench", "%s", kv.error);
	if (clock_is_insn() && nr_vcpus > 1)
		return shell_error("bench", "clock %s counts all CPUs together: boot with --smp 1",
				   clock_name());
	opts.nr_samples = (unsigned)samples;
	opts.nr_warm = (unsigned)warm;
	return run_benches(&opts);
}

SHELL_CMD_WORDS(bench,
		"bench [GLOB] [n=N] [warm=N] [seed=N]: measure\n"
		"  n=N     samples of each value\n"
		"  warm=N  calls before the first sample\n"
		"  seed=N  what benches draw random numbers from (1)",
		cmd_bench, bench_names);
