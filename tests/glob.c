/*
 * glob.c - does a name match a filter.
 *
 * Owns: the matcher that `test` and `bench` select by.
 * Idea: only the last star seen can need another try: an earlier one that took more would have let
 *       the last one match too. So one remembered place is all the backtracking there is.
 */
#include "tests/glob.h"

bool glob_match(const char *pattern, const char *name)
{
	const char *star = NULL; /* behind the last star */
	const char *taken = NULL; /* where the rest of the name after that star begins */

	while (*name) {
		if (*pattern == '*') {
			star = ++pattern;
			taken = name;
		} else if (*pattern == '?' || *pattern == *name) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star;
			name = ++taken;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}
