/*
 * static_key.c - turning nops into jumps and back while the machine runs.
 *
 * Idea: with the other processors parked nobody executes the bytes that change, so each site is
 *       written in one go. Text is mapped read-only; CR0.WP is lifted on this processor meanwhile.
 * Invariant: a site holds exactly its nop or exactly its jump; anything else is a bug found here.
 */
#include "kernel/core/static_key.h"

#include <string.h>
#include "kernel/core/bug.h"
#include "kernel/core/stop.h"
#include "kernel/x86/cpu.h"

#define JUMP_BYTES 5

extern const struct jump_entry __start_jump_table[], __stop_jump_table[];
extern char __init_text_start[], __init_text_end[];

static const u8 nop5[JUMP_BYTES] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };

static void make_jump(u8 code[JUMP_BYTES], const struct jump_entry *site)
{
	s32 distance = (s32)(site->target - (site->code + JUMP_BYTES));

	code[0] = 0xe9;
	memcpy(code + 1, &distance, sizeof(distance));
}

/* Boot-only text may be gone; while it runs all keys are off, as its sites were linked. */
static bool in_boot_text(u64 address)
{
	return address >= (u64)__init_text_start && address < (u64)__init_text_end;
}

static void patch_site(const struct jump_entry *site, bool on)
{
	u8 jump[JUMP_BYTES];

	make_jump(jump, site);
	if (memcmp((void *)site->code, on ? nop5 : jump, JUMP_BYTES))
		BUGF("branch site %#lx holds neither its nop nor its jump", site->code);
	memcpy((void *)site->code, on ? jump : nop5, JUMP_BYTES);
}

void static_key_set(struct static_key *key, bool on)
{
	unsigned long cr0;

	/* Parking takes long on a loaded machine: not for nothing. */
	if (__atomic_load_n(&key->on, __ATOMIC_RELAXED) == on)
		return;
	cpus_park();
	if (key->on != on) {
		cr0 = read_cr0();
		write_cr0(cr0 & ~CR0_WP);
		for (const struct jump_entry *site = __start_jump_table; site < __stop_jump_table;
		     site++) {
			if (site->key == (u64)key && !in_boot_text(site->code))
				patch_site(site, on);
		}
		write_cr0(cr0);
		key->on = on;
		cpu_serialize();
	}
	cpus_release();
}
