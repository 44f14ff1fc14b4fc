/*
 * cmd_help.c - `help`.
 *
 * Owns: how the registered help texts are shown: "name WORDS: what it does" and lines after it.
 */
#include "kernel/shell/shell.h"

#include <string.h>

#include "kernel/shell/out.h"

#define USAGE_COLUMNS 26

/* The first line of a help text in two columns; the second moves down if the first is long. */
static void help_line(const struct shell_cmd *cmd)
{
	size_t usage = strcspn(cmd->help, ":");
	const char *what = cmd->help + usage + (cmd->help[usage] == ':');

	what += strspn(what, " ");
	if (usage > USAGE_COLUMNS)
		out("  %.*s\n  %-*s", (int)usage, cmd->help, USAGE_COLUMNS, "");
	else
		out("  %-*.*s", USAGE_COLUMNS, (int)usage, cmd->help);
	out("  %.*s\n", (int)strcspn(what, "\n"), what);
}

static int cmd_help(int argc, char **argv)
{
	const struct shell_cmd *cmd;

	if (argc > 2)
		return shell_error("help", "one command name at most, \"%s\" is too many", argv[2]);
	if (argc == 2) {
		cmd = shell_find(argv[1]);
		if (!cmd)
			return shell_error("help", "unknown command \"%s\": `help` lists them",
					   argv[1]);
		out("%s\n", cmd->help);
		return SHELL_OK;
	}
	for_each_registered(shell_cmd, cmd)
		help_line(cmd);
	out("`;` separates commands. Tab completes, up and down recall lines.\n");
	return SHELL_OK;
}

SHELL_CMD_WORDS(help, "help [COMMAND]: the commands, or all about one", cmd_help,
		shell_command_names);
