/*
 * timeline.h - one run as trace records: who ran when, who waited for which lock and held it, in
 * which window each address space was.
 *
 * Owns: what is noted beside the steps (steps.h), and the records, which scripts/mmlife trace and
 *       report draw.
 * Time: steps of the run, or instructions in virtual time where that is measured (vtime).
 */
#ifndef TESTS_LAB_TIMELINE_H
#define TESTS_LAB_TIMELINE_H

#include "tests/lab/lab.h"

/*
 * Around the session: memory (without any, all is counted as left out), and lock statistics, which
 * are on from before its world is made. Context: as steps_begin()
 */
void timeline_begin(void);
void timeline_end(void);

/*
 * Note the moments of address spaces from here on, or no more; who watched them before is still
 * told. Context: inside a session, no world runs
 */
void timeline_watch(bool on);

/*
 * A `run` record that says what @sc showed, then its `trace` records, each a call of @line.
 * @virtual: the run was one in virtual time. Context: after the run, its world as it left it
 */
void timeline_print(const struct scenario *sc, const struct lab_result *res, bool virtual,
		    void (*line)(const char *text));

#endif
