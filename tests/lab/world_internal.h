/*
 * world_internal.h - shared by world.c (making a world, setting the system aside) and
 * world_snapshot.c (remembering one, coming back to it).
 */
#ifndef TESTS_LAB_WORLD_INTERNAL_H
#define TESTS_LAB_WORLD_INTERNAL_H

#include "kernel/x86/kmap.h"
#include "tests/lab/world.h"

#define CHUNK	   512 /* pages under one table */
#define CHUNKS_MAX 64
#define KM_AD	   (KM_ACCESSED | KM_DIRTY)

/* Pages whose entries lie in one table, and those entries at the snapshot. */
struct chunk {
	char *va;
	unsigned nr;
	u64 *pte;
	u64 snap[CHUNK]; /* accessed and dirty bits off */
};

/* How a page may be written besides through the kernel's mapping of it. */
enum live_kind {
	LIVE_PLAIN,
	LIVE_WALKED,   /* tables and user pages: by user accesses, told by world_note_frame() */
	LIVE_WINDOWED, /* one object: through the slab window */
	LIVE_WINDOW,   /* a table of that window: by the CPU, accessed and dirty bits only */
};

/* A page that is part of the state, and its contents at the snapshot. */
struct live_page {
	char *va;
	u64 *pte;	  /* of the kernel's mapping */
	u64 *window_pte;  /* of the window's, for LIVE_WINDOWED; it said @window_was */
	u64 window_was;
	char *window_va;
	u8 *copy;   /* a frame of the interactive system; stays when the page changes */
	u16 from;   /* first byte that is state, a multiple of 64 */
	u16 hits;   /* restores that found it dirty */
	enum live_kind kind;
	bool noted; /* a user access of this run went through it */
};

#define LIVE_MAX 8192

/*
 * Host side, from world_enter() to world_leave(). order[] has the pages of live[]: the first nr_hot
 * are copied back at every restore, the others when they are found written.
 */
extern struct world_snap {
	struct chunk *chunk[CHUNKS_MAX];
	unsigned nr_chunks;
	struct live_page *live;
	u16 order[LIVE_MAX];
	unsigned nr_live, nr_hot, max_live;
} world_snap;

/* The world as it was made. */
extern struct world_layout {
	size_t arena_used; /* bytes of the arena */
	enum slab_layout slab;
} world_layout;

/* Where the arena is mapped. */
char *world_arena(void);

/* Every page clean: what gets dirty from here on was written after this. */
void world_clear_dirty(void);

#endif
