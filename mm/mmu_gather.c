/*
 * mmu_gather.c - unmapped, then flushed, then freed.
 *
 * Owns: the batches and their order.
 */
#include "mm/mmu_gather.h"

#include "kernel/core/bug.h"
#include "kernel/core/events.h"
#include "mm/page_alloc.h"
#include "mm/tables.h"
#include "mm/tlb.h"

static void range_reset(struct mmu_gather *tlb)
{
	tlb->start = ~0ul;
	tlb->end = 0;
	tlb->freed_tables = false;
}

void tlb_gather_mmu(struct mmu_gather *tlb, struct mm_tables *mt, bool fullmm)
{
	tlb->mt = mt;
	tlb->fullmm = fullmm;
	tlb->nr_batches = 0;
	tlb->nr_tables = 0;
	tlb->tables = NULL;
	tlb->local.next = NULL;
	tlb->local.nr = 0;
	tlb->local.max = GATHER_LOCAL;
	tlb->active = &tlb->local;
	range_reset(tlb);
}

/* The batch after the active one, from an earlier round or new. NULL: none may be had. */
static struct gather_batch *next_batch(struct mmu_gather *tlb)
{
	struct gather_batch *batch = tlb->active->next;
	struct page *page;

	if (batch)
		return batch;
	if (tlb->nr_batches == GATHER_MAX_BATCHES)
		return NULL;
	page = alloc_page(GFP_NOWAIT | GFP_FOR(FK_GATHER));
	if (!page)
		return NULL;
	batch = page_address(page);
	batch->next = NULL;
	batch->nr = 0;
	batch->max = GATHER_BATCH_MAX;
	tlb->active->next = batch;
	tlb->nr_batches++;
	return batch;
}

unsigned tlb_reserve_in_next(struct mmu_gather *tlb, unsigned want, struct page ***slots)
{
	struct gather_batch *next = next_batch(tlb);

	if (next)
		tlb->active = next;
	return tlb_reserve_here(tlb, want, slots);
}

bool tlb_remove_page(struct mmu_gather *tlb, struct page *page, unsigned long addr)
{
	struct page **slot;

	BUG_ON(tlb_reserve(tlb, 1, &slot) == 0);
	*slot = page;
	tlb_commit(tlb, 1);
	tlb_note_range(tlb, addr, addr + PAGE_SIZE);
	return tlb_reserve(tlb, 1, &slot) == 0;
}

void tlb_remove_table(struct mmu_gather *tlb, struct page *table, unsigned long start,
		      unsigned long end)
{
	table->private = (unsigned long)tlb->tables;
	tlb->tables = table;
	tlb->nr_tables++;
	tlb->freed_tables = true;
	tlb_note_range(tlb, start, end);
}

/* A chain of tables whose grace period is over. */
static void tables_free_rcu(struct rcu_head *head)
{
	struct page *table = container_of(head, struct page, rcu), *batch[32];
	unsigned nr = 0;

	while (table) {
		batch[nr++] = table;
		table = (struct page *)table->private;
		if (nr == ARRAY_SIZE(batch) || !table) {
			release_pages(batch, nr);
			nr = 0;
		}
	}
}

struct static_key gather_key __host_data;
void (*gather_freed_hook)(const struct mm_tables *mt, unsigned long nr_frames,
			  unsigned long nr_tables) __host_data;

static noinline void tell_freed(struct mmu_gather *tlb, unsigned long nr_frames,
				unsigned long nr_tables)
{
	if (gather_freed_hook && (nr_frames || nr_tables))
		gather_freed_hook(tlb->mt, nr_frames, nr_tables);
}

void tlb_free_gathered(struct mmu_gather *tlb)
{
	struct page *tables = tlb->tables;
	unsigned long nr_frames = 0, nr_tables = tlb->nr_tables;
	struct page_release rel;

	if (tlb_need_flush(tlb))
		BUGF("gather frees before it flushed [%#lx, %#lx)", tlb->start, tlb->end);
	release_begin(&rel);
	for (struct gather_batch *batch = &tlb->local; batch; batch = batch->next) {
		release_add(&rel, batch->pages, batch->nr);
		nr_frames += batch->nr;
		batch->nr = 0;
	}
	release_end(&rel);
	tlb->active = &tlb->local;
	if (tables) {
		event_count(EV_TABLE_PAGE, tlb->nr_tables);
		tlb->tables = NULL;
		tlb->nr_tables = 0;
		call_rcu(&tables->rcu, tables_free_rcu);
	}
	if (static_branch_unlikely(&gather_key))
		tell_freed(tlb, nr_frames, nr_tables);
}

void tlb_flush_mmu(struct mmu_gather *tlb)
{
	if (tlb_need_flush(tlb)) {
		flush_tlb_range(&tlb->mt->tlb, tlb->start, tlb->end, tlb->freed_tables);
		range_reset(tlb);
	}
	tlb_free_gathered(tlb);
}

static noinline void finish(struct mmu_gather *tlb)
{
	struct gather_batch *batch, *next;

	tlb_flush_mmu(tlb);
	for (batch = tlb->local.next; batch; batch = next) {
		next = batch->next;
		free_page(virt_to_page(batch));
	}
	tlb->local.next = NULL;
	tlb->nr_batches = 0;
}

void tlb_finish_mmu(struct mmu_gather *tlb)
{
	if (tlb->local.nr || tlb->local.next || tlb->tables || tlb_need_flush(tlb))
		finish(tlb);
}
