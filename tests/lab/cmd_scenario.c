/*
 * cmd_scenario.c - `scenario`, `replay`, `trace`: a search or one run, its verdict in words, in a
 * record, as a trace for people or for programs.
 */
#include <stdio.h>
#include <string.h>

#include "kernel/base/err.h"
#include "kernel/core/symbols.h"
#include "kernel/core/clock.h"
#include "kernel/core/setting.h"
#include "kernel/shell/env.h"
#include "kernel/shell/out.h"
#include "kernel/shell/record.h"
#include "kernel/shell/shell.h"
#include "tests/lab/lab.h"

/* Host side and large: not for a stack. */
static struct scenario sc;
static struct lab_result res;

/* ---- what is printed ---- */

static void print_reach(void)
{
	for (unsigned i = 0; i < res.summary.nr_reach; i++)
		out("  reached %-16s in %llu of %llu runs\n", res.summary.reach_names[i],
		    (unsigned long long)res.summary.reached[i],
		    (unsigned long long)res.summary.runs);
}

/* What was no mistake, and is worth knowing. */
static void print_notes(void)
{
	for (unsigned v = 0; v < LV_NR; v++) {
		if (res.summary.noted[v])
			out("  %s in %llu of %llu runs, %llu times in all\n", lab_verdicts[v].name,
			    (unsigned long long)res.summary.noted[v],
			    (unsigned long long)res.summary.runs,
			    (unsigned long long)res.summary.noted_amount[v]);
	}
}

static void print_costs(void)
{
	u64 runs = max(res.summary.runs, 1ull);

	out("  per schedule: %lu pages restored, %lu %s (restore %lu, actors %lu, judge %lu)\n",
	    res.restored_pages / runs, res.ticks / runs, clock_is_insn() ? "instructions" : "ticks",
	    res.ticks_restore / runs, res.ticks_actors / runs, res.ticks_judge / runs);
}

static void print_vtime(void)
{
	if (sc.strategy.ops == &strategy_vtime)
		out("  last actor done at virtual time %lu instructions%s\n", res.vtime,
		    clock_is_insn() ? ""
				    : ": not so, this clock counts time; use --clock insn --smp 1");
}

static void print_pct(void)
{
	const struct lab_pct *p = &res.pct;

	if (p->depth)
		out("  a bug of depth %u is missed by all of them with probability %u.%06u at "
		    "most:\n"
		    "    %u entities to choose from, %u decisions in the longest run\n",
		    p->depth, p->miss / 1000000, p->miss % 1000000, p->entities, p->decisions);
}

static void print_shrunk(void)
{
	const struct lab_shrunk *k = &res.shrunk;

	if (!k->runs)
		return;
	out("  shrunk in %u runs%s: %u switches instead of %u, %lu points instead of %lu\n",
	    k->runs, k->ended ? ", which were all it had" : "", k->switches, k->switches_before,
	    k->points, k->points_before);
	if (strcmp(k->outcome.why, res.summary.first.why))
		out("  the short one: %s\n", k->outcome.why);
}

static void print_verdict(void)
{
	const struct lab_summary *s = &res.summary;
	bool bounded = sc.strategy.ops == &strategy_bounded;

	out("verdict %s (%c): %s\n", lab_verdicts[res.verdict].name,
	    lab_verdicts[res.verdict].letter,
	    s->first.verdict != LV_SAFE ? s->first.why : "nothing bad seen");
	out("  %llu schedules, %llu points (%llu per run), memory model SC, %s%s\n",
	    (unsigned long long)s->runs, (unsigned long long)s->points,
	    (unsigned long long)(s->points / max(s->runs, 1ull)), sc.strategy_word,
	    !bounded	   ? ""
	    : res.complete ? ", complete"
			   : ", not complete");
	print_pct();
	print_costs();
	print_vtime();
	if (sc.kind->tell)
		sc.kind->tell();
	print_reach();
	print_notes();
	if (s->first.verdict != LV_SAFE)
		out("  found in schedule %llu, %s\n", (unsigned long long)s->first_run + 1,
		    res.reproduced ? "and again when replayed" : "but NOT again when replayed");
	print_shrunk();
}

static void record_bool(struct record *r, const char *key, bool value)
{
	record_raw(r, key, value ? "true" : "false");
}

static void print_record(void)
{
	static struct record r;
	const struct lab_summary *s = &res.summary;
	const char letter[2] = {lab_verdicts[res.verdict].letter, '\0'};
	const char *text;

	record_begin(&r, "verdict");
	record_str(&r, "scenario", sc.line);
	record_str(&r, "strategy", sc.strategy_word);
	record_u64(&r, "seed", sc.seed);
	record_str(&r, "verdict", lab_verdicts[res.verdict].name);
	record_str(&r, "letter", letter);
	record_u64(&r, "schedules", s->runs);
	record_u64(&r, "points", s->points);
	record_s64(&r, "found_in", s->first.verdict != LV_SAFE ? (s64)s->first_run + 1 : -1);
	record_bool(&r, "complete", res.complete);
	record_bool(&r, "reproduced", res.reproduced);
	for (unsigned i = 0; i < s->nr_reach; i++)
		record_u64(&r, s->reach_names[i], s->reached[i]);
	if (res.pct.depth)
		record_ratio(&r, "miss", res.pct.miss, 1000000, 6);
	text = record_end(&r);
	out_line(text ? text : "# a record did not fit and was left out");
}

static void print_replay_line(void)
{
	if (!res.schedule) {
		if (lab_verdicts[res.verdict].bad)
			out("no replay line: the schedule has more than %d characters\n",
			    LAB_SCHEDULE_MAX - 1);
		return;
	}
	/* In three pieces: a schedule may be longer than a line of out(). */
	out("replay build=%s %s schedule=", build_id(), sc.line);
	out_line(res.schedule);
}

static int status(void)
{
	if (res.aborted) {
		out("^C: the search was ended by a key\n");
		return SHELL_FAIL;
	}
	if (sc.expect == LV_NR || sc.expect == res.verdict)
		return SHELL_OK;
	out("expected %s, got %s\n", lab_verdicts[sc.expect].name, lab_verdicts[res.verdict].name);
	return SHELL_FAIL;
}

/* ---- scenario ---- */

static int cmd_scenario(int argc, char **argv)
{
	struct lab_print print = {.line = out_line, .form = LAB_COLUMNS};
	char why[256];

	if (scenario_parse(&sc, argc - 1, argv + 1, why, sizeof(why)) != 0)
		return shell_error("scenario", "%s", why);
	if (sc.strategy.ops == &strategy_script || sc.strategy.ops == &strategy_replay)
		return shell_error("scenario", "strategy=%s: use `replay` for one given schedule",
				   sc.strategy_word);
	if (sc.shrink == SHRINK_UNSAID)
		sc.shrink = SHRINK_SWITCHES;
	if (lab_search(&sc, &res, true, why, sizeof(why)) != 0)
		return shell_error("scenario", "%s", why);
	print_verdict();
	print_record();
	print_replay_line();
	if (res.schedule) {
		static struct lab_result again;

		out("trace:\n");
		if (lab_replay(&sc, res.schedule, &again, &print, why, sizeof(why)) != 0)
			return shell_error("scenario", "the trace could not be made: %s", why);
	}
	return status();
}

SHELL_CMD(scenario,
	  "scenario KIND k=v...: search schedules of one scenario for a bad one\n"
	  "  kinds: dying, exit, fork, locks, oom, walk\n"
	  "  words of all: strategy= seed= cpus= world= steps= expect= shrink=\n"
	  "                until=VERDICT: it ends the search though it is not bad\n"
	  "  strategies: random:N, pct:D:N, vtime,\n"
	  "              bounded:P (all with at most P preemptions and delays),\n"
	  "              bounded:P:N (N of them at most)\n"
	  "  verdicts: safe unreached waste empty late refused marker foreign uaf null stale\n"
	  "            leak stranded stall deadlock corrupt race\n"
	  "  a bad verdict comes with a replay line and a trace, of a schedule made short\n"
	  "  (shrink=switches) or as it was found (shrink=off)",
	  cmd_scenario);

/* ---- replay ---- */

/* Take `name=` out of argv; NULL when it is not there. */
static const char *take_word(int *argc, char **argv, const char *name)
{
	size_t len = strlen(name);

	for (int i = 1; i < *argc; i++) {
		const char *value;

		if (strncmp(argv[i], name, len) != 0)
			continue;
		value = argv[i] + len;
		memmove(&argv[i], &argv[i + 1], (size_t)(*argc - i) * sizeof(*argv));
		(*argc)--;
		return value;
	}
	return NULL;
}

/* Read a line that `scenario` printed into sc and @schedule; SHELL_OK, or an error of @cmd. */
static int parse_replay(const char *cmd, int argc, char **argv, const char **schedule)
{
	const char *build = take_word(&argc, argv, "build=");
	char why[256];

	*schedule = take_word(&argc, argv, "schedule=");
	if (!build || !*schedule)
		return shell_error(cmd, "%s is missing: accepted is a line that `scenario` printed",
				   build ? "schedule=" : "build=");
	if (strcmp(build, build_id()) != 0)
		return shell_error(cmd,
				   "build=%s: this is build %s, schedules of another do not fit",
				   build, build_id());
	if (scenario_parse(&sc, argc - 1, argv + 1, why, sizeof(why)) != 0)
		return shell_error(cmd, "%s", why);
	return SHELL_OK;
}

static int cmd_replay(int argc, char **argv)
{
	struct lab_print print = {.line = out_line};
	const char *schedule;
	char why[256];
	int err;

	if (parse_replay("replay", argc, argv, &schedule) != SHELL_OK)
		return SHELL_FAIL;
	out("replay begin\n");
	err = lab_replay(&sc, schedule, &res, &print, why, sizeof(why));
	if (!err)
		out("verdict %s: %s\n", lab_verdicts[res.verdict].name,
		    res.summary.first.why[0] ? res.summary.first.why : "nothing bad seen");
	out("replay end\n");
	if (err)
		return shell_error("replay", "%s", why);
	return status();
}

SHELL_CMD(replay,
	  "replay build=ID KIND k=v... schedule=S: run one schedule again and show every step\n"
	  "  `scenario` prints the line with a bad verdict. The same line gives the same steps,\n"
	  "  whatever machine and whatever ran before; a line of another build is refused.",
	  cmd_replay);

/* ---- trace ---- */

static bool has_word(int argc, char **argv, const char *name)
{
	for (int i = 1; i < argc; i++) {
		if (!strncmp(argv[i], name, strlen(name)))
			return true;
	}
	return false;
}

/* Which run of the scenario is drawn: under vtime the only one (NULL), else the first bad one. */
static int find_run(int argc, char **argv, const char **schedule)
{
	char why[256];

	*schedule = NULL;
	if (scenario_parse(&sc, argc - 1, argv + 1, why, sizeof(why)) != 0)
		return shell_error("trace", "%s", why);
	if (sc.strategy.ops == &strategy_vtime) {
		if (clock_is_insn())
			return SHELL_OK;
		return shell_error("trace", "virtual time counts instructions: boot with --clock "
					    "insn --smp 1");
	}
	if (lab_search(&sc, &res, true, why, sizeof(why)) != 0)
		return shell_error("trace", "%s", why);
	*schedule = res.schedule;
	if (res.schedule)
		return SHELL_OK;
	return shell_error("trace",
			   "%s in %llu schedules: strategy=vtime draws a run that is not bad",
			   lab_verdicts[res.verdict].name, (unsigned long long)res.summary.runs);
}

static int cmd_trace(int argc, char **argv)
{
	struct lab_print print = {.line = out_line, .form = LAB_RECORDS};
	const char *schedule;
	char why[256];
	bool given = has_word(argc, argv, "build=") || has_word(argc, argv, "schedule=");

	if ((given ? parse_replay("trace", argc, argv, &schedule)
		   : find_run(argc, argv, &schedule)) != SHELL_OK)
		return SHELL_FAIL;
	env_record(SEED_DEFAULT);
	if (lab_replay(&sc, schedule, &res, &print, why, sizeof(why)) != 0)
		return shell_error("trace", "%s", why);
	out("verdict %s, %llu steps\n", lab_verdicts[res.verdict].name,
	    (unsigned long long)res.summary.points);
	return SHELL_OK;
}

SHELL_CMD(trace,
	  "trace KIND k=v...: one run of a scenario as records, for time lines\n"
	  "  the first bad one, or that of strategy=vtime: steps, locks and windows of\n"
	  "  each actor; words as for scenario, or a line that replay takes",
	  cmd_trace);

/* ---- settings ---- */

static u64 verify_get(void)
{
	return lab_world_verify;
}

static int verify_set(u64 value)
{
	lab_world_verify = value != 0;
	return 0;
}

SETTING_BOOL(world_verify, "lab: hash the whole world after every restore", verify_get, verify_set);
