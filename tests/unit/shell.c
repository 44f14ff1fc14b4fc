/*
 * shell.c - bad words: one clear line that names the word, nothing run, status failure.
 */
#include "kernel/shell/shell.h"

#include <string.h>

#include "tests/ktest.h"
#include "tests/shell_catch.h"

/* ---- errors ---- */

static const struct {
	const char *command;
	const char *names; /* what the line must name: the word, or what is accepted */
} bad[] = {
	{"nonsense", "\"nonsense\""},
	{"nonsense with words", "\"nonsense\""},
	{"help nonsense", "\"nonsense\""},
	{"help help help", "\"help\""},
	{"set nonsense", "\"nonsense\""},
	{"set points 2", "on|off"},
	{"set points on off", "\"off\""},
	{"set harness_dial 10", "0..9"},
	{"test no.such", "no.such"},
	{"test seed=", "seed"},
	{"test seed=1 seed=2", "seed"},
	{"test sed=1", "sed"},
	{"test harness.* more", "more"},
	{"test scale=0", "scale"},
	{"test shuffle=maybe", "shuffle"},
	{"bench no_such", "no_such"},
	{"bench n=0", "n"},
	{"bench n=1001", "n"},
	{"bench warm=x", "warm"},
	{"sites nonsense", "\"nonsense\""},
	{"sites harness_site probability=101", "probability"},
	{"sites harness_site often=1", "often"},
	{"sites off off", "\"off\""},
	{"ledger now", "\"now\""},
	{"free 1", "\"1\""},
	{"ps aux", "\"aux\""},
	{"locks open", "\"open\""},
	{"panic softly", "\"softly\""},
	{"panic bug twice", "\"twice\""},
	{"poweroff now", "\"now\""},
};

KTEST(shell, bad_words_get_one_clear_line, KT_UNIT)
{
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		t_expect_refused(t, bad[i].command, bad[i].names);
}

KTEST(shell, too_many_words_are_refused, KT_UNIT)
{
	static char text[SHELL_LINE_MAX];

	strlcpy(text, "help", sizeof(text));
	for (unsigned i = 0; i < SHELL_WORDS_MAX; i++)
		strlcat(text, " x", sizeof(text));
	t_expect_eq(t, shell_catch(text), SHELL_FAIL);
	t_expect_eq(t, shell_caught_lines(), 1);
}

KTEST(shell, empty_command_is_nothing, KT_UNIT)
{
	t_expect_eq(t, shell_catch("  "), SHELL_OK);
	t_expect_str_eq(t, shell_caught(), "");
}

/* ---- help ---- */

KTEST(shell, every_command_is_explained, KT_UNIT)
{
	const struct shell_cmd *cmd;
	char command[64];

	t_expect_eq(t, shell_catch("help"), SHELL_OK);
	for_each_registered(shell_cmd, cmd) {
		size_t len = strlen(cmd->name);

		t_expect(t, strstr(shell_caught(), cmd->name));
		t_expect(t, !strncmp(cmd->help, cmd->name, len));
		t_expect(t, strchr(" :", cmd->help[len]));
		t_expect(t, strchr(cmd->help, ':'));
	}
	for_each_registered(shell_cmd, cmd) {
		strlcpy(command, "help ", sizeof(command));
		strlcat(command, cmd->name, sizeof(command));
		t_expect_eq(t, shell_catch(command), SHELL_OK);
		t_expect(t, strstr(shell_caught(), cmd->help));
	}
}

KTEST(shell, help_fits_80_columns, KT_UNIT)
{
	unsigned column = 0, widest = 0;

	t_expect_eq(t, shell_catch("help"), SHELL_OK);
	t_expect_lt(t, strlen(shell_caught()), 4095);
	for (const char *c = shell_caught(); *c; c++) {
		column = *c == '\n' ? 0 : column + 1;
		widest = max(widest, column);
	}
	t_expect_gt(t, widest, 0);
	t_expect_le(t, widest, 80);
}

/* ---- a command that oopses ---- */

KTEST(shell, oops_ends_the_command_only, KT_UNIT)
{
	t_expect_eq(t, shell_catch("panic oops"), SHELL_FAIL);
	t_expect(t, strstr(shell_caught(), "die_by_oops"));
	t_expect_eq(t, shell_catch("help panic"), SHELL_OK);
}
