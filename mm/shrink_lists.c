/*
 * shrink_lists.c - which pages of a vCPU's lists are looked at.
 *
 * Idea: pages enter the inactive list and are looked at once from its old end: used, they become
 *       active, else they go. The active list gives its old end back while it is the longer one,
 *       so that a page has about as long to show that it is used as the list is long.
 */
#include "mm/folio_lock.h"
#include "mm/shrink.h"
#include "mm/try_to_unmap.h"

/* The old end of an active list: who was used since last time stays, if we can afford it. */
static void shrink_active(struct lruvec *lv, enum lru_list active, unsigned long nr,
			  struct scan_control *sc)
{
	struct page *pages[SHRINK_BATCH];

	while (nr) {
		unsigned want = min(nr, (unsigned long)SHRINK_BATCH);
		unsigned got = lruvec_isolate(lv, active, want, pages, want);

		for (unsigned i = 0; i < got; i++) {
			bool used = true;

			if (folio_trylock(pages[i])) {
				used = page_referenced(pages[i]) && !sc->desperate;
				folio_unlock(pages[i]);
			}
			lruvec_putback(lv, used ? active : active & ~LRU_ACTIVE, pages[i]);
		}
		sc->nr_scanned += got;
		if (!got)
			return;
		nr -= want;
	}
}

static void shrink_inactive(struct lruvec *lv, enum lru_list inactive, unsigned long nr,
			    struct scan_control *sc)
{
	struct page *pages[SHRINK_BATCH];

	while (nr && !scan_done(sc)) {
		unsigned want = min(nr, (unsigned long)SHRINK_BATCH);
		unsigned got = lruvec_isolate(lv, inactive, want, pages, want);

		if (!got)
			return;
		shrink_folios(pages, got, lv, sc);
		nr -= want;
	}
}

static unsigned long list_share(struct lruvec *lv, enum lru_list lru, unsigned priority)
{
	unsigned long nr = READ_ONCE_NOPOINT(lv->nr[lru]);

	return nr ? max(nr >> priority, min(nr, (unsigned long)SHRINK_BATCH)) : 0;
}

static void shrink_kind(struct lruvec *lv, enum lru_list inactive, unsigned priority,
			struct scan_control *sc)
{
	enum lru_list active = inactive | LRU_ACTIVE;

	if (READ_ONCE_NOPOINT(lv->nr[active]) > READ_ONCE_NOPOINT(lv->nr[inactive]))
		shrink_active(lv, active, list_share(lv, active, priority), sc);
	shrink_inactive(lv, inactive, list_share(lv, inactive, priority), sc);
}

void shrink_lruvec(struct lruvec *lv, unsigned priority, struct scan_control *sc)
{
	shrink_kind(lv, LRU_INACTIVE_FILE, priority, sc);
	if (sc->may_swap && !scan_done(sc))
		shrink_kind(lv, LRU_INACTIVE_ANON, priority, sc);
}
