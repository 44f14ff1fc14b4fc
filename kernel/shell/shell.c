/*
 * shell.c - finds and runs commands.
 *
 * Owns: running a line and a script, what becomes of a command that oopses, the line about a bad
 *       word.
 * Not here: where lines come from (terminal.c, the boot command line), the commands (cmd_*.c,
 *       tests/).
 * Idea: a command that oopses has failed; the shell goes on, since it may be the only way left to
 *       look.
 */
#include "kernel/shell/shell.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kernel/core/oops.h"
#include "kernel/shell/out.h"
#include "kernel/shell/words.h"
#include "kernel/x86/machine.h"

const struct shell_cmd *shell_find(const char *name)
{
	const struct shell_cmd *cmd;

	for_each_registered(shell_cmd, cmd) {
		if (!strcmp(cmd->name, name))
			return cmd;
	}
	return NULL;
}

int shell_error(const char *cmd, const char *fmt, ...)
{
	char text[OUT_LINE_MAX - 64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	out("%s: %s\n", cmd, text);
	return SHELL_FAIL;
}

struct call {
	const struct shell_cmd *cmd;
	int argc;
	char **argv;
	int status;
};

static void call(void *arg)
{
	struct call *c = arg;

	c->status = c->cmd->fn(c->argc, c->argv);
}

int shell_run_command(char *text)
{
	char *argv[SHELL_WORDS_MAX + 1];
	struct call c = {.argv = argv, .status = SHELL_FAIL};
	struct oops oops;

	c.argc = words_split(text, argv, SHELL_WORDS_MAX);
	if (c.argc == 0)
		return SHELL_OK;
	if (c.argc < 0)
		return shell_error("shell", "more than %d words in a command", SHELL_WORDS_MAX);
	c.cmd = shell_find(argv[0]);
	if (!c.cmd)
		return shell_error("shell", "unknown command \"%s\": `help` lists them", argv[0]);
	if (oops_catch(call, &c, &oops))
		return shell_error(argv[0], "ended by an oops: %s at %s", oops.cause, oops.symbol);
	return c.status;
}

/* ---- lines and scripts ---- */

static enum shell_status session; /* the first status that was not SHELL_OK */

static void session_add(int status)
{
	if (session == SHELL_OK)
		session = status;
}

void shell_run_line(char *line)
{
	char *rest = line;
	char *command;

	while ((command = command_next(&rest)))
		session_add(shell_run_command(command));
}

void shell_run_script(const char *script)
{
	static char line[SHELL_LINE_MAX];

	while (*script) {
		size_t len = strcspn(script, "\n");

		out("%s%.*s\n", SHELL_PROMPT, (int)len, script);
		if (len < sizeof(line)) {
			memcpy(line, script, len);
			line[len] = '\0';
			shell_run_line(line);
		} else {
			session_add(shell_error("shell", "a line of %zu bytes: at most %d", len,
						SHELL_LINE_MAX - 1));
		}
		script += len + (script[len] == '\n');
	}
}

void shell_end_machine(void)
{
	switch (session) {
	case SHELL_OK: machine_verdict(MACHINE_PASS);
	case SHELL_SKIPPED: machine_verdict(MACHINE_SKIPPED);
	default: machine_verdict(MACHINE_FAIL);
	}
}
