/*
 * shell_mman.c - the commands about one process: what they do, and that bad words do nothing.
 */
#include <stdio.h>
#include <string.h>

#include "kernel/core/user.h"
#include "kernel/proc/task.h"
#include "kernel/shell/shell.h"
#include "mm/mm.h"
#include "tests/ktest.h"
#include "tests/mm_layout.h"
#include "tests/mm_same.h"
#include "tests/shell_catch.h"

static struct wait_queue_head never = WAIT_QUEUE_INIT(never);
static unsigned pid;
static struct mm_struct *space;

static int wait_for_kill(void *arg __maybe_unused)
{
	(void)wait_event_killable(&never, false);
	return 0;
}

/* A process to act on, with one VMA "AAAA" at LAYOUT_BASE, its first page written. */
static void begin(struct ktest *t)
{
	int got = process_run("subject", wait_for_kill, NULL);
	struct task_struct *tsk;

	t_assert(t, got > 0);
	pid = (unsigned)got;
	tsk = find_get_task(pid);
	t_assert(t, tsk);
	space = get_task_mm(tsk);
	put_task_struct(tsk);
	t_assert(t, space);
	t_expect_eq(t, layout_map(space, "AAAA"), 0);
}

static void end(struct ktest *t)
{
	mmput(space);
	t_expect_eq(t, task_kill(pid, SIGKILL), 0);
	t_expect_eq(t, task_wait(pid, NULL), (int)pid);
}

/* @text with the pid in place of its %u, until the next call. */
static const char *with_pid(const char *text)
{
	static char command[SHELL_LINE_MAX]; /* not for a stack */

	snprintf(command, sizeof(command), text, pid);
	return command;
}

static int run(const char *text)
{
	return shell_catch(with_pid(text));
}

static void expect_ok(struct ktest *t, const char *text, const char *prints)
{
	t_expect_eq(t, run(text), SHELL_OK);
	if (!strstr(shell_caught(), prints))
		t_fail(t, "`%s` does not print %s: %s", text, prints, shell_caught());
}

KTEST(shell_mman, calls_do_what_they_say, KT_UNIT)
{
	begin(t);
	expect_ok(t, "touch %u addr=0x40000000 len=8K value=7", "");
	expect_ok(t, "peek %u addr=0x40001000", "0x7\n");
	expect_ok(t, "mprotect %u addr=0x40001000 len=4K prot=r", "");
	t_expect_layout(t, space, "AbCC");
	expect_ok(t, "mmap %u addr=0x40005000 len=1 how=noreplace", "0x40005000\n");
	expect_ok(t, "munmap %u addr=0x40003000 len=4096", "");
	t_expect_layout(t, space, "AbC..D");
	expect_ok(t, "mremap %u addr=0x40001000 len=4K to=0x40008000", "0x40008000\n");
	t_expect_layout(t, space, "A.B..C..d");
	expect_ok(t, "madvise %u addr=0x40000000 len=4K advice=dontneed", "");
	expect_ok(t, "peek %u addr=0x40000000", "0\n");
	expect_ok(t, "mbind %u addr=0x40008000 len=4K mode=interleave nodes=1", "");
	expect_ok(t, "maps %u", " interleave:0x1 ");
	expect_ok(t, "mbind %u addr=0x40008000 len=4K mode=local", "");
	expect_ok(t, "maps %u", " local ");
	expect_ok(t, "brk %u end=0x555555555000", "0x555555555000\n");
	end(t);
}

KTEST(shell_mman, files_are_made_mapped_and_cut, KT_UNIT)
{
	begin(t);
	expect_ok(t, "files new notes size=10000", "");
	expect_ok(t, "mmap %u addr=0x40010000 how=fixed len=16K file=notes shared=on",
		  "0x40010000\n");
	expect_ok(t, "mmap %u addr=0x40020000 how=fixed len=4K file=notes offset=4K",
		  "0x40020000\n");
	expect_ok(t, "touch %u addr=0x40010000 len=8K value=5", "");
	expect_ok(t, "peek %u addr=0x40020000", "0x5\n");
	expect_ok(t, "files",
		  "notes                       10000        2        2        2      3");
	expect_ok(t, "files sync notes", "");
	expect_ok(t, "files",
		  "notes                       10000        2        0        2      3");
	expect_ok(t, "mm %u", "3 of files");
	expect_ok(t, "files resize notes size=4K", "");
	expect_ok(t, "mm %u", "1 of files");
	t_expect_eq(t, run("peek %u addr=0x40020000"), SHELL_FAIL);
	expect_ok(t, "files rm notes", "");
	expect_ok(t, "peek %u addr=0x40010000", "0x5\n");
	end(t);
	expect_ok(t, "files", "0 files");
}

KTEST(shell_mman, a_space_is_shown, KT_UNIT)
{
	begin(t);
	expect_ok(t, "touch %u addr=0x40000000 len=8K value=7", "");
	expect_ok(t, "maps %u", "000040000000-000040004000 rw-p");
	expect_ok(t, "maps %u", "1 VMAs, 4 pages");
	expect_ok(t, "mm %u", "2 anonymous, 0 of files, 0 in swap; page tables 3");
	expect_ok(t, "mm %u", "4 total, 4 data, 0 exec, 0 stack, 4 charged");
	expect_ok(t, "tree %u", "1 entries, 1 leaves");
	expect_ok(t, "pt %u 0x40001008", "pte [  1]");
	expect_ok(t, "pt %u 0x40001008", "1 mappings, 1 references");
	expect_ok(t, "pt %u 0x40003000", "pte [  3] 000000000000000000  none");
	expect_ok(t, "pt %u 0x80000000", "pud [  2] 000000000000000000  none");
	end(t);
}

static const struct {
	const char *command;
	const char *names; /* what the line must name */
} bad[] = {
	{"mmap %u len=0", "len=0"},
	{"mmap %u addr=0x40000000", "len= is missing"},
	{"mmap %u len=4K addr=0x40000001 how=fixed", "addr=0x40000001: accepted are multiples"},
	{"mmap %u len=4K addr=0x40000000 how=maybe", "how=maybe"},
	{"mmap %u len=4K addr=0x40000000 how=noreplace", "something is mapped there"},
	{"mmap %u len=4K addr=0x1000 how=fixed", "too low"},
	{"mmap %u len=2M addr=0x7ffffff00000 how=fixed", "beyond user space"},
	{"mmap %u len=4K prot=rq", "prot=rq"},
	{"mmap %u len=4K lne=1", "lne"},
	{"mmap %u len=127T", "len"},
	{"mmap %u len=4K file=none", "file=none: no such file"},
	{"mmap %u len=4K shared=on", "need file="},
	{"mmap %u len=4K file=none offset=1", "file=none"},
	{"files remove x", "remove: accepted is new"},
	{"files rm", "rm: which file"},
	{"files rm x", "x: no file of this name"},
	{"files new x", "size= is missing"},
	{"files new x size=2T", "size=2T"},
	{"files new x size=100G", "x: no memory"},
	{"files new x-name-that-is-longer-than-allowed size=1", "up to 31 characters"},
	{"files resize x size=1 more=2", "more"},
	{"munmap %u addr=0x40000000", "len= is missing"},
	{"munmap %u addr=0x40000000 len=0", "len=0"},
	{"munmap %u addr=0x40000800 len=4K", "addr=0x40000800"},
	{"munmap %u addr=0x7fffffffe000 len=8K", "beyond user space"},
	{"mprotect %u addr=0x40000000 len=4K", "prot= is missing"},
	{"mprotect %u addr=0x50000000 len=4K prot=r", "not all of it is mapped"},
	{"mremap %u addr=0x40000000 len=5M to=0x50000000", "not mapped"},
	{"mremap %u addr=0x40000000 len=4K to=0x50000001", "to=0x50000001"},
	{"mremap %u addr=0x40000000 len=8K to=0x40001000", "not possible"},
	{"madvise %u addr=0x40000000 len=4K advice=love", "advice=love"},
	{"mbind %u addr=0x40000000 len=4K", "mode= is missing"},
	{"mbind %u addr=0x40000000 len=4K mode=best", "mode=best"},
	{"mbind %u addr=0x40000000 len=4K mode=bind", "mode=bind nodes=0"},
	{"mbind %u addr=0x40000000 len=4K mode=bind nodes=2", "nodes=2"},
	{"mbind %u addr=0x40000000 len=4K mode=local nodes=1", "mode=local nodes=0x1"},
	{"mbind %u addr=0x40000000 len=32K mode=local", "not mapped"},
	{"brk %u end=0x1000", "below the heap"},
	{"touch %u addr=0x50000000 len=4K", "not mapped"},
	{"peek %u addr=0x50000000", "not mapped"},
	{"peek %u", "addr= is missing"},
	{"maps %u 3", "\"3\""},
	{"mm %u more", "\"more\""},
	{"pt %u", "ADDR"},
	{"pt %u 0x800000000000", "ADDR"},
	{"pt %u 0x40000000 9", "\"9\""},
	{"mmap 4000000 len=4K", "4000000: no such task"},
	{"maps 4000000", "no such task"},
	{"pt 0 0", "accepted is a pid"},
	{"tree 4000000", "no such task"},
	{"mm x", "accepted is a pid"},
	{"munmap", "accepted is a pid"},
	{"spawn a b", "\"b\""},
};

KTEST(shell_mman, bad_words_get_one_line_and_change_nothing, KT_UNIT)
{
	struct mm_picture *before;

	begin(t);
	expect_ok(t, "touch %u addr=0x40000000 len=8K value=7", "");
	before = mm_picture_take(space);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		t_expect_refused(t, with_pid(bad[i].command), bad[i].names);
		t_expect_same(t, before, space);
	}
	mm_picture_free(before);
	end(t);
}

/* One walk by hand; what is no word of it does nothing. */
KTEST(shell_mman, walker_walks_and_refuses, KT_UNIT)
{
	begin(t);
	expect_ok(t, "walker maps pid=%u", "VMAs 1");
	expect_ok(t, "walker numa pid=%u", "locked 1");
	expect_ok(t, "walker pin pid=%u pin.count=0", "locked 1");
	t_expect_eq(t, run("walker numa bad=%u"), SHELL_FAIL);
	t_expect_eq(t, run("walker nobody pid=%u"), SHELL_FAIL);
	t_expect_eq(t, run("walker numa pid=%u maps.iterate=0"), SHELL_FAIL);
	t_expect_eq(t, run("walker uprobe"), SHELL_FAIL);
	t_expect_eq(t, run("walker sibling"), SHELL_FAIL);
	t_expect_eq(t, run("walker swapoff"), SHELL_FAIL);
	end(t);
}
