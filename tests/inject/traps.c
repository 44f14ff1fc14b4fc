/*
 * traps.c - every protection the CPU gives, provoked.
 *
 * Each test does the one thing a protection forbids and checks that exactly this access trapped, at
 * this address and for this reason; and that the same access without the protection's cause does
 * not trap.
 */
#include <string.h>

#include "kernel/core/oops.h"
#include "kernel/sched/thread.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/kmap.h"
#include "kernel/x86/trap.h"
#include "kernel/x86/uaccess.h"
#include "mm/mmu_gather.h"
#include "mm/page_alloc.h"
#include "mm/tables.h"
#include "tests/ktest.h"

#define RET_INSN 0xc3

/* ---- one forbidden access ---- */

static void store_to(void *where)
{
	*(volatile u8 *)where = RET_INSN;
}

static void load_from(void *where)
{
	(void)*(volatile u8 *)where;
}

static void jump_to(void *where)
{
	((void (*)(void))where)();
}

/*
 * @access at @where must end in a page fault there. @present: a right was missing, not the page.
 * @bits: which of PF_WRITE and PF_INSTR the access carries.
 */
static void expect_fault(struct ktest *t, void (*access)(void *), void *where, bool present,
			 u64 bits)
{
	struct oops oops = {.vector = -2};

	t_expect(t, oops_catch(access, where, &oops));
	t_expect_eq(t, oops.vector, TRAP_PF);
	t_expect_eq(t, oops.addr, (unsigned long)where);
	t_expect_eq(t, oops.regs.error & (PF_PRESENT | PF_WRITE | PF_INSTR),
		    (present ? PF_PRESENT : 0) | bits);
}

static void expect_no_fault(struct ktest *t, void (*access)(void *), void *where)
{
	t_expect(t, !oops_catch(access, where, NULL));
}

/* ---- the kernel's own pages ---- */

static u8 code_in_data[16] __aligned(16);
static const u8 code_in_rodata[16] __aligned(16) = {RET_INSN};

KTEST(traps, no_execute_of_data, KT_UNIT)
{
	u8 code_on_stack[16] = {RET_INSN};

	code_in_data[0] = RET_INSN;
	expect_fault(t, jump_to, code_in_data, true, PF_INSTR);
	expect_fault(t, jump_to, (void *)code_in_rodata, true, PF_INSTR);
	expect_fault(t, jump_to, code_on_stack, true, PF_INSTR);
}

static void empty_function(void)
{
}

KTEST(traps, no_write_to_code_or_constants, KT_UNIT)
{
	expect_no_fault(t, jump_to, empty_function);
	expect_fault(t, store_to, empty_function, true, PF_WRITE);
	expect_fault(t, store_to, (void *)code_in_rodata, true, PF_WRITE);
	t_expect_eq(t, code_in_rodata[0], RET_INSN);
	/* Nor by the direct map's view of the same frames. */
	expect_fault(t, store_to, phys_to_virt(virt_to_phys(empty_function)), true, PF_WRITE);
	expect_fault(t, jump_to, phys_to_virt(virt_to_phys(empty_function)), true, PF_INSTR);
}

KTEST(traps, write_protection_holds_in_ring_0, KT_UNIT)
{
	t_expect(t, read_cr0() & CR0_WP);
	t_expect(t, rdmsr(MSR_EFER) & EFER_NXE);
}

KTEST(traps, nothing_is_mapped_low, KT_UNIT)
{
	expect_fault(t, load_from, (void *)0, false, 0);
	expect_fault(t, load_from, (void *)0x406, false, 0);
	expect_fault(t, store_to, (void *)(USER_MIN - 1), false, PF_WRITE);
	expect_fault(t, jump_to, (void *)8, false, PF_INSTR);
}

KTEST(traps, stack_has_a_guard_page, KT_UNIT)
{
	char *low = current_base()->stack_low;

	expect_no_fault(t, load_from, low);
	expect_fault(t, load_from, low - 1, false, 0);
	expect_fault(t, store_to, low - PAGE_SIZE, false, PF_WRITE);
}

/* ---- W^X, over every entry of the kernel half ---- */

struct wx_audit {
	unsigned long nr_pages, nr_both;
	unsigned long first_both;
};

/* Rights add up on the way down: writable where all levels are, executable where none forbids. */
static void audit_table(struct wx_audit *a, const u64 *table, unsigned level, unsigned long va,
			bool write, bool exec)
{
	for (unsigned i = level == 4 ? 256 : 0; i < 512; i++) {
		u64 e = table[i];
		unsigned long at = va | (unsigned long)i << (12 + 9 * (level - 1));
		bool w = write && (e & KM_WRITE);
		bool x = exec && !(e & KM_NX);

		if (!(e & KM_PRESENT))
			continue;
		if (level > 1 && !(e & KM_LARGE)) {
			audit_table(a, phys_to_virt(PHYS(e & KM_ADDR)), level - 1, at, w, x);
			continue;
		}
		a->nr_pages++;
		if (w && x && a->nr_both++ == 0)
			a->first_both = at;
	}
}

KTEST(traps, no_page_is_writable_and_executable, KT_UNIT)
{
	struct wx_audit audit = {0};

	audit_table(&audit, phys_to_virt(kernel_pgd), 4, 0xffff000000000000ul, true, true);
	t_expect_gt(t, audit.nr_pages, 100);
	if (audit.nr_both)
		t_fail(t, "%lu pages are both, the first at %#lx", audit.nr_both, audit.first_both);
}

/* ---- user pages ---- */

#define USER_PAGE 0x400000ul

/* One user page holding a `ret`, in the running thread's address space. */
static struct mm_tables space;

static bool space_begin(struct ktest *t, pgprot_t prot)
{
	struct page *page = alloc_page(GFP_KERNEL);

	if (!page || tables_init(&space)) {
		t_fail(t, "no memory for an address space");
		if (page)
			put_page(page);
		return false;
	}
	memset(page_address(page), RET_INSN, PAGE_SIZE);
	if (tables_map_range(&space, USER_PAGE, page_to_pfn(page), 1, prot)) {
		t_fail(t, "no memory for its tables");
		put_page(page);
		tables_destroy(&space);
		return false;
	}
	tables_use(&space);
	return true;
}

static void space_end(void)
{
	struct mmu_gather tlb;

	tables_unuse(&space);
	tlb_gather_mmu(&tlb, &space, true);
	tables_zap_range(&tlb, USER_PAGE, USER_PAGE + PAGE_SIZE);
	free_pgd_range(&tlb, USER_PAGE, USER_PAGE + PAGE_SIZE, 0, 0);
	tlb_finish_mmu(&tlb);
	tables_destroy(&space);
}

KTEST(traps, smep_stops_execution_of_user_pages, KT_UNIT)
{
	if (!cpu_facts.smep)
		t_skip(t, "the CPU has no SMEP");
	t_expect(t, read_cr4() & CR4_SMEP);
	if (!space_begin(t, PAGE_READ_EXEC))
		return;
	expect_fault(t, jump_to, (void *)USER_PAGE, true, PF_INSTR);
	space_end();
}

KTEST(traps, smap_stops_access_outside_accessors, KT_UNIT)
{
	u8 value = 0;

	if (!cpu_facts.smap)
		t_skip(t, "the CPU has no SMAP");
	t_expect(t, read_cr4() & CR4_SMAP);
	if (!space_begin(t, PAGE_SHARED))
		return;
	expect_fault(t, load_from, (void *)USER_PAGE, true, 0);
	expect_fault(t, store_to, (void *)USER_PAGE, true, PF_WRITE);
	t_expect_eq(t, get_user_u8(USER_PAGE, &value), 0);
	t_expect_eq(t, value, RET_INSN);
	t_expect(t, !(read_rflags() & RFLAGS_AC));
	space_end();
}

KTEST(traps, accessors_report_what_they_cannot_reach, KT_UNIT)
{
	u64 value = 77;

	if (!space_begin(t, PAGE_READONLY))
		return;
	t_expect_eq(t, get_user_u64(USER_PAGE, &value), 0);
	t_expect_eq(t, value, 0xc3c3c3c3c3c3c3c3);
	value = 77;
	t_expect_eq(t, get_user_u64(USER_PAGE + PAGE_SIZE, &value), -EFAULT);
	t_expect_eq(t, put_user_u64(USER_PAGE, 1), -EFAULT);
	t_expect_eq(t, get_user_u64(USER_MAX, &value), -EFAULT);
	t_expect_eq(t, get_user_u64(DIRECT_MAP_BASE, &value), -EFAULT);
	t_expect_eq(t, value, 77);
	t_expect(t, !(read_rflags() & RFLAGS_AC));
	space_end();
}

/* ---- other exceptions ---- */

static void divide_by_zero(void *arg)
{
	unsigned zero = 0;

	unsigned low = 1, high = 0;

	__asm__ volatile("divl %2" : "+a"(low), "+d"(high) : "r"(zero));
}

static void undefined_instruction(void *arg)
{
	__asm__ volatile("ud2");
}

static void general_protection(void *arg)
{
	(void)*(volatile u8 *)0x8000000000000000ul; /* not canonical */
}

KTEST(traps, other_exceptions_are_named, KT_UNIT)
{
	static const struct {
		void (*fn)(void *arg);
		int vector;
	} cause[] = {
		{divide_by_zero, TRAP_DE},
		{undefined_instruction, TRAP_UD},
		{general_protection, TRAP_GP},
	};
	struct oops oops;

	for (unsigned i = 0; i < ARRAY_SIZE(cause); i++) {
		t_expect(t, oops_catch(cause[i].fn, NULL, &oops));
		t_expect_eq(t, oops.vector, cause[i].vector);
		t_expect(t, strstr(oops.cause, trap_name((unsigned)cause[i].vector)));
	}
	t_expect(t, strstr(oops.symbol, "general_protection"));
}
