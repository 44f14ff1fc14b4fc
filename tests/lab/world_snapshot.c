/*
 * world_snapshot.c - remembering a world and coming back to it. See world.h for the rule.
 *
 * Owns: which pages are state, their copies, the way back, the hash that proves it.
 * Not here: making a world, the interactive system set aside (world.c).
 *
 * Idea: a page that one run has written will be written by most. So a page once found dirty is hot
 *       from then on: copied back after every run, its dirty bit left standing. The dirty bits of
 *       the others are still clear, hence nothing has to be cleared, and no translation be
 *       flushed, between two runs that write the same pages. What an unusual run (a settling
 *       judge, a bad end) writes beyond that is cleaned and stays cold.
 * Invariant: after a restore every page of live[] holds its copy, and every page that is not hot is
 *       clean.
 */
#include "tests/lab/world_internal.h"

#include <string.h>

#include "kernel/core/bug.h"
#include "kernel/core/fault.h"
#include "kernel/x86/boot_info.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/pcpu.h"
#include "mm/page_alloc.h"
#include "mm/window.h"
#include "mm/world.h"
#include "tests/lab/lockstep.h"

/* Changes of the kernel's own mapping that the snapshot knows of. */
static unsigned long mapping_seen;

bool world_forgets_a_page;

FAULT_SITE(lab_broken, "the lab finds an invariant of its own broken, which is a panic");

/* ---- which pages are state ---- */

/* What the allocator says of each frame of the arena, as found by walk_frames(). */
enum frame_use { USE_FREE, USE_KERNEL, USE_ALIASED, USE_UNMANAGED };
static u8 use_of[CHUNKS_MAX * CHUNK];

static enum frame_use use_by_kind(const struct page *page)
{
	if (page->kind == FK_FREE || page->kind == FK_BUDDY)
		return USE_FREE;
	if (page->kind == FK_TABLE || page->kind == FK_WINDOW || page->kind >= FK_ANON ||
	    (page->kind == FK_SLAB && world_layout.slab == SLAB_LAYOUT_WINDOW))
		return USE_ALIASED;
	return USE_KERNEL;
}

/* Only the first frame of a block says what the block is: go from block to block. */
static void walk_frames(void)
{
	unsigned long base = arena_phys.v >> PAGE_SHIFT;
	unsigned long nr = world_layout.arena_used >> PAGE_SHIFT;

	for (unsigned long i = 0; i < nr;) {
		const struct page *page = pfn_to_page(base + i);
		unsigned long len = 1;

		if (!frames_manages(base + i)) {
			use_of[i++] = USE_UNMANAGED;
			continue;
		}
		if (page->kind != FK_FREE)
			len = 1ul << page->order;
		memset(use_of + i, use_by_kind(page), min(len, nr - i));
		i += len;
	}
}

/*
 * Is page @j of @c part of the state, and may it be written through another mapping? Frames the
 * allocator has no struct page for are its own structures and vCPU areas, if ever written, or not
 * grown over yet.
 */
static bool page_in_use(const struct chunk *c, unsigned j, bool *aliased)
{
	const char *va = c->va + j * PAGE_SIZE;
	enum frame_use use;

	*aliased = false;
	if (va >= __world_start && va < __world_end)
		return true;
	use = use_of[(unsigned long)(va - world_arena()) >> PAGE_SHIFT];
	*aliased = use == USE_ALIASED;
	return use == USE_UNMANAGED ? c->pte[j] & KM_DIRTY : use != USE_FREE;
}

/* ---- snapshot ---- */

/*
 * By eight words a turn: an emulator carries this out several times faster than a string
 * instruction, which it takes one word at a time.
 */
static void copy_frame(void *to, const void *from)
{
	u64 *d = to;
	const u64 *s = from;

	for (unsigned i = 0; i < PAGE_SIZE / 8; i += 8) {
		u64 a0 = s[i], a1 = s[i + 1], a2 = s[i + 2], a3 = s[i + 3];
		u64 a4 = s[i + 4], a5 = s[i + 5], a6 = s[i + 6], a7 = s[i + 7];

		d[i] = a0, d[i + 1] = a1, d[i + 2] = a2, d[i + 3] = a3;
		d[i + 4] = a4, d[i + 5] = a5, d[i + 6] = a6, d[i + 7] = a7;
	}
}

/* live[@i] becomes hot. */
static void make_hot(unsigned i)
{
	struct world_snap *s = &world_snap;
	struct live_page page = s->live[i];

	s->live[i] = s->live[s->nr_hot];
	s->live[s->nr_hot++] = page;
}

static void keep_page(char *va, u64 *pte, bool aliased)
{
	struct world_snap *s = &world_snap;
	struct live_page *page = &s->live[s->nr_live];

	ASSERT(s->nr_live < s->max_live);
	page->va = va;
	page->pte = pte;
	copy_frame(page->copy, va);
	s->nr_live++;
	if (aliased)
		make_hot(s->nr_live - 1);
}

static void snapshot_chunk(struct chunk *c)
{
	for (unsigned j = 0; j < c->nr; j++) {
		bool aliased, live = page_in_use(c, j, &aliased);

		c->snap[j] = c->pte[j] & ~KM_AD;
		if (live && c->pte[j] & KM_PRESENT)
			keep_page(c->va + j * PAGE_SIZE, &c->pte[j], aliased);
	}
}

void world_snapshot(void)
{
	world_snap.nr_live = world_snap.nr_hot = 0;
	walk_frames();
	for (unsigned i = 0; i < world_snap.nr_chunks; i++)
		snapshot_chunk(world_snap.chunk[i]);
	mapping_seen = kmap_changes;
	lockstep_save();
	world_clear_dirty();
}

/* ---- restore ---- */

/* Stack guards that came or went. Their entries may be global, so each is flushed by itself. */
static void restore_mapping(void)
{
	for (unsigned i = 0; i < world_snap.nr_chunks; i++) {
		struct chunk *c = world_snap.chunk[i];

		for (unsigned j = 0; j < c->nr; j++) {
			if (((c->pte[j] ^ c->snap[j]) & ~KM_AD) == 0)
				continue;
			/* Dirty, since what happened to the page is not known any more. */
			c->pte[j] = c->snap[j] | (c->snap[j] & KM_PRESENT ? KM_DIRTY : 0);
			invlpg(c->va + j * PAGE_SIZE);
		}
	}
	mapping_seen = kmap_changes;
}

/* A page that most runs leave alone: it stays cold. */
static void restore_once(const struct live_page *page)
{
	copy_frame(page->va, page->copy);
	*page->pte &= ~KM_AD;
}

static unsigned restore_pages(bool usual)
{
	struct world_snap *s = &world_snap;
	unsigned once = 0;

	for (unsigned i = s->nr_hot; i < s->nr_live; i++) {
		if (likely(!(*s->live[i].pte & KM_DIRTY)))
			continue;
		if (usual)
			make_hot(i);
		else
			restore_once(&s->live[i]), once++;
	}
	for (unsigned i = 0; i + world_forgets_a_page < s->nr_hot; i++)
		copy_frame(s->live[i].va, s->live[i].copy);
	return once;
}

unsigned world_restore(bool usual)
{
	unsigned long window_end = window_next();
	unsigned once;

	ASSERT(!fault_should_fail(&fault_site_lab_broken, 0));
	if (kmap_changes != mapping_seen)
		restore_mapping();
	once = restore_pages(usual);
	/*
	 * The run may have left translations that the snapshot's tables do not have: of window
	 * pages it mapped (those it unmapped were flushed then), and of user addresses.
	 */
	if (!usual || window_next() != window_end) {
		mm_world_resume();
		cpu_flush_tlb_all();
	}
	if (read_cr3() != kernel_pgd.v)
		write_cr3(kernel_pgd.v);
	this_pcpu()->loaded_cr3 = kernel_pgd.v;
	lockstep_load();
	return world_snap.nr_hot + once;
}

/* ---- proof ---- */

static u64 hash_page(u64 h, const void *page)
{
	const u64 *word = page;

	for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
		h = (h ^ word[i]) * 0x100000001b3ull;
	return h;
}

static u64 hash_mapping(u64 h, const struct chunk *c)
{
	for (unsigned j = 0; j < c->nr; j++)
		h = (h ^ (c->pte[j] & ~KM_AD)) * 0x100000001b3ull;
	return h;
}

/* The order of live[] changes as pages become hot, so pages are summed up. */
u64 world_hash(void)
{
	u64 h = 0xcbf29ce484222325ull, sum = 0;

	for (unsigned i = 0; i < world_snap.nr_chunks; i++)
		h = hash_mapping(h, world_snap.chunk[i]);
	for (unsigned i = 0; i < world_snap.nr_live; i++)
		sum += hash_page((u64)world_snap.live[i].va, world_snap.live[i].va);
	return h ^ sum;
}
