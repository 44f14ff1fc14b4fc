/*
 * lockstep_pass.c - points that the search need not hear.
 *
 * Owns: what is told to the seam (points_known, points_until), the account of points passed over.
 * Not here: the seam's look at it (kernel/core/cold_entry.S), what was learned (conflict.c).
 *
 * Idea: a switch before an operation on memory that only one entity has ever touched shows nothing
 * that a switch before its next operation on shared memory does not, since the operations in
 * between commute with all that others do. So a search by chance chooses only before operations on
 * granules learned to be shared, over all runs of the scenario; whoever touches a granule for the
 * first time, or writes it for the first time, is heard, and when that makes it shared all that was
 * told to the seam is taken back: from then on it is heard. What is not yet known to be shared is
 * not lost either: the runs that show it come after the one that taught it. Waits, user accesses,
 * frees, wakes, interrupts and delays are always heard.
 *
 * The strategy counts all points, heard or not, so that a stretch of private work weighs as much as
 * if a switch were possible anywhere in it. Where it knows how long it will let the running thread
 * go on, shared points are passed over too, as long as nothing changes who may run.
 *
 * Invariant: a schedule counts all points, heard or not, so that a replay, which hears them all,
 * repeats it without knowing what was learned.
 */
#include "tests/lab/lockstep_internal.h"

#include <string.h>

#include "mm/page_alloc.h"

#define WHO_NOBODY 0xfffffffu /* matches no entry */

static u64 accounted, accounted_wrote; /* of points_passed, points_wrote */

/* Interrupt handlers are somebody else than the threads they run on. */
static u32 who_runs(void)
{
	return ls.running * 2u + (this_cpu_ptr(vcpu_self)->in_irq != 0);
}

void ls_pass_who(void)
{
	u32 who = WHO_NOBODY;

	if (!ls.filters)
		return;
	if (ls.running != LS_NONE && ls.w.nr_spinning == 0)
		who = who_runs();
	points_who = (u64)who << POINTS_WHO_BITS;
	points_salt = who * 0x9e3779b1u >> 16;
}

void ls_pass_hear_next(void)
{
	points_who = (u64)WHO_NOBODY << POINTS_WHO_BITS;
}

void ls_pass_begin(bool filters)
{
	ls.filters = filters;
	ls.asked_at = 0;
	ls_quiet_grant(0);
	accounted = points_passed;
	accounted_wrote = points_wrote;
	if (!filters)
		return;
	points_pass_known();
	ls_pass_who();
}

void lockstep_forget_learned(void)
{
	memset(points_known, 0, sizeof(points_known));
}

u64 ls_pass_unaccounted(void)
{
	return points_passed - accounted;
}

void ls_pass_account(void)
{
	u64 passed = points_passed - accounted;
	struct ls_run *run = ls.run;

	if (!ls.filters || passed == 0)
		return;
	accounted += passed;
	run->points += passed;
	ls.w.now_ns += passed;
	if (run->schedule)
		schedule_add_many(run->schedule, ls.running, false, (u32)passed);
	ls.progress |= points_wrote != accounted_wrote;
	accounted_wrote = points_wrote;
}

/* ---- one point ---- */

static bool is_memory(const struct point *p)
{
	return points_pass[p->kind] >= PASS_KNOWN_LOAD && p->size <= 8;
}

/* Remember the touch; tell the seam what is known. Is it to be heard? */
static bool learn_touch(const struct point *p)
{
	struct conflict_set *set = ls.run->conflicts;
	bool write = points_pass[p->kind] == PASS_KNOWN_WRITE, grown = set->grown;
	u64 at = (u64)p->obj, known = points_known_key(p->obj);
	u16 who = (u16)who_runs();

	set->grown = false;
	conflict_touch(set, at, p->size, who, write);
	if (p->kind != PT_LOCK && p->kind != PT_UNLOCK)
		conflict_see(set, at, p->size);
	if (set->grown)
		lockstep_forget_learned();
	set->grown |= grown;
	known |= write ? KNOWN_WRITE : 0;
	known |= conflict_meets(set, at, p->size, who, false) ? KNOWN_HEAR_READ : 0;
	known |= conflict_meets(set, at, p->size, who, true) ? KNOWN_HEAR_WRITE : 0;
	known |= conflict_release_meets(set, at, who) ? KNOWN_HEAR_UNLOCK : 0;
	*points_known_at(p->obj) = known;
	if (p->kind == PT_UNLOCK)
		return known & KNOWN_HEAR_UNLOCK;
	return known & (write ? KNOWN_HEAR_WRITE : KNOWN_HEAR_READ);
}

/*
 * Who frees touches all of an object, whatever of it others use. That need not be looked at granule
 * by granule again while nothing new was learned.
 */
static void learn_free(const struct point *p)
{
	static struct {
		const volatile void *obj;
		u64 version;
		u16 who;
	} told[256];
	struct conflict_set *set = ls.run->conflicts;
	u16 who = (u16)who_runs();
	unsigned at = (unsigned)((u64)p->obj >> 6 ^ (u64)p->obj >> 12 ^ who) % ARRAY_SIZE(told);
	u64 addr = (u64)p->obj, bytes = p->value;

	if (told[at].obj == p->obj && told[at].who == who && told[at].version == set->version)
		return;
	if (bytes == 0) { /* of frames the point names the struct page */
		const struct page *page = (const struct page *)p->obj;

		addr = (u64)page_address(page);
		bytes = PAGE_SIZE << page->order;
	}
	conflict_free(set, addr, bytes, who);
	if (set->grown)
		lockstep_forget_learned();
	told[at].obj = p->obj;
	told[at].who = who;
	told[at].version = set->version;
}

bool ls_pass_point(const struct point *p)
{
	ls_pass_account();
	if (p->kind == PT_FREE)
		learn_free(p);
	if (!is_memory(p) || ls.w.nr_spinning)
		return false;
	ls_step_done();
	ls_pass_who();
	if (ls.w.nr_spinning || (learn_touch(p) && points_passed >= points_until))
		return false;
	points_passed++;
	points_wrote += points_pass[p->kind] == PASS_KNOWN_WRITE;
	ls_pass_account();
	return true;
}
