/*
 * cache.c - three levels of set-associative caches of physical lines, and streams.
 *
 * Owns: which lines are where, what a miss costs.
 * Idea: least recently used is replaced, by a count of accesses. A miss of all levels that follows
 *       two neighbours in the same direction was fetched ahead: it costs stream_cost.
 * Simplified: loads and stores alike, no write-back traffic, every level holds what the one above
 *       it does only by having been filled with it.
 */
#include "scripts/model/model.h"

#include <string.h>

#define LINE_SHIFT 6
#define NR_STREAMS 16

#define SETS(kib, ways) ((kib)*1024 / 64 / (ways))
#define L1_SETS		SETS(MODEL_l1_kib, MODEL_l1_ways)
#define L2_SETS		SETS(MODEL_l2_kib, MODEL_l2_ways)
#define L3_SETS		SETS(MODEL_l3_kib, MODEL_l3_ways)

struct way {
	uint64_t line; /* number + 1; 0: nothing here */
	uint64_t used;
};

struct stream {
	uint64_t last;
	int64_t step; /* 0: seen once */
	uint64_t used;
};

static struct way l1[L1_SETS * MODEL_l1_ways];
static struct way l2[L2_SETS * MODEL_l2_ways];
static struct way l3[L3_SETS * MODEL_l3_ways];
static struct stream streams[NR_STREAMS];
static uint64_t accesses;

/* Is the line in this level? It is afterwards. */
static bool touch(struct way *level, unsigned sets, unsigned ways, uint64_t line)
{
	struct way *set = level + line % sets * ways;
	struct way *victim = set;

	for (unsigned i = 0; i < ways; i++) {
		if (set[i].line == line + 1) {
			set[i].used = accesses;
			return true;
		}
		if (set[i].used < victim->used)
			victim = &set[i];
	}
	*victim = (struct way){line + 1, accesses};
	return false;
}

/* Has a running stream fetched @line ahead? It runs on, or one begins. */
static bool streamed(uint64_t line)
{
	struct stream *victim = &streams[0];

	for (unsigned i = 0; i < NR_STREAMS; i++) {
		struct stream *s = &streams[i];
		int64_t step = (int64_t)(line - s->last);

		if (s->used && (step == 1 || step == -1)) {
			bool running = s->step == step;

			*s = (struct stream){line, step, accesses};
			return running;
		}
		if (s->used < victim->used)
			victim = s;
	}
	*victim = (struct stream){line, 0, accesses};
	return false;
}

unsigned cache_access(uint64_t phys)
{
	uint64_t line = phys >> LINE_SHIFT;

	accesses++;
	if (touch(l1, L1_SETS, MODEL_l1_ways, line))
		return 0;
	model_word[MW_L1_MISSES]++;
	if (touch(l2, L2_SETS, MODEL_l2_ways, line))
		return MODEL_l2_cost * CYCLE;
	model_word[MW_L2_MISSES]++;
	if (touch(l3, L3_SETS, MODEL_l3_ways, line))
		return MODEL_l3_cost * CYCLE;
	model_word[MW_L3_MISSES]++;
	if (streamed(line)) {
		model_word[MW_STREAMED]++;
		return MODEL_stream_cost * CYCLE;
	}
	return MODEL_dram_cost * CYCLE;
}

void cache_clear(void)
{
	memset(l1, 0, sizeof(l1));
	memset(l2, 0, sizeof(l2));
	memset(l3, 0, sizeof(l3));
	memset(streams, 0, sizeof(streams));
}
