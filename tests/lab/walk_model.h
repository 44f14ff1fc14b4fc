/*
 * walk_model.h - what the cases with a model (tests/mm_model.h) share.
 */
#ifndef TESTS_LAB_WALK_MODEL_H
#define TESTS_LAB_WALK_MODEL_H

#include "tests/mm_model.h"

#define WALK_MODEL_FILLING 200u /* random operations before the snapshot */

/* The space in use is what @m knows of it; or the run is corrupt. In check. */
void walk_model_check(struct mm_model *m);

#endif
