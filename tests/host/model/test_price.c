/*
 * test_price.c - prices by the bytes of an instruction.
 */
#include "scripts/model/model.h"
#include "tests/host/htest.h"

#define CYCLES_OF(...) \
	(price_of((const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__})).units / CYCLE)

HTEST(plain_instructions_cost_one)
{
	h_expect_eq(CYCLES_OF(0x48, 0x01, 0xd8), 1);		 /* add %rbx, %rax */
	h_expect_eq(CYCLES_OF(0x90), 1);			 /* nop */
	h_expect_eq(CYCLES_OF(0x65, 0x48, 0x8b, 0x04, 0x25), 1); /* mov %gs:..., %rax */
	h_expect_eq(CYCLES_OF(0x0f, 0x1f, 0x44, 0, 0), 1);	 /* five-byte nop */
}

HTEST(locked_ones_cost_their_lock)
{
	h_expect_eq(CYCLES_OF(0xf0, 0x48, 0x01, 0x07), 19); /* lock add %rax, (%rdi) */
	h_expect_eq(CYCLES_OF(0x48, 0x87, 0x07), 19);	    /* xchg with memory locks */
	h_expect_eq(CYCLES_OF(0x48, 0x87, 0xc3), 2);	    /* between registers it does not */
	h_expect_eq(CYCLES_OF(0xf0, 0x0f, 0xb1, 0x17), 22); /* lock cmpxchg */
}

HTEST(system_instructions)
{
	h_expect_eq(CYCLES_OF(0xf3, 0x90), 40);			 /* pause */
	h_expect_eq(CYCLES_OF(0x48, 0xcf), 400);		 /* iretq */
	h_expect_eq(CYCLES_OF(0xee), 1000);			 /* out */
	h_expect_eq(CYCLES_OF(0x0f, 0x01, 0x38), 120);		 /* invlpg (%rax) */
	h_expect_eq(CYCLES_OF(0x0f, 0x01, 0xcb), 8);		 /* stac */
	h_expect_eq(CYCLES_OF(0x0f, 0xae, 0xe8), 6);		 /* lfence */
	h_expect_eq(CYCLES_OF(0x48, 0xf7, 0xf1), 26);		 /* div */
	h_expect_eq(CYCLES_OF(0x48, 0xf7, 0xc1, 1, 0, 0, 0), 1); /* test */
}

HTEST(what_empties_the_tlb_is_known)
{
	h_expect_eq(price_of((const uint8_t[]){0x0f, 0x22, 0xd8}, 3).effect, EFFECT_LOAD_CR3);
	h_expect_eq(price_of((const uint8_t[]){0x0f, 0x22, 0xe0}, 3).effect, EFFECT_FLUSH_TLB);
	h_expect_eq(price_of((const uint8_t[]){0x0f, 0x22, 0xc0}, 3).effect, EFFECT_NONE);
}

HTEST(strings_cost_by_the_byte)
{
	unsigned byte = price_of((const uint8_t[]){0xf3, 0xaa}, 2).units;
	unsigned quad = price_of((const uint8_t[]){0xf3, 0x48, 0xab}, 3).units;

	h_expect_eq(byte * 8, quad);
	h_expect_eq(quad * 4, CYCLE);
}

HTEST(cut_instructions_are_read_to_their_end)
{
	h_expect_eq(CYCLES_OF(0x0f), 1);
	h_expect_eq(CYCLES_OF(0xf3), 1);
	h_expect_eq(CYCLES_OF(0xf7), 1);
}
