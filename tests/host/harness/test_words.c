/*
 * test_words.c - lines into commands and words.
 */
#include "kernel/shell/words.h"
#include "tests/host/htest.h"

#include <string.h>

HTEST(words_commands_of_a_line)
{
	char line[] = "a b; c ;;\nd";
	char *rest = line;

	h_expect_str(command_next(&rest), "a b");
	h_expect_str(command_next(&rest), " c ");
	h_expect_str(command_next(&rest), "");
	h_expect_str(command_next(&rest), "");
	h_expect_str(command_next(&rest), "d");
	h_expect(command_next(&rest) == NULL);
	h_expect(command_next(&rest) == NULL);
}

HTEST(words_of_a_command)
{
	char command[] = " \t test  slab.*\tseed=7 \r";
	char *argv[5];

	h_assert_eq(words_split(command, argv, 4), 3);
	h_expect_str(argv[0], "test");
	h_expect_str(argv[1], "slab.*");
	h_expect_str(argv[2], "seed=7");
	h_expect(argv[3] == NULL);
}

HTEST(words_none_and_too_many)
{
	char empty[] = "  ";
	char exact[] = "a b";
	char many[] = "a b c";
	char *argv[3];

	h_expect_eq(words_split(empty, argv, 2), 0);
	h_expect(argv[0] == NULL);
	h_expect_eq(words_split(exact, argv, 2), 2);
	h_expect_eq(words_split(many, argv, 2), -1);
}
