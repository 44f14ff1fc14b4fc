/*
 * static_key.h - branches that cost one nop while they are off.
 *
 * Owns: the key type, the branch, the table of branch sites. Patching is in static_key.c.
 * Idea: each site is a 5-byte nop recorded in section jump_table. Switching a key parks the other
 *       processors and turns the nops of its sites into jumps, or back.
 * Invariant: all sites of a key agree with key->on, seen from any processor that is not parked.
 */
#ifndef KERNEL_CORE_STATIC_KEY_H
#define KERNEL_CORE_STATIC_KEY_H

#include "kernel/base/compiler.h"

struct static_key {
	bool on;
};

/* One site; written by static_branch_unlikely(). */
struct jump_entry {
	u64 code;   /* address of the 5-byte instruction */
	u64 target; /* where it jumps while the key is on */
	u64 key;    /* struct static_key * */
};

#define DEFINE_STATIC_KEY_FALSE(name) struct static_key name = { false }
#define DECLARE_STATIC_KEY(name)      extern struct static_key name

/*
 * True while @key is on; @key must be the address of a named key. Off: one nop, the other arm is
 * out of line.
 */
#define static_branch_unlikely(key) unlikely(static_branch(key))

static __always_inline bool static_branch(struct static_key *const key)
{
	__asm__ goto("1: .byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n\t"
		     ".pushsection jump_table, \"a\"\n\t"
		     ".balign 8\n\t"
		     ".quad 1b, %l[yes], %c0\n\t"
		     ".popsection"
		     :
		     : "i"(key)
		     :
		     : yes);
	return false;
yes:
	return true;
}

/*
 * static_key_set - switch @key on or off everywhere.
 *
 * Context: a thread, or boot; interrupts on, no spinlock held (the other processors are stopped
 *          meanwhile). Two callers at once are put in order. Sites in boot-only text are left
 *          alone: they run with keys off.
 */
void static_key_set(struct static_key *key, bool on);

/* The key's state as data, for those who report it. */
static inline bool static_key_enabled(const struct static_key *key)
{
	return key->on;
}

#endif
