/*
 * sched_locks.c - mutex and rw_semaphore: exclusion, order of arrival, killed waiters, downgrade.
 *
 * NO_LOCK_ANALYSIS stands where a lock is taken by a try, or by a function that takes it or not:
 * what these tests are about, and what clang cannot follow.
 */
#include "kernel/core/atomic.h"
#include "kernel/sched/kthread.h"
#include "kernel/sched/mutex.h"
#include "kernel/sched/rwsem.h"
#include "kernel/sched/timer.h"
#include "tests/ktest.h"

/* ---- mutex --------------------------------------------------------------------------------- */

struct guarded {
	struct mutex m;
	u64 rounds;
	u64 a, b; /* equal whenever the mutex is free */
	u32 order[8];
	u32 nr_order;
};

static void guarded_step(struct guarded *g)
{
	g->a++;
	if (g->a % 7 == 0)
		yield();
	g->b++;
}

NO_LOCK_ANALYSIS static void lock_and_step(struct ktest *t, unsigned i, void *arg)
{
	struct guarded *g = arg;
	struct rng rng;
	u64 n;

	rng_init(&rng, t_seed(t) + i);
	for (n = 0; n < g->rounds; n++) {
		if (rng_chance(&rng, 30)) {
			while (!mutex_trylock(&g->m))
				yield();
		} else {
			mutex_lock(&g->m);
		}
		if (g->a != g->b)
			t_fail(t, "two owners at once");
		guarded_step(g);
		mutex_unlock(&g->m);
	}
}

KTEST(locks, mutex_excludes, KT_STRESS)
{
	struct guarded g = {.rounds = t_scale(t, 500)};
	unsigned nr = 2 * nr_vcpus;

	mutex_init(&g.m, LC_TEST_SLEEP_A);
	t_parallel(t, nr, lock_and_step, &g);
	t_expect_eq(t, g.a, g.rounds * nr);
	t_expect_eq(t, g.b, g.a);
	t_expect(t, !mutex_is_locked(&g.m));
}

struct queued {
	struct guarded *g;
	u32 number;
	int err;
};

static void lock_and_sign(void *arg)
{
	struct queued *q = arg;

	mutex_lock(&q->g->m);
	q->g->order[q->g->nr_order++] = q->number;
	mutex_unlock(&q->g->m);
}

NO_LOCK_ANALYSIS static void lock_killable_and_sign(void *arg)
{
	struct queued *q = arg;

	q->err = mutex_lock_killable(&q->g->m);
	if (q->err)
		return;
	q->g->order[q->g->nr_order++] = q->number;
	mutex_unlock(&q->g->m);
}

NO_LOCK_ANALYSIS KTEST(locks, mutex_serves_in_order_of_arrival, KT_UNIT)
{
	enum { N = 6 };
	struct guarded g = {0};
	struct queued q[N];
	struct thread *n[N];
	u32 i;

	mutex_init(&g.m, LC_TEST_SLEEP_A);
	mutex_lock(&g.m);
	t_expect(t, mutex_is_mine(&g.m));
	for (i = 0; i < N; i++) {
		q[i] = (struct queued){.g = &g, .number = i};
		n[i] = kthread_run("queued", lock_and_sign, &q[i]);
		t_assert(t, n[i] != NULL);
		t_until_blocked(n[i], TS_BLOCKED);
	}
	t_expect(t, !mutex_trylock(&g.m));
	mutex_unlock(&g.m);
	for (i = 0; i < N; i++) {
		thread_join(n[i]);
		t_expect_eq(t, g.order[i], i);
	}
	t_expect(t, !mutex_is_locked(&g.m));
}

/* Killed waiters at the head, in the middle and alone: the rest is served, nothing sticks. */
NO_LOCK_ANALYSIS KTEST(locks, mutex_killed_waiters_leave_the_line, KT_UNIT)
{
	enum { N = 4 };
	struct guarded g = {0};
	struct queued q[N];
	struct thread *n[N];
	u32 i;

	mutex_init(&g.m, LC_TEST_SLEEP_A);
	mutex_lock(&g.m);
	for (i = 0; i < N; i++) {
		q[i] = (struct queued){.g = &g, .number = i};
		n[i] = kthread_run("killable", lock_killable_and_sign, &q[i]);
		t_assert(t, n[i] != NULL);
		t_until_blocked(n[i], TS_KILLABLE);
	}
	thread_kill(n[0]);
	thread_join(n[0]);
	thread_kill(n[2]);
	thread_join(n[2]);
	mutex_unlock(&g.m);
	thread_join(n[1]);
	thread_join(n[3]);
	t_expect_eq(t, q[0].err, -EINTR);
	t_expect_eq(t, q[2].err, -EINTR);
	t_expect_eq(t, g.nr_order, 2);
	t_expect_eq(t, g.order[0], 1);
	t_expect_eq(t, g.order[1], 3);

	mutex_lock(&g.m);
	n[0] = kthread_run("alone", lock_killable_and_sign, &q[0]);
	t_assert(t, n[0] != NULL);
	t_until_blocked(n[0], TS_KILLABLE);
	thread_kill(n[0]);
	thread_join(n[0]);
	t_expect_eq(t, q[0].err, -EINTR);
	t_expect_eq(t, atomic_long_read(&g.m.owner), (long)current); /* nobody waits */
	mutex_unlock(&g.m);
	t_expect(t, !mutex_is_locked(&g.m));
}

/* ---- rw_semaphore: one thread per role ----------------------------------------------------- */

enum role { READ, WRITE, READ_KILLABLE, WRITE_KILLABLE };

struct actor {
	struct rw_semaphore *sem;
	enum role role;
	u32 inside;
	u32 leave;
	int err;
	struct thread *thread;
};

NO_LOCK_ANALYSIS static int actor_enter(struct actor *a)
{
	switch (a->role) {
	case READ: down_read(a->sem); return 0;
	case WRITE: down_write(a->sem); return 0;
	case READ_KILLABLE: return down_read_killable(a->sem);
	default: return down_write_killable(a->sem);
	}
}

static bool actor_writes(const struct actor *a)
{
	return a->role == WRITE || a->role == WRITE_KILLABLE;
}

NO_LOCK_ANALYSIS static void actor_fn(void *arg)
{
	struct actor *a = arg;

	a->err = actor_enter(a);
	if (a->err)
		return;
	WRITE_ONCE(a->inside, 1);
	while (!READ_ONCE(a->leave))
		yield();
	WRITE_ONCE(a->inside, 0);
	if (actor_writes(a))
		up_write(a->sem);
	else
		up_read(a->sem);
}

static void actor_start(struct ktest *t, struct actor *a, struct rw_semaphore *sem, enum role role)
{
	*a = (struct actor){.sem = sem, .role = role};
	a->thread = kthread_run("actor", actor_fn, a);
	t_assert(t, a->thread != NULL);
}

static void actor_start_inside(struct ktest *t, struct actor *a, struct rw_semaphore *sem,
			       enum role role)
{
	actor_start(t, a, sem, role);
	while (!READ_ONCE(a->inside))
		yield();
}

static void actor_start_waiting(struct ktest *t, struct actor *a, struct rw_semaphore *sem,
				enum role role)
{
	actor_start(t, a, sem, role);
	t_until_blocked(a->thread, role == READ || role == WRITE ? TS_BLOCKED : TS_KILLABLE);
}

static void actor_leave(struct actor *a)
{
	WRITE_ONCE(a->leave, 1);
	thread_join(a->thread);
}

static void until_inside(struct actor *a)
{
	while (!READ_ONCE(a->inside))
		yield();
}

NO_LOCK_ANALYSIS KTEST(locks, rwsem_readers_share_writers_do_not, KT_UNIT)
{
	struct actor r1, r2, w;
	struct rw_semaphore sem;

	init_rwsem(&sem, LC_TEST_SLEEP_A);
	actor_start_inside(t, &r1, &sem, READ);
	actor_start_inside(t, &r2, &sem, READ_KILLABLE);
	t_expect(t, rwsem_is_locked(&sem));
	t_expect(t, !rwsem_is_write_locked(&sem));
	t_expect(t, !down_write_trylock(&sem));
	t_assert(t, down_read_trylock(&sem));
	up_read(&sem);
	actor_start_waiting(t, &w, &sem, WRITE);
	t_expect(t, rwsem_is_contended(&sem));
	actor_leave(&r1);
	t_expect_eq(t, READ_ONCE(w.inside), 0);
	actor_leave(&r2);
	until_inside(&w);
	t_expect(t, rwsem_is_write_locked(&sem));
	t_expect(t, !down_read_trylock(&sem));
	t_expect(t, !down_write_trylock(&sem));
	actor_leave(&w);
	t_expect(t, !rwsem_is_locked(&sem));
	t_expect(t, !rwsem_is_contended(&sem));
}

/* A waiting writer keeps out readers that come after it; they enter together after it. */
NO_LOCK_ANALYSIS KTEST(locks, rwsem_waiting_writer_stops_later_readers, KT_UNIT)
{
	struct actor r1, w, late[3];
	struct rw_semaphore sem;
	int i;

	init_rwsem(&sem, LC_TEST_SLEEP_A);
	actor_start_inside(t, &r1, &sem, READ);
	actor_start_waiting(t, &w, &sem, WRITE);
	t_expect(t, !down_read_trylock(&sem));
	for (i = 0; i < 3; i++)
		actor_start_waiting(t, &late[i], &sem, READ);
	actor_leave(&r1);
	until_inside(&w);
	for (i = 0; i < 3; i++)
		t_expect_eq(t, READ_ONCE(late[i].inside), 0);
	actor_leave(&w);
	for (i = 0; i < 3; i++)
		until_inside(&late[i]);
	for (i = 0; i < 3; i++)
		actor_leave(&late[i]);
	t_expect(t, !rwsem_is_locked(&sem));
}

/* Killing the writer that kept readers out lets them in at once. */
KTEST(locks, rwsem_killed_writer_lets_readers_pass, KT_UNIT)
{
	struct actor r1, w, r2, r3;
	struct rw_semaphore sem;

	init_rwsem(&sem, LC_TEST_SLEEP_A);
	actor_start_inside(t, &r1, &sem, READ);
	actor_start_waiting(t, &w, &sem, WRITE_KILLABLE);
	actor_start_waiting(t, &r2, &sem, READ);
	actor_start_waiting(t, &r3, &sem, READ_KILLABLE);
	thread_kill(w.thread);
	thread_join(w.thread);
	t_expect_eq(t, w.err, -EINTR);
	until_inside(&r2);
	until_inside(&r3);
	t_expect_eq(t, READ_ONCE(r1.inside), 1);
	actor_leave(&r1);
	actor_leave(&r2);
	actor_leave(&r3);
	t_expect(t, !rwsem_is_locked(&sem));
	t_expect(t, !rwsem_is_contended(&sem));
}

NO_LOCK_ANALYSIS KTEST(locks, rwsem_killed_reader_leaves_the_line, KT_UNIT)
{
	struct actor w, r;
	struct rw_semaphore sem;

	init_rwsem(&sem, LC_TEST_SLEEP_A);
	actor_start_inside(t, &w, &sem, WRITE_KILLABLE);
	actor_start_waiting(t, &r, &sem, READ_KILLABLE);
	thread_kill(r.thread);
	thread_join(r.thread);
	t_expect_eq(t, r.err, -EINTR);
	t_expect(t, !rwsem_is_contended(&sem));
	actor_leave(&w);
	t_assert(t, down_write_trylock(&sem));
	up_write(&sem);
}

NO_LOCK_ANALYSIS KTEST(locks, rwsem_downgrade_admits_readers_not_writers, KT_UNIT)
{
	struct actor r1, r2, w;
	struct rw_semaphore sem;

	init_rwsem(&sem, LC_TEST_SLEEP_A);
	down_write(&sem);
	actor_start_waiting(t, &r1, &sem, READ);
	actor_start_waiting(t, &w, &sem, WRITE);
	actor_start_waiting(t, &r2, &sem, READ);
	downgrade_write(&sem);
	until_inside(&r1);
	t_expect(t, !rwsem_is_write_locked(&sem));
	t_expect_eq(t, READ_ONCE(w.inside), 0);
	t_expect_eq(t, READ_ONCE(r2.inside), 0); /* came after the writer */
	actor_leave(&r1);
	t_expect_eq(t, READ_ONCE(w.inside), 0); /* we still read */
	up_read(&sem);
	until_inside(&w);
	actor_leave(&w);
	until_inside(&r2);
	actor_leave(&r2);
	t_expect(t, !rwsem_is_locked(&sem));
}

/* ---- rw_semaphore: everybody at once ------------------------------------------------------- */

struct arena {
	struct rw_semaphore sem;
	u64 rounds;
	atomic_t readers, writers;
	u64 a, b; /* written only by writers, together */
};

static void read_arena(struct ktest *t, struct arena *s, struct rng *rng)
{
	u64 a = s->a;

	atomic_inc(&s->readers);
	if (rng_chance(rng, 20))
		yield();
	if (atomic_read(&s->writers) || a != s->a || s->a != s->b)
		t_fail(t, "a writer beside a reader");
	atomic_dec(&s->readers);
}

static void write_arena(struct ktest *t, struct arena *s, struct rng *rng)
{
	if (atomic_inc_return(&s->writers) != 1 || atomic_read(&s->readers))
		t_fail(t, "a writer is not alone");
	s->a++;
	if (rng_chance(rng, 20))
		yield();
	s->b++;
	atomic_dec(&s->writers);
}

NO_LOCK_ANALYSIS static void write_then_read(struct ktest *t, struct arena *s, struct rng *rng)
{
	write_arena(t, s, rng);
	if (rng_chance(rng, 30)) {
		downgrade_write(&s->sem);
		read_arena(t, s, rng);
		up_read(&s->sem);
	} else {
		up_write(&s->sem);
	}
}

NO_LOCK_ANALYSIS static void enter_arena(struct ktest *t, struct arena *s, struct rng *rng,
					 u64 *written)
{
	bool entered = true;

	switch (rng_below(rng, 8)) {
	case 0: down_write(&s->sem); break;
	case 1: entered = down_write_trylock(&s->sem); break;
	case 2: entered = down_write_killable(&s->sem) == 0; break;
	case 3:
		if (down_read_trylock(&s->sem)) {
			read_arena(t, s, rng);
			up_read(&s->sem);
		}
		return;
	default:
		down_read(&s->sem);
		read_arena(t, s, rng);
		up_read(&s->sem);
		return;
	}
	if (entered) {
		write_then_read(t, s, rng);
		++*written;
	}
}

static atomic_long_t total_written;

static void use_arena(struct ktest *t, unsigned i, void *arg)
{
	struct arena *s = arg;
	struct rng rng;
	u64 n, written = 0;

	rng_init(&rng, t_seed(t) + i);
	for (n = 0; n < s->rounds; n++)
		enter_arena(t, s, &rng, &written);
	atomic_long_add((long)written, &total_written);
}

KTEST(locks, rwsem_excludes, KT_STRESS)
{
	struct arena s = {.rounds = t_scale(t, 500)};

	atomic_long_set(&total_written, 0);
	init_rwsem(&s.sem, LC_TEST_SLEEP_A);
	t_parallel(t, 2 * nr_vcpus, use_arena, &s);
	t_expect_eq(t, s.a, atomic_long_read(&total_written));
	t_expect_eq(t, s.b, s.a);
	t_expect(t, !rwsem_is_locked(&s.sem));
	t_expect(t, !rwsem_is_contended(&s.sem));
}

/* Waiters are killed while others come and go: no grant is lost, the lock ends free. */
struct victims {
	struct rw_semaphore sem;
	struct ktest *t;
	u64 rounds;
	atomic_t ended;
};

NO_LOCK_ANALYSIS static void be_a_victim(void *arg)
{
	struct victims *v = arg;
	bool write = current->base.id & 1;

	/* Only a wait is interrupted: one that need not wait gets the lock, killed or not. */
	while (!fatal_signal_pending(current)) {
		if (write ? down_write_killable(&v->sem) : down_read_killable(&v->sem))
			break;
		yield();
		if (write)
			up_write(&v->sem);
		else
			up_read(&v->sem);
	}
	atomic_inc(&v->ended);
}

static void raise_and_kill(struct ktest *t, unsigned i, void *arg)
{
	struct victims *v = arg;
	struct rng rng;
	u64 n;

	rng_init(&rng, t_seed(t) + i);
	for (n = 0; n < v->rounds; n++) {
		struct thread *a = kthread_run("victim", be_a_victim, v);
		u64 turns = rng_below(&rng, 20);

		t_assert(t, a != NULL);
		while (turns--)
			yield();
		thread_kill(a);
		thread_join(a);
	}
}

NO_LOCK_ANALYSIS KTEST(locks, rwsem_survives_killed_waiters, KT_STRESS)
{
	struct victims v = {.t = t, .rounds = t_scale(t, 60)};
	unsigned nr = 2 * nr_vcpus;

	init_rwsem(&v.sem, LC_TEST_SLEEP_A);
	t_parallel(t, nr, raise_and_kill, &v);
	t_expect_eq(t, atomic_read(&v.ended), (int)(nr * v.rounds));
	t_expect(t, !rwsem_is_locked(&v.sem));
	t_expect(t, !rwsem_is_contended(&v.sem));
	t_assert(t, down_write_trylock(&v.sem));
	up_write(&v.sem);
}
