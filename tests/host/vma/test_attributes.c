/*
 * test_attributes.c - merging and splitting of VMAs by policy and userfault context, as text.
 *
 * A map is two lines, one character a page: VMAs as everywhere (tests/mm_layout.h), and below each
 * what it has: `-` nothing, a policy (b bind, p prefer, i interleave, l local), or one of two
 * contexts (x, y), which hides a policy.
 */
#include <errno.h>
#include <string.h>
#include "kernel/core/random.h"
#include "mm/mempolicy.h"
#include "mm/mman.h"
#include "mm/userfaultfd.h"
#include "mm/vma.h"
#include "tests/host/htest.h"
#include "tests/host/vma/stand.h"
#include "tests/mm_layout.h"

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
#define RW   (PROT_READ | PROT_WRITE)
#define AWAY 30u /* page that MOVE moves to */

static const char letters[NR_MPOL_MODES + 1] = "-pbil";
static struct userfaultfd_ctx *context[2]; /* x, y */

static int bind(struct mm_struct *mm, char letter, unsigned first, unsigned nr)
{
	unsigned mode = (unsigned)(strchr(letters, letter) - letters);
	unsigned long nodes = mode == MPOL_DEFAULT || mode == MPOL_LOCAL ? 0 : NODES_ONLINE;

	return vm_mbind(mm, layout_addr(first), nr * PAGE_SIZE, mode, nodes);
}

/*
 * `W`, `R` map, `w`, `r` change rights, `.` unmaps, `m` moves, `x`, `y` register, `X`, `Y` no
 * longer; else a policy.
 */
static int apply(struct mm_struct *mm, char op, unsigned first, unsigned nr)
{
	unsigned long at = layout_addr(first), len = nr * PAGE_SIZE, got;

	switch (op) {
	case 'W':
	case 'R':
		got = vm_mmap(mm, at, len, op == 'W' ? RW : PROT_READ, ANON);
		return mm_is_err(got) ? (int)got : 0;
	case 'w':
	case 'r':
		return vm_mprotect(mm, at, len, op == 'w' ? RW : PROT_READ);
	case '.':
		return vm_munmap(mm, at, len);
	case 'm':
		got = vm_mremap(mm, at, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, layout_addr(AWAY));
		return mm_is_err(got) ? (int)got : 0;
	case 'x':
	case 'y':
		return userfaultfd_register(context[op - 'x'], at, len);
	case 'X':
	case 'Y':
		return userfaultfd_unregister(context[op - 'X'], at, len);
	default:
		return bind(mm, op, first, nr);
	}
}

static char letter_of(const struct vm_area_struct *vma)
{
	for (unsigned i = 0; i < 2; i++) {
		if (context[i] && vma->vm_userfaultfd_ctx == context[i])
			return "xy"[i];
	}
	return letters[vma->vm_policy ? vma->vm_policy->mode : MPOL_DEFAULT];
}

static void read_attributes(struct mm_struct *mm, char out[LAYOUT_PAGES + 1])
{
	unsigned last = 0;

	for (unsigned i = 0; i < LAYOUT_PAGES; i++) {
		struct vm_area_struct *vma = vma_lookup(mm, layout_addr(i));

		out[i] = vma ? letter_of(vma) : '.';
		if (vma)
			last = i + 1;
	}
	out[last] = '\0';
}

static void expect_map(struct mm_struct *mm, const char *layout, const char *attributes)
{
	char text[LAYOUT_PAGES + 1];

	layout_read(mm, text);
	h_expect_str(text, layout);
	read_attributes(mm, text);
	h_expect_str(text, attributes);
}

static struct mm_struct *begin(const char *layout, const char *attributes)
{
	struct mm_struct *mm = stand_begin();

	for (unsigned i = 0; i < 2; i++) {
		context[i] = userfaultfd_create(mm, 0);
		h_assert(context[i]);
	}
	h_assert_eq(layout_map(mm, layout), 0);
	for (unsigned i = 0; attributes[i]; i++) {
		if (attributes[i] != '.')
			h_assert_eq(apply(mm, attributes[i], i, 1), 0);
	}
	expect_map(mm, layout, attributes);
	return mm;
}

static void end(struct mm_struct *mm)
{
	stand_fail(-1);
	stand_check(mm);
	for (unsigned i = 0; i < 2; i++)
		userfaultfd_release(context[i]);
	stand_end(mm);
}

static const struct {
	const char *layout, *attributes;
	char op;
	unsigned first, nr;
	const char *layout_after, *attributes_after;
} cases[] = {
	/* A part gets one: the middle, either end, all. */
	{"AAAAAAAAA", "---------", 'b', 3, 3, "AAABBBCCC", "---bbb---"},
	{"AAAAAAAAA", "---------", 'i', 0, 3, "AAABBBBBB", "iii------"},
	{"AAAAAAAAA", "---------", 'p', 6, 3, "AAAAAABBB", "------ppp"},
	{"AAAAAAAAA", "---------", 'l', 0, 9, "AAAAAAAAA", "lllllllll"},
	/* What it already has changes nothing. */
	{"AAABBBCCC", "---bbb---", 'b', 3, 3, "AAABBBCCC", "---bbb---"},
	/* Alike with both sides, one side, none. */
	{"AAABBBCCC", "---bbb---", '-', 3, 3, "AAAAAAAAA", "---------"},
	{"AAABBBCCC", "iiibbbiii", 'i', 3, 3, "AAAAAAAAA", "iiiiiiiii"},
	{"AAABBBCCC", "iiibbblll", 'i', 3, 3, "AAAAAABBB", "iiiiiilll"},
	{"AAABBBCCC", "iiibbblll", 'l', 3, 3, "AAABBBBBB", "iiillllll"},
	{"AAABBBCCC", "iiibbblll", 'p', 3, 3, "AAABBBCCC", "iiippplll"},
	{"AAABBBCCC", "iiibbbiii", 'i', 3, 2, "AAAAABCCC", "iiiiibiii"},
	{"AAABBBCCC", "iiibbbiii", 'i', 4, 2, "AAABCCCCC", "iiibiiiii"},
	{"AAABBBCCC", "iiibbbiii", 'i', 4, 1, "AAABCDEEE", "iiibibiii"},
	/* Over many. */
	{"AAABBBCCC", "iiibbblll", 'p', 1, 7, "ABBBBBBBC", "ipppppppl"},
	{"AAABBBCCC", "iiibbblll", '-', 0, 9, "AAAAAAAAA", "---------"},
	{"AbCdE", "--bb-", 'b', 0, 5, "AbCdE", "bbbbb"},
	/* Rights join only what has equal policies, each with an object of its own. */
	{"AAAbbbCCC", "iiiiiiiii", 'w', 3, 3, "AAAAAAAAA", "iiiiiiiii"},
	{"AAAbbbCCC", "iii---iii", 'w', 3, 3, "AAABBBCCC", "iii---iii"},
	{"AAAbbbCCC", "iiiiiilll", 'w', 3, 3, "AAAAAABBB", "iiiiiilll"},
	{"AAAAAAAAA", "lllllllll", 'r', 3, 3, "AAAbbbCCC", "lllllllll"},
	/* What is mapped anew has none. */
	{"AAA...BBB", "bbb...bbb", 'W', 3, 3, "AAABBBCCC", "bbb---bbb"},
	{"AAA...BBB", "bbb...---", 'W', 3, 3, "AAABBBBBB", "bbb------"},
	{"AAAAAAAAA", "bbbbbbbbb", 'W', 3, 3, "AAABBBCCC", "bbb---bbb"},
	/* Parts that are left keep it. */
	{"AAAAAAAAA", "bbbbbbbbb", '.', 3, 3, "AAA...BBB", "bbb...bbb"},
	{"AAABBBCCC", "bbbpppiii", '.', 2, 5, "AA.....BB", "bb.....ii"},
	/* It moves along. */
	{"AAAA", "bbbb", 'm', 1, 2, "A..B..........................CC",
	 "b..b..........................bb"},
	/* Registered with one context, and no longer. */
	{"AAAAAAAAA", "---------", 'x', 3, 3, "AAABBBCCC", "---xxx---"},
	{"AAAAAAAAA", "---------", 'x', 0, 9, "AAAAAAAAA", "xxxxxxxxx"},
	{"AAABBBCCC", "xxx---xxx", 'x', 3, 3, "AAAAAAAAA", "xxxxxxxxx"},
	{"AAABBBCCC", "xxx---yyy", 'x', 3, 3, "AAAAAABBB", "xxxxxxyyy"},
	{"AAABBBCCC", "xxx---yyy", 'y', 4, 2, "AAABCCCCC", "xxx-yyyyy"},
	{"AAABBBCCC", "xxx---xxx", 'x', 1, 7, "AAAAAAAAA", "xxxxxxxxx"},
	{"AAABBBCCC", "---xxx---", 'X', 0, 9, "AAAAAAAAA", "---------"},
	{"AAABBBCCC", "xxxyyyxxx", 'Y', 0, 9, "AAABBBCCC", "xxx---xxx"},
	{"AAAAAAAAA", "xxxxxxxxx", 'X', 3, 3, "AAABBBCCC", "xxx---xxx"},
	{"AbCdE", "xxxxx", 'X', 1, 3, "AbCdE", "x---x"},
	/* Rights join what has one context; a policy below it counts too. */
	{"AAAbbbCCC", "xxxxxxxxx", 'w', 3, 3, "AAAAAAAAA", "xxxxxxxxx"},
	{"AAAbbbCCC", "xxxxxxyyy", 'w', 3, 3, "AAAAAABBB", "xxxxxxyyy"},
	{"AAAbbbCCC", "xxx---xxx", 'w', 3, 3, "AAABBBCCC", "xxx---xxx"},
	{"AAAAAAAAA", "xxxxxxxxx", 'b', 3, 3, "AAABBBCCC", "xxxxxxxxx"},
	/* What is mapped anew is not registered; parts that are left, or moved, are. */
	{"AAA...BBB", "xxx...---", 'W', 3, 3, "AAABBBBBB", "xxx------"},
	{"AAAAAAAAA", "xxxxxxxxx", '.', 3, 3, "AAA...BBB", "xxx...xxx"},
	{"AAAA", "xxxx", 'm', 1, 2, "A..B..........................CC",
	 "x..x..........................xx"},
};

HTEST(each_case_of_attributes)
{
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mm_struct *mm = begin(cases[i].layout, cases[i].attributes);

		h_expect_eq(apply(mm, cases[i].op, cases[i].first, cases[i].nr), 0);
		expect_map(mm, cases[i].layout_after, cases[i].attributes_after);
		end(mm);
	}
}

/* Each allocation in turn: attributes below the place of failure may be new, and no other. */
HTEST(each_case_of_attributes_survives_every_failure)
{
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mm_struct *mm = begin(cases[i].layout, cases[i].attributes);
		char now[LAYOUT_PAGES + 1];

		for (long n = 0;; n++) {
			bool old = false;
			int err;

			stand_fail(n);
			err = apply(mm, cases[i].op, cases[i].first, cases[i].nr);
			if (!stand_failed())
				break;
			h_expect_eq(err, -ENOMEM);
			read_attributes(mm, now);
			h_expect_eq(strlen(now), strlen(cases[i].attributes));
			for (unsigned page = 0; now[page]; page++) {
				old |= now[page] != cases[i].attributes_after[page];
				h_expect(!old || now[page] == cases[i].attributes[page]);
			}
			stand_check(mm);
		}
		stand_fail(-1);
		expect_map(mm, cases[i].layout_after, cases[i].attributes_after);
		end(mm);
	}
}

HTEST(what_is_no_policy_changes_nothing)
{
	struct mm_struct *mm = begin("AAA.BBB", "bbb.---");
	unsigned long at = layout_addr(0), len = 3 * PAGE_SIZE;

	h_expect_eq(vm_mbind(mm, at, len, NR_MPOL_MODES, 0), -EINVAL);
	h_expect_eq(vm_mbind(mm, at, len, MPOL_BIND, 0), -EINVAL);
	h_expect_eq(vm_mbind(mm, at, len, MPOL_BIND, NODES_ONLINE << 1), -EINVAL);
	h_expect_eq(vm_mbind(mm, at, len, MPOL_DEFAULT, NODES_ONLINE), -EINVAL);
	h_expect_eq(vm_mbind(mm, at, len, MPOL_LOCAL, NODES_ONLINE), -EINVAL);
	h_expect_eq(vm_mbind(mm, at + 1, len, MPOL_LOCAL, 0), -EINVAL);
	h_expect_eq(vm_mbind(mm, at, USER_MAX, MPOL_LOCAL, 0), -EINVAL);
	h_expect_eq(vm_mbind(mm, at, 5 * PAGE_SIZE, MPOL_LOCAL, 0), -EFAULT);
	h_expect_eq(vm_mbind(mm, layout_addr(7), PAGE_SIZE, MPOL_LOCAL, 0), -EFAULT);
	h_expect_eq(vm_mbind(mm, at, 0, MPOL_LOCAL, 0), 0);
	expect_map(mm, "AAA.BBB", "bbb.---");
	end(mm);
}

/* The model is the line of policies. */
HTEST(random_policies_with_failing_memory)
{
	static const char ops[] = "WWRwr.m-pbilpbil";
	struct mm_struct *mm = begin("", "");
	char model[LAYOUT_PAGES + 1] = "", now[LAYOUT_PAGES + 1];
	struct rng rng;

	rng_init(&rng, htest_seed());
	for (unsigned n = 0; n < 20000; n++) {
		unsigned first = rng_below(&rng, AWAY - 12), nr = 1 + rng_below(&rng, 12);
		char op = ops[rng_below(&rng, sizeof(ops) - 1)];
		int err;

		stand_fail(rng_below(&rng, 3) ? -1 : (long)rng_below(&rng, 8));
		err = apply(mm, op, first, nr);
		stand_fail(-1);
		read_attributes(mm, now);
		memset(model + strlen(model), '.', LAYOUT_PAGES - strlen(model));
		memset(now + strlen(now), '.', LAYOUT_PAGES - strlen(now));
		model[LAYOUT_PAGES] = now[LAYOUT_PAGES] = '\0';
		if (err && strchr(letters, op)) {
			/* A hole, or what is done is done. */
			h_expect(err == -EFAULT || err == -ENOMEM);
			for (unsigned i = first; err == -ENOMEM && i < first + nr; i++)
				model[i] = now[i] == op ? op : model[i];
		} else if (err && op == 'm') {
			memcpy(model + AWAY, now + AWAY, nr); /* what lay there may have gone */
		} else if (op == 'm') {
			memcpy(model + AWAY, model + first, nr);
			memset(model + first, '.', nr);
		} else if (!err && !strchr("wr", op)) {
			memset(model + first, op == 'W' || op == 'R' ? '-' : op, nr);
		}
		h_expect_str(now, model);
		rcu_barrier();
	}
	end(mm);
}
