/*
 * dying.c - the scenario kind `dying`: an address space ends beside those who reap or read it.
 *
 * Owns: the actors, when each began and ended in virtual time.
 * Idea: one thread drops the last reference of its process. Reapers free the same pages; readers
 *       hold what keeps it: mm_users, so that the end is theirs; mmap_lock to read, so that tables
 *       wait for them; or the struct alone. All references are there from the start, so who runs
 *       exit_mmap depends on nothing but the words.
 */
#include "tests/questions/dying.h"

#include <stdio.h>

#include "kernel/core/once.h"
#include "mm/mm_marks.h"
#include "mm/mman.h"
#include "mm/mmap_lock.h"
#include "mm/oom_reap.h"
#include "mm/semantics.h"
#include "tests/lab/lab.h"
#include "tests/mm_user.h"

#define VMAS_MAX  64
#define PAGES_MAX 512
#define HOLD_MAX  100000
#define TURNS	  100 /* of a unit of holding */
#define AHEAD	  20  /* units that the owner and reapers wait: readers are there by then */

enum reader { READ_USERS, READ_LOCK, READ_COUNT };

/* ---- host side ---- */

struct dying_times dying_times;

static u64 nr_vmas, nr_pages, nr_reapers, nr_readers, hold, late;
static unsigned reader;
static struct sem_choice choice;

/* ---- the world ---- */

static struct mm_struct *dying __lab_world;

static unsigned long vma_addr(u64 i)
{
	return USER_BASE + i * (PAGES_MAX + 1) * PAGE_SIZE;
}

/* With a point for each unit: what others ask of this vCPU is answered meanwhile. */
static void spend(u64 units)
{
	while (units--) {
		for (unsigned i = 0; i < TURNS; i++)
			barrier();
		(void)READ_ONCE(dying);
	}
}

/* ---- actors ---- */

static u64 now(void)
{
	u64 waited;

	return lockstep_my_vtime(&waited);
}

static void owner(void *arg)
{
	(void)arg;
	spend(AHEAD);
	dying_times.owner_begins = now();
	mmput(dying);
	dying_times.owner_back = now();
}

static void reaper(void *arg)
{
	unsigned long nr = (unsigned long)arg;

	spend(AHEAD + late);
	dying_times.begins[nr] = now();
	lab_assert(oom_reap_mm(dying) == 0);
	dying_times.ends[nr] = now();
	mmdrop(dying);
}

static void read_it(void *arg) NO_LOCK_ANALYSIS
{
	unsigned long nr = (unsigned long)arg;

	if (reader == READ_LOCK)
		mmap_read_lock(dying);
	dying_times.begins[nr] = now();
	spend(hold);
	dying_times.ends[nr] = now();
	if (reader == READ_LOCK)
		mmap_read_unlock(dying);
	if (reader == READ_USERS)
		mmput(dying);
	else
		mmdrop(dying);
}

/* ---- the scenario ---- */

static const char *const reader_words[] = {"users", "lock", "count", NULL};

static void parse_sem(struct kv *kv)
{
	const char *text = NULL;
	char why[160];

	choice = (struct sem_choice){0};
	if (kv_str(kv, "sem", &text) && text && sem_parse(text, &choice, why, sizeof(why)))
		kv_fail(kv, "sem=%s", why);
}

static void parse(struct scenario *sc, struct kv *kv)
{
	nr_vmas = 4;
	nr_pages = 16;
	nr_reapers = nr_readers = hold = late = 0;
	reader = READ_LOCK;
	kv_u64(kv, "vmas", 1, VMAS_MAX, &nr_vmas);
	kv_u64(kv, "pages", 1, PAGES_MAX, &nr_pages);
	kv_u64(kv, "reapers", 0, DYING_HELPERS, &nr_reapers);
	kv_u64(kv, "hold", 0, HOLD_MAX, &hold);
	kv_u64(kv, "late", 0, HOLD_MAX, &late);
	if (kv_choice(kv, "reader", reader_words, &reader))
		nr_readers = 1;
	parse_sem(kv);
	if (nr_reapers + nr_readers > DYING_HELPERS)
		kv_fail(kv, "reapers=%lu: with reader= at most %u", nr_reapers, DYING_HELPERS - 1);
	if (sc->cpus == 0)
		sc->cpus = 1 + (unsigned)(nr_reapers + nr_readers);
}

static int build(void)
{
	const struct sem_set *set = sem_set_of(&choice);
	int err = set ? 0 : -1;

	if (set)
		sem_install(set);
	dying = err ? NULL : mm_alloc();
	if (!dying)
		return -1;
	mm_use(dying);
	for (u64 i = 0; i < nr_vmas && !err; i++) {
		err = user_mmap(dying, vma_addr(i), nr_pages, PROT_READ | PROT_WRITE);
		if (!err)
			err = user_touch(vma_addr(i), nr_pages, i + 1);
	}
	mm_unuse(dying);
	return err;
}

static int setup(void)
{
	unsigned cpu = 1;
	int err = build();

	if (!err)
		err = lab_actor("owner", 0, owner, NULL);
	for (unsigned long i = 0; i < nr_reapers && !err; i++) {
		char name[16];

		snprintf(name, sizeof(name), "reaper%lu", i);
		mmgrab(dying);
		err = lab_actor(name, cpu++, reaper, (void *)i);
	}
	if (nr_readers && !err) {
		if (reader == READ_USERS)
			mmget(dying);
		else
			mmgrab(dying);
		err = lab_actor("reader", cpu++, read_it, (void *)nr_reapers);
	}
	if (!err)
		lab_name(dying, sizeof(*dying), "mm");
	return err;
}

static void check(void)
{
	/* Whatever is left of it is in the ledger. */
}

static const char *const *reach(void)
{
	static const char *const none[] = {NULL};

	return none;
}

static void note(const struct mm_struct *mm, enum mm_mark mark)
{
	if (mm != dying || !lockstep_in_run())
		return;
	switch (mark) {
	case MARK_ZAP: dying_times.zap = now(); break;
	case MARK_ZAPPED: dying_times.zapped = now(); break;
	case MARK_TABLES: dying_times.tables = now(); break;
	case MARK_SHELL: dying_times.shell = now(); break;
	default: break;
	}
}

static void begin(void)
{
	dying_times = (struct dying_times){0};
	mm_marks_watch(note);
}

static void end(void)
{
	mm_marks_watch(NULL);
}

static const struct scenario_kind dying_kind = {
	.name = "dying",
	.usage = "vmas= pages= reapers=N late=N reader=users|lock|count hold=N sem=",
	.parse = parse,
	.setup = setup,
	.check = check,
	.reach = reach,
	.begin = begin,
	.end = end,
};
SCENARIO_KIND(dying_kind);
