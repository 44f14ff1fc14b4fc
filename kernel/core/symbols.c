/*
 * symbols.c - names of addresses, and the walk up the stack.
 *
 * Owns: reading the table that scripts/symbols puts into section .ksyms, the checks of a walk.
 * Idea: the table is sorted by address; a lookup is a binary search. It is empty in the first link
 *       and in images without it: then addresses are printed as numbers.
 */
#include "kernel/core/backtrace.h"

#include "kernel/core/format.h"
#include "kernel/core/symbols.h"
#include "kernel/core/thread_base.h"
#include "kernel/x86/layout.h"
#include "kernel/x86/pcpu.h"
#include "kernel/x86/trap.h"

/* As scripts/symbols lays it out. */
struct ksym {
	u64 address;
	u32 size;
	u32 name; /* offset into the strings */
};

struct ksyms {
	u32 count;
	char build_id[20];
	struct ksym sym[];
};

static const struct ksyms *ksyms(void)
{
	return (const struct ksyms *)__ksyms_start;
}

static bool ksyms_present(void)
{
	return __ksyms_end - __ksyms_start > (long)sizeof(struct ksyms) && ksyms()->count;
}

const char *build_id(void)
{
	return ksyms_present() ? ksyms()->build_id : "none";
}

const char *symbol_lookup(const volatile void *address, unsigned long *offset, unsigned long *size)
{
	const struct ksyms *table = ksyms();
	u64 a = (u64)address;
	u32 low = 0, high;

	if (!ksyms_present() || a < table->sym[0].address)
		return NULL;
	/* Invariant: sym[low].address <= a < sym[high].address, the end counting as infinity. */
	high = table->count;
	while (high - low > 1) {
		u32 middle = low + (high - low) / 2;

		if (table->sym[middle].address <= a)
			low = middle;
		else
			high = middle;
	}
	*offset = a - table->sym[low].address;
	*size = table->sym[low].size;
	if (*size && *offset > *size)
		return NULL;
	return (const char *)&table->sym[table->count] + table->sym[low].name;
}

const char *symbol_text(const void *ip, char *buf, size_t size)
{
	unsigned long offset, length;
	/*
	 * A return address after a call that never returns lies behind its function: look one back.
	 */
	const char *name = ip ? symbol_lookup((const char *)ip - 1, &offset, &length) : NULL;

	if (name)
		format(buf, size, "%s+%#lx", name, offset + 1);
	else
		format(buf, size, "%#lx", (unsigned long)ip);
	return buf;
}

struct stack_bounds {
	unsigned long low, high;
};

static bool within(struct stack_bounds b, unsigned long sp)
{
	return sp >= b.low && sp + 2 * sizeof(long) <= b.high;
}

/* The stack that @sp lies on: the thread's, or one of the processor's. */
static struct stack_bounds stack_of(unsigned long sp)
{
	struct thread_base *thread = current_base();
	struct pcpu *cpu = this_pcpu();
	struct stack_bounds b = { 0, 0 };

	if (thread && thread->stack_low) {
		b = (struct stack_bounds){ (u64)thread->stack_low, (u64)thread->stack_high };
		if (within(b, sp))
			return b;
	}
	for (unsigned i = IST_DF; cpu && i < IST_NR; i++) {
		b = (struct stack_bounds){ (u64)cpu->ist_low[i],
					   (u64)cpu->ist_low[i] + IST_STACK_SIZE };
		if (cpu->ist_low[i] && within(b, sp))
			return b;
	}
	if (cpu && cpu->boot_stack_low) {
		b = (struct stack_bounds){ (u64)cpu->boot_stack_low, (u64)cpu->boot_stack_high };
		if (within(b, sp))
			return b;
	}
	/* The stack of early boot, in the image. */
	b = (struct stack_bounds){ (u64)__init_start, (u64)__image_end };
	return within(b, sp) ? b : (struct stack_bounds){ 0, 0 };
}

static bool is_text(unsigned long ip)
{
	return ip >= (u64)__init_start && ip < (u64)__text_end;
}

unsigned backtrace_from(unsigned long rbp, void **ips, unsigned max)
{
	struct stack_bounds b = stack_of(rbp);
	unsigned n = 0;

	while (n < max && rbp % sizeof(long) == 0 && within(b, rbp)) {
		const unsigned long *frame = (const unsigned long *)rbp;

		if (!is_text(frame[1]))
			break;
		ips[n++] = (void *)frame[1];
		if (frame[0] <= rbp) {
			/* From a trap's own stack the chain goes on on the interrupted one. */
			b = stack_of(frame[0]);
			if (b.low == 0 || within(b, rbp))
				break;
		} else if (!within(b, frame[0])) {
			b = stack_of(frame[0]);
		}
		rbp = frame[0];
	}
	return n;
}

static void print_steps(void *const *ips, unsigned n, void (*print)(const char *line))
{
	char symbol[80], line[112];

	for (unsigned i = 0; i < n; i++) {
		format(line, sizeof(line), "  [%lx] %s", (unsigned long)ips[i],
		       symbol_text(ips[i], symbol, sizeof(symbol)));
		print(line);
	}
}

void backtrace_print(void (*print)(const char *line))
{
	void *ips[BACKTRACE_MAX];

	print_steps(ips, backtrace_from((u64)__builtin_frame_address(0), ips, BACKTRACE_MAX),
		    print);
}

void backtrace_print_frame(const struct trap_frame *frame, void (*print)(const char *line))
{
	void *ips[BACKTRACE_MAX];

	/* One more: symbol_text() looks one byte back, and rip is not a return address. */
	ips[0] = (char *)frame->rip + 1;
	print_steps(ips, 1 + backtrace_from(frame->rbp, ips + 1, BACKTRACE_MAX - 1), print);
}
