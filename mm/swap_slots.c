/*
 * swap_slots.c - how many PTEs name a slot.
 *
 * Owns: counts, small and large, and what happens when one becomes 0.
 * Not here: which slot a page gets and what is cached over it (swap_cache.c).
 * Idea: a count that does not fit its six bits moves to a word of an extension page, which has to
 *       be allocated before; it stays there until it is 0. The caller that needs the page holds
 *       spinlocks, so it gets -ENOMEM, drops them, and calls add_swap_count_continuation().
 */
#include <errno.h>

#include "kernel/core/bug.h"
#include "kernel/core/setting.h"
#include "mm/folio_lock.h"
#include "mm/page_alloc.h"
#include "mm/swap_internal.h"

static unsigned swap_count_max __host_data = SLOT_COUNT_MAX;

static u64 swap_count_max_get(void)
{
	return swap_count_max;
}

static int swap_count_max_set(u64 value)
{
	swap_count_max = value;
	return 0;
}
SETTING_U64(swap_count_max, "PTEs that name a slot before its count needs an extension page", 1,
	    SLOT_COUNT_MAX, swap_count_max_get, swap_count_max_set);

static u64 *more_word(const struct swap_cluster *c, unsigned long offset)
{
	return &c->more[offset & (SWAP_CLUSTER - 1)];
}

unsigned long slot_count(const struct swap_cluster *c, unsigned long offset)
{
	u64 count = c->slots[offset & (SWAP_CLUSTER - 1)] & SLOT_COUNT_MASK;

	return likely(count != SLOT_COUNT_MORE) ? count : *more_word(c, offset);
}

/* ---- one more ---- */

/* A count that is large, or becomes so. False: no room for it. */
static noinline bool slot_get_more(struct swap_cluster *c, unsigned long offset, u64 *word)
{
	u64 count = *word & SLOT_COUNT_MASK;

	if (!c->more)
		return false;
	if (count == SLOT_COUNT_MORE) {
		++*more_word(c, offset);
	} else {
		*more_word(c, offset) = count + 1;
		slot_set(word, *word | SLOT_COUNT_MORE);
	}
	return true;
}

/* As many of @nr slots from @offset on as one cluster has and counts. Locks: the cluster's. */
static __always_inline unsigned cluster_get(struct swap_cluster *c, unsigned long offset,
					    unsigned nr)
{
	u64 max = swap_count_max;
	unsigned i;

	for (i = 0; i < nr; i++) {
		u64 *word = slot_word(c, offset + i);

		ASSERT(*word);
		if (likely((*word & SLOT_COUNT_MASK) < max))
			slot_set(word, *word + 1);
		else if (!slot_get_more(c, offset + i, word))
			break;
	}
	return i;
}

unsigned swap_duplicate_nr(swp_entry_t entry, unsigned nr)
{
	struct swap_info_struct *si = swap_info_of(entry);
	unsigned long offset = swp_offset(entry);
	unsigned done = 0, want, got;

	do {
		struct swap_cluster *c = slot_cluster(si, offset + done);

		want = min((unsigned long)nr - done,
			   SWAP_CLUSTER - ((offset + done) & (SWAP_CLUSTER - 1)));
		spin_lock(&c->lock);
		got = cluster_get(c, offset + done, want);
		spin_unlock(&c->lock);
		done += got;
	} while (done < nr && got == want);
	return done;
}

int swap_duplicate(swp_entry_t entry)
{
	return swap_duplicate_nr(entry, 1) ? 0 : -ENOMEM;
}

int add_swap_count_continuation(swp_entry_t entry, gfp_t gfp)
{
	struct swap_cluster *c = slot_cluster(swap_info_of(entry), swp_offset(entry));
	struct page *page = alloc_page(gfp | __GFP_ZERO | GFP_FOR(FK_SWAP));

	if (!page)
		return -ENOMEM;
	spin_lock(&c->lock);
	if (!c->more) {
		c->more = page_address(page);
		page = NULL;
	}
	spin_unlock(&c->lock);
	if (page)
		free_page(page);
	return 0;
}

/* ---- one less ---- */

bool slot_put_more(struct swap_cluster *c, unsigned long offset, u64 *word)
{
	if (!(*word & SLOT_COUNT_MASK))
		BUGF("swap slot %#lx: more PTEs gave it up than named it", offset);
	if (--*more_word(c, offset))
		return false;
	slot_set(word, *word & ~SLOT_COUNT_MASK);
	return true;
}

/*
 * Count down slots from @offset on until the end, or until a page is left cached over one that
 * nothing names: it is returned with a reference. *@done slots were counted.
 */
static struct page *cluster_put(struct swap_info_struct *si, unsigned long offset, unsigned nr,
				unsigned *done)
{
	struct swap_cluster *c = slot_cluster(si, offset);
	struct page *page = NULL;
	unsigned i = 0;

	nr = min((unsigned long)nr, SWAP_CLUSTER - (offset & (SWAP_CLUSTER - 1)));
	spin_lock(&c->lock);
	while (i < nr && !page) {
		u64 *word = slot_word(c, offset + i);

		if (slot_put(c, offset + i, word)) {
			page = slot_page(*word);
			if (page)
				get_page(page);
			else
				slot_freed(si, c);
		}
		i++;
	}
	spin_unlock(&c->lock);
	*done = i;
	return page;
}

void swap_free_nr(swp_entry_t entry, unsigned nr)
{
	struct swap_info_struct *si = swap_info_of(entry);
	unsigned long offset = swp_offset(entry);

	while (nr) {
		unsigned done;
		struct page *page = cluster_put(si, offset, nr, &done);

		if (page) {
			free_swap_cache(page);
			put_page(page);
		}
		offset += done;
		nr -= done;
	}
}

/* ---- looking ---- */

long swap_count(swp_entry_t entry)
{
	struct swap_info_struct *si = swap_info_of(entry);
	unsigned long offset = swp_offset(entry);
	struct swap_cluster *c;
	long count = -1;

	rcu_read_lock();
	if (rcu_dereference(si->cluster) && offset < si->max) {
		c = slot_cluster(si, offset);
		spin_lock(&c->lock);
		if (*slot_word(c, offset))
			count = slot_count(c, offset);
		spin_unlock(&c->lock);
	}
	rcu_read_unlock();
	return count;
}
