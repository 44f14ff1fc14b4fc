/*
 * matrix_cell.c - see matrix.h.
 *
 * Idea: a cell is a few scenario lines, one per strategy. Where nothing bad was seen because the
 *       walker never came into the child, the same line is run with one rule taken out: under the
 *       rules that the rule set is built on, or with dup_mmap_sem held for the copy alone. If it
 *       comes there, that rule is what keeps it out, and the cell is safe, closed.
 */
#include "tests/lab/matrix.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/core/symbols.h"
#include "mm/semantics.h"
#include "mm/walkers/walker.h"

#define WORDS_MAX 28

static struct scenario sc;
static struct lab_result res;

/* ---- rows and columns ---- */

/* "swapoff,swapoff.stable=0": without any of its checks. False: it has none. */
static bool words_without_checks(const struct walker *walker, char *to, size_t len)
{
	const struct walker_check *check;
	size_t at = (size_t)snprintf(to, len, "%s", walker->name);
	bool any = false;

	for_each_registered(walker_check, check) {
		if (!walker_owns_check(walker, check) || check->is_form || at >= len)
			continue;
		any = true;
		at += (size_t)snprintf(to + at, len - at, ",%s=0", check->name);
	}
	return any;
}

unsigned matrix_columns(struct matrix_column column[MATRIX_COLUMNS_MAX])
{
	const struct walker *walker;
	unsigned nr = 0;

	for_each_registered(walker, walker) {
		struct matrix_column *c = &column[nr];

		if (nr + 2 > MATRIX_COLUMNS_MAX || !(walker->walk || walker->walk_mm))
			continue;
		if (words_without_checks(walker, c->words, sizeof(c->words))) {
			snprintf(c->title, sizeof(c->title), "%s-old", walker->name);
			c->walker = walker;
			c->old = true;
			nr++;
		}
		c = &column[nr++];
		snprintf(c->title, sizeof(c->title), "%s", walker->name);
		snprintf(c->words, sizeof(c->words), "%s", walker->name);
		c->walker = walker;
		c->old = false;
	}
	return nr;
}

unsigned matrix_rows(const struct semantics *row[MATRIX_ROWS_MAX])
{
	const struct semantics *sem;
	unsigned nr = 0;

	for_each_registered(semantics, sem) {
		if ((sem->axis == SEM_FORK || sem->over) && nr < MATRIX_ROWS_MAX)
			row[nr++] = sem;
	}
	return nr;
}

const char *matrix_base(const struct semantics *sem)
{
	return sem->base ? sem->base : sem->over;
}

/* ---- the line of a cell ---- */

/*
 * The smallest parent that has what a walker looks for, and a failure with neighbours. One that has
 * little to do walks several times, to come at the right time.
 */
struct shape_words {
	const char *walker;
	const char *words[7];
};

static const struct shape_words shapes[] = {
	{"swapoff", {"vmas=3", "pages=2", "swap=1"}},
	{"uprobe", {"vmas=3", "pages=1", "file=3", "touching=on", "clean=on"}},
	{"rmap_clean", {"vmas=3", "pages=1", "shared=3", "rounds=8"}},
	{"maps", {"vmas=3", "pages=1", "rounds=8", "linger=2"}},
	{"pin", {"vmas=3", "pages=1", "rounds=8", "linger=2"}},
	{"sibling", {"vmas=3", "pages=1"}},
	{"rmap_unmap", {"vmas=3", "pages=1"}},
	{NULL, {"vmas=3", "pages=1", "rounds=8"}},
};
static const char *const failure[] = {"site=F13", "k=1", NULL};

static const char *const *shape_for(const struct matrix_column *c)
{
	const struct shape_words *s = shapes;

	while (s->walker && strcmp(s->walker, c->walker->name))
		s++;
	return s->words;
}

/* Is a word of the same name among the user's? A failure is given as a whole. */
static bool given(int argc, char **argv, const char *word)
{
	size_t len = strcspn(word, "=") + 1;
	bool of_failure = !strncmp(word, "site=", 5) || !strncmp(word, "k=", 2);

	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], word, len))
			return true;
		if (of_failure && (!strncmp(argv[i], "kill=", 5) || !strncmp(argv[i], "site=", 5)))
			return true;
	}
	return false;
}

static int add_words(char **words, int nr, const char *const *more, int argc, char **argv)
{
	for (; *more && nr < WORDS_MAX; more++) {
		if (!given(argc, argv, *more))
			words[nr++] = (char *)*more;
	}
	return nr;
}

static int parse(const char *sem, const struct matrix_column *c, const struct matrix_search *search,
		 unsigned strategy, char *why, size_t len)
{
	static char sem_word[96], walkers_word[128], strategy_word[64];
	char *words[WORDS_MAX] = {(char *)"fork", sem_word, walkers_word, strategy_word};
	int nr = 4;

	snprintf(sem_word, sizeof(sem_word), "sem=%s", sem);
	snprintf(walkers_word, sizeof(walkers_word), "walkers=%s", c->words);
	snprintf(strategy_word, sizeof(strategy_word), "strategy=%s", search->strategy[strategy]);
	nr = add_words(words, nr, shape_for(c), search->argc, search->argv);
	nr = add_words(words, nr, failure, search->argc, search->argv);
	for (int i = 0; i < search->argc && nr < WORDS_MAX; i++)
		words[nr++] = search->argv[i];
	return scenario_parse(&sc, nr, words, why, len);
}

/* ---- what keeps it out ---- */

static bool reaches(const char *sem, const struct matrix_column *c,
		    const struct matrix_search *search, char *why, size_t len)
{
	if (parse(sem, c, search, 0, why, len) || lab_search(&sc, &res, false, why, len))
		return false;
	return res.verdict != LV_UNREACHED;
}

/* Was a place of the walker's reached at all? */
static bool ever_came(const struct lab_summary *s)
{
	for (unsigned i = 1; i < s->nr_reach; i++) {
		if (s->reached[i] && !strchr(s->reach_names[i], '?'))
			return true;
	}
	return false;
}

/* What the walker comes in without; NULL: it is not known. */
static const char *closed_by(const struct semantics *sem, const struct matrix_column *c,
			     const struct matrix_search *search, char *why, size_t len)
{
	const char *base = matrix_base(sem);
	char narrow[64];

	if (base && reaches(base, c, search, why, len))
		return "its own rule";
	snprintf(narrow, sizeof(narrow), "%s+%s", sem->name, sem_renamed("sem_for_copy"));
	if (sem->axis == SEM_FORK && reaches(narrow, c, search, why, len))
		return "dup_mmap_sem";
	return NULL;
}

/* ---- the cell ---- */

/* All strategies together are one search of as many schedules. */
static void add_result(struct matrix_cell *cell, struct lab_summary *sum, const char *strategy)
{
	const struct lab_summary *s = &res.summary;

	cell->part[cell->nr_parts++] =
		(struct matrix_part){.strategy = strategy,
				     .runs = s->runs,
				     .bounded = sc.strategy.ops == &strategy_bounded,
				     .complete = res.complete,
				     .pct = res.pct};
	sum->runs += s->runs;
	sum->points += s->points;
	sum->first = s->first;
	sum->nr_reach = s->nr_reach;
	sum->reach_names = s->reach_names;
	for (unsigned i = 0; i < s->nr_reach; i++)
		sum->reached[i] += s->reached[i];
	for (unsigned v = 0; v < LV_NR; v++)
		sum->noted[v] += s->noted[v];
	cell->verdict = lab_summary_verdict(sum);
}

/* Why a cell is unreached: names of places last until the next scenario is read. */
static void note_missing(struct matrix_cell *cell, const struct lab_summary *sum)
{
	int place = lab_summary_missing(sum);

	if (cell->verdict != LV_UNREACHED || place < 0)
		return;
	strlcpy(cell->missing, sum->reach_names[place], sizeof(cell->missing));
	cell->came = sum->reached[place];
}

static void tell_replay(void (*line)(const char *first, const char *schedule))
{
	static char first[LAB_LINE_MAX + 64];

	if (!line)
		return;
	snprintf(first, sizeof(first), "replay build=%s %s schedule=", build_id(), sc.line);
	line(first, res.schedule ? res.schedule : "(too long)");
}

int matrix_cell_run(const struct semantics *sem, const struct matrix_column *c,
		    const struct matrix_search *search, struct matrix_cell *cell,
		    struct matrix_told *told,
		    void (*line)(const char *first, const char *schedule), char *why, size_t len)
{
	*cell = (struct matrix_cell){.verdict = LV_UNREACHED};
	memset(told, 0, sizeof(*told));
	for (unsigned i = 0; i < search->nr_strategies; i++) {
		int err = parse(sem->name, c, search, i, why, len);

		if (line && sc.shrink == SHRINK_UNSAID)
			sc.shrink = SHRINK_SWITCHES;
		if (!err)
			err = lab_search(&sc, &res, true, why, len);
		if (err)
			return err;
		if (res.aborted)
			return -EINTR;
		add_result(cell, &told->sum, search->strategy[i]);
		if (lab_verdicts[cell->verdict].bad) {
			cell->found_in = res.summary.first_run + 1;
			told->shrunk = res.shrunk;
			tell_replay(line);
			break;
		}
	}
	note_missing(cell, &told->sum);
	if (cell->verdict == LV_UNREACHED && !ever_came(&told->sum))
		cell->closed = closed_by(sem, c, search, why, len);
	if (cell->closed)
		cell->verdict = LV_SAFE;
	cell->letter = cell->closed ? '/' : lab_verdicts[cell->verdict].letter;
	return 0;
}
