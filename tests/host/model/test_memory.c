/*
 * test_memory.c - what accesses cost: caches, streams, translations.
 */
#include "scripts/model/model.h"
#include "tests/host/htest.h"

#define LINE 64ull
#define DRAM (MODEL_dram_cost * CYCLE)

uint64_t model_word[MW_NR];

/* ---- a guest's tables ---- */

#define TABLE(level) (0x1000ull * (level))
#define CR3	     TABLE(4)

static uint64_t memory[0x6000 / 8];

static bool read_memory(uint64_t phys, uint64_t *entry)
{
	if (phys + 8 > sizeof(memory))
		return false;
	*entry = memory[phys / 8];
	return true;
}

/* 4 KiB entries for the first 2 MiB, one large entry for the next. */
static void make_tables(void)
{
	memset(memory, 0, sizeof(memory));
	memory[CR3 / 8] = TABLE(3) | 1;
	memory[TABLE(3) / 8] = TABLE(2) | 1;
	memory[TABLE(2) / 8] = TABLE(1) | 1;
	memory[TABLE(2) / 8 + 1] = 0x200000 | 0x181; /* large, global */
	for (unsigned i = 0; i < 512; i++)
		memory[TABLE(1) / 8 + i] = 0x1000000 + i * 0x1000ull + 1;
}

static void start(void)
{
	memset(model_word, 0, sizeof(model_word));
	make_tables();
	cache_clear();
	tlb_flush(true);
}

/* ---- caches ---- */

HTEST(a_line_is_missed_once)
{
	start();
	h_expect_eq(cache_access(0x100000), DRAM);
	h_expect_eq(cache_access(0x100038), 0);
	h_expect_eq(model_word[MW_L3_MISSES], 1);
}

HTEST(the_least_recently_used_goes)
{
	uint64_t stride = MODEL_l1_kib * 1024 / MODEL_l1_ways;

	start();
	for (unsigned i = 0; i <= MODEL_l1_ways; i++)
		cache_access(i * stride * 2);
	h_expect_eq(cache_access(stride * 2), 0);
	h_expect_eq(cache_access(0), MODEL_l2_cost * CYCLE);
}

HTEST(a_stream_is_fetched_ahead_in_both_directions)
{
	start();
	h_expect_eq(cache_access(100 * LINE), DRAM);
	h_expect_eq(cache_access(101 * LINE), DRAM);
	h_expect_eq(cache_access(102 * LINE), MODEL_stream_cost * CYCLE);
	h_expect_eq(cache_access(900 * LINE), DRAM);
	h_expect_eq(cache_access(899 * LINE), DRAM);
	h_expect_eq(cache_access(898 * LINE), MODEL_stream_cost * CYCLE);
	h_expect_eq(model_word[MW_STREAMED], 2);
}

HTEST(scattered_lines_are_no_stream)
{
	unsigned units = 0;

	start();
	for (uint64_t i = 0; i < 64; i++)
		units += cache_access(i * 37 % 64 * 4096);
	h_expect_eq(units, 64 * DRAM);
}

/* ---- translations ---- */

HTEST(a_walk_reads_four_entries_and_the_next_one)
{
	uint64_t frame;
	unsigned units;

	start();
	h_expect(!tlb_lookup(0x5000, &frame, &units));
	tlb_walk(0x5000, CR3, 0x1005000, read_memory);
	h_expect_eq(model_word[MW_WALK_READS], 4);
	h_assert(tlb_lookup(0x5000, &frame, &units));
	h_expect_eq(frame, 0x1005000);
	h_expect_eq(units, 0);

	h_expect(!tlb_lookup(0x6000, &frame, &units));
	tlb_walk(0x6000, CR3, 0x1006000, read_memory);
	h_expect_eq(model_word[MW_WALK_READS], 5);
}

HTEST(a_large_page_needs_one_translation)
{
	uint64_t frame;
	unsigned units;

	start();
	tlb_walk(0x200000, CR3, 0x200000, read_memory);
	h_expect_eq(model_word[MW_WALK_READS], 3);
	h_assert(tlb_lookup(0x3ff000, &frame, &units));
	h_expect_eq(frame, 0x3ff000);
}

HTEST(a_load_of_cr3_spares_global_translations)
{
	uint64_t frame;
	unsigned units;

	start();
	tlb_walk(0x5000, CR3, 0x1005000, read_memory);
	tlb_walk(0x200000, CR3, 0x200000, read_memory);
	tlb_flush(false);
	h_expect(!tlb_lookup(0x5000, &frame, &units));
	h_expect(tlb_lookup(0x200000, &frame, &units));
	tlb_flush(true);
	h_expect(!tlb_lookup(0x200000, &frame, &units));
}

HTEST(what_leaves_the_first_level_is_in_the_second)
{
	uint64_t frame;
	unsigned units;

	start();
	for (uint64_t i = 0; i < 512; i++)
		tlb_walk(i << 12, CR3, 0x1000000 + (i << 12), read_memory);
	h_assert(tlb_lookup(0, &frame, &units));
	h_expect_eq(units, MODEL_stlb_cost * CYCLE);
	h_assert(tlb_lookup(0, &frame, &units));
	h_expect_eq(units, 0);
}

HTEST(a_dropped_translation_is_gone)
{
	uint64_t frame;
	unsigned units;

	start();
	tlb_walk(0x5000, CR3, 0x1005000, read_memory);
	tlb_drop(0x5000);
	h_expect(!tlb_lookup(0x5000, &frame, &units));
}

HTEST(tables_that_cannot_be_read_keep_the_machines_answer)
{
	uint64_t frame;
	unsigned units;

	start();
	tlb_walk(0x5000, 0x100000, 0x7000, read_memory);
	h_expect_eq(model_word[MW_WALK_READS], 0);
	h_assert(tlb_lookup(0x5000, &frame, &units));
	h_expect_eq(frame, 0x7000);
}
