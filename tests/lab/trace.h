/*
 * trace.h - steps of one run as text: one line a step, one column an actor.
 *
 * Owns: names of objects, the two forms of a step line. Nothing in a line depends on the machine.
 */
#ifndef TESTS_LAB_TRACE_H
#define TESTS_LAB_TRACE_H

#include "tests/lab/lockstep.h"

/* Forget names given so far. With every world. */
void trace_names_reset(void);
void trace_name(unsigned long addr, size_t size, const char *name);

/*
 * What lies at @addr: a given name, a symbol, a slab object, or its place in the world. Returns
 * @buf.
 */
const char *trace_object(unsigned long addr, char *buf, size_t len);

/* "store flag=1": what is done to what. */
void trace_format_operation(const struct ls_step *step, char *buf, size_t len);

/* "step 12 writer store flag=1 (writer_fn+0x10)": the line of a replay. */
void trace_format_step(const struct ls_step *step, char *buf, size_t len);

/* The same in columns, actors side by side: the line of a report. */
void trace_format_column(const struct ls_step *step, char *buf, size_t len);

/* The head line over the columns. */
void trace_format_head(char *buf, size_t len);

#endif
