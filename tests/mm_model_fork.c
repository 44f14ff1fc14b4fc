/*
 * mm_model_fork.c - forks in the model of mm_model.h: copies, pinned pages, threads beside the one
 * that copies.
 *
 * Idea: what fork should do is to copy the array of pages, but for what was advised otherwise. A
 *       pinned page stays its owner's, so what a device stores there is found by the owner and by
 *       no copy. Threads beside a copy write the words that are there already: they fault, break
 *       sharing and bring pages in, and the result is known whenever it happens.
 */
#include "tests/mm_model.h"

#include <errno.h>
#include <string.h>
#include "kernel/base/err.h"
#include "kernel/core/user.h"
#include "mm/gup.h"
#include "mm/mman.h"
#include "mm/page.h"

/* ---- copies ---- */

static struct model_page copied_page(const struct model_page *page)
{
	struct model_page copy = *page;

	copy.pin = 0;
	if (page->advice & 1)
		return (struct model_page){0};
	if (page->advice & 2)
		copy.word = 0;
	return copy;
}

int mm_model_fork(struct mm_model *m, unsigned *child)
{
	unsigned to = (m->now + 1 + rng_below(&m->rng, m->nr_mms - 1)) % m->nr_mms;
	struct mm_struct *mm = dup_mm(m->mm[m->now]);

	if (IS_ERR(mm))
		return (int)PTR_ERR(mm);
	mmput(m->mm[to]);
	m->mm[to] = mm;
	for (unsigned i = 0; i < MODEL_PAGES; i++)
		m->page[to][i] = copied_page(&m->page[m->now][i]);
	memcpy(m->heap[to], m->heap[m->now], sizeof(m->heap[to]));
	m->nr_heap[to] = m->nr_heap[m->now];
	*child = to;
	return 0;
}

/* ---- pinned pages ---- */

/* The page of some space that pin @k is of; NULL: nobody maps it any more. */
static struct model_page *page_of_pin(struct mm_model *m, unsigned k)
{
	for (unsigned i = 0; i < m->nr_mms * MODEL_PAGES; i++) {
		struct model_page *page = &m->page[i / MODEL_PAGES][i % MODEL_PAGES];

		if (page->pin == k + 1)
			return page;
	}
	return NULL;
}

static void take_pin(struct mm_model *m, unsigned k)
{
	unsigned i = rng_below(&m->rng, MODEL_PAGES);
	struct model_page *page = &m->page[m->now][i];

	if (page->pin)
		return;
	m->pin[k] = pin_user_page(m->mm[m->now], mm_model_addr(m, i));
	if (!m->pin[k])
		return;
	m_expect_eq(m, page->mapped && (page->prot & PROT_WRITE), true);
	m_expect_eq(m, page->kind == MODEL_ANON || page->copied, true);
	page->pin = k + 1;
}

/* As a device: by the frame, not by a mapping. */
static void store_at_pin(struct mm_model *m, unsigned k)
{
	struct model_page *page = page_of_pin(m, k);
	u64 word = rng_next(&m->rng) | 1;

	*(u64 *)page_address(m->pin[k]) = word;
	if (page)
		page->word = word;
}

static void drop_pin(struct mm_model *m, unsigned k)
{
	struct model_page *page = page_of_pin(m, k);

	unpin_user_page(m->pin[k]);
	m->pin[k] = NULL;
	if (page)
		page->pin = 0;
}

void mm_model_pin(struct mm_model *m)
{
	unsigned k = rng_below(&m->rng, MODEL_PINS);

	if (!m->pin[k])
		take_pin(m, k);
	else if (rng_below(&m->rng, 3))
		store_at_pin(m, k);
	else
		drop_pin(m, k);
}

void mm_model_unpin_all(struct mm_model *m)
{
	for (unsigned k = 0; k < MODEL_PINS; k++) {
		if (m->pin[k])
			drop_pin(m, k);
	}
}

/* ---- beside a copy ---- */

bool mm_model_is_own(const struct model_page *page)
{
	return page->mapped && (page->prot & PROT_WRITE) &&
	       (page->kind == MODEL_ANON || page->copied);
}

bool mm_model_touch(const struct mm_model *m, unsigned space, struct rng *rng)
{
	unsigned i = rng_below(rng, MODEL_PAGES);
	const struct model_page *page = &m->page[space][i];
	unsigned long addr = mm_model_addr(m, i);
	bool readable = page->mapped && page->prot;
	u64 word = 0;

	if (rng_below(rng, 8) == 0) {
		(void)vm_madvise(m->mm[space], addr, PAGE_SIZE, MADV_PAGEOUT);
		return true;
	}
	if (mm_model_is_own(page) && rng_below(rng, 2))
		return put_user(page->word, addr) == 0;
	if (get_user(&word, addr) != (readable ? mm_model_access(m, page) : -EFAULT))
		return false;
	return !readable || mm_model_access(m, page) || word == mm_model_word(m, page);
}

bool mm_model_touch_new(struct mm_model *m, unsigned space, struct rng *rng)
{
	unsigned first = rng_below(rng, MODEL_PAGES);

	for (unsigned n = 0; n < MODEL_PAGES; n++) {
		unsigned i = (first + n) % MODEL_PAGES;
		struct model_page *page = &m->page[space][i];

		if (!mm_model_is_own(page))
			continue;
		page->word = rng_next(rng) | 1;
		return put_user(page->word, mm_model_addr(m, i)) == 0;
	}
	return true;
}
