/*
 * window.c - the tables of the slab window.
 *
 * Owns: entries, tombstones, the quarantine of unmapped frames, the life of the window's tables.
 * Idea: addresses only grow. A table whose addresses are all used up and unmapped is dead: the last
 *       few are kept for the sake of their tombstones, older ones are freed. Frames wait in
 *       quarantine until one flush covers a batch of them.
 *
 *	kernel_pgd -> pud (boot's, never freed) -> pmd (1 GiB, ours) -> pte (2 MiB, ours)
 */
#include "mm/window.h"

#include "kernel/base/bits.h"
#include "kernel/core/bug.h"
#include "kernel/core/preempt.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/kmap.h"
#include "mm/page_alloc.h"

#define TAG_SHIFT	52
#define TAG_MASK	0x7ful
#define TOMBSTONE	BIT(9)
#define IP_SHIFT	12 /* low 32 bits of the freeing address; text lies in the top 2 GiB */
#define QUARANTINE	64u
#define DEAD_TABLES_MAX 8u
#define NR_PUD		((SLAB_WINDOW_END - SLAB_WINDOW_BASE) >> 30)

/*
 * Accessed and dirty from the start: a page walk then writes nothing, and the world's frames hold
 * only what its code stored.
 */
#define WINDOW_TABLE (KM_PRESENT | KM_WRITE | KM_ACCESSED)
#define WINDOW_PAGE  (KMAP_RW_LOCAL | KM_ACCESSED | KM_DIRTY)

/* Field key: [L] lock */
static struct {
	spinlock_t lock;
	unsigned long next;	 /* [L] first address never used */
	struct page *quarantine; /* [L] frames chained by lru.next */
	unsigned nr_quarantined; /* [L] */
	struct list_head dead;	 /* [L] dead tables, oldest first */
	unsigned nr_dead;	 /* [L] */
	u64 pud[NR_PUD];	 /* [L] what the kernel\'s own table holds for the window */
} window;

void (*window_flush_hook)(unsigned long start, unsigned long end);

static u64 *table_below(u64 entry)
{
	return entry & KM_PRESENT ? phys_to_virt(PHYS(entry & KM_ADDR)) : NULL;
}

/* The kernel's own entries for the window; the table below its root is boot's. */
static u64 *window_pud(unsigned long va)
{
	u64 *pgd = phys_to_virt(kernel_pgd);
	u64 *pud = table_below(pgd[va >> 39 & 511]);

	BUG_ON(!pud);
	return &pud[va >> 30 & 511];
}

static u64 *window_pmd(unsigned long va)
{
	u64 *pmd = table_below(*window_pud(va));

	return pmd ? &pmd[va >> 21 & 511] : NULL;
}

static u64 *window_pte(unsigned long va)
{
	u64 *pmd = window_pmd(va), *pte = pmd ? table_below(*pmd) : NULL;

	return pte ? &pte[va >> 12 & 511] : NULL;
}

void window_resume(unsigned long end)
{
	u64 *pud = window_pud(SLAB_WINDOW_BASE);
	unsigned nr = (unsigned)((ALIGN_UP(end, 1ul << 30) - SLAB_WINDOW_BASE) >> 30);

	for (unsigned i = 0; i < nr; i++) {
		if (pud[i] != window.pud[i])
			pud[i] = window.pud[i];
	}
}

u64 *window_pte_of(unsigned long va)
{
	return window_pte(va);
}

void window_world_init(void)
{
	spin_lock_init(&window.lock, LC_KMAP);
	window.next = SLAB_WINDOW_BASE;
	window.quarantine = NULL;
	window.nr_quarantined = 0;
	INIT_LIST_HEAD(&window.dead);
	window.nr_dead = 0;
	for (unsigned i = 0; i < NR_PUD; i++)
		window.pud[i] = 0;
	window_resume(SLAB_WINDOW_END);
}

/* Hook a zeroed table below @entry unless there is one: its address, or NULL. */
static u64 *table_make(u64 *entry) REQUIRES(window.lock)
{
	struct page *table;

	if (!(*entry & KM_PRESENT)) {
		table = alloc_page(GFP_NOWAIT | __GFP_ZERO | GFP_FOR(FK_WINDOW));
		if (!table)
			return NULL;
		table->aux = 0;
		*entry = page_to_phys(table).v | WINDOW_TABLE;
	}
	return table_below(*entry);
}

static u64 *pte_make(unsigned long va) REQUIRES(window.lock)
{
	unsigned i = (va - SLAB_WINDOW_BASE) >> 30;
	u64 *pmd = table_make(&window.pud[i]), *entry, *pte;
	bool fresh;

	if (!pmd)
		return NULL;
	/* Not stored again: window_lookup() reads it without the lock. */
	if (*window_pud(va) != window.pud[i])
		*window_pud(va) = window.pud[i];
	entry = &pmd[va >> 21 & 511];
	fresh = !*entry;
	pte = table_make(entry);
	if (!pte)
		return NULL;
	virt_to_page(pmd)->aux += fresh;
	return &pte[va >> 12 & 511];
}

void *window_map(struct page *page, unsigned tag)
{
	unsigned long va;
	u64 *pte;

	spin_lock(&window.lock);
	va = window.next;
	pte = va < SLAB_WINDOW_END ? pte_make(va) : NULL;
	if (pte) {
		window.next = va + WINDOW_STEP;
		virt_to_page(pte)->aux++;
		*pte = page_to_phys(page).v | WINDOW_PAGE | (u64)tag << TAG_SHIFT;
	}
	spin_unlock(&window.lock);
	return pte ? (void *)va : NULL;
}

/* The table of @va has no mapped page and no unused address left. */
static void table_dies(unsigned long va, struct page *table) REQUIRES(window.lock)
{
	table->index = ALIGN_DOWN(va, LARGE_PAGE_SIZE);
	list_add_tail(&table->lru, &window.dead);
	window.nr_dead++;
}

/* The pmd table of @va, if there is one and nothing is below it, is unhooked and joins @chain. */
static struct page *pmd_bury(unsigned long va, struct page *chain) REQUIRES(window.lock)
{
	u64 *entry = va < SLAB_WINDOW_END ? window_pmd(va) : NULL;
	struct page *pmd = entry ? virt_to_page(entry) : NULL;

	if (!pmd || pmd->aux)
		return chain;
	window.pud[(va - SLAB_WINDOW_BASE) >> 30] = 0;
	*window_pud(va) = 0;
	pmd->lru.next = (struct list_head *)chain;
	return pmd;
}

static struct page *table_bury(struct page *table, struct page *chain) REQUIRES(window.lock)
{
	u64 *entry = window_pmd(table->index);

	*entry = 0;
	virt_to_page(entry)->aux--;
	table->lru.next = (struct list_head *)chain;
	return pmd_bury(table->index, table);
}

/* Dead tables beyond the newest @keep leave the tree; chained by lru.next before @chain. */
static struct page *tables_bury(unsigned keep, struct page *chain) REQUIRES(window.lock)
{
	while (window.nr_dead > keep) {
		struct page *table = list_first_entry(&window.dead, struct page, lru);

		list_unlink(&table->lru);
		window.nr_dead--;
		chain = table_bury(table, chain);
	}
	return chain;
}

/*
 * The table in which addresses are handed out, if it maps nothing now: its other addresses are
 * given up.
 */
static void current_dies(void) REQUIRES(window.lock)
{
	u64 *pte = window.next & (LARGE_PAGE_SIZE - 1) ? window_pte(window.next) : NULL;
	struct page *table = pte ? virt_to_page(pte) : NULL;

	if (table && table->aux == 0) {
		table_dies(window.next, table);
		window.next = ALIGN_UP(window.next, LARGE_PAGE_SIZE);
	}
}

/* What was unmapped so far becomes unreachable, then free. */
static void window_flush(unsigned keep_dead)
{
	struct page *page;
	unsigned long end;

	spin_lock(&window.lock);
	if (!keep_dead)
		current_dies();
	page = tables_bury(keep_dead, window.quarantine);
	if (!keep_dead)
		page = pmd_bury(window.next,
				page); /* made for a page that then could not be mapped */
	window.quarantine = NULL;
	window.nr_quarantined = 0;
	end = window.next;
	spin_unlock(&window.lock);

	if (!page)
		return;
	if (window_flush_hook)
		window_flush_hook(SLAB_WINDOW_BASE, end);
	while (page) {
		struct page *next = (struct page *)page->lru.next;

		page->aux = 0;
		free_page(page);
		page = next;
	}
}

void window_unmap(void *va, void *ip)
{
	unsigned long at = (unsigned long)va;
	struct page *page, *table;
	bool flush;
	u64 *pte;

	spin_lock(&window.lock);
	pte = window_pte(at);
	ASSERT(pte && (*pte & KM_PRESENT));
	page = phys_to_page(PHYS(*pte & KM_ADDR));
	*pte = (*pte & TAG_MASK << TAG_SHIFT) | TOMBSTONE | (u64)(u32)(unsigned long)ip << IP_SHIFT;
	invlpg(va);
	page->lru.next = (struct list_head *)window.quarantine;
	window.quarantine = page;
	flush = ++window.nr_quarantined >= QUARANTINE;
	table = virt_to_page(pte);
	if (--table->aux == 0 && window.next >= ALIGN_DOWN(at, LARGE_PAGE_SIZE) + LARGE_PAGE_SIZE)
		table_dies(at, table);
	spin_unlock(&window.lock);

	/* Others may wait for this vCPU with interrupts off; the next free flushes as well. */
	if (flush && !irqs_disabled())
		window_flush(DEAD_TABLES_MAX);
}

unsigned long window_next(void)
{
	return window.next;
}

struct window_entry window_lookup(unsigned long va)
{
	struct window_entry found = {.mapped = false};
	u64 *pte, entry;

	if (va < SLAB_WINDOW_BASE || va >= SLAB_WINDOW_END)
		return found;
	pte = window_pte(va);
	entry = pte ? *pte : 0;
	found.tag = entry >> TAG_SHIFT & TAG_MASK;
	if (entry & KM_PRESENT) {
		found.mapped = true;
		found.page = phys_to_page(PHYS(entry & KM_ADDR));
	} else if (entry & TOMBSTONE) {
		found.was_mapped = true;
		found.free_ip = 0xffffffff00000000ul | (u32)(entry >> IP_SHIFT);
	}
	return found;
}

void window_settle(void)
{
	window_flush(0);
}
