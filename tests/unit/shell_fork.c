/*
 * shell_fork.c - bad words about a fork: one clear line, and nothing was made or changed.
 */
#include "mm/mm.h"
#include "mm/semantics.h"
#include "tests/ktest.h"
#include "tests/shell_catch.h"

static const struct {
	const char *command;
	const char *names; /* what the line must name */
} bad[] = {
	/* Sites. */
	{"fork site=F99", "site=F99: no such site of a fork"},
	{"fork site=failslab", "site=failslab: no such site of a fork"},
	{"fork site=sigkill", "site=sigkill: no such site of a fork"},
	{"fork site=F03", "site=F03: cannot fail here: "},
	{"fork site=F23 k=1", "site=F23: cannot fail here: "},
	{"fork site=R03", "site=R03"},
	{"fork site=", "site"},
	{"fork site=F13 site=F16", "site: given twice"},
	{"fork site=F13 kill=1", "one failure at a time"},
	{"fork site=F10 hog=on", "hog=on"},
	{"fork hog=on", "hog=on"},
	{"sites F03 at=1", "\"F03\""},
	{"sites F13 at=x", "at=x"},
	{"sites F13 delay_ns=1", "delay_ns"},
	{"sites pub_anon at=1", "at: unknown word"},
	{"sites pub_anon delay_ns=-1", "delay_ns=-1"},
	{"scenario fork site=F99", "site=F99: no such site of a fork"},
	{"scenario fork site=F06", "site=F06: cannot fail here: "},
	{"scenario fork site=F13 hog=on", "hog"},

	/* k, and what else is beyond the parent. */
	{"fork site=F13 k=8", "k=8: a number 0..7"},
	{"fork vmas=1 site=F18 k=1", "k=1: a number 0..0"},
	{"fork site=F13 k=-1", "k=-1"},
	{"fork site=F13 k=1 occ=x", "occ=x"},
	{"fork k=1", "k: only with site="},
	{"fork occ=1", "occ: only with site="},
	{"fork vmas=5 kill=5", "kill=5: a number 0..4"},
	{"fork dontcopy=8", "dontcopy=8: a number 0..7"},
	{"fork swap=5", "swap=5: a VMA has 4 pages"},
	{"fork file=6 shared=3", "there are 8 VMAs"},
	{"fork pinned=9", "pinned=9"},
	{"fork touching=on", "touching=on"},
	{"scenario fork vmas=3 site=F13 k=3", "k=3: a number 0..2"},
	{"scenario fork vmas=3 kill=3", "kill=3: a number 0..2"},

	/* Rules. */
	{"fork sem=nonsense", "\"nonsense\" is no semantics"},
	{"fork sem=linux-2.4", "\"linux-2.4\" is no semantics"},
	{"fork sem=", "sem"},
	{"fork sem=linux-6.8+linux-7.0", "both presets"},
	{"fork sem=zero_marker+prune_tail", "both of the axis fork"},
	{"fork sem=linux-6.8+", "accepted is NAME+NAME"},
	{"fork sem=+linux-6.8", "accepted is NAME+NAME"},
	{"fork killtest=never", "killtest=never: accepted are rules, loop, lock"},
	{"fork lazy=maybe", "lazy=maybe: accepted are shootdown, refcount"},
	{"semantics nonsense", "\"nonsense\" is no semantics"},
	{"semantics linux-6.8+linux-7.0", "both presets"},
	{"semantics linux-6.8++", "accepted is NAME+NAME"},
	{"semantics linux-6.8 linux-7.0", "\"linux-7.0\""},
	{"semantics prune_tail+late_publish", "both of the axis fork"},
	{"scenario fork sem=late_publish+zero_marker", "both of the axis fork"},
	{"scenario fork sem=nonsense", "\"nonsense\" is no semantics"},
	{"matrix rows=nonsense", "nonsense"},

	/* More than there is. */
	{"fork vmas=0", "vmas=0: a number 1..4096"},
	{"fork vmas=4097", "vmas=4097"},
	{"fork pages=4097", "pages=4097"},
	{"fork vmas=4096 pages=4096", "there is room for"},
	{"fork vmas=99999999999999999999", "vmas=99999999999999999999"},
	{"scenario fork vmas=400 pages=20", "there is room for"},
	{"scenario fork threads=1000", "threads=1000"},

	/* Others. */
	{"fork love=1", "love: unknown word"},
	{"fork vmas=1 vmas=2", "vmas: given twice"},
	{"fork 8", "8: not a name=value word"},
	{"scenario fork walkers=nobody", "nobody"},
	{"scenario fork walkers=swapoff", "swap="},
	{"scenario fork strategy=love", "strategy=love"},
	{"scenario spoon", "spoon"},
	{"spawn one two", "\"two\""},
	{"kill", "accepted is a pid"},
	{"kill 0", "accepted is a pid"},
	{"kill 4000000", "no such task"},
};

/* The ids of address spaces count up: that of one made now. */
static u64 id_now(struct ktest *t)
{
	struct mm_struct *mm = mm_alloc();
	u64 id;

	t_assert(t, mm);
	id = mm->id;
	mmput(mm);
	return id;
}

static void expect_nothing(struct ktest *t, const char *command, const char *names)
{
	const struct sem_set *rules = sem_current();
	u64 id = id_now(t);

	t_expect_refused(t, command, names);
	t_expect(t, sem_current() == rules);
	if (id_now(t) != id + 1)
		t_fail(t, "`%s` made an address space", command);
}

KTEST(shell_fork, bad_words_get_one_line_and_change_nothing, KT_UNIT)
{
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		expect_nothing(t, bad[i].command, bad[i].names);
}
