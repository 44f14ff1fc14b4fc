/*
 * bug.c - reporting broken invariants.
 *
 * Order: the hook, then the running thread's recovery, then panic. Warnings: the hook, else a line
 *        and a backtrace.
 */
#include "kernel/core/bug.h"

#include <stdarg.h>
#include "kernel/core/backtrace.h"
#include "kernel/core/format.h"
#include "kernel/core/log.h"
#include "kernel/core/trail.h"
#include "kernel/core/oops.h"
#include "kernel/core/panic.h"
#include "kernel/core/refcount.h"

#define BUG_TEXT_MAX 320

bool (*bug_hook)(const struct bug *bug);

static unsigned long warnings;

unsigned long warn_count(void)
{
	return __atomic_load_n(&warnings, __ATOMIC_RELAXED);
}

static void __noreturn fail(const struct bug *bug)
{
	char symbol[64];

	if (!panicking()) {
		if (bug_hook)
			bug_hook(bug);
		oops_bug(bug->text, bug->ip);
	}
	if (bug->file)
		panic("%s (%s:%d)", bug->text, bug->file, bug->line);
	panic("%s (at %s)", bug->text, caller_text(bug->ip, symbol, sizeof(symbol)));
}

void bug_fail(const char *file, int line, const char *fmt, ...)
{
	char text[BUG_TEXT_MAX];
	struct bug bug = {
		.kind = BUG_ASSERT,
		.text = text,
		.file = file,
		.line = line,
		.ip = __builtin_return_address(0),
	};
	va_list ap;

	va_start(ap, fmt);
	format_va(text, sizeof(text), fmt, ap);
	va_end(ap);
	trail_note();
	fail(&bug);
}

void bug_fail_at(enum bug_kind kind, void *ip, const char *fmt, ...)
{
	char text[BUG_TEXT_MAX];
	struct bug bug = { .kind = kind, .text = text, .ip = ip };
	va_list ap;

	va_start(ap, fmt);
	format_va(text, sizeof(text), fmt, ap);
	va_end(ap);
	trail_note();
	fail(&bug);
}

static void warn_line(const char *line)
{
	pr_warn("%s", line);
}

void warn_report(const char *file, int line, const char *fmt, ...)
{
	char text[BUG_TEXT_MAX];
	struct bug bug = {
		.kind = BUG_WARNING,
		.text = text,
		.file = file,
		.line = line,
		.ip = __builtin_return_address(0),
	};
	va_list ap;

	va_start(ap, fmt);
	format_va(text, sizeof(text), fmt, ap);
	va_end(ap);
	trail_note();
	if (bug_hook && bug_hook(&bug))
		return;
	__atomic_fetch_add(&warnings, 1, __ATOMIC_RELAXED);
	pr_warn("%s (%s:%d)", text, file, line);
	backtrace_print(warn_line);
}

void refcount_misused(refcount_t *r, const char *what)
{
	WRITE_ONCE_NOPOINT(r->refs.counter, REFCOUNT_SATURATED);
	warn_report(__FILE__, __LINE__, "refcount %p: %s", (void *)r, what);
}
