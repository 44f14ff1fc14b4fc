/*
 * cmd_sites.c - `sites`: places where a call can be made to fail, or a thread be delayed.
 *
 * Owns: the command. Not here: what the knobs mean (kernel/core/fault.h).
 */
#include "kernel/shell/sites.h"

#include <string.h>

#include "kernel/core/backtrace.h"
#include "kernel/core/fault.h"
#include "kernel/core/trail.h"
#include "kernel/core/kv.h"
#include "kernel/shell/out.h"
#include "kernel/shell/shell.h"

/* Places where Linux's fork can fail and this one has no call that could. */
static const struct {
	const char *name;
	const char *why;
} absent[] = {
	{"F03", "the id of an mm is a number that is counted up"},
	{"F04", "what the architecture keeps of an mm is part of its object"},
	{"F05", "no concurrency ids and no scheduler's data are kept for an mm"},
	{"F06", "counters of pages are part of the mm's object, not per CPU"},
	{"F21", "memory has no machine checks, and no device owns pages"},
	{"F22", "it copies the table of user segments; nobody runs in ring 3"},
	{"F23", "there are no binary formats to hold"},
};

const char *fork_site_absent(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(absent); i++) {
		if (!strcmp(absent[i].name, name))
			return absent[i].why;
	}
	return NULL;
}

static int show_all(void)
{
	const struct fault_site *f;
	const struct delay_site *d;

	out("  %-24s %6s %8s %8s  %s\n", "fault site", "armed", "calls", "fired", "what fails");
	for_each_registered(fault_site, f)
		out("  %-24s %6s %8lu %8lu  %s\n", f->name, fault_attr_armed(&f->attr) ? "yes" : "",
		    f->attr.calls, f->attr.fired, f->what);
	for (unsigned i = 0; i < ARRAY_SIZE(absent); i++)
		out("  %-24s %6s %8s %8s  fork: cannot fail here: %s\n", absent[i].name, "none", "",
		    "", absent[i].why);
	if (registered_count(delay_site))
		out("  %-24s %15s %8s  %s\n", "delay site", "delay ns", "passed", "what waits");
	for_each_registered(delay_site, d)
		out("  %-24s %15lu %8lu  %s\n", d->name, d->delay_ns, d->passed, d->what);
	return SHELL_OK;
}

static void show_failed_call(const void *ip)
{
	char text[64];

	out("failed %016lx %s\n", (unsigned long)ip, caller_text(ip, text, sizeof(text)));
}

static int set_fault(struct fault_site *site, struct kv *kv)
{
	struct fault_attr attr = FAULT_ATTR_OFF;
	u64 probability = 0, verbose = 0;

	kv_u64(kv, "probability", 0, 100, &probability);
	kv_u64(kv, "interval", 0, ~0ull >> 1, &attr.interval);
	kv_s64(kv, "times", -1, INT64_MAX, &attr.times);
	kv_u64(kv, "space", 0, ~0ull >> 1, &attr.space);
	kv_u64(kv, "verbose", 0, 2, &verbose);
	kv_bool(kv, "task_filter", &attr.task_filter);
	kv_s64(kv, "at", -1, INT64_MAX, &attr.at);
	kv_u64(kv, "seed", 0, ~0ull, &attr.seed);
	if (kv_done(kv))
		return shell_error("sites", "%s", kv->error);
	attr.probability = (u32)probability;
	attr.verbose = (u32)verbose;
	fault_site_set(site, &attr);
	return SHELL_OK;
}

static int set_delay(struct delay_site *site, struct kv *kv)
{
	u64 ns = 0;

	kv_u64(kv, "delay_ns", 0, 10000000000ull, &ns);
	if (kv_done(kv))
		return shell_error("sites", "%s", kv->error);
	delay_site_set(site, ns);
	return SHELL_OK;
}

static int cmd_sites(int argc, char **argv)
{
	static struct kv kv;
	struct fault_site *fault;
	struct delay_site *delay;

	if (argc == 1)
		return show_all();
	if (!strcmp(argv[1], "off") && argc == 2) {
		fault_reset();
		return SHELL_OK;
	}
	if (!strcmp(argv[1], "failed") && argc == 2) {
		trail_each(show_failed_call);
		return SHELL_OK;
	}
	fault = fault_site_find(argv[1]);
	delay = delay_site_find(argv[1]);
	if (!fault && !delay)
		return shell_error("sites", "unknown site \"%s\": `sites` lists them, `sites off`",
				   argv[1]);
	kv_parse_words(&kv, argc - 2, argv + 2);
	return fault ? set_fault(fault, &kv) : set_delay(delay, &kv);
}

static const char *site_names(unsigned i)
{
	const struct fault_site *f;
	const struct delay_site *d;

	for_each_registered(fault_site, f) {
		if (i-- == 0)
			return f->name;
	}
	for_each_registered(delay_site, d) {
		if (i-- == 0)
			return d->name;
	}
	return i == 0 ? "off" : i == 1 ? "failed" : NULL;
}

SHELL_CMD_WORDS(sites,
		"sites [NAME [k=v...] | off | failed]: fault and delay sites; arm; disarm all;\n"
		"  calls in which something was failed or found broken\n"
		"  faults: probability=PERCENT interval= times= space= verbose=0..2\n"
		"          task_filter=on|off at=OCCURRENCE seed=\n"
		"  delays: delay_ns=",
		cmd_sites, site_names);
