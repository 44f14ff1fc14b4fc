/*
 * steps.h - the steps of one replayed run: kept while it runs, shown after it.
 */
#ifndef TESTS_LAB_STEPS_H
#define TESTS_LAB_STEPS_H

#include "tests/lab/lab.h"

/* Memory for steps; without any they are counted only. Context: the interactive system is there. */
void steps_begin(void);
void steps_end(void);

/* A step was taken: for ls_run.on_step. */
void steps_keep(const struct ls_step *step);

/* Those of the run that were kept, until steps_end(); how many more there were. */
const struct ls_step *steps_all(unsigned *nr, unsigned *left_out);

/* All of them for comparing; for people those around each switch, and the last ones. */
void steps_print(struct lab_print *print);

#endif
