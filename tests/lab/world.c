/*
 * world.c - making a world, and setting the interactive system aside for it. See world.h.
 *
 * Not here: snapshot and restore (world_snapshot.c).
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
#include "kernel/core/watchdog.h"
#include "kernel/sched/kthread.h"
#include "kernel/sched/parallel.h"
#include "kernel/sched/sched.h"
#include "kernel/x86/boot_info.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/pcpu.h"
#include "mm/observer.h"
#include "mm/page_alloc.h"
#include "mm/world.h"
#include "tests/lab/lockstep.h"
#include "tests/lab/world_internal.h"

#define IDLE_BLOCK (2 * PAGE_SIZE)

struct world_snap world_snap;
struct world_layout world_layout;

/* Host side: none of this is part of a world. */
static struct {
	u8 *world; /* .world of the interactive system */
	struct vcpu *vcpus[MAX_VCPUS];
	unsigned nr_vcpus;
	const struct sched_ops *ops;
	void (*preempt)(void);
	const struct mm_observer *observer;
} aside;

char *world_arena(void)
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
	unsigned long arena = (unsigned long)world_arena();

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

#define LIVE_ORDER  7
#define CHUNK_ORDER 1
#define IMAGE_ORDER (MAX_ORDER - 2)

_Static_assert(sizeof(struct chunk) <= PAGE_SIZE << CHUNK_ORDER, "a chunk fits");
_Static_assert(sizeof(struct live_page) * LIVE_MAX <= PAGE_SIZE << LIVE_ORDER, "all pages fit");

static void *frames_for(unsigned order)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_RETRY_MAYFAIL, order);

	return page ? page_address(page) : NULL;
}

static void free_frames(void *va, unsigned order)
{
	if (va)
		free_pages(virt_to_page(va), order);
}

static void free_buffers(void)
{
	struct world_snap *s = &world_snap;

	while (s->max_live > 0)
		free_frames(s->live[--s->max_live].copy, 0);
	for (unsigned i = 0; i < CHUNKS_MAX; i++)
		free_frames(s->chunk[i], CHUNK_ORDER);
	free_frames(s->live, LIVE_ORDER);
	free_frames(aside.world, IMAGE_ORDER);
	memset(s, 0, sizeof(*s));
	aside.world = NULL;
}

static bool alloc_chunks(unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		world_snap.chunk[i] = frames_for(CHUNK_ORDER);
		if (!world_snap.chunk[i])
			return false;
	}
	return true;
}

static bool alloc_copies(unsigned nr)
{
	struct world_snap *s = &world_snap;

	nr = min(nr, (unsigned)LIVE_MAX);
	while (s->max_live < nr) {
		s->live[s->max_live].copy = frames_for(0);
		if (!s->live[s->max_live].copy)
			return false;
		s->max_live++;
	}
	return true;
}

/* Everything a session needs, from the interactive system, before it is set aside. */
static int alloc_buffers(void)
{
	unsigned pages = (unsigned)((arena_bytes + world_section_bytes()) >> PAGE_SHIFT);

	world_snap.live = frames_for(LIVE_ORDER);
	aside.world = frames_for(IMAGE_ORDER);
	if (world_snap.live && aside.world && alloc_chunks(pages / CHUNK + 2) &&
	    alloc_copies(pages))
		return 0;
	free_buffers();
	return -ENOMEM;
}

/* Entries of a world's guards are put back, dirty bits cleared. The caller flushes. */
static void fresh_arena_mapping(void)
{
	u64 frame = arena_phys.v;

	for (char *va = world_arena(); va < world_arena() + arena_bytes; va += PAGE_SIZE) {
		*kmap_pte((unsigned long)va) = frame | KMAP_RW_LOCAL;
		frame += PAGE_SIZE;
	}
}

int world_enter(const char **why)
{
	*why = "this machine has no lab arena: give it --mem 64M or more";
	if (arena_bytes == 0)
		return -ENXIO;
	*why = "not enough memory to set the system aside";
	if (world_section_bytes() > PAGE_SIZE_ORDER(IMAGE_ORDER) || alloc_buffers() != 0)
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
	fresh_arena_mapping();
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
	watchdog_touch(); /* a long search is no lockup of the system that waited for it */
	cpus_release();
	parallel_resume();
	free_buffers();
}

/* ---- making a world ---- */

static void add_chunk(char *va, unsigned nr)
{
	struct chunk *c = world_snap.chunk[world_snap.nr_chunks++];

	c->va = va;
	c->nr = nr;
	c->pte = kmap_pte((unsigned long)va);
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

static void fresh_world_section(void)
{
	size_t data = (size_t)(__world_data_end - __world_start);

	memcpy(__world_start, __world_load, data);
	memset(__world_data_end, 0, world_section_bytes() - data);
}

void world_clear_dirty(void)
{
	for (unsigned i = 0; i < world_snap.nr_chunks; i++)
		for (unsigned j = 0; j < world_snap.chunk[i]->nr; j++)
			world_snap.chunk[i]->pte[j] &= ~KM_AD;
	cpu_flush_tlb_all();
}

static int init_layers(const struct world_config *config, unsigned long first_pfn,
		       unsigned long end_pfn)
{
	struct frame_range range = {first_pfn, end_pfn};
	struct frames_config frames = {.nr_vcpus = config->nr_vcpus};
	int err;

	err = mm_world_init(&range, 1, &frames, config->layout);
	if (!err)
		err = sched_world_threads();
	return err ? err : mm_world_threads();
}

int world_make(const struct world_config *config, const char **why)
{
	struct vcpu *host = this_cpu_ptr(vcpu_self);
	size_t area = ALIGN_UP(vcpu_area_size(), PAGE_SIZE);
	char *at = world_arena(), *idle;
	unsigned long first, end;
	int err;

	*why = "the world's own structures do not fit into its arena";
	world_layout.arena_used = min((size_t)config->mib << 20, arena_bytes);
	world_layout.slab = config->layout;
	fresh_world_section();
	fresh_arena_mapping();
	cpu_flush_tlb_all();
	world_snap.nr_chunks = world_snap.nr_live = world_snap.nr_hot = 0;
	add_chunks(__world_start, world_section_bytes());
	add_chunks(world_arena(), world_layout.arena_used);

	idle = at + ALIGN_UP(config->nr_vcpus * area, PAGE_SIZE);
	first = (arena_phys.v + (unsigned long)(idle - at) + config->nr_vcpus * IDLE_BLOCK) >>
		PAGE_SHIFT;
	end = (arena_phys.v + world_layout.arena_used) >> PAGE_SHIFT;
	if (first + 256 > end)
		return -ENOMEM;
	world_clear_dirty();
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
