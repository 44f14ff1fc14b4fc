/*
 * shell_catch.h - run a shell command and keep what it prints.
 */
#ifndef TESTS_SHELL_CATCH_H
#define TESTS_SHELL_CATCH_H

struct ktest;

/* Run @command; its status. What it printed before is forgotten. */
int shell_catch(const char *command);

/*
 * t_expect_refused - @command fails with one line, in which @names occurs: the bad word, or what is
 * accepted.
 */
void t_expect_refused(struct ktest *t, const char *command, const char *names);

/* What the last one printed, cut at some 4000 characters; and how many lines that are. */
const char *shell_caught(void);
unsigned shell_caught_lines(void);

#endif
