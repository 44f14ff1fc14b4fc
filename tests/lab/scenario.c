/*
 * scenario.c - reading a scenario line. The words common to all kinds are read here, the rest by
 * the kind.
 */
#include "tests/lab/lab.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kernel/base/err.h"

#define DEFAULT_BUDGET 200000

static const struct scenario_kind *find_kind(const char *name)
{
	const struct scenario_kind *kind;

	for_each_registered(scenario_kind, kind)
		if (strcmp(kind->name, name) == 0)
			return kind;
	return NULL;
}

static void list_kinds(char *buf, size_t len)
{
	const struct scenario_kind *kind;
	size_t at = 0;

	buf[0] = '\0';
	for_each_registered(scenario_kind, kind)
		if (at < len)
			at += (size_t)snprintf(buf + at, len - at, "%s%s", at ? ", " : "",
					       kind->name);
}

/* The part of the line that makes the run what it is; how it was found is not part of it. */
static bool belongs_to_replay(const char *word)
{
	return strncmp(word, "strategy=", 9) != 0 && strncmp(word, "seed=", 5) != 0 &&
	       strncmp(word, "expect=", 7) != 0 && strncmp(word, "shrink=", 7) != 0;
}

static int keep_line(struct scenario *sc, int argc, char **argv)
{
	size_t at = 0;

	for (int i = 0; i < argc; i++) {
		if (!belongs_to_replay(argv[i]))
			continue;
		at += (size_t)snprintf(sc->line + at, sizeof(sc->line) - at, "%s%s", i ? " " : "",
				       argv[i]);
		if (at >= sizeof(sc->line))
			return -E2BIG;
	}
	return 0;
}

static void parse_strategy(struct scenario *sc, struct kv *kv)
{
	const char *word = "random:1000", *why;

	kv_u64(kv, "seed", 0, UINT64_MAX, &sc->seed);
	kv_str(kv, "strategy", &word);
	if (lab_strategy_parse(&sc->strategy, word, sc->seed, &why) != 0)
		kv_fail(kv, "strategy=%s: accepted is %s", word, why);
	else
		snprintf(sc->strategy_word, sizeof(sc->strategy_word), "%s", word);
}

/* LV_NR: not given, or not one. */
static enum lab_verdict parse_verdict(struct kv *kv, const char *key)
{
	enum lab_verdict verdict = LV_NR;
	const char *word = NULL;

	if (kv_str(kv, key, &word) && word) {
		verdict = lab_verdict_by_name(word);
		if (verdict == LV_NR)
			kv_fail(kv, "%s=%s: not a verdict; see `help scenario`", key, word);
	}
	return verdict;
}

static void parse_shrink(struct scenario *sc, struct kv *kv)
{
	static const char *const choices[] = {"off", "switches", NULL};
	unsigned choice = 0;

	if (kv_choice(kv, "shrink", choices, &choice))
		sc->shrink = choice ? SHRINK_SWITCHES : SHRINK_OFF;
}

static void parse_common(struct scenario *sc, struct kv *kv)
{
	u64 cpus = 0, mib = 8, steps = DEFAULT_BUDGET;

	kv_u64(kv, "cpus", 1, MAX_VCPUS, &cpus);
	kv_u64(kv, "world", 2, 64, &mib);
	kv_u64(kv, "steps", 100, 100000000, &steps);
	sc->cpus = (unsigned)cpus;
	sc->world_mib = (unsigned)mib;
	sc->step_budget = steps;
	parse_strategy(sc, kv);
	sc->expect = parse_verdict(kv, "expect");
	sc->until = parse_verdict(kv, "until");
	if (sc->until < LV_WASTE)
		kv_fail(kv, "until=: safe and unreached are said of many runs, not of one");
	parse_shrink(sc, kv);
}

static int too_long(char *why, size_t len)
{
	snprintf(why, len, "the line is too long; accepted are %d characters", LAB_LINE_MAX - 1);
	return -EINVAL;
}

int scenario_parse(struct scenario *sc, int argc, char **argv, char *why, size_t len)
{
	static struct kv kv;
	char kinds[128];

	memset(sc, 0, sizeof(*sc));
	sc->seed = 1;
	list_kinds(kinds, sizeof(kinds));
	if (argc < 1) {
		snprintf(why, len, "which kind? accepted is %s", kinds);
		return -EINVAL;
	}
	sc->kind = find_kind(argv[0]);
	if (!sc->kind) {
		snprintf(why, len, "%s: no such kind; accepted is %s", argv[0], kinds);
		return -EINVAL;
	}
	if (keep_line(sc, argc, argv) != 0)
		return too_long(why, len);
	kv_parse_words(&kv, argc - 1, argv + 1);
	parse_common(sc, &kv);
	sc->kind->parse(sc, &kv);
	if (kv_done(&kv) == 0)
		return 0;
	snprintf(why, len, "%s", kv.error);
	return -EINVAL;
}

int scenario_read(struct scenario *sc, char *why, size_t len, const char *fmt, ...)
{
	char line[LAB_LINE_MAX], *argv[KV_WORDS_MAX + 1], *save = NULL;
	int argc = 0, length;
	va_list ap;

	va_start(ap, fmt);
	length = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (length >= (int)sizeof(line))
		return too_long(why, len);
	for (char *w = strtok_r(line, " ", &save); w && argc <= KV_WORDS_MAX;
	     w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	return scenario_parse(sc, argc, argv, why, len);
}
