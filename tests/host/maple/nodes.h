/*
 * nodes.h - the host's supply of tree nodes, as the tests need it.
 *
 * Owns: counting, failing on demand, poisoning freed nodes, a call at the moment a blocking
 *       allocation runs (where another writer may get in).
 * Idea: the tree takes and returns nodes through its hooks only, so this one file sees each of
 *       them: a leak is a count that is not zero, a use after free is poison or ASan.
 */
#ifndef TESTS_HOST_MAPLE_NODES_H
#define TESTS_HOST_MAPLE_NODES_H

#include "kernel/base/compiler.h"

/* The allocation after @nr more fails, and all that follow until this is called again; -1: none. */
void nodes_fail_after(long nr);

/* Only the allocation after @nr more fails. */
void nodes_fail_once(long nr);

/* Non-blocking allocations fail; those that may block succeed. */
void nodes_fail_nowait(bool on);

bool nodes_fails_nowait(void);

/* Whether an allocation failed since the last of the three calls above. */
bool nodes_fault_fired(void);

/* Nodes handed out and not yet returned to the allocator, deferred ones included. */
long nodes_live(void);

/* Nodes handed out since the program began. */
unsigned long nodes_taken(void);

/*
 * How exact an operation is: after nodes_mark(), nodes_asked() counts what was taken since, and
 * nodes_unused() those of them that came straight back.
 */
void nodes_mark(void);
unsigned long nodes_asked(void);
unsigned long nodes_unused(void);

/* Called (once, then cleared) when an allocation that may block is asked for. */
void nodes_on_blocking(void (*call)(void *arg), void *arg);

/* Remember which nodes are live from now on (one thread, at most NODES_TRACKED of them). */
#define NODES_TRACKED 256
void nodes_track(bool on);
unsigned int nodes_tracked(void **nodes);

/* No reader runs: deferred frees happen now. */
void nodes_quiesce(void);

#endif
