/*
 * matrix.c - the command `matrix`: every rule set for a failed fork against every walker.
 *
 * Owns: which cells there are, the table, the probe behind `closed`.
 * Not here: what one cell runs (fork.c), how a verdict comes about.
 * Idea: a cell is one scenario line. A walker has two columns if it has checks: as it was before
 *       them, and as it is. Where nothing bad was seen because the walker never came into the
 *       child, the same line is run under the rules that the rule set is built on: if it comes
 *       there, its own rule is what keeps it out, and the cell is safe, closed.
 */
#include <stdio.h>
#include <string.h>

#include "kernel/core/symbols.h"
#include "kernel/shell/out.h"
#include "kernel/shell/record.h"
#include "kernel/shell/shell.h"
#include "mm/semantics.h"
#include "mm/walkers/walker.h"
#include "tests/lab/lab.h"

#define COLUMNS_MAX 12
#define ROWS_MAX    32
#define WORDS_MAX   24

struct column {
	char title[24];
	char words[96]; /* of walkers= */
};

struct cell {
	enum lab_verdict verdict;
	bool closed; /* safe, because its rule keeps the walker out */
	u64 runs, found_in;
};

static struct column column[COLUMNS_MAX];
static unsigned nr_columns;
static const struct semantics *row[ROWS_MAX];
static unsigned nr_rows;
static struct cell table[ROWS_MAX][COLUMNS_MAX];
static struct scenario sc;
static struct lab_result res;

/* ---- rows and columns ---- */

static bool is_check_of(const struct walker_check *check, const struct walker *walker)
{
	size_t len = strlen(walker->name);

	return !strncmp(check->name, walker->name, len) && check->name[len] == '.';
}

/* "swapoff,swapoff.stable=0": without any of its checks. False: it has none. */
static bool words_without_checks(const struct walker *walker, char *to, size_t len)
{
	const struct walker_check *check;
	size_t at = (size_t)snprintf(to, len, "%s", walker->name);
	bool any = false;

	for_each_registered(walker_check, check) {
		if (!is_check_of(check, walker) || at >= len)
			continue;
		any = true;
		at += (size_t)snprintf(to + at, len - at, ",%s=0", check->name);
	}
	return any;
}

static void find_columns(void)
{
	const struct walker *walker;

	nr_columns = 0;
	for_each_registered(walker, walker) {
		struct column *c = &column[nr_columns];

		if (nr_columns + 2 > COLUMNS_MAX)
			break;
		if (words_without_checks(walker, c->words, sizeof(c->words))) {
			snprintf(c->title, sizeof(c->title), "%.18s-old", walker->name);
			c++;
			nr_columns++;
		}
		snprintf(c->title, sizeof(c->title), "%.22s", walker->name);
		snprintf(c->words, sizeof(c->words), "%s", walker->name);
		nr_columns++;
	}
}

static bool is_row(const struct semantics *sem)
{
	return sem->axis == SEM_FORK || sem->axis == SEM_GATE || sem->axis == SEM_WALKREF;
}

static void find_rows(void)
{
	const struct semantics *sem;

	nr_rows = 0;
	for_each_registered(semantics, sem) {
		if (is_row(sem) && nr_rows < ROWS_MAX)
			row[nr_rows++] = sem;
	}
}

/* ---- one cell ---- */

/* The smallest parent that has what a walker looks for, and a failure with neighbours. */
static const char *const swapped[] = {"vmas=3", "pages=2", "swap=1", NULL};
static const char *const mapped[] = {"vmas=3",	    "pages=1",	"file=3",
				     "touching=on", "clean=on", NULL};
static const char *const common[] = {"site=F13", "k=1", "strategy=random:1000", NULL};

static const char *const *shape_for(const struct column *c)
{
	return strncmp(c->words, "swapoff", 7) ? mapped : swapped;
}

/* Is a word of the same name among the user's? A failure is given as a whole. */
static bool given(int argc, char **argv, const char *word)
{
	size_t len = strcspn(word, "=") + 1;
	bool failure = !strncmp(word, "site=", 5) || !strncmp(word, "k=", 2);

	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], word, len))
			return true;
		if (failure && (!strncmp(argv[i], "kill=", 5) || !strncmp(argv[i], "site=", 5)))
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

static int parse_cell(const char *sem, const struct column *c, int argc, char **argv, char *why,
		      size_t len)
{
	static char sem_word[64], walkers_word[128];
	char *words[WORDS_MAX] = {(char *)"fork", sem_word, walkers_word};
	int nr = 3;

	snprintf(sem_word, sizeof(sem_word), "sem=%s", sem);
	snprintf(walkers_word, sizeof(walkers_word), "walkers=%s", c->words);
	nr = add_words(words, nr, shape_for(c), argc, argv);
	nr = add_words(words, nr, common, argc, argv);
	for (int i = 0; i < argc && nr < WORDS_MAX; i++)
		words[nr++] = argv[i];
	return scenario_parse(&sc, nr, words, why, len);
}

/* Would the walker come into the child, were it not for @sem's own rule? */
static bool comes_without(const struct semantics *sem, const struct column *c, int argc,
			  char **argv, char *why, size_t len)
{
	const char *under = sem->base ? sem->base : sem->over;

	if (!under || parse_cell(under, c, argc, argv, why, len) ||
	    lab_search(&sc, &res, false, why, len))
		return false;
	return res.verdict != LV_UNREACHED;
}

static void record_cell(const struct semantics *sem, const struct column *c,
			const struct cell *cell)
{
	struct record r;
	const char *text;

	record_begin(&r, "cell");
	record_str(&r, "semantics", sem->name);
	record_str(&r, "walker", c->title);
	record_str(&r, "verdict", lab_verdicts[cell->verdict].name);
	record_u64(&r, "closed", cell->closed);
	record_u64(&r, "schedules", cell->runs);
	record_str(&r, "strategy", sc.strategy_word);
	record_u64(&r, "seed", sc.seed);
	for (unsigned i = 0; i < res.summary.nr_reach; i++)
		record_u64(&r, res.summary.reach_names[i], res.summary.reached[i]);
	text = record_end(&r);
	out_line(text ? text : "# a record did not fit and was left out");
}

static int run_cell(const struct semantics *sem, const struct column *c, struct cell *cell,
		    int argc, char **argv)
{
	char why[256];

	if (parse_cell(sem->name, c, argc, argv, why, sizeof(why)) ||
	    lab_search(&sc, &res, true, why, sizeof(why)))
		return shell_error("matrix", "%s", why);
	*cell = (struct cell){.verdict = res.verdict,
			      .runs = res.summary.runs,
			      .found_in = res.summary.first_run + 1};
	record_cell(sem, c, cell);
	if (res.aborted)
		return shell_error("matrix", "ended by a key");
	if (lab_verdicts[res.verdict].bad) {
		out("%s x %s: %s in schedule %lu: %s\n", sem->name, c->title,
		    lab_verdicts[res.verdict].name, cell->found_in, res.summary.first.why);
		out("replay build=%s %s schedule=", build_id(), sc.line);
		out_line(res.schedule ? res.schedule : "(too long)");
	}
	if (cell->verdict == LV_UNREACHED && comes_without(sem, c, argc, argv, why, sizeof(why))) {
		cell->verdict = LV_SAFE;
		cell->closed = true;
	}
	return SHELL_OK;
}

/* ---- the table ---- */

static void print_legend(void)
{
	bool used[LV_NR] = {false}, closed = false;

	for (unsigned i = 0; i < nr_rows; i++) {
		for (unsigned j = 0; j < nr_columns; j++) {
			used[table[i][j].verdict] |= !table[i][j].closed;
			closed |= table[i][j].closed;
		}
	}
	for (unsigned v = 0; v < LV_NR; v++) {
		if (used[v])
			out("  %c %s\n", lab_verdicts[v].letter, lab_verdicts[v].name);
	}
	if (closed)
		out("  / safe, its rule keeps the walker out of the child\n");
}

static void print_table(void)
{
	out("%-26s", "");
	for (unsigned j = 0; j < nr_columns; j++)
		out(" %-11.11s", column[j].title);
	out("\n");
	for (unsigned i = 0; i < nr_rows; i++) {
		out("%-26s", row[i]->name);
		for (unsigned j = 0; j < nr_columns; j++) {
			const struct cell *c = &table[i][j];

			out(" %c %-9lu", c->closed ? '/' : lab_verdicts[c->verdict].letter,
			    lab_verdicts[c->verdict].bad ? c->found_in : c->runs);
		}
		out("\n");
	}
	out("beside a letter: the schedule it was found in, else schedules tried\n");
	print_legend();
}

static int cmd_matrix(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strncmp(argv[i], "sem=", 4) || !strncmp(argv[i], "walkers=", 8))
			return shell_error("matrix", "%s: the matrix takes every one", argv[i]);
	}
	find_rows();
	find_columns();
	for (unsigned i = 0; i < nr_rows; i++) {
		for (unsigned j = 0; j < nr_columns; j++) {
			int err = run_cell(row[i], &column[j], &table[i][j], argc - 1, argv + 1);

			if (err)
				return err;
		}
	}
	print_table();
	return SHELL_OK;
}

SHELL_CMD(matrix,
	  "matrix [k=v...]: rule sets for failed forks against walkers\n"
	  "  words as for `scenario fork`; default: three VMAs, site=F13 k=1\n"
	  "  strategy=random:1000. A bad cell comes with its replay line.",
	  cmd_matrix);
