/*
 * test_fault.c - the rule by which a site fails: each knob alone, and the order among them.
 */
#include "tests/host/htest.h"

#include "kernel/core/fault.h"

static const struct fault_attr off = FAULT_ATTR_OFF;

/* The decisions of @n calls of @size bytes as a word: bit i = call i failed. */
static u64 decide(struct fault_attr *attr, const char *name, unsigned n, size_t size, bool passed)
{
	u64 word = 0;

	for (unsigned i = 0; i < n; i++)
		word |= (u64)fault_decide(attr, name, size, passed) << i;
	return word;
}

HTEST(fault_off_never_fails)
{
	struct fault_attr a = off;

	h_expect(!fault_attr_armed(&a));
	h_expect_eq(decide(&a, "s", 64, 100, true), 0);
	h_expect_eq(a.calls, 64);
	h_expect_eq(a.fired, 0);
}

HTEST(fault_each_knob)
{
	struct fault_attr a = off;

	a.probability = 100;
	h_expect(fault_attr_armed(&a));
	h_expect_eq(decide(&a, "s", 8, 1, false), 0xff);

	a = off, a.probability = 100, a.times = 3;
	h_expect_eq(decide(&a, "s", 8, 1, false), 0x07);
	h_expect(!fault_attr_armed(&a));

	a = off, a.probability = 100, a.interval = 3;
	h_expect_eq(decide(&a, "s", 9, 1, false), 0x124);

	/* 100 bytes by 30: 30, 60, 90 used up, then each call has more than what is left. */
	a = off, a.probability = 100, a.space = 100;
	h_expect_eq(decide(&a, "s", 6, 30, false), 0x38);

	a = off, a.probability = 100, a.task_filter = true;
	h_expect_eq(decide(&a, "s", 4, 1, false), 0);
	h_expect_eq(decide(&a, "s", 4, 1, true), 0xf);

	a = off, a.at = 5;
	h_expect(fault_attr_armed(&a));
	h_expect_eq(decide(&a, "s", 64, 1, false), 1u << 5);
	h_expect_eq(a.fired, 1);
}

/* A knob asked later must not see calls that an earlier one turned away. */
HTEST(fault_order_of_knobs)
{
	struct fault_attr a = off;

	/* filter before times, space and interval */
	a.probability = 100, a.task_filter = true, a.times = 1, a.space = 5, a.interval = 2;
	h_expect_eq(decide(&a, "s", 10, 5, false), 0);
	h_expect_eq(a.times, 1);
	h_expect_eq(a.space, 5);
	h_expect_eq(a.interval_seen, 0);

	/* times before space */
	a = off, a.probability = 100, a.times = 0, a.space = 100;
	h_expect_eq(decide(&a, "s", 10, 5, true), 0);
	h_expect_eq(a.space, 100);

	/* space before interval */
	a = off, a.probability = 100, a.space = 20, a.interval = 2;
	h_expect_eq(decide(&a, "s", 8, 5, true), 0x50);
	h_expect_eq(a.interval_seen, 5);

	/*
	 * interval before probability, which decides by occurrence, not by what interval let pass
	 */
	a = off, a.probability = 0, a.interval = 2;
	h_expect_eq(decide(&a, "s", 8, 1, true), 0);
	h_expect_eq(a.interval_seen, 0);

	/* times counts failures, not calls */
	a = off, a.probability = 50, a.times = 4;
	h_expect_eq(__builtin_popcountll(decide(&a, "s", 64, 1, true)), 4);
}

HTEST(fault_probability_is_repeatable)
{
	struct fault_attr a = off, b = off, c = off;
	u64 first, other_name;
	unsigned fired = 0;

	a.probability = b.probability = c.probability = 30;
	c.seed = 2;
	first = decide(&a, "failslab", 64, 1, true);
	h_expect_eq(decide(&b, "failslab", 64, 1, true), first);
	h_expect(decide(&c, "failslab", 64, 1, true) != first);
	b = off, b.probability = 30;
	other_name = decide(&b, "fail_page_alloc", 64, 1, true);
	h_expect(other_name != first);
	for (int i = 0; i < 10000; i++)
		fired += fault_decide(&a, "failslab", 1, true);
	h_expect(fired > 2800 && fired < 3200);
}

HTEST(fault_nth)
{
	for (u64 n = 0; n < 20; n++) {
		struct fault_nth nth = { .left = n, .armed = true };

		for (u64 i = 0; i < n; i++)
			h_expect(!fault_nth_decide(&nth));
		h_expect(nth.armed && !nth.fired);
		h_expect(fault_nth_decide(&nth));
		h_expect(!nth.armed && nth.fired);
	}
}
