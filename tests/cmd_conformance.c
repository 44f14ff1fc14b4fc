/*
 * cmd_conformance.c - `conformance`: what every walker does to an mm without VMAs, as a table.
 */
#include "kernel/core/lock_order.h"
#include "kernel/core/static_key.h"
#include "kernel/shell/out.h"
#include "kernel/shell/record.h"
#include "kernel/shell/shell.h"
#include "tests/conformance.h"

static struct conf_row rows[CONF_SOURCES];

static void print_table(void)
{
	out("%-14s", "");
	for (unsigned s = 0; s < CONF_SOURCES; s++)
		out(" %c", 'a' + s);
	out("\n");
	for (unsigned f = 0; f < CONF_FORMS; f++) {
		out("%-14s", conf_form_name[f]);
		for (unsigned s = 0; s < CONF_SOURCES; s++)
			out(" %c", rows[s].run[f] ? conf_letter[rows[s].result[f]] : '-');
		out("\n");
	}
	for (unsigned s = 0; s < CONF_SOURCES; s++)
		out("  %c %s\n", 'a' + s, conf_source_name[s]);
	out("  . survives  N used a first VMA that is not there  M used the marker\n"
	    "  F used a VMA of another mm  ! failed otherwise  - does not apply\n");
}

static void print_failures(unsigned s)
{
	for (unsigned f = 0; f < CONF_FORMS; f++) {
		struct record r;
		const char *text;

		if (!rows[s].run[f])
			continue;
		if (rows[s].result[f] != CONF_SURVIVES)
			out("%s x %s: %c at %s\n", conf_source_name[s], conf_form_name[f],
			    conf_letter[rows[s].result[f]], rows[s].where[f]);
		record_begin(&r, "conformance");
		record_str(&r, "source", conf_source_name[s]);
		record_str(&r, "walker", conf_form_name[f]);
		record_str(&r, "result", conf_result_name[rows[s].result[f]]);
		text = record_end(&r);
		out_line(text ? text : "# a record did not fit and was left out");
	}
}

static int cmd_conformance(int argc, char **argv)
{
	bool checked = static_key_enabled(&checks_key);
	int err = 0;

	if (argc > 1)
		return shell_error("conformance", "no words are accepted, got \"%s\"", argv[1]);
	checks_set(true);
	for (unsigned s = 0; s < CONF_SOURCES && !err; s++)
		err = conformance_run(s, &rows[s]);
	checks_set(checked);
	if (err)
		return shell_error("conformance", "no memory to make the cases");
	for (unsigned s = 0; s < CONF_SOURCES; s++)
		print_failures(s);
	print_table();
	return SHELL_OK;
}

SHELL_CMD(conformance, "conformance: walkers against mms without VMAs, old and new",
	  cmd_conformance);
