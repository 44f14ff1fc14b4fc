/*
 * core_seam.c - every shared operation tells the seam about itself, before it is done, once.
 *
 * The scheduler's point function is wrapped for the running thread only: others pass through.
 */
#include <string.h>

#include "kernel/core/atomic.h"
#include "kernel/core/events.h"
#include "kernel/core/fault.h"
#include "kernel/core/preempt.h"
#include "kernel/core/refcount.h"
#include "kernel/core/sched_ops.h"
#include "kernel/core/spinlock.h"
#include "kernel/core/stop.h"
#include "kernel/core/symbols.h"
#include "kernel/core/thread_base.h"
#include "tests/ktest.h"

#define SEEN_MAX 16

static const struct sched_ops *real_ops;
static struct sched_ops listening_ops;
static struct thread_base *listener;
static struct point seen[SEEN_MAX];
static unsigned nr_seen;
static bool perform;	   /* answer "performed" */
static u64 performed_load; /* and this for loads */

static bool listen(struct point *p)
{
	if (current_base() != listener || in_irq())
		return real_ops->point(p);
	if (nr_seen < SEEN_MAX)
		seen[nr_seen] = *p;
	nr_seen++;
	if (perform)
		p->value = performed_load;
	return perform;
}

/*
 * Points on and heard here. The swap of the pointer must not meet a point on another CPU half done.
 */
static bool listen_begin(void)
{
	bool were_on = points_enabled();

	real_ops = sched_ops;
	listening_ops = *real_ops;
	listening_ops.point = listen;
	listener = current_base();
	nr_seen = 0;
	perform = false;
	cpus_park();
	sched_ops = &listening_ops;
	points_set(true);
	cpus_release();
	return were_on;
}

static void listen_end(bool were_on)
{
	cpus_park();
	sched_ops = real_ops;
	points_set(were_on);
	cpus_release();
}

static u32 word = 7;
static u64 big = 9;
static struct { int x; } target, *pointer;
static DEFINE_SPINLOCK(lock, LC_TEST_SPIN_A);
static atomic_t number = ATOMIC_INIT(5);
static unsigned long bits[2];
DELAY_SITE(test_seam_delay, "tests: a place to wait");

/* One operation each; what it must say. */
static const struct expected {
	enum point_kind kind;
	u8 size;
	enum mem_order order;
	const volatile void *obj;
	u64 value;
} expected[] = {
	{ PT_LOAD, 4, MO_RELAXED, &word, 0 },
	{ PT_STORE, 4, MO_RELAXED, &word, 8 },
	{ PT_LOAD, 8, MO_ACQUIRE, &big, 0 },
	{ PT_STORE, 8, MO_RELEASE, &big, 10 },
	{ PT_PUBLISH, 8, MO_RELEASE, &pointer, (u64)&target },
	{ PT_LOAD, 8, MO_ACQUIRE, &pointer, 0 },
	{ PT_RMW, 4, MO_SEQ_CST, &number, 3 },
	{ PT_RMW, 4, MO_SEQ_CST, &number, -1 },
	{ PT_RMW, 8, MO_SEQ_CST, &bits[1], 2 },
	{ PT_LOCK, 4, MO_ACQUIRE, &lock, 0 },
	{ PT_UNLOCK, 4, MO_RELEASE, &lock, 0 },
	{ PT_TRYLOCK, 4, MO_ACQUIRE, &lock, 0 },
	{ PT_UNLOCK, 4, MO_RELEASE, &lock, 0 },
	{ PT_DELAY, 0, MO_RELAXED, &delay_site_test_seam_delay, 0 },
};

static noinline u64 operations(void)
{
	u64 sum = READ_ONCE(word);

	WRITE_ONCE(word, 8);
	sum += smp_load_acquire(&big);
	smp_store_release(&big, 10);
	rcu_assign_pointer(pointer, (void *)&target);
	sum += rcu_dereference(pointer) == (void *)&target;
	atomic_add(3, &number);
	sum += atomic_dec_and_test(&number);
	set_bit(65, bits);
	spin_lock(&lock);
	spin_unlock(&lock);
	if (spin_trylock(&lock))
		spin_unlock(&lock);
	delay_point(&delay_site_test_seam_delay);
	return sum;
}

KTEST(core_seam, each_operation_tells_of_itself_once, KT_UNIT)
{
	unsigned long offset;
	bool were_on;
	u64 sum;

	word = 7, big = 9, bits[1] = 0;
	atomic_set(&number, 5);
	preempt_disable();
	were_on = listen_begin();
	sum = operations();
	listen_end(were_on);
	preempt_enable();

	t_expect_eq(t, sum, 7 + 9 + 1);
	t_assert_eq(t, nr_seen, ARRAY_SIZE(expected));
	for (unsigned i = 0; i < nr_seen; i++) {
		const char *where = symbol_lookup(seen[i].ip, &offset);

		t_expect_eq(t, seen[i].kind, expected[i].kind);
		t_expect_eq(t, seen[i].size, expected[i].size);
		t_expect_eq(t, seen[i].order, expected[i].order);
		t_expect_eq(t, (u64)seen[i].obj, (u64)expected[i].obj);
		if (seen[i].kind != PT_LOAD)
			t_expect_eq(t, seen[i].value, expected[i].value);
		t_expect(t, where && strncmp(where, "operations", 10) == 0);
	}
	t_expect_eq(t, word, 8);
	t_expect_eq(t, big, 10);
	t_expect_eq(t, atomic_read(&number), 7);
	t_expect_eq(t, bits[1], 2);
}

KTEST(core_seam, a_performed_operation_is_not_done_again, KT_UNIT)
{
	bool were_on;
	u32 loaded;

	word = 7, big = 9;
	pointer = NULL;
	preempt_disable();
	were_on = listen_begin();
	perform = true;
	performed_load = 1234;
	loaded = READ_ONCE(word);
	WRITE_ONCE(word, 8);
	smp_store_release(&big, 10);
	rcu_assign_pointer(pointer, (void *)&target);
	perform = false;
	listen_end(were_on);
	preempt_enable();

	t_expect_eq(t, nr_seen, 4);
	t_expect_eq(t, loaded, 1234);
	t_expect_eq(t, word, 7);
	t_expect_eq(t, big, 9);
	t_expect(t, pointer == NULL);
}

KTEST(core_seam, off_points_reach_nobody, KT_UNIT)
{
	bool were_on = points_enabled();

	points_set(false);
	preempt_disable();
	real_ops = sched_ops;
	listening_ops = *real_ops;
	listening_ops.point = listen;
	listener = current_base();
	nr_seen = 0;
	cpus_park();
	sched_ops = &listening_ops;
	cpus_release();
	operations();
	listen_end(were_on);
	preempt_enable();
	t_expect_eq(t, nr_seen, 0);
}

/* Points keep every register: the code around one has live values in all that calls may destroy. */
KTEST(core_seam, a_point_destroys_no_register, KT_UNIT)
{
	bool were_on;
	u64 wrong;

	preempt_disable();
	were_on = listen_begin();
	__asm__ volatile(
		"mov $1, %%rcx; mov $2, %%r8; mov $3, %%r9; mov $4, %%r10; mov $5, %%r11\n\t"
		"mov %1, %%rdi; mov %2, %%rsi; mov $6, %%rdx\n\t"
		"push %%rax; call point_entry; add $8, %%rsp\n\t"
		"xor $1, %%rcx; xor $2, %%r8; xor $3, %%r9; xor $4, %%r10; xor $5, %%r11\n\t"
		"sub %1, %%rdi; sub %2, %%rsi; xor $6, %%rdx\n\t"
		"or %%r8, %%rcx; or %%r9, %%rcx; or %%r10, %%rcx; or %%r11, %%rcx\n\t"
		"or %%rdi, %%rcx; or %%rsi, %%rcx; or %%rdx, %%rcx; mov %%rcx, %0"
		: "=b"(wrong)
		: "i"(POINT_HOW(PT_RMW, 8, MO_SEQ_CST)), "i"(&big)
		: "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
	listen_end(were_on);
	preempt_enable();
	t_expect_eq(t, wrong, 0);
	t_expect_eq(t, nr_seen, 1);
}

KTEST(core_seam, events_count_exactly, KT_UNIT)
{
	struct event_counts before, after;
	struct event_counts *mine;

	preempt_disable();
	events_set(true);
	mine = this_cpu_ptr(event_counters);
	local_irq_disable();
	before = *mine;
	for (int i = 0; i < 10; i++)
		atomic_inc(&number);
	spin_lock(&lock);
	spin_unlock(&lock);
	event_count(EV_PTE, 512);
	after = *mine;
	local_irq_enable();
	events_set(false);
	preempt_enable();

	t_expect_eq(t, after.n[EV_ATOMIC] - before.n[EV_ATOMIC], 10);
	t_expect_eq(t, after.n[EV_LOCK] - before.n[EV_LOCK], 1);
	t_expect_eq(t, after.n[EV_PTE] - before.n[EV_PTE], 512);
	t_expect_eq(t, after.n[EV_POINT] - before.n[EV_POINT], 12);
	t_expect_eq(t, after.n[EV_SLAB] - before.n[EV_SLAB], 0);
}

KTEST(core_seam, refcounts_saturate_and_tell, KT_UNIT)
{
	refcount_t r = REFCOUNT_INIT(1);

	t_expect_warnings(t, 3);
	refcount_inc(&r);
	t_expect(t, refcount_inc_not_zero(&r));
	t_expect_eq(t, refcount_read(&r), 3);
	t_expect(t, !refcount_dec_and_test(&r));
	refcount_dec(&r);
	t_expect(t, refcount_dec_and_test(&r));
	t_expect(t, !refcount_inc_not_zero(&r));
	refcount_inc(&r); /* warning: from 0 */
	t_expect_eq(t, refcount_read(&r), REFCOUNT_SATURATED);
	refcount_set(&r, 0);
	t_expect(t, !refcount_dec_and_test(&r)); /* warning: underflow */
	t_expect_eq(t, refcount_read(&r), REFCOUNT_SATURATED);
	refcount_set(&r, 1);
	refcount_dec(&r); /* warning: to 0 */
	t_expect_eq(t, refcount_read(&r), REFCOUNT_SATURATED);
}
