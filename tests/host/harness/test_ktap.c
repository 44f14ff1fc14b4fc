/*
 * test_ktap.c - the report, line by line.
 */
#include "tests/ktap.h"
#include "tests/host/htest.h"

#include <stdio.h>
#include <string.h>

static char text[4096];

static void line(const char *l)
{
	strcat(text, l);
	strcat(text, "\n");
}

HTEST(ktap_nested_report)
{
	struct ktap k = {.line = line};

	ktap_begin(&k, NULL, 2);
	ktap_begin(&k, "slab", 2);
	ktap_result(&k, KTAP_PASS, "alloc", NULL);
	ktap_note(&k, "a.c:7: 1 == 2\nagain");
	ktap_result(&k, KTAP_FAIL, "free", NULL);
	h_expect(ktap_end(&k) == KTAP_FAIL);
	ktap_result(&k, KTAP_FAIL, "slab", NULL);
	ktap_begin(&k, "smp", 1);
	ktap_result(&k, KTAP_SKIP, "ipi", "needs 2 CPUs\n1 here");
	h_expect(ktap_end(&k) == KTAP_SKIP);
	ktap_result(&k, KTAP_SKIP, "smp", "all skipped");
	h_expect(ktap_end(&k) == KTAP_FAIL);

	h_expect_str(text, "KTAP version 1\n"
			   "1..2\n"
			   "    KTAP version 1\n"
			   "    # Subtest: slab\n"
			   "    1..2\n"
			   "    ok 1 alloc\n"
			   "    # a.c:7: 1 == 2\n"
			   "    # again\n"
			   "    not ok 2 free\n"
			   "not ok 1 slab\n"
			   "    KTAP version 1\n"
			   "    # Subtest: smp\n"
			   "    1..1\n"
			   "    ok 1 ipi # SKIP needs 2 CPUs 1 here\n"
			   "ok 2 smp # SKIP all skipped\n");
}

HTEST(ktap_missing_result_fails_the_plan)
{
	struct ktap k = {.line = line};

	ktap_begin(&k, NULL, 2);
	ktap_result(&k, KTAP_PASS, "only", NULL);
	h_expect(ktap_end(&k) == KTAP_FAIL);
	h_expect(strstr(text, "# 1 results for a plan of 2\n"));
}

HTEST(ktap_empty_plan_is_not_skipped)
{
	struct ktap k = {.line = line};

	ktap_begin(&k, NULL, 0);
	h_expect(ktap_end(&k) == KTAP_PASS);
}

HTEST(ktap_long_lines_are_cut_not_overrun)
{
	struct ktap k = {.line = line};
	char lots[2000];

	memset(lots, 'x', sizeof(lots) - 1);
	lots[sizeof(lots) - 1] = '\0';
	ktap_begin(&k, NULL, 1);
	ktap_note(&k, lots);
	ktap_result(&k, KTAP_SKIP, "a", lots);
	h_expect(ktap_end(&k) == KTAP_SKIP);
	h_expect(strlen(text) < 3 * KTAP_LINE_MAX);
}
