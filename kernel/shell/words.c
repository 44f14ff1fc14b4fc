/*
 * words.c - a line into commands, a command into words.
 *
 * Owns: what separates them. There is no quoting: no word of any command holds a blank or a
 *       semicolon.
 */
#include "kernel/shell/words.h"

#include <string.h>

static const char blanks[] = " \t\r";

char *command_next(char **rest)
{
	char *command = *rest;
	char *end;

	if (!command)
		return NULL;
	end = strpbrk(command, ";\n");
	if (end)
		*end++ = '\0';
	*rest = end;
	return command;
}

int words_split(char *command, char **argv, int max)
{
	int nr = 0;

	for (;;) {
		command += strspn(command, blanks);
		if (!*command)
			break;
		if (nr == max)
			return -1;
		argv[nr++] = command;
		command += strcspn(command, blanks);
		if (*command)
			*command++ = '\0';
	}
	argv[nr] = NULL;
	return nr;
}
