/*
 * copy_entries.c - what the entries of one table map, a child's table maps too.
 *
 * Owns: the loop over entries, and what becomes of each kind of them.
 * Not here: tables, locks, memory (copy_page_range.c).
 * Idea: entries come in stretches that are alike but for the frame. What they have in common is
 *       looked at once; of a single frame one addition counts the reference and the mapping and
 *       takes the exclusive mark, of a folio's frames one addition counts all references. As in
 *       zap.c the loop has a bare form and a watched one (schedule points) from one source. What is
 *       counted for the mm is counted once per VMA.
 * Order: count the mapping, take write from the parent, store in the child. So whoever finds the
 *        child's entry finds it counted, and who finds the page exclusive finds one entry.
 */
#include "mm/copy_internal.h"

#include <string.h>
#include "kernel/core/bug.h"
#include "kernel/core/events.h"
#include "mm/filemap.h"
#include "mm/gup.h"
#include "mm/mm.h"
#include "mm/page_alloc.h"
#include "mm/rmap.h"
#include "mm/semantics.h"
#include "mm/swap.h"
#include "mm/tables_internal.h"

/* ---- stretches of anonymous pages ---- */

/* Not the child's: write, and that it was used. */
#define COPY_DROPS (_PAGE_RW | _PAGE_ACCESSED)

static __always_inline void get_page_nr(struct page *head, unsigned nr, bool watched)
{
	if (watched)
		atomic_add(nr, &head->_refcount);
	else
		__atomic_fetch_add(&head->_refcount.counter, nr, __ATOMIC_RELAXED);
}

/* A reference, and so much in _mapcount. */
#define REF_AND_MAP(mapcount) (1 + ((u64)(u32)(mapcount) << 32))

/*
 * One mapping more of a single frame, which is nobody's own any more. @state: its; @exclusive: it
 * is known to be so.
 */
static __always_inline void dup_single(struct page *page, u32 state, bool exclusive, bool watched)
{
	if (watched) {
		atomic_inc(&page->_refcount);
		if (state == FK_FILE)
			folio_add_file_rmap_pte(page);
		else
			folio_dup_anon_rmap(page);
	} else if (state == FK_ANON && (exclusive || unlikely(PageAnonExclusive(page)))) {
		__atomic_fetch_add(&page->counts, REF_AND_MAP(MAPCOUNT_SHARE), __ATOMIC_RELAXED);
	} else {
		__atomic_fetch_add(&page->counts, REF_AND_MAP(1), __ATOMIC_RELAXED);
	}
}

/* The same of one of a folio, which was given its reference. */
static __always_inline void dup_one_of_folio(struct page *page, bool exclusive, bool watched)
{
	if (watched)
		folio_dup_anon_rmap(page);
	else if (exclusive || unlikely(PageAnonExclusive(page)))
		page->_mapcount.counter = 2; /* nobody else counts there */
	else
		__atomic_fetch_add(&page->_mapcount.counter, 1, __ATOMIC_RELAXED);
}

/* The hardware may be setting accessed and dirty. */
static __always_inline void take_write(pte_t *pte, bool watched)
{
	if (watched)
		point(PT_PTE, pte, 8, MO_SEQ_CST, 0);
	__atomic_fetch_and(&pte->pte, ~_PAGE_RW, __ATOMIC_SEQ_CST);
}

/* What a stretch has in common; the last four are constants, each set code of its own. */
struct stretch {
	u64 like;	   /* its first entry; of single frames all but the frame */
	u64 child;	   /* and what the child has there */
	struct page *page; /* of a run: the first */
	u32 state;	   /* of single frames, theirs */
	bool run;	   /* frames of a folio, one after the other */
	bool writable;
	bool watched;
};

/* Entry @i, which is a single frame's. False: it is not like the others. */
static __always_inline bool copy_single(const struct stretch *s, pte_t *src, pte_t *dst, unsigned i)
{
	u64 frame = *(volatile u64 *)&src[i].pte ^ s->like;
	struct page *page;

	if (frame & ~PTE_PFN_MASK)
		return false;
	page = frame_page(frame);
	if (page->state != s->state)
		return false;
	dup_single(page, s->state, s->writable, s->watched);
	if (s->writable)
		take_write(src + i, s->watched);
	pte_store(dst + i, s->child + frame, s->watched);
	return true;
}

/*
 * Entry @i of a run. It is looked at once, and the hardware may set accessed and dirty all the
 * same: a plain read will do.
 */
static __always_inline bool copy_of_run(const struct stretch *s, pte_t *src, pte_t *dst, unsigned i)
{
	if (src[i].pte != s->like + i * PAGE_SIZE)
		return false;
	dup_one_of_folio(s->page + i, s->writable, s->watched);
	if (s->writable)
		take_write(src + i, s->watched);
	pte_store(dst + i, s->child + i * PAGE_SIZE, s->watched);
	return true;
}

static __always_inline bool copy_step(const struct stretch *s, pte_t *src, pte_t *dst, unsigned i)
{
	return s->run ? copy_of_run(s, src, dst, i) : copy_single(s, src, dst, i);
}

/* @step entries at a time, while there are so many and they are alike. Returns how many it were. */
static __always_inline unsigned copy_steps(struct stretch *s, pte_t *src, pte_t *dst, unsigned nr,
					   const unsigned step)
{
	pte_t *first = src, *end = src + nr / step * step;

	while (src < end) {
#pragma GCC unroll 32
		for (unsigned i = 0; i < step; i++) {
			if (!copy_step(s, src, dst, i))
				return src - first + i;
		}
		src += step;
		dst += step;
		if (s->run) {
			s->like += step * PAGE_SIZE;
			s->child += step * PAGE_SIZE;
			s->page += step;
		}
	}
	return end - first;
}

#define SINGLES_STEP 8u
#define RUN_STEP     32u
#define RUN_STEP_2   4u

/* Of a run all that are alike, of single frames whole steps. */
static __always_inline unsigned copy_stretch(struct stretch s, pte_t *src, pte_t *dst, unsigned nr)
{
	unsigned done;

	s.child = s.like & ~COPY_DROPS;
	if (!s.run)
		return copy_steps(&s, src, dst, nr, SINGLES_STEP);
	done = copy_steps(&s, src, dst, nr, RUN_STEP);
	if (done == nr || done % RUN_STEP)
		return done;
	done += copy_steps(&s, src + done, dst + done, nr - done, RUN_STEP_2);
	if (done == nr || done % RUN_STEP_2)
		return done;
	return done + copy_steps(&s, src + done, dst + done, nr - done, 1);
}

/*
 * @value: that of @src; @state: that of its frame. A file's page, mapped beside private copies of
 * others, is never writable.
 */
static __always_inline unsigned copy_singles(pte_t *src, pte_t *dst, unsigned nr, u64 value,
					     u32 state, bool watched)
{
	struct stretch s = {
		.like = value & ~PTE_PFN_MASK, .state = FK_ANON, .watched = watched};

	if (value & _PAGE_RW) {
		ASSERT_EQ(state, FK_ANON);
		s.writable = true;
		return copy_stretch(s, src, dst, nr);
	}
	if (state == FK_FILE) {
		s.state = FK_FILE;
		return copy_stretch(s, src, dst, nr);
	}
	return copy_stretch(s, src, dst, nr);
}

/* The same of frames of @page's folio. The references come first: no entry maps what has none. */
static __always_inline unsigned copy_run(pte_t *src, pte_t *dst, unsigned nr, u64 value,
					 struct page *page, bool watched)
{
	struct stretch s = {.like = value, .page = page, .run = true, .watched = watched};
	struct page *head = page_head(page);
	unsigned room = (1u << page->order) - page->tail, done;

	if (nr > room)
		nr = room;
	get_page_nr(head, nr, watched);
	if (value & _PAGE_RW) {
		s.writable = true;
		done = copy_stretch(s, src, dst, nr);
	} else {
		done = copy_stretch(s, src, dst, nr);
	}
	if (done < nr)
		get_page_nr(head, done - nr, watched);
	return done;
}

/* Each with registers of its own. */
static noinline unsigned copy_singles_bare(pte_t *src, pte_t *dst, unsigned nr, u64 value,
					   u32 state)
{
	return copy_singles(src, dst, nr, value, state, false);
}

static noinline unsigned copy_singles_watched(pte_t *src, pte_t *dst, unsigned nr, u64 value,
					      u32 state)
{
	return copy_singles(src, dst, nr, value, state, true);
}

static __always_inline unsigned copy_singles_by(pte_t *src, pte_t *dst, unsigned nr, u64 value,
						u32 state, bool watched)
{
	return (watched ? copy_singles_watched : copy_singles_bare)(src, dst, nr, value, state);
}

static noinline unsigned copy_run_bare(pte_t *src, pte_t *dst, unsigned nr, u64 value,
				       struct page *page)
{
	return copy_run(src, dst, nr, value, page, false);
}

static noinline unsigned copy_run_watched(pte_t *src, pte_t *dst, unsigned nr, u64 value,
					  struct page *page)
{
	return copy_run(src, dst, nr, value, page, true);
}

static __always_inline unsigned copy_run_by(pte_t *src, pte_t *dst, unsigned nr, u64 value,
					    struct page *page, bool watched)
{
	return (watched ? copy_run_watched : copy_run_bare)(src, dst, nr, value, page);
}

/* ---- other entries ---- */

/* How many entries from @src on name one slot after the other, beginning with @entry? */
static __always_inline unsigned swap_run(const pte_t *src, const pte_t *end, swp_entry_t entry)
{
	u64 expect = entry.val;
	const pte_t *at = src;

	do {
		at++;
		expect += SWP_OFFSET_ONE;
	} while (at < end && (READ_ONCE_NOPOINT(at->pte) & ~SWP_EXCLUSIVE) == expect);
	return at - src;
}

/* Neither side is the only one that names the slot any more. */
static __always_inline void copy_swap_one(pte_t *src, pte_t *dst, swp_entry_t entry, bool watched)
{
	if (pte_swp_exclusive(__pte(READ_ONCE_NOPOINT(src->pte))))
		pte_store(src, entry.val, watched);
	pte_store(dst, entry.val, watched);
}

/*
 * Swap entries: count, mmlist, then the child's entries, so that whoever finds a slot in use finds
 * the child. Returns how many; 0: no room for the count of the first.
 */
static noinline unsigned copy_swap_run(struct copy_walk *c, pte_t *src, pte_t *end, pte_t *dst,
				       bool watched)
{
	const struct sem_hooks *sem = &c->mm->sem->hooks;
	swp_entry_t entry = pte_to_swp_entry(__pte(READ_ONCE_NOPOINT(src->pte)));
	unsigned nr = swap_duplicate_nr(entry, swap_run(src, end, entry));

	if (!nr) {
		c->full = entry;
		return 0;
	}
	if ((!sem->publish || sem->publish(PUB_MMLIST)) && mmlist_add_child(c->mm, c->oldmm))
		dup_published(PUB_MMLIST);
	for (unsigned i = 0; i < nr; i++) {
		copy_swap_one(src + i, dst + i, entry, watched);
		entry.val += SWP_OFFSET_ONE;
	}
	c->nr_swap += nr;
	return nr;
}

/* Is @page its owner's alone, and do others write to it past the tables? */
static bool must_copy_now(const struct copy_walk *c, struct page *page)
{
	return c->may_be_pinned && !folio_test_file(page) && PageAnonExclusive(page) &&
	       page_maybe_dma_pinned(page);
}

/* The child gets a copy of its own, the parent keeps its page. 0: no spare page. */
static unsigned copy_pinned(struct copy_walk *c, pte_t *dst, struct page *page)
{
	unsigned long addr = (c->near & ~(PMD_SIZE - 1)) + (dst - c->table) * PAGE_SIZE;
	u64 prot = c->vma->vm_page_prot.prot | _PAGE_DIRTY;

	if (!c->spare) {
		c->wants_spare = true;
		return 0;
	}
	memcpy(page_address(c->spare), page_address(page), PAGE_SIZE);
	event_count(EV_COPY_PAGE, 1);
	folio_add_new_anon_rmap(c->spare, c->vma, addr, 1);
	pte_store(dst, page_to_phys(c->spare).v | prot, true);
	c->spare = NULL;
	return 1;
}

/* Nothing is mapped: a table that is being filled has to be told. */
static __always_inline unsigned copy_none(const struct copy_walk *c, pte_t *src, pte_t *end,
					  pte_t *dst)
{
	unsigned nr = skip_none(src, end) - src;

	if (c->hook)
		clear_entries(dst, nr);
	return nr;
}

/* What maps no counted frame. Returns how many entries were dealt with; 0: see c->full. */
static __always_inline unsigned copy_uncounted(struct copy_walk *c, pte_t *src, pte_t *end,
					       pte_t *dst, u64 value, bool watched)
{
	if (!value)
		return copy_none(c, src, end, dst);
	if (is_swap_pte(__pte(value)) && !pte_is_marker(__pte(value)))
		return copy_swap_run(c, src, end, dst, watched);
	pte_store(dst, value & ~COPY_DROPS, watched);
	c->nr_others++;
	return 1;
}

/* Folios below this order go frame by frame. */
#define RUN_ORDER 2

static __always_inline bool is_single(const struct page *page)
{
	return likely(page->state == FK_ANON) || page->state == FK_FILE;
}

/* @src: of @page, with @nr_left entries; it alone, or those behind it, too? */
static __always_inline bool goes_alone(const struct copy_walk *c, const pte_t *src, long nr_left,
				       const struct page *page, bool watched)
{
	if (!is_single(page))
		return page->order < RUN_ORDER;
	return nr_left < SINGLES_STEP || (watched && c->may_be_pinned) ||
	       ((src[0].pte ^ src[1].pte) & ~PTE_PFN_MASK);
}

static __always_inline void copy_alone(pte_t *src, pte_t *dst, u64 value, struct page *page,
				       bool watched)
{
	if (is_single(page)) {
		dup_single(page, page->state, value & _PAGE_RW, watched);
	} else {
		get_page_nr(page_head(page), 1, watched);
		dup_one_of_folio(page, value & _PAGE_RW, watched);
	}
	if (value & _PAGE_RW)
		take_write(src, watched);
	pte_store(dst, value & ~COPY_DROPS, watched);
}

/* A page, or as many as are alike. Returns how many. */
static __always_inline unsigned copy_counted(struct copy_walk *c, pte_t *src, pte_t *stop,
					     pte_t *end, pte_t *dst, u64 value, struct page *page,
					     bool watched)
{
	unsigned nr = 1;

	if (goes_alone(c, src, stop - src, page, watched))
		copy_alone(src, dst, value, page, watched);
	else if (is_single(page))
		nr = copy_singles_by(src, dst, stop - src, value, page->state, watched);
	else
		nr = copy_run_by(src, dst, end - src, value, page, watched);
	if (unlikely(page->state == FK_FILE)) {
		c->nr_file += nr;
		c->nr_anon -= nr; /* as which they are counted, too */
	}
	return nr;
}

/*
 * The entries up to @stop, and as many of @end's as a run goes beyond; *@nr_counted of them map
 * counted frames. Returns where it ended; before @stop: memory is wanted.
 */
static __always_inline pte_t *copy_burst(struct copy_walk *c, pte_t *src, pte_t *stop, pte_t *end,
					 pte_t *dst, long *nr_counted, bool watched)
{
	do {
		u64 value = *(volatile u64 *)&src->pte;
		struct page *page = entry_page(value);
		unsigned nr;

		if (unlikely(!(value & PTE_MAPS_MASK) || (value & _PAGE_SPECIAL))) {
			nr = copy_uncounted(c, src, end, dst, value, watched);
			if (!nr)
				break;
		} else if (watched && must_copy_now(c, page)) {
			nr = copy_pinned(c, dst, page);
			if (!nr)
				break;
			++*nr_counted;
		} else {
			nr = copy_counted(c, src, stop, end, dst, value, page, watched);
			*nr_counted += nr;
		}
		src += nr;
		dst += nr;
	} while (src < stop);
	return src;
}

/* Entries between two looks at who waits for the locks; a run of a folio counts as one. */
#define COPY_BURST 64

static __always_inline bool others_wait(const struct copy_walk *c)
{
	return resched_needed() || spin_needbreak(c->src_ptl) || spin_needbreak(c->dst_ptl);
}

static __always_inline pte_t *copy_bursts(struct copy_walk *c, pte_t *src, pte_t *end, pte_t *dst,
					  bool watched)
{
	long nr_counted = 0;
	pte_t *stop, *at = src;

	do {
		stop = end - at > COPY_BURST ? at + COPY_BURST : end;
		at = copy_burst(c, at, stop, end, dst + (at - src), &nr_counted, watched);
	} while (at >= stop && at < end && !others_wait(c));
	c->nr_anon += nr_counted;
	return at;
}

/* Each with registers of its own. */
pte_t *copy_entries_watched(struct copy_walk *c, pte_t *src, pte_t *end, pte_t *dst)
{
	return copy_bursts(c, src, end, dst, true);
}

pte_t *copy_entries(struct copy_walk *c, pte_t *src, pte_t *end, pte_t *dst)
{
	return copy_bursts(c, src, end, dst, false);
}
