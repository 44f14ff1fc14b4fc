/*
 * fork_hog.h - a failing call that fails because there really is nothing left.
 *
 * Owns: taking every frame there is, and every free object of the cache that a site's call is for,
 *       exactly before that call; giving all of it back behind it.
 * Not here: when a site is due (fork_shape.h).
 * Idea: what an injected failure should be like is what the allocators do by themselves when they
 *       are empty. Reclaim, and what lies in lists of vCPUs, is exhausted by asking until NULL.
 */
#ifndef TESTS_FORK_HOG_H
#define TESTS_FORK_HOG_H

#include "kernel/base/types.h"

struct fault_site;

/* Can a hog make the call at @site fail? It is one that allocates a frame or an object. */
bool fork_hog_can(const struct fault_site *site);

/* fault_hog (kernel/core/fault.h). */
bool fork_hog(struct fault_site *site, bool begin);

/*
 * fork_hog_all - take all frames there are but @leave; fork_hog_end: give them back.
 *
 * What others free meanwhile comes to those that were left.
 */
void fork_hog_all(unsigned long leave);
void fork_hog_end(void);

#endif
