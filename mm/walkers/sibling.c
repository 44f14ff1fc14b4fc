/*
 * sibling.c - another thread of the owner: it uses the memory while the mm is worked on.
 *
 * Idea: it has a right to be there; what is asked is how long it stands, and what it finds.
 */
#include <errno.h>

#include "kernel/core/user.h"
#include "mm/mm.h"
#include "mm/walkers/walker.h"

static long walk(struct walk *w);

WALKER(sibling, "writes and reads as another thread of the owner", .walk = walk,
       .flags = WALK_OWNER);

/* Values above the caller's own say that it was here. */
#define SIBLING_WROTE 1000u

static long walk(struct walk *w)
{
	unsigned long addr = w->addr;
	long err = 0;

	mm_use(w->mm);
	for (unsigned long i = 0; i < w->nr && !err; i++, addr += w->step) {
		u64 want = SIBLING_WROTE + i, value = 0;

		err = put_user(want, addr);
		walker_reached(&walker_sibling, w->mm, WALKER_PTE, NULL);
		if (!err)
			err = get_user(&value, addr);
		if (!err && value < SIBLING_WROTE)
			err = -EIO;
	}
	mm_unuse(w->mm);
	return err ? err : (long)w->nr;
}
