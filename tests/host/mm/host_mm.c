/*
 * host_mm.c - what the mm code expects of the layers below, played by one host thread.
 */
#include "tests/host/mm/host_mm.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "kernel/core/fault.h"
#include "kernel/core/preempt.h"
#include "kernel/sched/rcu.h"
#include "kernel/x86/percpu.h"
#include "mm/drain.h"

char *host_ram;
unsigned nr_vcpus = 1, host_cpu;
unsigned host_preempt_depth;
long host_fault_countdown = -1;
struct static_key points_key, checks_key, lock_slow_key, faults_key;
jmp_buf host_bug_jump;
bool host_bug_expected;
char host_bug_text[256];

static u64 rand_state;
static struct rcu_head *callbacks;

void host_bug(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(host_bug_text, sizeof(host_bug_text), fmt, ap);
	va_end(ap);
	if (host_bug_expected)
		longjmp(host_bug_jump, 1);
	fprintf(stderr, "BUG at %s:%d: %s\n", file, line, host_bug_text);
	abort();
}

void call_rcu(struct rcu_head *head, void (*fn)(struct rcu_head *head))
{
	head->fn = fn;
	head->next = callbacks;
	callbacks = head;
}

void rcu_barrier(void)
{
	while (callbacks) {
		struct rcu_head *head = callbacks;

		callbacks = head->next;
		head->fn(head);
	}
}

void on_each_vcpu(void (*fn)(void *arg), void *arg)
{
	unsigned cpu = host_cpu;

	for (host_cpu = 0; host_cpu < nr_vcpus; host_cpu++)
		fn(arg);
	host_cpu = cpu;
}

void host_checks(bool on)
{
	checks_key.on = lock_slow_key.on = on;
}

void host_settle(void)
{
	rcu_barrier();
	frames_settle();
}

void host_world_ranges(const struct frame_range *ranges, unsigned nr, unsigned cpus)
{
	struct frames_config config = {.nr_vcpus = cpus, .poison = true};

	host_ram = mmap(NULL, ranges[nr - 1].end_pfn * PAGE_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	h_assert(host_ram != MAP_FAILED);
	nr_vcpus = cpus;
	host_cpu = 0;
	rand_state = htest_seed();
	h_assert_eq(frames_world_init(ranges, nr, &config), 0);
}

void host_world(unsigned long base_pfn, unsigned long nr_pages, unsigned cpus)
{
	struct frame_range range = {base_pfn, base_pfn + nr_pages};

	host_world_ranges(&range, 1, cpus);
}

u64 host_rand(void)
{
	rand_state ^= rand_state << 13;
	rand_state ^= rand_state >> 7;
	rand_state ^= rand_state << 17;
	return rand_state;
}
