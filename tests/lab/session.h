/*
 * session.h - a world that one scenario is run in, again and again: what searches and replays are
 * made of.
 *
 * Owns: the calls between search.c, which has the session, and replay.c. One session at a time, on
 * the host side; run after run is judged and put back.
 */
#ifndef TESTS_LAB_SESSION_H
#define TESTS_LAB_SESSION_H

#include "tests/lab/lab.h"

/*
 * session_begin - make the world and the scenario's initial state in it; *@res is reset.
 *
 * Returns 0, or -errno with nothing left and a clear line in @why. Context: as lab_search()
 */
int __must_check session_begin(struct scenario *sc, struct lab_result *res, char *why, size_t len);
void session_end(struct scenario *sc);

/* Each of the next runs tells its steps; NULL: no more. */
void session_on_step(void (*on_step)(const struct ls_step *step));

/*
 * session_run - one run from the snapshot under @strategy, and its judge.
 *
 * @run:  its number; 0 is judged in full
 * What it showed and what was recorded stay until the next.
 */
void session_run(struct scenario *sc, struct lab_strategy *strategy, u64 run);
const struct ls_run *session_last_run(void);
void session_add_up(struct lab_result *res);

/* Before every run but the first. Returns the pages put back. */
unsigned session_restore(void);

/* Memory for as many choices as a run may record: an empty list, the same for the same @i. */
#define SESSION_LISTS 2u
struct lab_schedule session_list(unsigned i);

/* Is it time to say how far one is? Not more often than every two seconds. */
bool session_progress_due(u64 *last_ns);
/* Has ^C been typed? */
bool session_key(void);

/* The last run of @res' search was bad: is it again when replayed, and how short can it be? */
void replay_bad_run(struct scenario *sc, struct lab_result *res, bool progress);

#endif
