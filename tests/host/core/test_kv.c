/*
 * test_kv.c - words: every type, every kind of mistake, and the line that tells of it.
 */
#include "tests/host/htest.h"

#include <errno.h>
#include <stdio.h>
#include "kernel/core/kv.h"
#include "kernel/core/random.h"

static struct kv kv;

HTEST(kv_all_types)
{
	static const char *const kinds[] = { "fork", "exit", "oom", NULL };
	u64 pages = 7, bytes = 7;
	s64 k = 7;
	bool on = false, off = true;
	unsigned kind = 7;
	const char *sem = "none";

	kv_parse(&kv, "  pages=0x1000\tk=-3 on=on\noff=0 kind=oom size=12M sem=a+b=c ");
	h_expect(kv_u64(&kv, "pages", 1, 4096, &pages));
	h_expect(kv_s64(&kv, "k", -3, 3, &k));
	h_expect(kv_bool(&kv, "on", &on));
	h_expect(kv_bool(&kv, "off", &off));
	h_expect(kv_choice(&kv, "kind", kinds, &kind));
	h_expect(kv_size(&kv, "size", 1, 1 << 30, &bytes));
	h_expect(kv_str(&kv, "sem", &sem));
	h_expect(!kv_u64(&kv, "absent", 0, 1, &pages));
	h_expect_eq(kv_done(&kv), 0);
	h_expect_str(kv.error, "");
	h_expect_eq(pages, 4096);
	h_expect_eq(k, -3);
	h_expect(on && !off);
	h_expect_eq(kind, 2);
	h_expect_eq(bytes, 12 << 20);
	h_expect_str(sem, "a+b=c");
}

/* Reads every known word of @text; the error line must be @error, and outputs stay untouched. */
static void expect_error(const char *text, const char *error)
{
	static const char *const kinds[] = { "fork", "exit", NULL };
	u64 n = 42, size = 42;
	s64 s = 42;
	bool b = true;
	unsigned choice = 42;
	const char *str = "42";

	kv_parse(&kv, text);
	kv_u64(&kv, "n", 1, 100, &n);
	kv_s64(&kv, "s", -5, 5, &s);
	kv_bool(&kv, "b", &b);
	kv_choice(&kv, "kind", kinds, &choice);
	kv_size(&kv, "size", 0, 1 << 20, &size);
	kv_str(&kv, "str", &str);
	h_expect_eq(kv_done(&kv), (u64)-EINVAL);
	h_expect_str(kv.error, error);
	h_expect(n == 42 && s == 42 && b && choice == 42 && size == 42);
	h_expect_str(str, "42");
}

HTEST(kv_errors)
{
	expect_error("word", "word: not a name=value word");
	expect_error("=5", "=5: not a name=value word");
	expect_error("n=", "n=: a number 1..100 is accepted");
	expect_error("n=x", "n=x: a number 1..100 is accepted");
	expect_error("n=5x", "n=5x: a number 1..100 is accepted");
	expect_error("n=-1", "n=-1: a number 1..100 is accepted");
	expect_error("n=+1", "n=+1: a number 1..100 is accepted");
	expect_error("n=0", "n=0: a number 1..100 is accepted");
	expect_error("n=101", "n=101: a number 1..100 is accepted");
	expect_error("n=99999999999999999999",
		     "n=99999999999999999999: a number 1..100 is accepted");
	expect_error("s=-6", "s=-6: a number -5..5 is accepted");
	expect_error("s=--1", "s=--1: a number -5..5 is accepted");
	expect_error("b=yes", "b=yes: 0, 1, on, off are accepted");
	expect_error("kind=oom", "kind=oom: accepted are fork, exit");
	expect_error("size=2M", "size=2M: a size 0..1048576 is accepted, K, M, G may follow");
	expect_error("size=K", "size=K: a size 0..1048576 is accepted, K, M, G may follow");
	expect_error("size=99999999999G",
		     "size=99999999999G: a size 0..1048576 is accepted, K, M, G may follow");
	expect_error("str=", "str=: a value is missing");
	expect_error("foo=1", "foo: unknown word; accepted are n, s, b, kind, size, str");
}

HTEST(kv_first_error_wins)
{
	u64 n = 1;

	kv_parse(&kv, "n=1 junk n=2");
	kv_u64(&kv, "n", 0, 9, &n);
	kv_fail(&kv, "later");
	h_expect(kv_done(&kv) != 0);
	h_expect_str(kv.error, "junk: not a name=value word");
	kv_parse(&kv, "n=1 n=2");
	h_expect(kv_done(&kv) != 0);
	h_expect_str(kv.error, "n: given twice");
	kv_parse(&kv, "");
	kv_fail(&kv, "pages=%d: more than memory", 5);
	h_expect(kv_done(&kv) != 0);
	h_expect_str(kv.error, "pages=5: more than memory");
}

HTEST(kv_limits)
{
	static char text[4 * KV_TEXT_MAX];
	char *at = text;

	for (int i = 0; i <= KV_WORDS_MAX; i++)
		at += sprintf(at, "w%d=1 ", i);
	kv_parse(&kv, text);
	h_expect_str(kv.error, "w48: more than 48 words");
	memset(text, 'x', sizeof(text) - 1);
	kv_parse(&kv, text);
	h_expect_str(kv.error, "more than 1023 characters of words");
	h_expect_eq(kv.nr, 0);
}

HTEST(kv_words_already_split)
{
	char *argv[] = { "a=1", "b=2", "oops" };
	u64 a = 0;

	kv_parse_words(&kv, 2, argv);
	h_expect(kv_u64(&kv, "a", 0, 9, &a) && a == 1);
	h_expect(kv_done(&kv) != 0);
	h_expect_str(kv.error, "b: unknown word; accepted are a");
	h_expect_str(argv[0], "a=1");
	kv_parse_words(&kv, 3, argv);
	h_expect_str(kv.error, "oops: not a name=value word");
}

/* No input makes it read or write out of bounds (the sanitizers watch), nor lets an error pass. */
HTEST(kv_random_bytes)
{
	static const char alphabet[] = "ab=1-+ \tKMG0x,";
	struct rng rng;
	char text[64];
	int bad = 0;

	rng_init(&rng, htest_seed());
	for (int i = 0; i < 50000; i++) {
		u64 n = 5, len = rng_below(&rng, sizeof(text) - 1);

		for (u64 c = 0; c < len; c++)
			text[c] = alphabet[rng_below(&rng, sizeof(alphabet) - 1)];
		text[len] = '\0';
		kv_parse(&kv, text);
		kv_u64(&kv, "a", 1, 10, &n);
		kv_size(&kv, "b", 1, 10, &n);
		if (kv_done(&kv))
			bad++;
		h_assert(n >= 1 && n <= 10);
		h_assert((kv.error[0] != '\0') == (kv_done(&kv) != 0));
	}
	h_expect(bad > 1000 && bad < 50000);
}
