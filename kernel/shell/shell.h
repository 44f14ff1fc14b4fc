/*
 * shell.h - how a command is declared, and what runs a line of them.
 *
 * Owns: the command registry, splitting a line into commands and words, the result of a script.
 * Not here: editing a line (line_edit.h), the commands themselves (cmd_*.c, tests/).
 * Idea: a command is one function over words. It checks every word before it does anything; the
 *       first bad one is named in one line together with what is accepted, nothing is run, and it
 *       fails.
 *
 *	static int cmd_free(int argc, char **argv) { ... }
 *	SHELL_CMD(free, "free: frames by owner and order", cmd_free);
 */
#ifndef KERNEL_SHELL_SHELL_H
#define KERNEL_SHELL_SHELL_H

#include "kernel/base/compiler.h"
#include "kernel/core/registry.h"

#define SHELL_PROMPT	"mmlife> "
#define SHELL_LINE_MAX	16384 /* bytes of one line, its end included */
#define SHELL_WORDS_MAX 64

/* What a command returns. A session's status is its first that is not SHELL_OK. */
enum shell_status {
	SHELL_OK = 0,
	SHELL_FAIL = 1,	   /* bad words, a failed test, an unexpected verdict */
	SHELL_SKIPPED = 2, /* everything that was asked for was skipped */
};

/* The @i-th word that may follow a command, or NULL after the last: what the tab key offers. */
typedef const char *(*shell_words_fn)(unsigned i);

struct shell_cmd {
	const char *name;
	const char *help; /* "name WORDS: what it does", further lines shown by `help name` only */
	/* argv[0] is the command's name; argv[argc] is NULL. The words may be written to. */
	int (*fn)(int argc, char **argv);
	shell_words_fn words; /* may be NULL */
};

#define SHELL_CMD(name_, help_, fn_) SHELL_CMD_WORDS(name_, help_, fn_, NULL)

#define SHELL_CMD_WORDS(name_, help_, fn_, words_)                                                 \
	static const struct shell_cmd shell_cmd_##name_ = {                                        \
		.name = #name_, .help = help_, .fn = fn_, .words = words_};                        \
	REGISTER(shell_cmd, &shell_cmd_##name_)

/* The command called @name, or NULL. */
const struct shell_cmd *shell_find(const char *name);

/*
 * shell_run_command - run one command, which @text is cut into words for.
 *
 * Returns:  its enum shell_status, which is not added to the session's
 * Context:  a thread that may use floating point and sleep
 */
int shell_run_command(char *text);

/*
 * shell_run_line - run the commands of one line, separated by `;`.
 *
 * All of them run, whatever becomes of the others; the first failure is the session's status.
 * @line:    written to
 * Context:  a thread that may use floating point and sleep
 */
void shell_run_line(char *line);

/* Run a script, one line after another, each echoed behind the prompt. */
void shell_run_script(const char *script);

/* End the machine with a verdict: the first status so far that was not SHELL_OK. */
void __noreturn shell_end_machine(void);

/* Names of commands, as the tab key offers them. */
const char *shell_command_names(unsigned i);

/* Read lines from the console and run them until the machine ends. A thread; may use newlib. */
void __noreturn shell_interact(void);

/*
 * shell_error - the one clear line about a bad word, "name: ..." .
 *
 * Returns SHELL_FAIL, so that a command can `return shell_error(...)`.
 */
int __printf(2, 3) shell_error(const char *cmd, const char *fmt, ...);

#endif
