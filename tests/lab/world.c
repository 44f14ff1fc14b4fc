/*
 * world.c - making, snapshotting and restoring a world. See world.h.
 *
 * Layout of the arena, from its start: vCPU areas, the stacks of idle threads, then everything for
 * the frame allocator. All of it lies at the same addresses on every machine, so the same scenario
 * builds the same world whatever --mem and --smp are and whatever ran before.
 */
#include "tests/lab/world.h"

#include <errno.h>
#include <string.h>

#include "kernel/core/bug.h"
#include "kernel/core/preempt.h"
#include "kernel/core/stop.h"
#include "kernel/sched/kthread.h"
#include "kernel/sched/sched.h"
#include "kernel/x86/boot_info.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/kmap.h"
#include "kernel/x86/pcpu.h"
#include "mm/observer.h"
#include "mm/page_alloc.h"
#include "mm/window.h"
#include "mm/world.h"
#include "tests/lab/lockstep.h"

#define IDLE_BLOCK	 (2 * PAGE_SIZE)
#define CHUNK		 512 /* pages under one table */
#define CHUNKS_MAX	 64
#define KM_AD		 (KM_ACCESSED | KM_DIRTY)
#define WINDOW_FLUSH_MAX 64 /* pages; above, everything is flushed */

/*
 * In chunk.snap: the page is also written through mappings whose dirty bits are elsewhere. A bit
 * that no entry has, so that one comparison finds changed entries, dirty pages, and these.
 */
#define ALWAYS (1ul << 58)

/* Pages whose entries lie in one table, and what they held at the snapshot. */
struct chunk {
	char *va;
	unsigned nr;
	u64 *pte;
	u64 snap[CHUNK]; /* entry at the snapshot, accessed and dirty bits off; ALWAYS: see below */
	u8 *copy[CHUNK]; /* contents at the snapshot; NULL: the page was free */
};

/* Host side: none of this is part of a world. */
static struct chunk *chunks[CHUNKS_MAX];
static unsigned nr_chunks;

static u8 **pool; /* frames of the interactive system that hold the copies */
static unsigned pool_nr, pool_used;

static struct {
	u8 *world; /* .world of the interactive system */
	struct vcpu *vcpus[MAX_VCPUS];
	unsigned nr_vcpus;
	const struct sched_ops *ops;
	void (*preempt)(void);
	const struct mm_observer *observer;
} aside;

static size_t arena_used; /* bytes of the arena this world has */
static enum slab_layout layout;

static char *arena_base(void)
{
	return phys_to_virt(arena_phys);
}

size_t world_arena_bytes(void)
{
	return arena_bytes;
}

static size_t world_section_bytes(void)
{
	return (size_t)(__world_end - __world_start);
}

bool world_offset(unsigned long addr, const char **part, unsigned long *offset)
{
	unsigned long arena = (unsigned long)arena_base();

	if (addr >= (unsigned long)__world_start && addr < (unsigned long)__world_end) {
		*part = "world";
		*offset = addr - (unsigned long)__world_start;
		return true;
	}
	*part = "arena";
	*offset = addr - arena;
	return addr >= arena && addr < arena + arena_bytes;
}

/* ---- the interactive system set aside ---- */

static void free_buffers(void)
{
	while (pool_nr > 0)
		free_page(virt_to_page(pool[--pool_nr]));
	if (pool)
		free_pages(virt_to_page(pool), 3);
	pool = NULL;
	for (unsigned i = 0; i < CHUNKS_MAX; i++) {
		if (chunks[i])
			free_pages(virt_to_page(chunks[i]), 2);
		chunks[i] = NULL;
	}
	if (aside.world)
		free_pages(virt_to_page(aside.world), MAX_ORDER - 2);
	aside.world = NULL;
}

_Static_assert(sizeof(struct chunk) <= 4 * PAGE_SIZE, "a chunk is four frames");

static int alloc_chunks(unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		struct page *page = alloc_pages(GFP_KERNEL, 2);

		if (!page)
			return -ENOMEM;
		chunks[i] = page_address(page);
	}
	return 0;
}

/* Everything a session needs, from the interactive system, before it is set aside. */
static int alloc_buffers(void)
{
	unsigned pages = (unsigned)((arena_bytes + world_section_bytes()) >> PAGE_SHIFT);
	struct page *table = alloc_pages(GFP_KERNEL, 3);
	struct page *image = alloc_pages(GFP_KERNEL, MAX_ORDER - 2);

	pool_nr = 0;
	pool = table ? page_address(table) : NULL;
	aside.world = image ? page_address(image) : NULL;
	if (!pool || !aside.world || alloc_chunks(pages / CHUNK + 2) != 0) {
		free_buffers();
		return -ENOMEM;
	}
	while (pool_nr < min(pages, (unsigned)(8 * PAGE_SIZE / sizeof(*pool)))) {
		struct page *page = alloc_page(GFP_KERNEL);

		if (!page) {
			free_buffers();
			return -ENOMEM;
		}
		pool[pool_nr++] = page_address(page);
	}
	return 0;
}

int world_enter(const char **why)
{
	*why = "this machine has no lab arena: give it --mem 64M or more";
	if (arena_bytes == 0)
		return -ENXIO;
	*why = "not enough memory to set the system aside";
	if (world_section_bytes() > PAGE_SIZE_ORDER(MAX_ORDER - 2) || alloc_buffers() != 0)
		return -ENOMEM;
	cpus_park();
	static_key_set(&lockstep_key, true);
	memcpy(aside.world, __world_start, world_section_bytes());
	memcpy(aside.vcpus, vcpu_table, sizeof(aside.vcpus));
	aside.nr_vcpus = nr_vcpus;
	aside.ops = sched_ops;
	aside.preempt = preempt_hook;
	aside.observer = mm_observer;
	sched_ops = &lockstep_ops;
	preempt_hook = lockstep_preempt;
	return 0;
}

void world_leave(void)
{
	memcpy(__world_start, aside.world, world_section_bytes());
	memcpy(vcpu_table, aside.vcpus, sizeof(aside.vcpus));
	nr_vcpus = aside.nr_vcpus;
	sched_ops = aside.ops;
	preempt_hook = aside.preempt;
	mm_observer = aside.observer;
	pcpu_load_cr3(kernel_pgd);
	mm_world_resume();
	cpu_flush_tlb_all();
	static_key_set(&lockstep_key, false);
	cpus_release();
	free_buffers();
}

/* ---- making a world ---- */

static struct chunk *add_chunk(char *va, unsigned nr)
{
	struct chunk *c = chunks[nr_chunks++];

	memset(c, 0, sizeof(*c));
	c->va = va;
	c->nr = nr;
	c->pte = kmap_pte((unsigned long)va);
	return c;
}

/* One chunk per table: the entries of a chunk lie side by side. */
static void add_chunks(char *va, size_t bytes)
{
	char *end = va + bytes;

	while (va < end) {
		char *stop = (char *)min((unsigned long)end,
					 ALIGN_UP((unsigned long)va + 1, LARGE_PAGE_SIZE));

		add_chunk(va, (unsigned)((stop - va) >> PAGE_SHIFT));
		va = stop;
	}
}

/* Entries of an earlier world's guards are put back, dirty bits cleared. */
static void fresh_arena_mapping(void)
{
	u64 frame = arena_phys.v;

	for (char *va = arena_base(); va < arena_base() + arena_bytes; va += PAGE_SIZE) {
		*kmap_pte((unsigned long)va) = frame | KMAP_RW_LOCAL;
		frame += PAGE_SIZE;
	}
}

static void fresh_world_section(void)
{
	size_t data = (size_t)(__world_data_end - __world_start);

	memcpy(__world_start, __world_load, data);
	memset(__world_data_end, 0, world_section_bytes() - data);
}

static void clear_dirty(void)
{
	for (unsigned i = 0; i < nr_chunks; i++)
		for (unsigned j = 0; j < chunks[i]->nr; j++)
			chunks[i]->pte[j] &= ~KM_AD;
	cpu_flush_tlb_all();
}

static int init_layers(const struct world_config *config, unsigned long first_pfn,
		       unsigned long end_pfn)
{
	struct frame_range range = {first_pfn, end_pfn};
	struct frames_config frames = {.nr_vcpus = config->nr_vcpus};
	int err;

	err = mm_world_init(&range, 1, &frames, config->layout);
	return err ? err : sched_world_threads();
}

int world_make(const struct world_config *config, const char **why)
{
	struct vcpu *host = this_cpu_ptr(vcpu_self);
	size_t area = ALIGN_UP(vcpu_area_size(), 64);
	char *at = arena_base(), *idle;
	unsigned long first, end;
	int err;

	*why = "the world's own structures do not fit into its arena";
	arena_used = min((size_t)config->mib << 20, arena_bytes);
	layout = config->layout;
	fresh_world_section();
	fresh_arena_mapping();
	cpu_flush_tlb_all();
	pool_used = 0;
	nr_chunks = 0;
	add_chunks(__world_start, world_section_bytes());
	add_chunks(arena_base(), arena_used);

	idle = at + ALIGN_UP(config->nr_vcpus * area, PAGE_SIZE);
	first = (arena_phys.v + (unsigned long)(idle - at) + config->nr_vcpus * IDLE_BLOCK) >>
		PAGE_SHIFT;
	end = (arena_phys.v + arena_used) >> PAGE_SHIFT;
	if (first + 256 > end)
		return -ENOMEM;
	clear_dirty();
	for (unsigned i = 0; i < config->nr_vcpus; i++)
		vcpu_init_area(at + i * area, i);
	nr_vcpus = config->nr_vcpus;
	sched_world_init(config->nr_vcpus);
	lockstep_world_init(config->nr_vcpus, idle, IDLE_BLOCK);
	pcpu_load_vcpu(vcpu_table[0]);
	nr_vcpus = 1; /* the others do not run yet, and cannot answer a request to flush */
	err = init_layers(config, first, end);
	nr_vcpus = config->nr_vcpus;
	pcpu_load_vcpu(host);
	return err;
}

int world_start_thread(const char *name, void (*fn)(void *arg))
{
	struct vcpu *host = this_cpu_ptr(vcpu_self);
	unsigned nr = nr_vcpus;
	struct thread *t;

	pcpu_load_vcpu(vcpu_table[0]);
	nr_vcpus = 1;
	t = kthread_run(name, fn, NULL);
	if (t)
		thread_detach(t);
	nr_vcpus = nr;
	pcpu_load_vcpu(host);
	return t ? 0 : -ENOMEM;
}

/* ---- snapshot and restore ---- */

/* What the allocator says of each frame of the arena, as found by walk_frames(). */
enum frame_use { USE_FREE, USE_KERNEL, USE_ALIASED, USE_UNMANAGED };
static u8 use_of[CHUNKS_MAX * CHUNK];

static enum frame_use use_by_kind(const struct page *page)
{
	if (page->kind == FK_FREE || page->kind == FK_BUDDY)
		return USE_FREE;
	if (page->kind == FK_TABLE || page->kind == FK_WINDOW || page->kind >= FK_ANON ||
	    (page->kind == FK_SLAB && layout == SLAB_LAYOUT_WINDOW))
		return USE_ALIASED;
	return USE_KERNEL;
}

/* Only the first frame of a block says what the block is: go from block to block. */
static void walk_frames(void)
{
	unsigned long base = arena_phys.v >> PAGE_SHIFT, nr = arena_used >> PAGE_SHIFT;

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
	use = use_of[(unsigned long)(va - arena_base()) >> PAGE_SHIFT];
	*aliased = use == USE_ALIASED;
	return use == USE_UNMANAGED ? c->pte[j] & KM_DIRTY : use != USE_FREE;
}

static void snapshot_chunk(struct chunk *c)
{
	for (unsigned j = 0; j < c->nr; j++) {
		bool aliased, live = page_in_use(c, j, &aliased);

		c->snap[j] = c->pte[j] & ~KM_AD;
		c->copy[j] = NULL;
		if (!live || !(c->pte[j] & KM_PRESENT))
			continue;
		ASSERT(pool_used < pool_nr);
		c->copy[j] = pool[pool_used++];
		c->snap[j] |= aliased ? ALWAYS : 0;
		memcpy(c->copy[j], c->va + j * PAGE_SIZE, PAGE_SIZE);
	}
}

void world_snapshot(void)
{
	pool_used = 0;
	walk_frames();
	for (unsigned i = 0; i < nr_chunks; i++)
		snapshot_chunk(chunks[i]);
	lockstep_save();
	clear_dirty();
}

static void copy_frame(void *to, const void *from)
{
	unsigned long n = PAGE_SIZE / 8;

	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(n)::"memory");
}

static unsigned restore_page(struct chunk *c, unsigned j)
{
	char *va = c->va + j * PAGE_SIZE;
	u64 entry = c->snap[j] & ~ALWAYS;
	unsigned copied = 0;

	if ((c->pte[j] ^ entry) & ~KM_AD) {
		c->pte[j] = entry; /* a stack guard came or went */
		invlpg(va);
	}
	if (c->copy[j] && (c->snap[j] & ALWAYS || c->pte[j] & KM_DIRTY)) {
		copy_frame(va, c->copy[j]);
		copied = 1;
	}
	c->pte[j] = entry;
	invlpg(va);
	return copied;
}

static unsigned restore_chunk(struct chunk *c)
{
	const u64 *pte = c->pte, *snap = c->snap;
	unsigned copied = 0;

	for (unsigned j = 0; j < c->nr; j++)
		if (unlikely((pte[j] & ~KM_ACCESSED) != snap[j]))
			copied += restore_page(c, j);
	return copied;
}

/*
 * The run may have left translations that the snapshot's tables do not have: of window pages it
 * mapped (those it unmapped were flushed then), and of user addresses.
 */
static void forget_translations(unsigned long window_end)
{
	unsigned long va = window_next();

	if (window_end - va > WINDOW_FLUSH_MAX * PAGE_SIZE) {
		cpu_flush_tlb_all();
	} else {
		for (; va < window_end; va += PAGE_SIZE)
			invlpg((void *)va);
	}
	if (read_cr3() != kernel_pgd.v)
		write_cr3(kernel_pgd.v);
	this_pcpu()->loaded_cr3 = kernel_pgd.v;
}

unsigned world_restore(void)
{
	unsigned long window_end = window_next();
	unsigned copied = 0;

	for (unsigned i = 0; i < nr_chunks; i++)
		copied += restore_chunk(chunks[i]);
	mm_world_resume();
	forget_translations(window_end);
	lockstep_load();
	return copied;
}

static u64 hash_page(u64 h, const void *page)
{
	const u64 *word = page;

	for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
		h = (h ^ word[i]) * 0x100000001b3ull;
	return h;
}

u64 world_hash(void)
{
	u64 h = 0xcbf29ce484222325ull;

	for (unsigned i = 0; i < nr_chunks; i++) {
		struct chunk *c = chunks[i];

		for (unsigned j = 0; j < c->nr; j++) {
			h = (h ^ (c->pte[j] & ~KM_AD)) * 0x100000001b3ull;
			if (c->copy[j])
				h = hash_page(h, c->va + j * PAGE_SIZE);
		}
	}
	return h;
}
