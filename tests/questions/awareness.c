/*
 * awareness.c - question 5: how many walkers must know of a failed copy.
 */
#include <stdio.h>
#include <string.h>

#include "mm/walkers/walker.h"
#include "tests/questions/question.h"

#define STRATEGY "strategy=pct:3:60"
/* What a walker looks for in the parent, and a failure with neighbours. */
#define SWAPPED	 "vmas=3 pages=2 swap=1 site=F13 k=1"
#define MAPPED	 "vmas=3 pages=1 file=3 touching=on clean=on site=F13 k=1"

struct counts {
	unsigned nr, bad_before, bad_now;
	char names[64]; /* of those that went wrong; with a `!` if their checks do not help */
};

static bool is_about_forks(const struct semantics *sem)
{
	return sem->axis == SEM_FORK || sem->axis == SEM_GATE || sem->axis == SEM_WALKREF;
}

static const char *shape_for(const struct walker *walker)
{
	return strcmp(walker->name, "swapoff") ? MAPPED : SWAPPED;
}

/* "swapoff,swapoff.stable=0": without any of its checks. */
static void words_without_checks(const struct walker *walker, char *to, size_t len)
{
	const struct walker_check *check;
	size_t name = strlen(walker->name), at;

	at = (size_t)snprintf(to, len, "%s", walker->name);
	for_each_registered(walker_check, check) {
		if (!strncmp(check->name, walker->name, name) && check->name[name] == '.' &&
		    at < len)
			at += (size_t)snprintf(to + at, len - at, ",%s=0", check->name);
	}
}

/* Does a fork take this walker beside it? */
static bool walks_beside_forks(const struct walker *walker)
{
	static struct scenario sc;
	char line[256], *words[16], *save = NULL, why[256];
	int nr = 0;

	snprintf(line, sizeof(line), "fork %s walkers=%s strategy=random:1", shape_for(walker),
		 walker->name);
	for (char *w = strtok_r(line, " ", &save); w && nr < 16; w = strtok_r(NULL, " ", &save))
		words[nr++] = w;
	return scenario_parse(&sc, nr, words, why, sizeof(why)) == 0;
}

/* 1: something went wrong in a schedule; 0: nothing; -1 after q_fail(). */
static int goes_wrong(const struct semantics *sem, const struct walker *walker, const char *words)
{
	const struct lab_result *res = q_search("fork %s sem=%s walkers=%s " STRATEGY,
						shape_for(walker), sem->name, words);

	return res ? lab_verdicts[res->verdict].bad : -1;
}

static void add_name(struct counts *c, const char *name, bool still)
{
	size_t at = strlen(c->names);

	snprintf(c->names + at, sizeof(c->names) - at, "%s%s%s", at ? " " : "", name,
		 still ? "!" : "");
}

static int count_walker(const struct semantics *sem, const struct walker *walker, struct counts *c)
{
	char words[128];
	int before, now;

	words_without_checks(walker, words, sizeof(words));
	before = goes_wrong(sem, walker, words);
	now = before < 0 ? -1 : goes_wrong(sem, walker, walker->name);
	if (now < 0)
		return -1;
	c->nr++;
	c->bad_before += before;
	c->bad_now += now;
	if (before || now)
		add_name(c, walker->name, now);
	return 0;
}

QUESTION(05, "How many walkers need to know?",
	 "Every rule set for a failed fork beside each walker that a fork scenario knows, "
	 "without any of its checks and with them, 60 schedules by priorities each. A walker "
	 "that goes wrong without its checks is a place in the code that must know of failed "
	 "forks; one that goes wrong with them (`!`) knows too little.",
	 "It counts the walkers that are built here; Linux has more of each kind. A rule set in "
	 "which none went wrong is safe as far as 60 schedules show: `matrix` looks further.")
{
	const struct semantics *sem;
	const struct walker *walker;

	Q_COLUMNS("semantics", "walkers", "must know", "still bad", "which");
	for_each_registered(semantics, sem) {
		struct counts c = {0};

		if (!is_about_forks(sem))
			continue;
		for_each_registered(walker, walker) {
			if (walks_beside_forks(walker) && count_walker(sem, walker, &c))
				return -1;
		}
		q_str(sem->name);
		q_u64(c.nr), q_u64(c.bad_before), q_u64(c.bad_now);
		q_str(c.names[0] ? c.names : "-");
		q_row();
	}
	return 0;
}
