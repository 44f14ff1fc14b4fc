/*
 * swap_io.c - pages to and from the slots of a device.
 *
 * Owns: the calls that can fail for lack of a working device, writing back.
 * Idea: a page is marked as being written while its folio lock is free, so faults go on meanwhile;
 *       its slot cannot be given away before the writing is over (folio_free_swap).
 */
#include <errno.h>

#include "kernel/core/bug.h"
#include "kernel/core/fault.h"
#include "kernel/drivers/block.h"
#include "mm/folio_lock.h"
#include "mm/swap_internal.h"

FAULT_SITE(swap_read, "reading a page from a swap device fails");
FAULT_SITE(swap_write, "writing a page to a swap device fails");
DELAY_SITE(swap_io, "a swap device is about to move pages");

#define SWAP_BATCH BLOCK_PAGES_MAX

/* @nr pages to consecutive slots from @offset on. 0 or -EIO. */
static int swap_write(struct swap_info_struct *si, unsigned long offset, struct page **pages,
		      unsigned nr)
{
	phys_t frames[SWAP_BATCH];

	if (fault_should_fail(&fault_site_swap_write, nr * PAGE_SIZE))
		return -EIO;
	delay_point(&delay_site_swap_io);
	for (unsigned i = 0; i < nr; i++)
		frames[i] = page_to_phys(pages[i]);
	return block_transfer(si->bdev, offset * SECTORS_PER_PAGE, frames, nr, true) ? -EIO : 0;
}

int swap_read_one(struct swap_info_struct *si, unsigned long offset, struct page *page)
{
	phys_t frame = page_to_phys(page);

	if (fault_should_fail(&fault_site_swap_read, PAGE_SIZE))
		return -EIO;
	delay_point(&delay_site_swap_io);
	return block_transfer(si->bdev, offset * SECTORS_PER_PAGE, &frame, 1, false) ? -EIO : 0;
}

/* ---- writing ---- */

/* @nr pages of consecutive slots, locked: written, unlocked. 0, or -EIO for all of them. */
static int write_run(struct page **pages, unsigned nr)
{
	swp_entry_t entry = page_swap_entry(pages[0]);
	int err;

	for (unsigned i = 0; i < nr; i++) {
		page_flag_clear(pages[i], PG_dirty);
		folio_start_writeback(pages[i]);
		folio_unlock(pages[i]);
	}
	err = swap_write(swap_info_of(entry), swp_offset(entry), pages, nr);
	for (unsigned i = 0; i < nr; i++) {
		if (err)
			page_flag_set(pages[i], PG_dirty);
		folio_end_writeback(pages[i]);
	}
	return err;
}

unsigned swap_writepages(struct page **pages, unsigned nr)
{
	unsigned done = 0, run;

	for (unsigned i = 0; i < nr; i += run) {
		u64 next = page_swap_entry(pages[i]).val;

		ASSERT(folio_test_locked(pages[i]) && folio_test_swapcache(pages[i]));
		run = 0;
		while (i + run < nr && run < SWAP_BATCH &&
		       page_swap_entry(pages[i + run]).val == next) {
			next += SWP_OFFSET_ONE;
			run++;
		}
		if (!write_run(pages + i, run))
			done += run;
	}
	return done;
}

int swap_writepage(struct page *page)
{
	return swap_writepages(&page, 1) ? 0 : -EIO;
}
