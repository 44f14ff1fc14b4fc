/*
 * search.c - one scenario under many schedules: world, setup, run, judge, restore, and again.
 *
 * Owns: the session (what is made once for a scenario), the loop over runs, the ledger rule.
 * Not here: choosing (strategies), carrying out (lockstep), memory (world), running one schedule
 * again (replay.c).
 *
 * The judge is a thread of the world that wakes after the last actor has ended: it joins the
 * actors, lets the kind look at its objects and give them back, settles the ledger, and compares it
 * with what there was before the setup. Setup thread and judge stand for each other in that
 * comparison.
 */
#include "tests/lab/session.h"

#include <stdio.h>
#include <string.h>

#include "kernel/base/err.h"
#include "kernel/core/bug.h"
#include "kernel/core/clock.h"
#include "kernel/core/ledger.h"
#include "kernel/core/log.h"
#include "kernel/proc/task.h"
#include "kernel/sched/kthread.h"
#include "kernel/x86/uart.h"
#include "mm/page_alloc.h"
#include "tests/lab/detect.h"
#include "tests/lab/race_hooks.h"
#include "tests/lab/trace.h"
#include "tests/lab/world.h"

#define FRAMES_ORDER	  8 /* 1 MiB: 65536 decisions of a bounded search */
#define SEGMENTS_ORDER	  7
#define FULL_LEDGER_EVERY 64
#define PROGRESS_NS	  2000000000ull
#define CTRL_C		  3
#define ACTORS_MAX	  64
#define BOUNDED_FRAMES	  (PAGE_SIZE_ORDER(FRAMES_ORDER) / sizeof(struct lab_frame))
#define SCHEDULE_SEGMENTS \
	(PAGE_SIZE_ORDER(SEGMENTS_ORDER) / sizeof(struct lab_segment) / (1 + SESSION_LISTS))

bool lab_world_verify;

/* Host side; one session at a time. */
static struct session {
	const struct scenario *sc;
	struct ls_run run;
	struct lab_schedule recorded;
	void (*on_step)(const struct ls_step *step);
	struct conflict_set conflicts;
	struct ledger before, usual, after;
	bool usual_known;
	bool judged_in_full; /* the run's judge wrote more than judges usually do */
	int setup_error;
	struct thread *actor[ACTORS_MAX];
	unsigned nr_actors;
	u64 run_nr, vtime;
	u64 ticks_restore, ticks_actors, ticks_judge;
	u64 part_began; /* of a run: restore, actors, judge */
	u64 hash;    /* of the world at the snapshot, when verifying */
	bool differs; /* a restore did not bring it back */
	bool points_before, checks_before;
} se;

static struct conflict_slot conflict_slots[CONFLICT_SLOTS];

/* ---- in the world: setup, actors, judge ---- */

int lab_actor(const char *name, unsigned cpu, void (*fn)(void *arg), void *arg)
{
	struct thread *t;

	ASSERT(se.nr_actors < ACTORS_MAX);
	t = kthread_create(name, fn, arg);
	if (!t)
		return -ENOMEM;
	if (thread_set_affinity(t, 1ull << cpu) != 0) {
		kthread_free(t);
		return -EINVAL;
	}
	t->base.lock_actor = (u8)lock_stat_actor(name);
	lockstep_role(t, LS_ACTOR);
	se.actor[se.nr_actors++] = t;
	thread_start(t);
	return 0;
}

void lab_actor_task(struct task_struct *tsk, unsigned cpu)
{
	tsk->thread->affinity = 1ull << cpu;
	lockstep_role(tsk->thread, LS_ACTOR);
	wake_up_new_task(tsk);
}

void lab_name(const volatile void *addr, size_t size, const char *name)
{
	trace_name((unsigned long)addr, size, name);
}

static char leak_text[LAB_WHY_MAX];

static void note_leak(const char *line)
{
	size_t at = strlen(leak_text);

	while (*line == ' ')
		line++;
	if (at + strlen(line) + 3 > sizeof(leak_text))
		return;
	if (at)
		memcpy(leak_text + at, "; ", 3);
	strlcat(leak_text, line, sizeof(leak_text));
}

/*
 * What the allocators keep for the next user (empty slabs, stacks) is given back by settling only,
 * which takes many steps: it is done in the first run and in every 64th, and whenever anything else
 * differs. Objects are counted one by one, so a leaked one is seen without.
 */
static bool kept_by_allocators(const char *name)
{
	return strcmp(name, "frames_slab") == 0 || strcmp(name, "frames_stack") == 0;
}

static bool is_deferred(const char *name)
{
	return strcmp(name, "rcu_callbacks") == 0 || strcmp(name, "works") == 0 ||
	       strcmp(name, "timers") == 0;
}

static bool full_judge(u64 run)
{
	return run % FULL_LEDGER_EVERY == 0;
}

/*
 * The ledger as it is when a run has left nothing behind: with the actors not joined yet, nothing
 * deferred, allocators not settled. Learned in a run whose ledger was then judged in full; it says
 * nothing where something is deferred for good.
 */
static void learn_usual(void)
{
	ledger_snapshot(&se.usual);
	se.usual_known = se.usual.nr == se.before.nr;
	for (unsigned i = 0; i < se.usual.nr && se.usual_known; i++) {
		struct ledger_line *line = &se.usual.line[i];

		if (is_deferred(line->name) && line->live != se.before.line[i].live)
			se.usual_known = false;
		if (kept_by_allocators(line->name))
			line->name = NULL;
	}
}

static bool as_usual(void)
{
	ledger_snapshot(&se.after);
	if (!se.usual_known || se.usual.nr != se.after.nr)
		return false;
	for (unsigned i = 0; i < se.usual.nr; i++)
		if (se.usual.line[i].live != se.after.line[i].live && se.usual.line[i].name)
			return false;
	return true;
}

/* Nothing may be left but what there was before the setup. */
static void judge_in_full(void)
{
	for (unsigned i = 0; i < se.nr_actors; i++)
		thread_join(se.actor[i]);
	ledger_settle();
	ledger_snapshot(&se.after);
	leak_text[0] = '\0';
	if (ledger_diff(&se.before, &se.after, note_leak))
		lockstep_fail(LV_LEAK, "%s", leak_text);
}

static void judge_main(void *arg)
{
	bool full = full_judge(se.run_nr);

	(void)arg;
	se.sc->kind->check();
	if (!full && as_usual())
		return;
	ledger_settle_deferred();
	if (full)
		learn_usual();
	else if (as_usual())
		return;
	se.judged_in_full = true;
	judge_in_full();
}

static void setup_main(void *arg)
{
	struct thread *judge;

	(void)arg;
	ledger_settle();
	ledger_snapshot(&se.before);
	se.setup_error = se.sc->kind->setup();
	if (se.setup_error)
		return;
	judge = kthread_create("judge", judge_main, NULL);
	if (!judge) {
		se.setup_error = -ENOMEM;
		return;
	}
	lockstep_role(judge, LS_JUDGING);
	thread_start(judge);
	thread_detach(judge);
}

/* ---- the session ---- */

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

static int session_memory(struct scenario *sc)
{
	sc->strategy.frames = frames_for(FRAMES_ORDER);
	sc->strategy.max_frames = BOUNDED_FRAMES;
	se.recorded.seg = frames_for(SEGMENTS_ORDER);
	se.recorded.max = SCHEDULE_SEGMENTS;
	se.conflicts.slot = conflict_slots;
	conflict_reset(&se.conflicts);
	return sc->strategy.frames && se.recorded.seg ? 0 : -ENOMEM;
}

static void session_free_memory(struct scenario *sc)
{
	free_frames(sc->strategy.frames, FRAMES_ORDER);
	free_frames(se.recorded.seg, SEGMENTS_ORDER);
	sc->strategy.frames = NULL;
	se.recorded.seg = NULL;
}

struct lab_schedule session_list(unsigned i)
{
	return (struct lab_schedule){
		.seg = se.recorded.seg + (1 + i) * SCHEDULE_SEGMENTS,
		.max = SCHEDULE_SEGMENTS,
	};
}

void session_on_step(void (*on_step)(const struct ls_step *step))
{
	se.on_step = on_step;
}

static void begin_run(struct scenario *sc, struct lab_strategy *strategy, u64 run)
{
	se.run = (struct ls_run){
		.strategy = strategy,
		.schedule = &se.recorded,
		.conflicts = &se.conflicts,
		.step_budget = sc->step_budget,
		.ipi_cost = 1000,
		.learn = strategy->ops == &strategy_bounded,
		.measure = strategy->ops == &strategy_vtime,
		.on_step = se.on_step,
		.until = sc->until,
	};
	se.run_nr = run;
	se.judged_in_full = false;
	schedule_reset(&se.recorded);
	lock_usage_forget();
	detect_begin_run(se.run.measure);
	race_run_begin();
	strategy->ops->begin(strategy, run);
}

/* Make the world and run the kind's setup in it, up to the snapshot. */
static int session_start(struct scenario *sc, char *why, size_t len)
{
	struct world_config config = {
		.nr_vcpus = sc->cpus, .mib = sc->world_mib, .layout = SLAB_LAYOUT_WINDOW};
	const char *text;
	int err;

	trace_names_reset();
	se.nr_actors = 0;
	se.usual_known = false;
	se.setup_error = -ENOMEM;
	err = world_make(&config, &text);
	if (err) {
		snprintf(why, len, "world=%u: %s", sc->world_mib, text);
		return err;
	}
	begin_run(sc, &sc->strategy, 0);
	if (world_start_thread("setup", setup_main) != 0 ||
	    lockstep_run(&se.run, LS_SETUP) != LS_QUIET || se.setup_error) {
		snprintf(why, len, "the scenario could not be set up (error %d%s%s)",
			 -se.setup_error, se.run.outcome.why[0] ? ": " : "", se.run.outcome.why);
		return -EINVAL;
	}
	err = world_snapshot();
	if (err) {
		snprintf(why, len, "world=%u: more pages are in use than can be remembered",
			 sc->world_mib);
		return err;
	}
	se.differs = false;
	if (lab_world_verify)
		se.hash = world_hash();
	return 0;
}

static int session_enter(struct scenario *sc, char *why, size_t len)
{
	const char *text = "not enough memory for the search";
	int err = session_memory(sc);

	se.sc = sc;
	se.points_before = points_enabled();
	se.checks_before = static_key_enabled(&checks_key);
	if (!err)
		err = race_session_begin();
	if (!err)
		err = world_enter(&text);
	if (err) {
		race_session_end();
		session_free_memory(sc);
		snprintf(why, len, "%s", text);
		return err;
	}
	points_set(true);
	checks_set(sc->strategy.ops != &strategy_vtime); /* would be measured */
	detect_enter();
	return 0;
}

static void session_leave(struct scenario *sc)
{
	detect_leave();
	points_set(se.points_before);
	checks_set(se.checks_before);
	world_leave();
	race_session_end();
	session_free_memory(sc);
}

/* ---- one run ---- */

void session_run(struct scenario *sc, struct lab_strategy *strategy, u64 run)
{
	u64 middle;
	enum ls_end end;

	begin_run(sc, strategy, run);
	end = lockstep_run(&se.run, LS_ACTORS);
	se.vtime = lockstep_vtime();
	middle = rdtsc();
	se.ticks_actors += middle - se.part_began;
	if (end == LS_QUIET && se.run.outcome.verdict == LV_SAFE)
		lockstep_run(&se.run, LS_JUDGE);
	se.part_began = rdtsc();
	se.ticks_judge += se.part_began - middle;
}

unsigned session_restore(void)
{
	bool usual = se.run.outcome.verdict == LV_SAFE && !se.judged_in_full;
	unsigned pages = world_restore(usual);
	u64 now = rdtsc();

	se.ticks_restore += now - se.part_began;
	se.part_began = now;
	if (lab_world_verify) {
		se.differs |= world_hash() != se.hash;
		world_spoil();
	}
	return pages;
}

const struct ls_run *session_last_run(void)
{
	return &se.run;
}

void session_add_up(struct lab_result *res)
{
	res->summary.points += se.run.points;
	res->summary.decisions += se.run.decisions;
	res->vtime = se.vtime;
	lab_summary_add(&res->summary, &se.run.outcome, se.run.reached, se.run.noted);
}

bool session_key(void)
{
	return uart_saw(CTRL_C);
}

bool session_progress_due(u64 *last_ns)
{
	u64 now = clock_ns();

	if (now - *last_ns < PROGRESS_NS)
		return false;
	*last_ns = now;
	return true;
}

static void say_progress(const struct scenario *sc, const struct lab_result *res)
{
	pr_info("# %s %s: %llu schedules, %llu points", sc->kind->name, sc->strategy_word,
		(unsigned long long)res->summary.runs, (unsigned long long)res->summary.points);
}

static void take_pct(struct lab_pct *pct, const struct lab_strategy *s)
{
	if (s->ops != &strategy_pct)
		return;
	pct->depth = s->bound;
	pct->entities = s->nr_offered;
	pct->decisions = s->longest;
	pct->miss = pct_miss(max(pct->entities, 1u), max(pct->decisions, 1u), s->bound,
			     s->runs_done);
}

static bool ends_search(const struct scenario *sc, enum lab_verdict verdict)
{
	return lab_verdicts[verdict].bad || verdict == sc->until;
}

static void search_loop(struct scenario *sc, struct lab_result *res, bool progress)
{
	struct lab_strategy *s = &sc->strategy;
	u64 last_ns = clock_ns(), start = rdtsc();
	bool more = true;

	se.ticks_restore = se.ticks_actors = se.ticks_judge = 0;
	se.part_began = start;
	for (u64 run = 0; more; run++) {
		if (run > 0)
			res->restored_pages += session_restore();
		if (se.differs)
			return;
		session_run(sc, s, run);
		session_add_up(res);
		more = s->ops->end(s, se.conflicts.grown);
		se.conflicts.grown = false;
		if (ends_search(sc, se.run.outcome.verdict))
			break;
		if (progress && (run & 255) == 255 && session_progress_due(&last_ns))
			say_progress(sc, res);
		res->aborted = (run & 15) == 15 && session_key();
		more &= !res->aborted;
	}
	res->ticks = rdtsc() - start;
	res->ticks_restore = se.ticks_restore;
	res->ticks_actors = se.ticks_actors;
	res->ticks_judge = se.ticks_judge;
	res->complete = s->complete;
	res->passes = s->passes;
	take_pct(&res->pct, s);
	res->verdict = lab_summary_verdict(&res->summary);
	if (ends_search(sc, res->verdict))
		replay_bad_run(sc, res, progress);
}

static void count_reach(struct scenario *sc, struct lab_result *res)
{
	const char *const *names = sc->kind->reach();

	res->summary.reach_names = names;
	while (names[res->summary.nr_reach])
		res->summary.nr_reach++;
}

/* The kind's switches are around the session's own. */
static void kind_end(struct scenario *sc)
{
	if (sc->kind->end)
		sc->kind->end();
}

int session_begin(struct scenario *sc, struct lab_result *res, char *why, size_t len)
{
	int err;

	memset(res, 0, sizeof(*res));
	count_reach(sc, res);
	if (sc->kind->begin)
		sc->kind->begin();
	err = session_enter(sc, why, len);
	if (err) {
		kind_end(sc);
		return err;
	}
	err = session_start(sc, why, len);
	if (err)
		session_end(sc);
	return err;
}

void session_end(struct scenario *sc)
{
	se.on_step = NULL;
	session_leave(sc);
	kind_end(sc);
}

int lab_search(struct scenario *sc, struct lab_result *res, bool progress, char *why, size_t len)
{
	int err = session_begin(sc, res, why, len);

	if (err)
		return err;
	search_loop(sc, res, progress);
	session_end(sc);
	if (!se.differs)
		return 0;
	snprintf(why, len, "the world differs from its snapshot after restore %llu",
		 (unsigned long long)res->summary.runs);
	return -EIO;
}
