/*
 * backtrace.c - names of addresses, and the walk up the stack.
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

/* As scripts/symbols lays it out: the entries, sorted by address, then the names. */
struct ksym {
	u32 address; /* minus KERNEL_BASE */
	u32 name;    /* offset into the names */
};

struct ksyms {
	u32 count;
	u32 name_bytes;
	struct ksym sym[];
};

/* From the linker; without a table the marks are equal. */
extern const char __symbols_start[], __symbols_end[];

static const struct ksyms *ksyms(void)
{
	return (const struct ksyms *)__symbols_start;
}

static bool is_text(unsigned long ip)
{
	return ip >= (u64)__init_start && ip < (u64)__text_end;
}

static bool table_present(void)
{
	return &__symbols_start[0] < &__symbols_end[0] && ksyms()->count;
}

const char *build_id(void)
{
	return table_present() ? __ksyms_start : "none";
}

const char *symbol_lookup(const volatile void *address, unsigned long *offset)
{
	const struct ksyms *table = ksyms();
	u64 a = (u64)address - KERNEL_BASE;
	u32 low = 0, high;

	if (!is_text((u64)address) || !table_present() || a < table->sym[0].address)
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
	return (const char *)&table->sym[table->count] + table->sym[low].name;
}

static const char *address_text(unsigned long inside, unsigned long back, char *buf, size_t size)
{
	unsigned long offset;
	const char *name = symbol_lookup((void *)(inside - back), &offset);

	if (name)
		format(buf, size, "%s+0x%lx", name, offset + back);
	else
		format(buf, size, "%#lx", inside);
	return buf;
}

const char *symbol_text(const void *address, char *buf, size_t size)
{
	return address_text((u64)address, 0, buf, size);
}

const char *caller_text(const void *ip, char *buf, size_t size)
{
	/* After a call that never returns lies the next function: look into the call itself. */
	return address_text((u64)ip, 1, buf, size);
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

static void print_step(unsigned long ip, const char *symbol, void (*print)(const char *line))
{
	char line[112];

	format(line, sizeof(line), "  [%lx] %s", ip, symbol);
	print(line);
}

static void print_callers(unsigned long rbp, void (*print)(const char *line))
{
	void *ips[BACKTRACE_MAX];
	unsigned n = backtrace_from(rbp, ips, BACKTRACE_MAX);
	char symbol[80];

	for (unsigned i = 0; i < n; i++)
		print_step((u64)ips[i], caller_text(ips[i], symbol, sizeof(symbol)), print);
}

void backtrace_print(void (*print)(const char *line))
{
	print_callers((u64)__builtin_frame_address(0), print);
}

void backtrace_print_frame(const struct trap_frame *frame, void (*print)(const char *line))
{
	char symbol[80];

	print_step(frame->rip, symbol_text((void *)frame->rip, symbol, sizeof(symbol)), print);
	print_callers(frame->rbp, print);
}
