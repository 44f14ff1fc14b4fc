/*
 * cmd_system.c - `free`, `ledger`, `locks`: what the machine holds right now.
 *
 * Owns: the tables. Not here: the counts, which each layer keeps for itself.
 */
#include "kernel/shell/shell.h"

#include <string.h>

#include "kernel/core/ledger.h"
#include "kernel/core/lock_order.h"
#include "kernel/shell/baseline.h"
#include "kernel/shell/cmd_swap.h"
#include "kernel/shell/out.h"
#include "kernel/shell/record.h"
#include "mm/lru.h"
#include "mm/page_alloc.h"
#include "mm/reclaim.h"

static int no_words(int argc, char **argv)
{
	if (argc == 1)
		return SHELL_OK;
	return shell_error(argv[0], "no words are accepted, got \"%s\"", argv[1]);
}

/* ---- free ---- */

static int cmd_free(int argc, char **argv)
{
	unsigned long total = frames_total();
	struct reclaim_figures figures;

	if (no_words(argc, argv))
		return SHELL_FAIL;
	out("  %-16s %10s %10s\n", "frames of 4 KiB", "number", "KiB");
	out("  %-16s %10lu %10lu\n", "all", total, total * 4);
	out("  %-16s %10lu %10lu\n", "free", frames_free(), frames_free() * 4);
	for (unsigned kind = FK_KERNEL; kind < FK_NR; kind++) {
		long live = frames_live(kind);

		if (live)
			out("  %-16s %10ld %10ld\n", frame_kind_name(kind), live, live * 4);
	}
	out("  watermarks: min %lu, low %lu, high %lu\n", frames_watermark(WMARK_MIN),
	    frames_watermark(WMARK_LOW), frames_watermark(WMARK_HIGH));
	reclaim_figures(&figures);
	for (unsigned lru = 0; lru < NR_LRU_LISTS; lru++)
		out("  %-16s %10lu %10lu\n", lru_list_name[lru], lru_size(lru), lru_size(lru) * 4);
	out("  reclaim: %ld scanned, %ld freed, %ld written; rounds: kswapd %ld, direct %ld\n",
	    figures.scanned, figures.reclaimed, figures.written, figures.kswapd_rounds,
	    figures.direct_rounds);
	swap_out_table();
	return SHELL_OK;
}

SHELL_CMD(free, "free: frames, by who holds them; the lists reclaim scans", cmd_free);

/* ---- ledger ---- */

static struct ledger at_start, now;

void shell_ledger_baseline(void)
{
	ledger_settle();
	ledger_snapshot(&at_start);
}

static long live_at_start(const struct ledger_line *line)
{
	for (unsigned i = 0; i < at_start.nr; i++) {
		const struct ledger_line *then = &at_start.line[i];

		if (then->kind == line->kind && !strcmp(then->name, line->name))
			return then->live;
	}
	return 0;
}

static void ledger_send(void)
{
	struct record r;

	record_begin(&r, "ledger");
	for (unsigned i = 0; i < now.nr; i++) {
		if (now.line[i].live)
			record_s64(&r, now.line[i].name, now.line[i].live);
	}
	out_line(record_end(&r));
}

static int cmd_ledger(int argc, char **argv)
{
	int nr;

	if (no_words(argc, argv))
		return SHELL_FAIL;
	ledger_settle();
	ledger_snapshot(&now);
	out("  %-28s %10s %10s\n", "living objects", "number", "since start");
	for (unsigned i = 0; i < now.nr; i++) {
		const struct ledger_line *line = &now.line[i];
		long more = line->live - live_at_start(line);

		if (line->live || more)
			out("  %-28s %10ld %+10ld\n", line->name, line->live, more);
	}
	nr = ledger_diff(&at_start, &now, NULL);
	if (nr)
		out("%d kinds differ from when the shell started; who owns them:\n", nr);
	else
		out("as when the shell started\n");
	ledger_diff(&at_start, &now, out_line);
	ledger_send();
	return SHELL_OK;
}

SHELL_CMD(ledger, "ledger: every living object, against the shell's start", cmd_ledger);

/* ---- locks ---- */

static const char *lock_words(unsigned i)
{
	return i == 0 ? "clear" : NULL;
}

static void lock_stat_read_all(unsigned actor, enum lock_class class, struct lock_stat *s)
{
	(void)actor;
	lock_stat_read(class, s);
}

static void record_lock(const char *who, enum lock_class class, const struct lock_stat *s)
{
	struct record r;
	const char *text;

	record_begin(&r, "lock");
	record_str(&r, "actor", who[0] ? who : "all");
	record_str(&r, "class", lock_class_name[class]);
	record_u64(&r, "acquired", s->acquired);
	record_u64(&r, "contended", s->contended);
	record_u64(&r, "wait", s->wait);
	record_u64(&r, "wait_max", s->wait_max);
	record_u64(&r, "hold", s->hold);
	record_u64(&r, "hold_max", s->hold_max);
	text = record_end(&r);
	out_line(text ? text : "# a record did not fit and was left out");
}

static void print_locks(const char *who, unsigned actor,
			void (*read)(unsigned, enum lock_class, struct lock_stat *))
{
	struct lock_stat s;

	out("%s%s\n", who[0] ? "actor " : "all", who);
	out("  %-12s %8s %8s %11s %8s %11s %8s\n", "class", "taken", "waited", "wait", "max",
	    "hold", "max");
	for (unsigned class = 0; class < LC_NR; class ++) {
		read(actor, class, &s);
		if (!s.acquired && !s.contended)
			continue;
		out("  %-12s %8lu %8lu %11lu %8lu %11lu %8lu\n", lock_class_name[class], s.acquired,
		    s.contended, s.wait, s.wait_max, s.hold, s.hold_max);
	}
}

static void record_locks(const char *who, unsigned actor,
			 void (*read)(unsigned, enum lock_class, struct lock_stat *))
{
	struct lock_stat s;

	for (unsigned class = 0; class < LC_NR; class ++) {
		read(actor, class, &s);
		if (s.acquired || s.contended)
			record_lock(who, class, &s);
	}
}

static int cmd_locks(int argc, char **argv)
{
	if (argc > 2 || (argc == 2 && strcmp(argv[1], "clear")))
		return shell_error("locks", "\"%s\": accepted is clear", argv[argc - 1]);
	if (argc == 2) {
		lock_stat_clear();
		return SHELL_OK;
	}
	print_locks("", 0, lock_stat_read_all);
	for (unsigned i = 1; lock_stat_actor_name(i); i++)
		print_locks(lock_stat_actor_name(i), i, lock_stat_read_actor);
	record_locks("", 0, lock_stat_read_all);
	for (unsigned i = 1; lock_stat_actor_name(i); i++)
		record_locks(lock_stat_actor_name(i), i, lock_stat_read_actor);
	if (!static_key_enabled(&lockstat_key))
		out("not counting: `set lockstat on`\n");
	return SHELL_OK;
}

SHELL_CMD_WORDS(locks, "locks [clear]: lock classes: taken, waited for, held longest", cmd_locks,
		lock_words);
