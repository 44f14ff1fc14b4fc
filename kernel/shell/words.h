/*
 * words.h - a line into commands, a command into words. Pure; writes into the line.
 */
#ifndef KERNEL_SHELL_WORDS_H
#define KERNEL_SHELL_WORDS_H

#include "kernel/base/compiler.h"

/*
 * command_next - cut the next command off *@rest: up to a `;` or a newline, which becomes its end.
 *
 * Returns NULL when nothing is left. A command may be empty.
 */
char *command_next(char **rest);

/*
 * words_split - cut @command at blanks.
 *
 * @argv:    gets the words and a closing NULL: room for @max + 1
 * Returns:  their number, or -1 if there are more than @max
 */
int __must_check words_split(char *command, char **argv, int max);

#endif
