/*
 * mm_sweep.c - every allocation of every operation on an address space fails once.
 *
 * After a failure the space is what it was: the same rights on each page, the same contents, the
 * same counters but for map_count, since a split may stay; and mm_check() finds nothing.
 */
#include <errno.h>
#include <string.h>

#include "kernel/core/user.h"
#include "mm/mm_check.h"
#include "mm/mman.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"
#include "tests/ktest.h"
#include "tests/mm_layout.h"

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW   (PROT_READ | PROT_WRITE)

/* What must not change. */
struct picture {
	unsigned long rights[LAYOUT_PAGES]; /* vm_flags of each page + 1; 0: not mapped */
	u64 word[LAYOUT_PAGES];
	unsigned long total_vm, data_vm;
	long anon;
	unsigned long brk;
};

static struct mm_struct *space;
static struct picture before;

static void take_picture(struct mm_struct *mm, struct picture *p)
{
	memset(p, 0, sizeof(*p));
	for (unsigned i = 0; i < LAYOUT_PAGES; i++) {
		struct vm_area_struct *vma = vma_lookup(mm, layout_addr(i));

		p->rights[i] = vma ? vma->vm_flags + 1 : 0;
		if (vma && (vma->vm_flags & VM_WRITE))
			(void)get_user(&p->word[i], layout_addr(i));
	}
	p->total_vm = mm->total_vm;
	p->data_vm = mm->data_vm;
	p->anon = get_mm_counter(mm, MM_ANONPAGES);
	p->brk = mm->brk;
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
	take_picture(space, &before);
}

static void check(struct ktest *t)
{
	mmap_write_lock(space);
	t_expect_eq(t, mm_check(space), 0);
	mmap_write_unlock(space);
}

static void unchanged(struct ktest *t)
{
	static struct picture after;

	take_picture(space, &after);
	for (unsigned i = 0; i < LAYOUT_PAGES; i++) {
		t_expect_eq(t, after.rights[i], before.rights[i]);
		t_expect_eq(t, after.word[i], before.word[i]);
	}
	t_expect_eq(t, after.total_vm, before.total_vm);
	t_expect_eq(t, after.data_vm, before.data_vm);
	t_expect_eq(t, after.anon, before.anon);
	t_expect_eq(t, after.brk, before.brk);
	check(t);
}

static void end(struct ktest *t, const char *text)
{
	t_expect_layout(t, space, text);
	check(t);
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
	take_picture(space, &before);
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
	take_picture(space, &before);
	fault_sweep(t, grow_heap(2), unchanged(t));
	t_expect_eq(t, space->total_vm, 4);
	end(t, "AA");
}
