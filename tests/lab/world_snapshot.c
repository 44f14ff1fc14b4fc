/*
 * world_snapshot.c - remembering a world and coming back to it. See world.h for the rule.
 *
 * Owns: which pages are state, their copies, the way back, the hash that proves it.
 * Not here: making a world, the interactive system set aside (world.c).
 *
 * Idea: a page that one run has written will be written by most. So a page often found dirty is hot
 *       from then on: copied back after every run, its dirty bit left standing. The dirty bits of
 *       the others are clear, hence nothing has to be cleared, and no translation be flushed,
 *       between two runs that write the same pages. What few runs write is cleaned each time.
 * Invariant: after a restore every page of live[] holds its copy, and every page that is not hot is
 *       clean. The cost of a restore follows what the run wrote, not the size of the world.
 */
#include "tests/lab/world_internal.h"

#include <errno.h>
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

#define HOT_SHARE 8 /* a page is hot when more than one run in so many has written it */

/* Changes of the kernel's own mapping that the snapshot knows of. */
static unsigned long mapping_seen;
static unsigned long window_seen; /* first unused address of the slab window at the snapshot */

static struct {
	unsigned long low, end;
} dead[LAB_MAX_ENTITIES]; /* parts of stacks that are no state */
static unsigned nr_dead;

static u16 live_of[CHUNKS_MAX * CHUNK]; /* by frame of the arena: index in live[] + 1; 0: none */
static u16 noted[LIVE_MAX];
static unsigned nr_noted;
static unsigned restores; /* usual ones since the snapshot */

bool world_forgets_a_page;

FAULT_SITE(lab_broken, "the lab finds an invariant of its own broken, which is a panic");

/* ---- which pages are state ---- */

/* What the allocator says of each frame of the arena: an enum frame_kind, or this. */
#define UNMANAGED 255
static u8 use_of[CHUNKS_MAX * CHUNK];

/* Only the first frame of a block says what the block is: go from block to block. */
static void walk_frames(void)
{
	unsigned long base = arena_phys.v >> PAGE_SHIFT;
	unsigned long nr = world_layout.arena_used >> PAGE_SHIFT;

	for (unsigned long i = 0; i < nr;) {
		const struct page *page = pfn_to_page(base + i);
		unsigned long len = 1;

		if (!frames_manages(base + i)) {
			use_of[i++] = UNMANAGED;
			continue;
		}
		if (page->kind != FK_FREE)
			len = 1ul << page->order;
		memset(use_of + i, page->kind, min(len, nr - i));
		i += len;
	}
}

static unsigned long frame_of(const char *va)
{
	return (unsigned long)(va - world_arena()) >> PAGE_SHIFT;
}

static bool in_arena(const char *va)
{
	return va >= world_arena() && va < world_arena() + world_layout.arena_used;
}

static unsigned use_at(const char *va)
{
	return in_arena(va) ? use_of[frame_of(va)] : UNMANAGED;
}

/*
 * Is page @j of @c part of the state? Frames the allocator has no struct page for are its own
 * structures and vCPU areas, if ever written, or not grown over yet.
 */
static bool page_in_use(const struct chunk *c, unsigned j)
{
	const char *va = c->va + j * PAGE_SIZE;
	unsigned use = use_at(va);

	if (!(c->pte[j] & KM_PRESENT))
		return false;
	if (use == UNMANAGED)
		return !in_arena(va) || c->pte[j] & KM_DIRTY;
	return use != FK_FREE && use != FK_BUDDY;
}

static enum live_kind kind_of(unsigned use)
{
	if (use == FK_TABLE || (use >= FK_ANON && use != UNMANAGED))
		return LIVE_WALKED;
	return use == FK_WINDOW ? LIVE_WINDOW : LIVE_PLAIN;
}

static void find_dead_stacks(void)
{
	unsigned long low, end;

	nr_dead = 0;
	for (unsigned i = 0; lockstep_dead_stack(i, &low, &end); i++) {
		unsigned use = use_at((char *)low);

		/* The memory of a thread that has ended may be anything by now. */
		if (end < low || (use != FK_STACK && use != UNMANAGED))
			continue;
		dead[nr_dead].low = low;
		dead[nr_dead++].end = ALIGN_DOWN(end, 64);
	}
}

/* The first byte of the page at @va that is state. */
static unsigned state_from(const char *va)
{
	unsigned long at = (unsigned long)va;

	if (use_at(va) == FK_SLAB)
		return ALIGN_DOWN(slab_page_used_from(page_head(virt_to_page(va))), 64u);
	for (unsigned i = 0; i < nr_dead; i++)
		if (dead[i].low <= at && at < dead[i].end)
			return (unsigned)min(dead[i].end - at, PAGE_SIZE);
	return 0;
}

/* ---- snapshot ---- */

/*
 * From byte @from to the end of the page, by eight words a turn: an emulator carries this out
 * faster than string or vector instructions.
 */
static void copy_frame(void *to, const void *src, unsigned from)
{
	u64 *d = to;
	const u64 *s = src;

	for (unsigned i = from / 8; i < PAGE_SIZE / 8; i += 8) {
		u64 a0 = s[i], a1 = s[i + 1], a2 = s[i + 2], a3 = s[i + 3];
		u64 a4 = s[i + 4], a5 = s[i + 5], a6 = s[i + 6], a7 = s[i + 7];

		d[i] = a0, d[i + 1] = a1, d[i + 2] = a2, d[i + 3] = a3;
		d[i + 4] = a4, d[i + 5] = a5, d[i + 6] = a6, d[i + 7] = a7;
	}
}

static int keep_page(char *va, u64 *pte)
{
	struct world_snap *s = &world_snap;
	unsigned from = state_from(va);
	struct live_page *live = &s->live[s->nr_live];

	if (from == PAGE_SIZE)
		return 0;
	if (s->nr_live == s->max_live)
		return -ENOMEM;
	*live = (struct live_page){.va = va,
				   .pte = pte,
				   .copy = live->copy,
				   .from = (u16)from,
				   .kind = kind_of(use_at(va))};
	if (in_arena(va))
		live_of[frame_of(va)] = (u16)(s->nr_live + 1);
	s->nr_live++;
	return 0;
}

static int keep_chunk(struct chunk *c)
{
	int err = 0;

	for (unsigned j = 0; j < c->nr && !err; j++) {
		c->snap[j] = c->pte[j] & ~KM_AD;
		if (page_in_use(c, j))
			err = keep_page(c->va + j * PAGE_SIZE, &c->pte[j]);
	}
	return err;
}

/* Pages of the slab window have a second dirty bit. */
static void find_windowed(void)
{
	window_seen = window_next();
	for (unsigned long va = SLAB_WINDOW_BASE; va < window_seen; va += WINDOW_STEP) {
		struct window_entry entry = window_lookup(va);
		struct live_page *live;

		if (!entry.mapped)
			continue;
		live = &world_snap.live[live_of[frame_of(page_address(entry.page))] - 1];
		live->kind = LIVE_WINDOWED;
		live->window_va = (char *)va;
		live->window_pte = window_pte_of(va);
		*live->window_pte &= ~KM_DIRTY;
		live->window_was = *live->window_pte;
	}
}

/*
 * Tables of the slab window come last, and stay behind all others that are cold: what they say of
 * a page is asked before they are put back.
 */
static void make_order(void)
{
	struct world_snap *s = &world_snap;
	unsigned nr = 0;

	for (unsigned i = 0; i < s->nr_live; i++)
		if (s->live[i].kind != LIVE_WINDOW)
			s->order[nr++] = (u16)i;
	for (unsigned i = 0; i < s->nr_live; i++)
		if (s->live[i].kind == LIVE_WINDOW)
			s->order[nr++] = (u16)i;
}

int world_snapshot(void)
{
	struct world_snap *s = &world_snap;
	int err = 0;

	s->nr_live = s->nr_hot = 0;
	nr_noted = restores = 0;
	memset(live_of, 0, sizeof(live_of));
	walk_frames();
	find_dead_stacks();
	for (unsigned i = 0; i < s->nr_chunks && !err; i++)
		err = keep_chunk(s->chunk[i]);
	if (err)
		return err;
	find_windowed();
	make_order();
	for (unsigned i = 0; i < s->nr_live; i++)
		copy_frame(s->live[i].copy, s->live[i].va, s->live[i].from);
	mapping_seen = kmap_changes;
	lockstep_save();
	world_clear_dirty();
	return 0;
}

/* ---- what user accesses went through ---- */

void world_note_frame(unsigned long pfn)
{
	unsigned long frame = pfn - (arena_phys.v >> PAGE_SHIFT);
	unsigned i = frame < ARRAY_SIZE(live_of) ? live_of[frame] : 0;

	if (i == 0 || world_snap.live[i - 1].noted)
		return;
	world_snap.live[i - 1].noted = true;
	noted[nr_noted++] = (u16)(i - 1);
}

/* ---- restore ---- */

static void restore_entry(struct chunk *c, unsigned j)
{
	if (((c->pte[j] ^ c->snap[j]) & ~KM_AD) == 0)
		return;
	/* Dirty, since what happened to the page is not known any more. */
	c->pte[j] = c->snap[j] | (c->snap[j] & KM_PRESENT ? KM_DIRTY : 0);
	invlpg(c->va + j * PAGE_SIZE);
}

static void restore_entry_at(const u64 *pte)
{
	for (unsigned i = 0; i < world_snap.nr_chunks; i++) {
		struct chunk *c = world_snap.chunk[i];

		if (pte >= c->pte && pte < c->pte + c->nr)
			restore_entry(c, (unsigned)(pte - c->pte));
	}
}

/* Stack guards that came or went. Their entries may be global, so each is flushed by itself. */
static void restore_mapping(bool usual)
{
	if (usual && kmap_changes - mapping_seen <= KMAP_CHANGED_MAX) {
		while (mapping_seen != kmap_changes)
			restore_entry_at(kmap_changed[mapping_seen++ % KMAP_CHANGED_MAX]);
		return;
	}
	for (unsigned i = 0; i < world_snap.nr_chunks; i++)
		for (unsigned j = 0; j < world_snap.chunk[i]->nr; j++)
			restore_entry(world_snap.chunk[i], j);
	mapping_seen = kmap_changes;
}

static void copy_back(const struct live_page *page)
{
	copy_frame(page->va, page->copy, page->from);
}

/* A page that most runs leave alone stays cold: it is clean again. */
static void restore_once(struct live_page *page)
{
	copy_back(page);
	if (*page->pte & KM_DIRTY) {
		*page->pte &= ~KM_AD;
		invlpg(page->va);
	}
	if (page->kind == LIVE_WINDOWED) {
		*page->window_pte = page->window_was;
		invlpg(page->window_va);
	}
}

static bool is_dirty(const struct live_page *page)
{
	if (*page->pte & KM_DIRTY)
		return true;
	/* Unmapped in between, or written. */
	return page->kind == LIVE_WINDOWED &&
	       (*page->window_pte & (KM_PRESENT | KM_DIRTY)) != KM_PRESENT;
}

static void swap_order(unsigned i, unsigned j)
{
	u16 *order = world_snap.order, was = order[i];

	order[i] = order[j];
	order[j] = was;
}

/* Cold pages that were written. Returns how many were copied and stay cold. */
static unsigned restore_cold(bool usual)
{
	struct world_snap *s = &world_snap;
	unsigned once = 0;

	for (unsigned i = s->nr_hot; i < s->nr_live; i++) {
		struct live_page *page = &s->live[s->order[i]];

		if (likely(!is_dirty(page)) && (usual || page->kind == LIVE_PLAIN))
			continue;
		if (usual && ++page->hits * HOT_SHARE > restores + HOT_SHARE) {
			swap_order(i, s->nr_hot++);
			continue;
		}
		restore_once(page);
		once++;
	}
	return once;
}

static unsigned restore_noted(void)
{
	unsigned nr = nr_noted;

	for (unsigned i = 0; i < nr_noted; i++) {
		struct live_page *page = &world_snap.live[noted[i]];

		page->noted = false;
		copy_back(page);
	}
	nr_noted = 0;
	return nr;
}

static unsigned restore_pages(bool usual)
{
	struct world_snap *s = &world_snap;
	unsigned nr = restore_cold(usual);

	nr += restore_noted();
	for (unsigned i = 0; i + world_forgets_a_page < s->nr_hot; i++)
		copy_back(&s->live[s->order[i]]);
	return nr + s->nr_hot;
}

/*
 * Window pages that the run mapped: their translations are not the snapshot's. (Those it unmapped
 * were flushed then.)
 */
static void forget_window(unsigned long end)
{
	if (end == window_seen)
		return;
	window_resume(max(end, window_seen));
	if (end - window_seen > 64 * WINDOW_STEP)
		cpu_flush_tlb_all();
	else
		for (unsigned long va = window_seen; va < end; va += WINDOW_STEP)
			invlpg((void *)va);
}

unsigned world_restore(bool usual)
{
	unsigned long window_end = window_next();
	unsigned nr;

	ASSERT(!fault_should_fail(&fault_site_lab_broken, 0));
	if (kmap_changes != mapping_seen || !usual)
		restore_mapping(usual);
	restores += usual;
	nr = restore_pages(usual);
	if (usual) {
		forget_window(window_end);
	} else {
		mm_world_resume();
		cpu_flush_tlb_all();
	}
	if (read_cr3() != kernel_pgd.v)
		write_cr3(kernel_pgd.v);
	this_pcpu()->loaded_cr3 = kernel_pgd.v;
	lockstep_load();
	return nr;
}

/* ---- proof ---- */

#define HASH_PRIME 0x100000001b3ull

static u64 hash_page(const struct live_page *page)
{
	const u64 *word = (const u64 *)page->va;
	u64 keep = page->kind == LIVE_WINDOW ? ~KM_AD : ~0ull;
	u64 h = (u64)page->va;

	for (unsigned i = page->from / 8; i < PAGE_SIZE / 8; i++)
		h = (h ^ (word[i] & keep)) * HASH_PRIME;
	return h;
}

static u64 hash_mapping(u64 h, const struct chunk *c)
{
	for (unsigned j = 0; j < c->nr; j++)
		h = (h ^ (c->pte[j] & ~KM_AD)) * HASH_PRIME;
	return h;
}

u64 world_hash(void)
{
	u64 h = 0xcbf29ce484222325ull;

	for (unsigned i = 0; i < world_snap.nr_chunks; i++)
		h = hash_mapping(h, world_snap.chunk[i]);
	for (unsigned i = 0; i < world_snap.nr_live; i++)
		h = (h ^ hash_page(&world_snap.live[i])) * HASH_PRIME;
	return h;
}

static void spoil(unsigned long from, unsigned long to)
{
	static u64 different = 0x5eed5eed5eed5eedull;

	for (unsigned long at = ALIGN_UP(from, 8ul); at < to; at += 8)
		*(u64 *)at = different += HASH_PRIME;
}

void world_spoil(void)
{
	for (unsigned i = 0; i < nr_dead; i++)
		spoil(dead[i].low, dead[i].end);
	for (unsigned i = 0; i < world_snap.nr_live; i++)
		if (world_snap.live[i].kind == LIVE_WINDOWED)
			spoil((unsigned long)world_snap.live[i].va,
			      (unsigned long)world_snap.live[i].va + world_snap.live[i].from);
}
