/*
 * shell_catch.c - see shell_catch.h.
 */
#include "tests/shell_catch.h"

#include <string.h>
#include "kernel/core/console.h"
#include "kernel/shell/shell.h"
#include "tests/ktest.h"

static char printed[4096];
static size_t printed_len;

static void catch_output(const char *s, size_t len)
{
	len = min(len, sizeof(printed) - 1 - printed_len);
	memcpy(printed + printed_len, s, len);
	printed_len += len;
	printed[printed_len] = '\0';
}

int shell_catch(const char *command)
{
	static char text[SHELL_LINE_MAX]; /* not for a stack */
	int status;

	strlcpy(text, command, sizeof(text));
	printed_len = 0;
	printed[0] = '\0';
	console_redirect = catch_output;
	status = shell_run_command(text);
	console_redirect = NULL;
	return status;
}

void t_expect_refused(struct ktest *t, const char *command, const char *names)
{
	t_expect_eq(t, shell_catch(command), SHELL_FAIL);
	if (shell_caught_lines() != 1)
		t_fail(t, "`%s`: %u lines", command, shell_caught_lines());
	if (!strstr(shell_caught(), names))
		t_fail(t, "`%s` does not name %s: %s", command, names, shell_caught());
}

const char *shell_caught(void)
{
	return printed;
}

unsigned shell_caught_lines(void)
{
	unsigned nr = 0;

	for (const char *c = printed; *c; c++)
		nr += *c == '\n';
	return nr;
}
