/*
 * exit.c - the scenario kind `exit`: a process is killed, and others reach its memory meanwhile.
 *
 * Owns: the actors, what counts as having met, what must hold at the end, the figures of a run.
 * Not here: the memory's shape (tests/fork_shape.h), what walkers do (mm/walkers), the rules of a
 *           dying mm, which nothing here knows.
 * Idea: everything is the real thing: do_exit() of each thread, the reaper's tries,
 *       process_mrelease(), walkers that are led to every mm. Reapers come when the process was
 *       killed; walkers whenever they like. What is told besides what detectors see:
 *         late     the memory is torn down by one who is not of the process: a walker's reference
 *                  was the last. One unit a page
 *         refused  process_mrelease() was turned away although pages remained. One unit a page.
 *                  Who calls it after another's kill may come behind exit_mm() under any rules that
 *                  do not keep the mm; who kills by the call itself (mrelease_kill) cannot
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/core/user.h"
#include "kernel/proc/oom.h"
#include "kernel/sched/wait.h"
#include "kernel/sched/work.h"
#include "mm/mm_marks.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"
#include "mm/walkers/walker.h"
#include "mm/zap.h"
#include "tests/fork_shape.h"
#include "tests/lab/exit_figures.h"
#include "tests/lab/lab.h"
#include "tests/lab/victim.h"

#define THREADS_MAX 3u
#define ROUNDS	    8u
#define WALKERS_MAX 3u

enum { REACH_REAPED, REACH_TOGETHER };
enum { MUT_NONE, MUT_NO_LOCK, MUT_NO_FLAG };
enum { BY_ACTOR, BY_MRELEASE };

static const char *const mutant_names[] = {"none", "no-lock", "no-flag", NULL};
static const char *const killer_names[] = {"actor", "mrelease", NULL};

/* ---- host side: what was asked for ---- */

static struct fork_shape shape;
static u64 nr_threads, nr_reapers, nr_mrelease, nr_linger;
static const struct walker *walkers[WALKERS_MAX];
static unsigned nr_walkers, mutant, killed_by;
static bool split_ptl;
struct exit_figures exit_figures;

/* ---- the world ---- */

static struct fork_stage stage __lab_world;
static struct mm_struct *dying __lab_world; /* with a mm_count of ours */
static struct task_struct *leader __lab_world;
static struct task_struct *others[THREADS_MAX] __lab_world;
static u32 killed __lab_world;
static struct wait_queue_head gate __lab_world;

static long pages_left(void)
{
	return get_mm_counter(dying, MM_ANONPAGES) + get_mm_counter(dying, MM_FILEPAGES);
}

/* ---- moments of the exit ---- */

static void span_begin(struct exit_span *s)
{
	s->begin = lockstep_my_vtime(&s->waited);
}

static void span_end(struct exit_span *s)
{
	u64 waited;

	s->end = lockstep_my_vtime(&waited);
	s->waited = waited - s->waited;
}

static void note_pages(enum lab_verdict verdict)
{
	for (long nr = pages_left(); nr > 0; nr--)
		lab_note(verdict);
}

/* Who is not of the process tears it down: its reference was the last. */
static void begins_to_unmap(void)
{
	const struct task_struct *tsk = current_task();

	if (!tsk || tsk->signal != leader->signal)
		note_pages(LV_LATE);
	span_begin(&exit_figures.zap);
}

static void on_mark(const struct mm_struct *mm, enum mm_mark mark)
{
	u64 waited;

	if (!lockstep_searched() || mm != dying)
		return;
	switch (mark) {
	case MARK_ZAP: begins_to_unmap(); break;
	case MARK_ZAPPED:
		span_end(&exit_figures.zap);
		span_begin(&exit_figures.lock);
		break;
	case MARK_TABLES:
		if (exit_figures.zap.end)
			span_end(&exit_figures.lock);
		else
			span_end(&exit_figures.zap);
		break;
	case MARK_SHELL: exit_figures.done = lockstep_my_vtime(&waited); break;
	default: break;
	}
}

/* ---- the process ---- */

/*
 * A thread uses its memory as a system call does, which no signal stops: it sees what was there, or
 * is told that it is not. Every other one begins when the process was killed.
 */
static int use_memory(void *arg)
{
	unsigned long nr = (unsigned long)arg;

	if (nr % 2 == 0)
		wait_event(&gate, READ_ONCE(killed));
	for (unsigned long i = 0; i < ROUNDS * shape.vmas; i++) {
		unsigned long vma = i % shape.vmas, page = (i + nr) % shape.pages;
		u64 value = 0;

		if (get_user(&value, fork_shape_addr(&shape, vma) + page * PAGE_SIZE))
			break;
		lab_assert(value == vma + 1 + page || shape.file || shape.shared);
	}
	return victim_sleep(NULL);
}

static void tell_killed(void)
{
	WRITE_ONCE(killed, 1);
	wake_up_all(&gate);
}

static void killer(void *arg)
{
	(void)arg;
	exit_figures.pages = pages_left(); /* nobody has freed any yet */
	lab_assert(task_kill(leader->pid, SIGKILL) == 0);
	tell_killed();
}

/* ---- who frees its memory ---- */

/* The reaper's pass with a mistake: without the lock, or without saying that pages will be gone. */
static void reap_wrongly(void) NO_LOCK_ANALYSIS
{
	VMA_ITERATOR(vmi, dying, 0);
	struct vm_area_struct *vma;

	if (mutant != MUT_NO_LOCK)
		mmap_read_lock(dying);
	for_each_vma(vmi, vma) zap_page_range_single(vma, vma->vm_start, vma->vm_end);
	if (mutant != MUT_NO_LOCK)
		mmap_read_unlock(dying);
}

static void note_reaped(long before)
{
	enum mm_mark mark = READ_ONCE_NOPOINT(dying->mark);

	if (atomic_long_read(&dying->nr_reaped) == before)
		return;
	lab_reach(REACH_REAPED);
	if (mark >= MARK_ZAP)
		lab_reach(REACH_TOGETHER);
}

static void reaper(void *arg)
{
	struct exit_span *span = &exit_figures.reap[(unsigned long)arg];

	wait_event(&gate, READ_ONCE(killed));
	span_begin(span);
	if (mutant)
		reap_wrongly();
	else
		oom_reap_victim(dying);
	span_end(span);
	note_reaped(0);
}

/* Who wants its memory ends it, unless the call does so by itself. */
static int kill_and_release(void)
{
	int err = process_mrelease(leader->pid);

	if (err == -EINVAL) {
		killer(NULL);
		return process_mrelease(leader->pid);
	}
	tell_killed();
	return err;
}

static void releaser(void *arg)
{
	struct exit_span *span = &exit_figures.reap[(unsigned long)arg];
	bool kills = killed_by == BY_MRELEASE && span == &exit_figures.reap[nr_reapers];
	int err;

	if (!kills)
		wait_event(&gate, READ_ONCE(killed));
	span_begin(span);
	err = kills ? kill_and_release() : process_mrelease(leader->pid);
	span_end(span);
	if (err)
		note_pages(LV_REFUSED);
	note_reaped(0);
}

static void walk(void *arg)
{
	struct walk w = {
		.swap = stage.swap,
		.file = stage.file,
		.addr = fork_shape_addr(&shape, 0),
		.step = PAGE_SIZE,
		.nr = shape.pages,
		.linger = nr_linger,
	};
	long done = walker_run(arg, &w);

	lab_assert(done >= 0 || done == -ENOENT || done == -EBUSY);
}

/* ---- the scenario ---- */

static void parse_walkers(struct kv *kv)
{
	const char *text = NULL;
	char words[128], *word, *rest = words;

	nr_walkers = 0;
	if (!kv_str(kv, "walkers", &text) || !text)
		return;
	if (snprintf(words, sizeof(words), "%s", text) >= (int)sizeof(words))
		kv_fail(kv, "walkers: at most %zu characters", sizeof(words) - 1);
	while ((word = strsep(&rest, ",")) != NULL) {
		const struct walker *walker = walker_find(word);

		if (!walker || (walker->flags & WALK_OWNER) || !(walker->walk || walker->walk_mm))
			kv_fail(kv, "walkers=%s: no such stranger; `walkers` lists them", word);
		else if ((walker->flags & WALK_SWAP && !shape.swap) ||
			 (walker->flags & WALK_FILE && !shape.file))
			kv_fail(kv, "walkers=%s: only with %s", word,
				walker->flags & WALK_SWAP ? "swap=" : "file=");
		else if (nr_walkers == WALKERS_MAX)
			kv_fail(kv, "walkers: at most %u", WALKERS_MAX);
		else
			walkers[nr_walkers++] = walker;
	}
}

static void parse(struct scenario *sc, struct kv *kv)
{
	nr_threads = nr_mrelease = nr_linger = 0;
	nr_reapers = 1;
	mutant = MUT_NONE;
	split_ptl = true;
	kv_u64(kv, "threads", 0, THREADS_MAX, &nr_threads);
	kv_u64(kv, "reapers", 0, EXIT_REAPERS_MAX, &nr_reapers);
	kv_u64(kv, "mrelease", 0, EXIT_REAPERS_MAX, &nr_mrelease);
	kv_u64(kv, "linger", 0, 1000, &nr_linger);
	killed_by = BY_ACTOR;
	kv_choice(kv, "killer", killer_names, &killed_by);
	kv_choice(kv, "mutant", mutant_names, &mutant);
	kv_bool(kv, "split", &split_ptl);
	fork_shape_parse(&shape, kv, scenario_room(sc));
	if (shape.site || shape.kill != SHAPE_NO || shape.pinned)
		kv_fail(kv, "site, kill, pinned: are about a fork");
	if (nr_reapers + nr_mrelease > EXIT_REAPERS_MAX)
		kv_fail(kv, "reapers and mrelease: %u together at most", EXIT_REAPERS_MAX);
	if (killed_by == BY_MRELEASE && !nr_mrelease)
		kv_fail(kv, "killer=mrelease: only with mrelease=");
	parse_walkers(kv);
	if (sc->cpus == 0)
		sc->cpus = 1 + (killed_by == BY_ACTOR) +
			   (unsigned)(nr_threads + nr_reapers + nr_mrelease) + nr_walkers;
}

static int make_process(unsigned *cpu)
{
	dying = stage.mm;
	stage.mm = NULL;
	mmgrab(dying);
	leader = victim_process("victim", dying, nr_threads ? use_memory : victim_sleep,
				(void *)1ul, (*cpu)++);
	if (!leader)
		return -ENOMEM;
	for (unsigned long i = 0; i < nr_threads; i++) {
		others[i] = victim_more(leader, CLONE_VM | CLONE_THREAD, "thread", use_memory,
					(void *)i, (*cpu)++);
		if (!others[i])
			return -ENOMEM;
	}
	return 0;
}

static int make_others(unsigned *cpu)
{
	unsigned long nr = 0;
	int err = killed_by == BY_ACTOR ? lab_actor("killer", (*cpu)++, killer, NULL) : 0;

	for (unsigned long i = 0; i < nr_reapers && !err; i++)
		err = lab_actor("reaper", (*cpu)++, reaper, (void *)nr++);
	for (unsigned long i = 0; i < nr_mrelease && !err; i++)
		err = lab_actor("mrelease", (*cpu)++, releaser, (void *)nr++);
	for (unsigned i = 0; i < nr_walkers && !err; i++)
		err = lab_actor(walkers[i]->name, (*cpu)++, walk, (void *)walkers[i]);
	return err;
}

static int setup(void)
{
	unsigned cpu = 0;
	int err;

	init_waitqueue_head(&gate);
	tables_split_ptl = split_ptl; /* the world's own */
	err = fork_stage_build(&shape, &stage);
	if (!err)
		err = make_process(&cpu);
	if (!err)
		err = make_others(&cpu);
	if (!err)
		lab_name(dying, sizeof(*dying), "mm");
	return err;
}

static void finish_figures(void)
{
	struct exit_figures *f = &exit_figures;
	u64 begin = max(f->zap.begin, f->reap[0].begin), end = min(f->zap.end, f->reap[0].end);

	f->nr_reapers = (unsigned)(nr_reapers + nr_mrelease);
	f->pages_reaped = atomic_long_read(&dying->nr_reaped);
	f->overlap = f->nr_reapers && end > begin ? end - begin : 0;
}

static void check(void)
{
	for (unsigned i = 0; i < nr_threads; i++)
		put_task_struct(others[i]);
	victim_wait(leader);
	flush_workqueue(&system_wq); /* threads are joined; mmput_async() */
	finish_figures();
	lab_assert(atomic_read(&dying->mm_users) == 0);
	lab_assert(pages_left() == 0);
	lab_assert(get_mm_counter(dying, MM_SWAPENTS) == 0);
	mmdrop(dying);
	lab_assert(fork_stage_end(&stage) == 0);
}

static const char *const *reach(void)
{
	static const char *const none[] = {NULL};
	static const char *const reaped[] = {"reaped?", "together?", NULL};

	return nr_reapers + nr_mrelease && !mutant ? reaped : none;
}

static void begin(void)
{
	exit_figures = (struct exit_figures){0};
	mm_marks_watch(on_mark);
}

static void end(void)
{
	mm_marks_watch(NULL);
}

static const struct scenario_kind exit_kind = {
	.name = "exit",
	.usage = "vmas= pages= swap= file= shared= touching= clean= sem=   as for fork\n"
		 "  threads=0..3   of the process, which use its memory until they are killed\n"
		 "  reapers=N mrelease=N   who free it, 4 at most   walkers=NAME,... linger=N\n"
		 "  killer=actor|mrelease  who kills it: another, or who frees it\n"
		 "  split=off      one lock for all PTE tables   mutant=no-lock|no-flag",
	.parse = parse,
	.setup = setup,
	.check = check,
	.reach = reach,
	.begin = begin,
	.end = end,
};
SCENARIO_KIND(exit_kind);
