/*
 * thread_mem.c - memory for threads: a stack that faults when it overflows.
 *
 * Owns: blocks of 2^STACK_ORDER frames whose lowest page is unmapped.
 * Idea: unmapping costs a split of the direct map and a shootdown, so a block that comes back is
 *       kept for the next thread with its guard in place. ledger_settle() lets the kept ones go.
 *
 *	 low                                                       high
 *	| guard: unmapped | stack, grows down          | struct thread |
 */
#include "mm/thread_mem.h"

#include "kernel/core/bug.h"
#include "kernel/core/spinlock.h"
#include "kernel/sched/thread.h"
#include "kernel/x86/kmap.h"
#include "mm/page_alloc.h"
#include "mm/tlb.h"

#define STACK_ORDER 3u
#define KEPT_MAX    8u

/* Field key: [L] lock */
static struct {
	spinlock_t lock;	     /* also puts changes of the direct map in order */
	struct page *kept[KEPT_MAX]; /* [L] */
	unsigned nr_kept;	     /* [L] */
} stacks;

static struct page *block_kept(void)
{
	struct page *block = NULL;

	spin_lock(&stacks.lock);
	if (stacks.nr_kept)
		block = stacks.kept[--stacks.nr_kept];
	spin_unlock(&stacks.lock);
	return block;
}

static struct page *block_new(void)
{
	struct page *block = alloc_pages(GFP_KERNEL | GFP_FOR(FK_STACK), STACK_ORDER);
	unsigned long guard;
	int err;

	if (!block)
		return NULL;
	guard = (unsigned long)page_address(block);
	spin_lock(&stacks.lock);
	err = kmap_unmap((void *)guard, NULL);
	spin_unlock(&stacks.lock);
	if (err) {
		free_pages(block, STACK_ORDER);
		return NULL;
	}
	flush_tlb_kernel_range(guard, guard + PAGE_SIZE);
	return block;
}

static void block_free(struct page *block)
{
	spin_lock(&stacks.lock);
	BUG_ON(kmap_page(page_address(block), page_to_phys(block), KMAP_RW) != 0);
	spin_unlock(&stacks.lock);
	free_pages(block, STACK_ORDER);
}

static void *thread_mem_alloc(size_t *len_bytes)
{
	struct page *block = block_kept();

	if (!block)
		block = block_new();
	if (!block)
		return NULL;
	*len_bytes = PAGE_SIZE_ORDER(STACK_ORDER) - PAGE_SIZE;
	return (char *)page_address(block) + PAGE_SIZE;
}

static void thread_mem_free(void *low)
{
	struct page *block = virt_to_page((char *)low - PAGE_SIZE);
	bool kept;

	spin_lock(&stacks.lock);
	kept = stacks.nr_kept < KEPT_MAX;
	if (kept)
		stacks.kept[stacks.nr_kept++] = block;
	spin_unlock(&stacks.lock);
	if (!kept)
		block_free(block);
}

static const struct thread_mem_hooks hooks = {thread_mem_alloc, thread_mem_free};

/* A table of the direct map, once boot's own are used up. */
static phys_t kmap_table_alloc(void)
{
	struct page *page = alloc_page(GFP_NOWAIT | __GFP_ZERO | GFP_FOR(FK_KMAP));

	return page ? page_to_phys(page) : PHYS(0);
}

void thread_mem_trim(void)
{
	struct page *block;

	while ((block = block_kept()))
		block_free(block);
}

void thread_mem_world_init(void)
{
	spin_lock_init(&stacks.lock, LC_KMAP);
	stacks.nr_kept = 0;
	thread_mem_hooks = &hooks;
	kmap_set_table_alloc(kmap_table_alloc);
}
