/*
 * shrink.h - give up user pages that are not used: the inside of reclaim.
 *
 * Owns: struct scan_control, what becomes of a page that was taken off its list, scanning the lists
 *       of one vCPU.
 * Not here: when and how hard to scan (reclaim.c).
 * Included by mm/shrink*.c, mm/reclaim.c and mm/pageout.c only, and by the lab.
 */
#ifndef MM_SHRINK_H
#define MM_SHRINK_H

#include "mm/lru.h"

/*
 * Pages worked on at once: one flush, neighbouring slots in one write. Each is locked meanwhile,
 * and a thread may hold no more locks than the lock checker can remember.
 */
#define SHRINK_BATCH 12u

/* On the stack of the thread that reclaims. */
struct scan_control {
	unsigned long nr_to_reclaim; /* enough */
	unsigned long nr_reclaimed;  /* frames */
	unsigned long nr_scanned;    /* pages looked at */
	unsigned long nr_written;
	bool may_swap;		     /* anonymous pages have a place to go */
	bool force;		     /* used or not: the owner said so */
	bool desperate;		     /* the last scans found nothing */
	bool busy;		     /* others hold or write pages that would have gone */
};

static inline bool scan_done(const struct scan_control *sc)
{
	return sc->nr_reclaimed >= sc->nr_to_reclaim;
}

/*
 * shrink_folios - free what can be freed of @nr isolated pages, and put the others back.
 *
 * @nr:      at most SHRINK_BATCH
 * @lv:      gets those that stay
 * Context:  may sleep (I/O); any lock of address spaces may be held, no folio lock
 */
void shrink_folios(struct page **pages, unsigned nr, struct lruvec *lv, struct scan_control *sc);

/* No batch is at work and nobody has asked for a pause. With every world. */
void shrink_world_init(void);

/* Scan 1/2^@priority of @lv's lists, oldest first. Context: as shrink_folios(). */
void shrink_lruvec(struct lruvec *lv, unsigned priority, struct scan_control *sc);

#endif
