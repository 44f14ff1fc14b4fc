/*
 * mm_sweep.c - every allocation of every operation on an address space fails once.
 *
 * After a failure the space is the same, as mm_same() understands it, and mm_check() finds nothing.
 */
#include <errno.h>

#include "kernel/core/user.h"
#include "mm/mempolicy.h"
#include "mm/mm_check.h"
#include "mm/mman.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"
#include "tests/ktest.h"
#include "tests/mm_layout.h"
#include "tests/mm_same.h"

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW   (PROT_READ | PROT_WRITE)

static struct mm_struct *space;
static struct mm_picture *before;

static void picture_again(struct ktest *t)
{
	mm_picture_free(before);
	before = mm_picture_take(space);
	t_assert(t, before);
}

/* Page i of every writable VMA holds 1000 + i. */
static void begin(struct ktest *t, const char *text)
{
	space = mm_alloc();
	t_assert(t, space);
	t_expect_eq(t, layout_map(space, text), 0);
	mm_use(space);
	for (unsigned i = 0; text[i]; i++) {
		if (text[i] >= 'A' && text[i] <= 'Z')
			t_expect_eq(t, put_user((u64)1000 + i, layout_addr(i)), 0);
	}
	picture_again(t);
}

static void check(struct ktest *t)
{
	mmap_write_lock(space);
	t_expect_eq(t, mm_check(space), 0);
	mmap_write_unlock(space);
}

static void unchanged(struct ktest *t)
{
	t_expect_same(t, before, space);
	check(t);
}

static void end(struct ktest *t, const char *text)
{
	t_expect_layout(t, space, text);
	check(t);
	mm_picture_free(before);
	before = NULL;
	mm_unuse(space);
	mmput(space);
}

static u64 word(unsigned i)
{
	u64 value = ~0ull;

	(void)get_user(&value, layout_addr(i));
	return value;
}

/* An address as success. */
static int errno_of(unsigned long addr)
{
	return mm_is_err(addr) ? (int)addr : 0;
}

static int new_mm(void)
{
	space = mm_alloc();
	return space ? 0 : -ENOMEM;
}

KTEST(mm_sweep, mm_alloc, KT_SWEEP)
{
	fault_sweep(t, new_mm(), (void)0);
	mmput(space);
}

KTEST(mm_sweep, mmap_on_its_own, KT_SWEEP)
{
	begin(t, "AA..bb");
	fault_sweep(t, layout_map(space, "........CC"), unchanged(t));
	end(t, "AA..bb..CC");
}

KTEST(mm_sweep, mmap_that_fills_a_gap, KT_SWEEP)
{
	begin(t, "AA..BB");
	/* The neighbour above has pages, the one below has none: its anon_vma is cloned. */
	t_expect_eq(t, vm_munmap(space, LAYOUT_BASE, 2 * PAGE_SIZE), 0);
	t_expect_eq(t, layout_map(space, "AA"), 0);
	picture_again(t);
	fault_sweep(t, layout_map(space, "..AA"), unchanged(t));
	t_expect_eq(t, word(4), 1004);
	end(t, "AAAAAA");
}

KTEST(mm_sweep, mmap_over_others, KT_SWEEP)
{
	begin(t, "AAAAbbCCCC");
	fault_sweep(t, layout_map(space, "..cccccc"), unchanged(t));
	t_expect_eq(t, word(1), 1001);
	t_expect_eq(t, word(9), 1009);
	end(t, "AAbbbbbbCC");
}

KTEST(mm_sweep, munmap_of_the_middle, KT_SWEEP)
{
	begin(t, "AAAAAA");
	fault_sweep(t, vm_munmap(space, layout_addr(2), 2 * PAGE_SIZE), unchanged(t));
	end(t, "AA..BB");
}

KTEST(mm_sweep, munmap_of_many, KT_SWEEP)
{
	begin(t, "AAAAbbCC.ddEEff.GGGG");
	fault_sweep(t, vm_munmap(space, layout_addr(1), 17 * PAGE_SIZE), unchanged(t));
	end(t, "A.................BB");
}

KTEST(mm_sweep, mprotect_of_the_middle, KT_SWEEP)
{
	begin(t, "AAAAAA");
	fault_sweep(t, vm_mprotect(space, layout_addr(2), 2 * PAGE_SIZE, PROT_READ), unchanged(t));
	end(t, "AAbbCC");
}

KTEST(mm_sweep, mprotect_that_merges, KT_SWEEP)
{
	begin(t, "AAbbCCC");
	fault_sweep(t, vm_mprotect(space, layout_addr(2), 2 * PAGE_SIZE, RW), unchanged(t));
	t_expect_eq(t, word(6), 1006);
	end(t, "AAAABBB"); /* two anon_vmas: not one VMA */
}

KTEST(mm_sweep, madvise_of_the_middle, KT_SWEEP)
{
	begin(t, "AAAAAA");
	fault_sweep(t, vm_madvise(space, layout_addr(2), 2 * PAGE_SIZE, MADV_DONTFORK),
		    unchanged(t));
	end(t, "AABBCC");
}

static int bind(unsigned first, unsigned nr, enum mpol_mode mode, unsigned long nodes)
{
	return vm_mbind(space, layout_addr(first), nr * PAGE_SIZE, mode, nodes);
}

KTEST(mm_sweep, mbind_of_the_middle, KT_SWEEP)
{
	begin(t, "AAAAAA");
	fault_sweep(t, bind(2, 2, MPOL_BIND, NODES_ONLINE), unchanged(t));
	end(t, "AABBCC");
}

KTEST(mm_sweep, mbind_that_merges, KT_SWEEP)
{
	begin(t, "AAAAAA");
	t_expect_eq(t, bind(2, 2, MPOL_LOCAL, 0), 0);
	t_expect_eq(t, bind(0, 2, MPOL_BIND, NODES_ONLINE), 0);
	picture_again(t);
	fault_sweep(t, bind(2, 2, MPOL_BIND, NODES_ONLINE), unchanged(t));
	end(t, "AAAABB");
}

KTEST(mm_sweep, mremap_that_grows, KT_SWEEP)
{
	begin(t, "AA..bb");
	fault_sweep(t, errno_of(vm_mremap(space, LAYOUT_BASE, 2 * PAGE_SIZE, 3 * PAGE_SIZE, 0, 0)),
		    unchanged(t));
	end(t, "AAA.bb");
}

KTEST(mm_sweep, mremap_that_moves, KT_SWEEP)
{
	begin(t, "AAAAbb");
	fault_sweep(t,
		    errno_of(vm_mremap(space, layout_addr(1), 2 * PAGE_SIZE, 2 * PAGE_SIZE,
				       MREMAP_MAYMOVE | MREMAP_FIXED, layout_addr(20))),
		    unchanged(t));
	t_expect_eq(t, word(20), 1001);
	t_expect_eq(t, word(21), 1002);
	end(t, "A..Bcc..............DD");
}

/* To where there are no tables yet: some pages move before the memory for others is missing. */
KTEST(mm_sweep, mremap_over_a_table_border, KT_SWEEP)
{
	unsigned long to = 0x60000000ul - 2 * PAGE_SIZE, at = to;
	u64 value = 0;

	begin(t, "AAAA");
	fault_sweep(t,
		    errno_of(at = vm_mremap(space, LAYOUT_BASE, 4 * PAGE_SIZE, 4 * PAGE_SIZE,
					    MREMAP_MAYMOVE | MREMAP_FIXED, to)),
		    unchanged(t));
	t_expect_eq(t, at, to);
	for (unsigned i = 0; i < 4; i++) {
		t_expect_eq(t, get_user(&value, to + i * PAGE_SIZE), 0);
		t_expect_eq(t, value, 1000 + i);
	}
	end(t, "");
}

static int grow_heap(unsigned long nr)
{
	unsigned long want = space->start_brk + nr * PAGE_SIZE;

	return vm_brk(space, want) == want ? 0 : -ENOMEM;
}

KTEST(mm_sweep, brk_up_and_down, KT_SWEEP)
{
	begin(t, "AA");
	fault_sweep(t, grow_heap(4), unchanged(t));
	picture_again(t);
	fault_sweep(t, grow_heap(2), unchanged(t));
	t_expect_eq(t, space->total_vm, 4);
	end(t, "AA");
}

/* Back to where it came from: it joins what is left there, if there is memory for that. */
KTEST(mm_sweep, mremap_that_moves_back, KT_SWEEP)
{
	unsigned long away = layout_addr(20);

	begin(t, "AAAAbb");
	t_expect_eq(t, vm_mremap(space, layout_addr(1), 2 * PAGE_SIZE, 2 * PAGE_SIZE,
				 MREMAP_MAYMOVE | MREMAP_FIXED, away), away);
	t_expect_layout(t, space, "A..Bcc..............DD");
	picture_again(t);
	fault_sweep_undo(t,
			 errno_of(vm_mremap(space, away, 2 * PAGE_SIZE, 2 * PAGE_SIZE,
					    MREMAP_MAYMOVE | MREMAP_FIXED, layout_addr(1))),
			 unchanged(t),
			 (void)vm_mremap(space, layout_addr(1), 2 * PAGE_SIZE, 2 * PAGE_SIZE,
					 MREMAP_MAYMOVE | MREMAP_FIXED, away));
	for (unsigned i = 0; i < 4; i++)
		t_expect_eq(t, word(i), 1000 + i);
	end(t, "AAAAbb");
}
