/*
 * conformance.c - which walkers survive an mm without VMAs: as Linux's did, form by form.
 *
 * Owns: what is expected. It is what the literature says (sections 1.4, 9, 10), not what the code
 *       does: who assumed a first VMA before its fix (numa, migrate) uses one that is not there;
 *       who goes by the tree's iterator uses the marker as a VMA; who looks up an address passes
 *       over it, to the parent's VMAs; flags help those who test them.
 */
#include "tests/conformance.h"

#include <string.h>

#include "kernel/core/lock_order.h"
#include "tests/ktest.h"

/* Columns as conf_form_name: numa migrate maps fault pin swapoff uprobe, old and new; exit. */
static const char *const expected[CONF_SOURCES] = {
	/* munmap of everything */ "N.N............",
	/* finished exit */ "N.N...........-",
	/* failed clone */ "N.N............",
	/* failed fork, 7.0 */ "N.N............",
	/* k=0, marker, 6.8 */ "MMMMFMF.MMMMFF.",
	/* k=0, marker+flags, 6.14 */ "MMMMFMF.MMM.F..",
	/* bare mm */ "N.N............",
};

KTEST(conformance, every_walker_against_every_source, KT_UNIT)
{
	bool checked = static_key_enabled(&checks_key);
	static struct conf_row row;

	checks_set(true);
	for (unsigned s = 0; s < CONF_SOURCES; s++) {
		char seen[CONF_FORMS + 1] = "";

		t_expect_eq(t, conformance_run(s, &row), 0);
		for (unsigned f = 0; f < CONF_FORMS; f++)
			seen[f] = row.run[f] ? conf_letter[row.result[f]] : '-';
		t_expect(t, !strcmp(seen, expected[s]));
		if (strcmp(seen, expected[s]))
			t_note(t, "%s: %s, expected %s", conf_source_name[s], seen, expected[s]);
	}
	checks_set(checked);
}
