/*
 * test_glob.c - the filter of `test` and `bench`, against a slow matcher that is plainly right.
 */
#include "tests/glob.h"
#include "tests/host/htest.h"

#include <stdlib.h>

HTEST(glob_plain_words)
{
	h_expect(glob_match("slab.alloc", "slab.alloc"));
	h_expect(!glob_match("slab.alloc", "slab.allo"));
	h_expect(!glob_match("slab.allo", "slab.alloc"));
	h_expect(!glob_match("", "x"));
	h_expect(glob_match("", ""));
}

HTEST(glob_stars)
{
	h_expect(glob_match("*", ""));
	h_expect(glob_match("*", "anything"));
	h_expect(glob_match("slab.*", "slab."));
	h_expect(glob_match("*.alloc", "slab.alloc"));
	h_expect(glob_match("s*b.*c", "slab.alloc"));
	h_expect(!glob_match("s*b.*d", "slab.alloc"));
	h_expect(glob_match("*a*a*a*", "banana"));
	h_expect(!glob_match("*a*a*a*a*", "banana"));
	h_expect(glob_match("???", "abc"));
	h_expect(!glob_match("???", "ab"));
}

/* By definition, exponential. */
static bool slow_match(const char *p, const char *s)
{
	if (*p == '\0')
		return *s == '\0';
	if (*p == '*')
		return slow_match(p + 1, s) || (*s && slow_match(p, s + 1));
	return *s && (*p == '?' || *p == *s) && slow_match(p + 1, s + 1);
}

/* How often the two differ for @pattern over every name of up to 5 letters from "a b". */
static unsigned disagreements(const char *pattern)
{
	unsigned wrong = 0;

	for (unsigned n = 1; n < 64; n++) { /* the letters are the bits below the top one */
		char name[7] = "";
		unsigned len = 31 - (unsigned)__builtin_clz(n);

		for (unsigned i = 0; i < len; i++)
			name[i] = n >> i & 1 ? 'b' : 'a';
		wrong += glob_match(pattern, name) != slow_match(pattern, name);
	}
	return wrong;
}

/* Every pattern of up to 5 symbols from "a b * ?". */
HTEST(glob_agrees_with_the_definition_everywhere)
{
	unsigned nr = 0, wrong = 0;

	for (unsigned len = 0; len <= 5; len++) {
		for (unsigned p = 0; p < 1u << (2 * len); p++) {
			char pattern[6] = "";

			for (unsigned i = 0; i < len; i++)
				pattern[i] = "ab*?"[p >> (2 * i) & 3];
			wrong += disagreements(pattern);
			nr++;
		}
	}
	h_expect_eq(wrong, 0);
	h_expect_eq(nr, 1 + 4 + 16 + 64 + 256 + 1024);
}
