/*
 * commit.c - the sum of promises and its limit.
 */
#include "mm/commit.h"

#include <errno.h>
#include "kernel/core/fault.h"
#include "kernel/core/ledger.h"
#include "kernel/core/setting.h"
#include "mm/mm.h"
#include "mm/page_alloc.h"

atomic_long_t vm_committed_as;
atomic_long_t total_swap_pages;
unsigned sysctl_overcommit_memory = OVERCOMMIT_GUESS;
static unsigned overcommit_ratio = 50;

FAULT_SITE(vm_enough_memory, "the commit limit is said to be reached");

static u64 mode_get(void)
{
	return sysctl_overcommit_memory;
}

static int mode_set(u64 value)
{
	sysctl_overcommit_memory = value;
	return 0;
}
SETTING_U64(overcommit_memory, "promises refused: 0 impossible ones, 1 none, 2 above the limit", 0,
	    2, mode_get, mode_set);

static u64 ratio_get(void)
{
	return overcommit_ratio;
}

static int ratio_set(u64 value)
{
	overcommit_ratio = value;
	return 0;
}
SETTING_U64(overcommit_ratio, "percent of memory that overcommit_memory 2 promises", 0, 1000,
	    ratio_get, ratio_set);

static long committed_live(void)
{
	return atomic_long_read_nopoint(&vm_committed_as);
}
LEDGER_KIND(committed_pages, committed_live, NULL);

long vm_commit_limit(void)
{
	return (long)(frames_total() * overcommit_ratio / 100) +
	       atomic_long_read(&total_swap_pages);
}

static bool refused(long pages, long committed)
{
	if (likely(sysctl_overcommit_memory == OVERCOMMIT_GUESS))
		return pages > (long)frames_total() + atomic_long_read_nopoint(&total_swap_pages);
	return sysctl_overcommit_memory == OVERCOMMIT_NEVER && committed > vm_commit_limit();
}

int security_vm_enough_memory_mm(struct mm_struct *mm __maybe_unused, long pages)
{
	if (fault_should_fail(&fault_site_vm_enough_memory, 0))
		return -ENOMEM;
	/* Charged first: of two who ask at once for what is there once, one may have it. */
	if (unlikely(refused(pages, atomic_long_add_return(pages, &vm_committed_as)) &&
		     pages > 0)) {
		vm_unacct_memory(pages);
		return -ENOMEM;
	}
	return 0;
}
