/*
 * cases.c - the scenario kinds that are made of cases: their words, and the case that was chosen.
 */
#include <stdio.h>
#include <string.h>

#include "kernel/base/err.h"
#include "tests/lab/case.h"

static const struct lab_case *the_case;
static unsigned the_mutant = ~0u; /* index, ~0: none */
static unsigned nr_actors;
static u64 the_program;

bool case_mutant(unsigned index)
{
	return the_mutant == index;
}

u64 case_program(void)
{
	return the_program;
}

int case_actors(const char *name, unsigned actors, void (*fn)(void *index))
{
	for (unsigned i = 0; i < actors; i++) {
		char full[16];
		size_t len = strlen(name);
		int err;

		memcpy(full, name, len);
		full[len] = (char)(i < 10 ? '0' + i : 'a' + i - 10);
		full[len + 1] = '\0';
		err = lab_actor(full, i, fn, (void *)(unsigned long)i);
		if (err)
			return err;
	}
	return 0;
}

/* ---- words ---- */

static bool is_of(const struct lab_case *c, const struct scenario *sc)
{
	return strcmp(lab_case_kind(c), sc->kind->name) == 0;
}

static void list_cases(const struct scenario *sc, char *buf, size_t len)
{
	const struct lab_case *c;
	size_t at = 0;

	buf[0] = '\0';
	for_each_registered(lab_case, c)
		if (at < len && is_of(c, sc))
			at += (size_t)snprintf(buf + at, len - at, "%s%s", at ? "|" : "", c->name);
}

static void list_mutants(char *buf, size_t len)
{
	size_t at = (size_t)snprintf(buf, len, "none");

	for (unsigned i = 0; the_case->mutants && the_case->mutants[i].name && at < len; i++)
		at += (size_t)snprintf(buf + at, len - at, "|%s", the_case->mutants[i].name);
}

static void parse_mutant(struct kv *kv)
{
	const char *word = "none";
	char accepted[160];

	the_mutant = ~0u;
	if (!kv_str(kv, "mutant", &word) || strcmp(word, "none") == 0)
		return;
	for (unsigned i = 0; the_case->mutants && the_case->mutants[i].name; i++) {
		if (strcmp(the_case->mutants[i].name, word) == 0) {
			the_mutant = i;
			return;
		}
	}
	list_mutants(accepted, sizeof(accepted));
	kv_fail(kv, "mutant=%s: accepted is %s", word, accepted);
}

static void cases_parse(struct scenario *sc, struct kv *kv)
{
	const char *name = NULL;
	char accepted[240];
	u64 actors;

	if (kv_str(kv, "case", &name) && name)
		the_case = registry_find(lab_case, name);
	if (!name || !the_case || !is_of(the_case, sc)) {
		list_cases(sc, accepted, sizeof(accepted));
		kv_fail(kv, "case=%s: accepted is %s", name ? name : "", accepted);
		return;
	}
	parse_mutant(kv);
	actors = the_case->actors;
	kv_u64(kv, "actors", the_case->actors_min, the_case->actors_max, &actors);
	nr_actors = (unsigned)actors;
	the_program = 1;
	if (the_case->programs)
		kv_u64(kv, "program", 1, UINT32_MAX, &the_program);
	if (sc->cpus == 0)
		sc->cpus = nr_actors + 1 > MAX_VCPUS ? MAX_VCPUS : nr_actors + 1;
	else if (sc->cpus < nr_actors)
		kv_fail(kv, "cpus=%u: accepted is %u..%u, one for each actor", sc->cpus, nr_actors,
			MAX_VCPUS);
}

static int cases_setup(void)
{
	return the_case->setup(nr_actors);
}

static void cases_check(void)
{
	the_case->check(nr_actors);
}

static const char *const *cases_reach(void)
{
	return the_case->reach;
}

#define CASES_KIND(kind_name, words)                                                               \
	static const struct scenario_kind kind_##kind_name = {                                     \
		.name = #kind_name,                                                                \
		.usage = words,                                                                    \
		.parse = cases_parse,                                                              \
		.setup = cases_setup,                                                              \
		.check = cases_check,                                                              \
		.reach = cases_reach,                                                              \
	};                                                                                         \
	SCENARIO_KIND(kind_##kind_name)

CASES_KIND(locks, "case=NAME mutant=NAME actors=N");
CASES_KIND(walk, "case=NAME mutant=NAME actors=N program=N");
