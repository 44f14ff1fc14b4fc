/*
 * ktap.c - KTAP version 1, nested, as Linux's `kunit.py parse` reads it.
 *
 * Owns: the form of every line of a test report, and the count of what was promised against what
 *       came.
 * Not here: running tests (ktest_run.c), where lines go.
 * Idea: the plan is printed first, so a report that was cut short is seen to be.
 */
#include "tests/ktap.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void __printf(3, 4) emit(struct ktap *k, unsigned depth, const char *fmt, ...)
{
	char line[KTAP_LINE_MAX];
	unsigned indent = 4 * depth;
	va_list ap;

	memset(line, ' ', indent);
	va_start(ap, fmt);
	vsnprintf(line + indent, sizeof(line) - indent, fmt, ap);
	va_end(ap);
	k->line(line);
}

void ktap_begin(struct ktap *k, const char *name, unsigned planned)
{
	unsigned depth = k->depth++;

	memset(&k->level[depth], 0, sizeof(k->level[depth]));
	k->level[depth].planned = planned;
	emit(k, depth, "KTAP version 1");
	if (name)
		emit(k, depth, "# Subtest: %s", name);
	emit(k, depth, "1..%u", planned);
}

void ktap_result(struct ktap *k, enum ktap_status status, const char *name, const char *reason)
{
	unsigned depth = k->depth - 1;
	unsigned nr = ++k->level[depth].reported;
	char flat[KTAP_LINE_MAX / 2] = "";

	k->level[depth].failed += status == KTAP_FAIL;
	k->level[depth].skipped += status == KTAP_SKIP;
	if (status != KTAP_SKIP) {
		emit(k, depth, "%s %u %s", status == KTAP_PASS ? "ok" : "not ok", nr, name);
		return;
	}
	if (reason)
		snprintf(flat, sizeof(flat), "%s", reason);
	for (char *c = flat; *c; c++) {
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	}
	emit(k, depth, "ok %u %s # SKIP %s", nr, name, flat);
}

void ktap_note(struct ktap *k, const char *text)
{
	unsigned depth = k->depth ? k->depth - 1 : 0;

	while (*text) {
		size_t len = strcspn(text, "\r\n");

		if (len)
			emit(k, depth, "# %.*s", (int)len, text);
		text += len;
		text += strspn(text, "\r\n");
	}
}

enum ktap_status ktap_end(struct ktap *k)
{
	unsigned depth = k->depth - 1;
	unsigned planned = k->level[depth].planned;
	unsigned reported = k->level[depth].reported;
	char text[80];

	if (reported != planned) {
		snprintf(text, sizeof(text), "%u results for a plan of %u", reported, planned);
		ktap_note(k, text);
	}
	k->depth--;
	if (k->level[depth].failed || reported != planned)
		return KTAP_FAIL;
	return planned && k->level[depth].skipped == planned ? KTAP_SKIP : KTAP_PASS;
}
