/*
 * verdict.c - the list of verdicts and their sum over runs. Pure: compiles on the host.
 */
#include "tests/lab/verdict.h"

#include <string.h>

const struct lab_verdict_info lab_verdicts[LV_NR] = {
	[LV_SAFE] = {"safe", '.', false},	 [LV_UNREACHED] = {"unreached", '?', false},
	[LV_WASTE] = {"waste", 'w', false},	 [LV_EMPTY] = {"empty", 'e', false},
	[LV_LATE] = {"late", 'l', false},	 [LV_REFUSED] = {"refused", 'r', false},
	[LV_MARKER] = {"marker", 'M', true},	 [LV_FOREIGN] = {"foreign", 'F', true},
	[LV_UAF] = {"uaf", 'U', true},		 [LV_NULL] = {"null", 'N', true},
	[LV_STALE] = {"stale", 'S', true},	 [LV_LEAK] = {"leak", 'L', true},
	[LV_STRANDED] = {"stranded", 'T', true}, [LV_STALL] = {"stall", 'H', true},
	[LV_DEADLOCK] = {"deadlock", 'D', true}, [LV_CORRUPT] = {"corrupt", 'C', true},
	[LV_RACE] = {"race", 'R', true},
};

enum lab_verdict lab_verdict_by_name(const char *name)
{
	for (unsigned v = 0; v < LV_NR; v++)
		if (strcmp(lab_verdicts[v].name, name) == 0)
			return (enum lab_verdict)v;
	return LV_NR;
}

void lab_summary_add(struct lab_summary *s, const struct lab_outcome *o, u32 reached_mask,
		     const u32 noted[LV_NR])
{
	for (unsigned v = 0; v < LV_NR; v++) {
		s->noted[v] += noted[v] != 0;
		s->noted_amount[v] += noted[v];
	}
	for (unsigned i = 0; i < s->nr_reach; i++)
		s->reached[i] += (reached_mask >> i) & 1;
	if (o->verdict != LV_SAFE && s->first.verdict == LV_SAFE) {
		s->first = *o;
		s->first_run = s->runs;
	}
	s->runs++;
}

static bool is_told_only(const char *name)
{
	return name[strlen(name) - 1] == '?';
}

int lab_summary_missing(const struct lab_summary *s)
{
	for (unsigned i = 0; i < s->nr_reach; i++) {
		if (!is_told_only(s->reach_names[i]) &&
		    s->reached[i] < min((u64)LAB_REACH_MIN, s->runs))
			return (int)i;
	}
	return -1;
}

enum lab_verdict lab_summary_verdict(const struct lab_summary *s)
{
	if (s->first.verdict != LV_SAFE)
		return s->first.verdict;
	if (lab_summary_missing(s) >= 0)
		return LV_UNREACHED;
	for (unsigned v = LV_WASTE; v < LV_NR; v++)
		if (s->noted[v])
			return (enum lab_verdict)v;
	return LV_SAFE;
}
