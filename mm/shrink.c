/*
 * shrink.c - from "isolated" to "free", for a few pages at once.
 *
 * Owns: the order of the steps: lock, ask, give a slot, unmap, flush, write, forget, free.
 * Idea: everything up to the flush is done for all pages of a batch, then one flush, then the
 *       writes, then each page that nobody wanted back meanwhile leaves its cache.
 * Invariant: a page leaves its cache under its lock, unmapped, clean, not being written; so what it
 *            held can be read again from where it was stored.
 * Folios of more than one frame are split if one address space has them to itself; else they stay.
 */
#include "mm/shrink.h"

#include "kernel/core/bug.h"
#include "kernel/sched/wait.h"
#include "mm/filemap.h"
#include "mm/folio_lock.h"
#include "mm/page_alloc.h"
#include "mm/reclaim.h"
#include "mm/rmap.h"
#include "mm/split_folio.h"
#include "mm/swap.h"
#include "mm/try_to_unmap.h"
#include "mm/unmap_flush.h"

enum fate {
	FATE_KEEP,     /* as it was */
	FATE_ACTIVATE, /* in use, or cannot go */
	FATE_GO,       /* locked, unmapped */
};

/* Pages on their way, by where they are now. */
struct shrink {
	struct scan_control *sc;
	struct lruvec *lv;
	struct unmap_batch flush;
	struct page *go[SHRINK_BATCH]; /* locked, unmapped */
	unsigned nr_go;
	struct page *dead[SHRINK_BATCH]; /* in no cache; our reference is to be dropped */
	unsigned nr_dead;
};

static void put_back(struct shrink *s, struct page *page, enum fate fate)
{
	enum lru_list lru = folio_lru_inactive(page);

	lruvec_putback(s->lv, fate == FATE_ACTIVATE ? lru | LRU_ACTIVE : lru, page);
}

/*
 * It stays. The slot of a page that is in memory and named by no entry serves others better; and if
 * nobody maps the page either, it is ours alone and goes with our reference.
 */
static void unlock_and_put_back(struct shrink *s, struct page *page, enum fate fate)
{
	folio_free_swap(page);
	folio_unlock(page);
	put_back(s, page, fate);
}

/* ---- is it used? ---- */

/*
 * A page found used gets a second chance on the active list; one of a file the first time only a
 * second look, since much of what is read is read once.
 */
static enum fate judge_use(struct shrink *s, struct page *page)
{
	int used = page_referenced(page);

	if (used == REFERENCED_UNKNOWN) {
		s->sc->busy = true;
		return FATE_KEEP;
	}
	if (s->sc->force || (s->sc->desperate && used <= 1))
		return FATE_GO;
	if (page->kind == FK_ANON)
		return used ? FATE_ACTIVATE : FATE_GO;
	if (used > 1)
		return FATE_ACTIVATE;
	if (used)
		return page_flag_test_set(page, PG_referenced) ? FATE_ACTIVATE : FATE_KEEP;
	return page_flag_test_clear(page, PG_referenced) ? FATE_KEEP : FATE_GO;
}

/* Nobody but us has an interest in it: the last user let go of it meanwhile. Locked. */
static bool forsaken(struct page *page)
{
	if (page->kind != FK_ANON || page_mapped(page))
		return false;
	return !folio_test_swapcache(page) || folio_free_swap(page);
}

/* The frames of a folio go one by one: each has a slot and an entry of its own. */
static bool split(struct shrink *s, struct page *head)
{
	return head->kind == FK_ANON && s->sc->may_swap &&
	       split_anon_folio(head, s->sc->force || s->sc->desperate);
}

/* @page is locked. */
static enum fate unmap_page(struct shrink *s, struct page *page)
{
	enum fate fate;

	if (folio_test_writeback(page)) {
		s->sc->busy = true;
		return FATE_KEEP;
	}
	if (page->order && !split(s, page))
		return FATE_ACTIVATE;
	if (forsaken(page))
		return FATE_KEEP;
	fate = judge_use(s, page);
	if (fate != FATE_GO)
		return fate;
	if (page->kind == FK_ANON && !folio_test_swapcache(page) &&
	    (!s->sc->may_swap || add_to_swap(page)))
		return FATE_ACTIVATE;
	/* A page of a file also if nobody maps it: who unmapped it last may still have to flush. */
	return try_to_unmap(page, &s->flush) ? FATE_GO : FATE_ACTIVATE;
}

static void shrink_prepare(struct shrink *s, struct page *page)
{
	enum fate fate;

	if (!folio_trylock(page)) {
		s->sc->busy = true;
		put_back(s, page, FATE_KEEP);
		return;
	}
	fate = unmap_page(s, page);
	if (fate == FATE_GO) {
		s->go[s->nr_go++] = page;
		return;
	}
	unlock_and_put_back(s, page, fate);
}

/* ---- stored somewhere else ---- */

static void write_file_page(struct page *page)
{
	struct address_space *mapping = page->mapping;

	/* No entry maps it, so nobody can write to it before we let go of its lock. */
	if (mapping && page_flag_test_clear(page, PG_dirty)) {
		if (mapping->a_ops->writepage(mapping, page))
			return; /* dirty again: it will be seen */
	} else {
		folio_unlock(page);
	}
}

/* Dirty pages are written, which unlocks them. They follow the clean ones, still locked. */
static unsigned shrink_write(struct shrink *s)
{
	struct page *anon[SHRINK_BATCH];
	unsigned nr_clean = 0, nr_anon = 0, nr_written = 0;

	for (unsigned i = 0; i < s->nr_go; i++) {
		struct page *page = s->go[i];

		if (!page_flag_test(page, PG_dirty)) {
			s->go[i] = s->go[nr_clean];
			s->go[nr_clean++] = page;
		}
	}
	for (unsigned i = nr_clean; i < s->nr_go; i++) {
		if (s->go[i]->kind == FK_ANON)
			anon[nr_anon++] = s->go[i];
		else
			write_file_page(s->go[i]);
	}
	if (nr_anon)
		nr_written = swap_writepages(anon, nr_anon);
	s->sc->nr_written += nr_written + (s->nr_go - nr_clean - nr_anon);
	return nr_clean;
}

/* ---- gone ---- */

/* Locked: out of its cache, if nobody has come to want it since. */
static bool leave_cache(struct page *page)
{
	/* Mapped first: who unmaps a page makes it dirty before. */
	if (page_mapped(page) || folio_test_writeback(page) || page_flag_test(page, PG_dirty))
		return false;
	if (page->kind == FK_FILE) {
		if (page->mapping)
			filemap_remove_folio(page);
	} else if (folio_test_swapcache(page)) {
		delete_from_swap_cache(page);
	}
	return true;
}

static void shrink_finish(struct shrink *s, struct page *page, bool locked)
{
	if (!locked && !folio_trylock(page)) {
		put_back(s, page, FATE_KEEP);
		return;
	}
	if (!leave_cache(page)) {
		unlock_and_put_back(s, page, FATE_ACTIVATE);
		return;
	}
	folio_unlock(page);
	s->dead[s->nr_dead++] = page;
}

/* ---- pauses ---- */

/* Field key: [A] atomic */
static struct {
	atomic_t nr_batches;	     /* [A] at work */
	atomic_t nr_pauses;	     /* [A] asked for */
	struct wait_queue_head wait; /* for either to become 0 */
} turns;

static void batch_end(void)
{
	atomic_dec(&turns.nr_batches);
	if (atomic_read(&turns.nr_pauses))
		wake_up_all(&turns.wait);
}

static void batch_begin(void)
{
	for (;;) {
		atomic_inc(&turns.nr_batches);
		if (likely(!atomic_read(&turns.nr_pauses)))
			return;
		batch_end();
		wait_event(&turns.wait, !atomic_read(&turns.nr_pauses));
	}
}

void reclaim_pause(void)
{
	atomic_inc(&turns.nr_pauses);
	wait_event(&turns.wait, !atomic_read(&turns.nr_batches));
}

void reclaim_resume(void)
{
	if (atomic_dec_and_test(&turns.nr_pauses))
		wake_up_all(&turns.wait);
}

void shrink_world_init(void)
{
	init_waitqueue_head(&turns.wait);
}

/* ---- all of it ---- */

void shrink_folios(struct page **pages, unsigned nr, struct lruvec *lv, struct scan_control *sc)
{
	struct shrink s = {.sc = sc, .lv = lv};
	unsigned nr_clean;

	ASSERT(nr <= SHRINK_BATCH);
	batch_begin();
	sc->nr_scanned += nr;
	for (unsigned i = 0; i < nr; i++)
		shrink_prepare(&s, pages[i]);
	unmap_batch_flush(&s.flush);
	nr_clean = shrink_write(&s);
	for (unsigned i = 0; i < s.nr_go; i++)
		shrink_finish(&s, s.go[i], i < nr_clean);
	sc->nr_reclaimed += s.nr_dead;
	release_pages(s.dead, s.nr_dead);
	batch_end();
}
