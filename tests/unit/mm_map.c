/*
 * mm_map.c - mmap, munmap, mprotect, mremap, madvise and brk, as a program sees them.
 */
#include <errno.h>
#include <string.h>

#include "kernel/base/err.h"
#include "kernel/core/user.h"
#include "mm/mm_check.h"
#include "mm/mman.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"
#include "tests/ktest.h"
#include "tests/mm_layout.h"

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW   (PROT_READ | PROT_WRITE)

/* An address space in use by this thread, laid out as @text. */
static struct mm_struct *begin(struct ktest *t, const char *text)
{
	struct mm_struct *mm = mm_alloc();

	t_assert(t, mm);
	t_expect_eq(t, layout_map(mm, text), 0);
	t_expect_layout(t, mm, text);
	mm_use(mm);
	return mm;
}

static void check(struct ktest *t, struct mm_struct *mm)
{
	mmap_write_lock(mm);
	t_expect_eq(t, mm_check(mm), 0);
	mmap_write_unlock(mm);
}

static void end(struct ktest *t, struct mm_struct *mm)
{
	check(t, mm);
	mm_unuse(mm);
	mmput(mm);
}

/* Page n of the layout holds its number and a mark. */
static int fill(unsigned first, unsigned nr, u64 mark)
{
	int err = 0;

	for (unsigned i = first; i < first + nr && !err; i++)
		err = put_user((u64)(mark + i), layout_addr(i) + 16);
	return err;
}

static u64 peek(unsigned long addr)
{
	u64 value = ~0ull;

	return get_user(&value, addr + 16) ? ~0ull : value;
}

static void expect_filled(struct ktest *t, unsigned first, unsigned nr, u64 mark)
{
	for (unsigned i = first; i < first + nr; i++)
		t_expect_eq(t, peek(layout_addr(i)), mark + i);
}

KTEST(mmap, memory_is_zero_then_what_was_written, KT_UNIT)
{
	struct mm_struct *mm = begin(t, "AAAA..BB");

	t_expect_eq(t, peek(layout_addr(0)), 0);
	t_expect_eq(t, peek(layout_addr(4)), ~0ull);
	t_expect_eq(t, fill(0, 4, 100), 0);
	t_expect_eq(t, fill(6, 2, 100), 0);
	expect_filled(t, 0, 4, 100);
	t_expect_eq(t, get_mm_counter(mm, MM_ANONPAGES), 6);
	t_expect_eq(t, mm->total_vm, 6);
	end(t, mm);
}

KTEST(mmap, neighbours_that_are_alike_become_one, KT_UNIT)
{
	struct mm_struct *mm = begin(t, "AA..bb..CC");

	t_expect_eq(t, layout_map(mm, "..AA"), 0);
	t_expect_layout(t, mm, "AAAAbb..CC");
	t_expect_eq(t, layout_map(mm, "......AA"), 0);
	t_expect_layout(t, mm, "AAAAbbCCCC");
	t_expect_eq(t, layout_map(mm, "....AA"), 0);
	t_expect_layout(t, mm, "AAAAAAAAAA");
	t_expect_eq(t, mm->map_count, 1);
	end(t, mm);
}

KTEST(mmap, fixed_replaces_what_was_there, KT_UNIT)
{
	struct mm_struct *mm = begin(t, "AAAAbbbb..CC");

	t_expect_eq(t, fill(0, 4, 7), 0);
	t_expect_eq(t, layout_map(mm, "..cccc"), 0);
	t_expect_layout(t, mm, "AAbbbbbb..CC");
	expect_filled(t, 0, 2, 7);
	t_expect_eq(t, peek(layout_addr(2)), 0);
	t_expect_eq(t, vm_mmap(mm, layout_addr(6), PAGE_SIZE, RW, ANON | MAP_FIXED_NOREPLACE),
		    (unsigned long)-EEXIST);
	t_expect_eq(t, layout_map(mm, "AAAAAAAAAAAAAA"), 0);
	t_expect_layout(t, mm, "AAAAAAAAAAAAAA");
	t_expect_eq(t, peek(layout_addr(0)), 0);
	end(t, mm);
}

KTEST(mmap, places_are_top_down_and_hints_are_taken, KT_UNIT)
{
	struct mm_struct *mm = begin(t, "AA");
	unsigned long a = vm_mmap(mm, 0, 3 * PAGE_SIZE, PROT_READ, ANON), b, c;

	t_assert(t, !mm_is_err(a));
	b = vm_mmap(mm, 0, PAGE_SIZE, RW, ANON);
	t_expect_eq(t, b, a - PAGE_SIZE);
	t_expect_eq(t, vm_munmap(mm, a + PAGE_SIZE, PAGE_SIZE), 0);
	c = vm_mmap(mm, 0, PAGE_SIZE, RW, ANON);
	t_expect_eq(t, c, a + PAGE_SIZE);
	t_expect_eq(t, vm_mmap(mm, layout_addr(5) + 9, 10, RW, ANON), layout_addr(5));
	c = vm_mmap(mm, layout_addr(5), 10, RW, ANON);
	t_expect_eq(t, c, b - PAGE_SIZE);
	t_expect_eq(t, vm_mmap(mm, 0, 0x700000000000, PROT_READ, ANON), c - 0x700000000000);
	end(t, mm);
}

KTEST(mmap, bad_words_change_nothing, KT_UNIT)
{
	struct mm_struct *mm = begin(t, "AAbb");
	unsigned long at = layout_addr(8);

	t_expect_eq(t, vm_mmap(mm, at, 0, RW, ANON), -EINVAL);
	t_expect_eq(t, vm_mmap(mm, at, PAGE_SIZE, 8, ANON), -EINVAL);
	t_expect_eq(t, vm_mmap(mm, at, PAGE_SIZE, RW, MAP_PRIVATE), -EINVAL);
	t_expect_eq(t, vm_mmap(mm, at, PAGE_SIZE, RW, ANON | 1), -EINVAL);
	t_expect_eq(t, vm_mmap(mm, at + 1, PAGE_SIZE, RW, ANON | MAP_FIXED), -EINVAL);
	t_expect_eq(t, vm_mmap(mm, at, ~0ul, RW, ANON), -ENOMEM);
	t_expect_eq(t, vm_mmap(mm, USER_MAX - PAGE_SIZE, 2 * PAGE_SIZE, RW, ANON | MAP_FIXED),
		    -ENOMEM);
	t_expect_eq(t, vm_mmap(mm, 0, PAGE_SIZE, RW, ANON | MAP_FIXED), -EPERM);
	t_expect_eq(t, vm_munmap(mm, at + 8, PAGE_SIZE), -EINVAL);
	t_expect_eq(t, vm_munmap(mm, at, 0), -EINVAL);
	t_expect_eq(t, vm_munmap(mm, USER_MAX, PAGE_SIZE), -EINVAL);
	t_expect_eq(t, vm_mprotect(mm, at + 1, PAGE_SIZE, RW), -EINVAL);
	t_expect_eq(t, vm_mprotect(mm, at, PAGE_SIZE, 64), -EINVAL);
	t_expect_eq(t, vm_mprotect(mm, at, PAGE_SIZE, RW), -ENOMEM);
	t_expect_eq(t, vm_mprotect(mm, at, ~0ul, RW), -ENOMEM);
	t_expect_eq(t, vm_madvise(mm, at, PAGE_SIZE, 77), -EINVAL);
	t_expect_eq(t, vm_madvise(mm, at, PAGE_SIZE, MADV_DONTNEED), -ENOMEM);
	t_expect_eq(t, vm_madvise(mm, at, PAGE_SIZE, MADV_DONTFORK), -ENOMEM);
	t_expect_eq(t, vm_mremap(mm, at, PAGE_SIZE, PAGE_SIZE, 0, 0), -EFAULT);
	t_expect_eq(t, vm_mremap(mm, layout_addr(0), 0, PAGE_SIZE, 0, 0), -EINVAL);
	t_expect_eq(t, vm_mremap(mm, layout_addr(0), 4 * PAGE_SIZE, PAGE_SIZE, 0, 0), -EFAULT);
	t_expect_eq(t, vm_mremap(mm, layout_addr(0), PAGE_SIZE, PAGE_SIZE, MREMAP_FIXED, at),
		    -EINVAL);
	t_expect_eq(t, vm_mremap(mm, layout_addr(0), 2 * PAGE_SIZE, 2 * PAGE_SIZE,
				 MREMAP_FIXED | MREMAP_MAYMOVE, layout_addr(1)), -EINVAL);
	t_expect_eq(t, vm_mremap(mm, layout_addr(0), 2 * PAGE_SIZE, 3 * PAGE_SIZE, 0, 0), -ENOMEM);
	t_expect_layout(t, mm, "AAbb");
	t_expect_eq(t, mm->map_count, 2);
	end(t, mm);
}

KTEST(mmap, too_many_vmas_is_an_error, KT_UNIT)
{
	struct mm_struct *mm = begin(t, "AAAAAAAA");
	unsigned long before = sysctl_max_map_count;

	sysctl_max_map_count = 2;
	t_expect_eq(t, vm_munmap(mm, layout_addr(2), PAGE_SIZE), 0);
	t_expect_layout(t, mm, "AA.BBBBB");
	t_expect_eq(t, vm_munmap(mm, layout_addr(5), PAGE_SIZE), -ENOMEM);
	t_expect_eq(t, vm_mprotect(mm, layout_addr(0), PAGE_SIZE, PROT_READ), -ENOMEM);
	t_expect_eq(t, vm_mmap(mm, layout_addr(20), PAGE_SIZE, RW, ANON), -ENOMEM);
	t_expect_layout(t, mm, "AA.BBBBB");
	t_expect_eq(t, vm_mmap(mm, layout_addr(2), PAGE_SIZE, RW, ANON), layout_addr(2));
	t_expect_layout(t, mm, "AAAAAAAA");
	sysctl_max_map_count = before;
	end(t, mm);
}

KTEST(munmap, holes_edges_and_many_at_once, KT_UNIT)
{
	struct mm_struct *mm = begin(t, "AAAAAAbbbbCC..DD");

	t_expect_eq(t, fill(0, 6, 50), 0);
	t_expect_eq(t, vm_munmap(mm, layout_addr(2), 2 * PAGE_SIZE), 0);
	t_expect_layout(t, mm, "AA..BBccccDD..EE");
	expect_filled(t, 0, 2, 50);
	expect_filled(t, 4, 2, 50);
	t_expect_eq(t, peek(layout_addr(2)), ~0ull);
	t_expect_eq(t, vm_munmap(mm, layout_addr(5), 10 * PAGE_SIZE), 0);
	t_expect_layout(t, mm, "AA..B..........C");
	t_expect_eq(t, get_mm_counter(mm, MM_ANONPAGES), 3);
	check(t, mm);
	t_expect_eq(t, vm_munmap(mm, LAYOUT_BASE, LAYOUT_PAGES * PAGE_SIZE), 0);
	t_expect_layout(t, mm, "");
	t_expect_eq(t, mm->total_vm, 0);
	t_expect_eq(t, atomic_long_read(&mm->tables.pgtables_bytes), 0);
	end(t, mm);
}

KTEST(mprotect, rights_split_and_merge, KT_UNIT)
{
	struct mm_struct *mm = begin(t, "AAAAAAAA");
	unsigned long mid = layout_addr(3);

	t_expect_eq(t, fill(0, 8, 9), 0);
	t_expect_eq(t, vm_mprotect(mm, mid, 2 * PAGE_SIZE, PROT_READ), 0);
	t_expect_layout(t, mm, "AAAbbCCC");
	t_expect_eq(t, put_user((u64)1, mid), -EFAULT);
	expect_filled(t, 0, 8, 9);
	t_expect_eq(t, vm_mprotect(mm, layout_addr(4), 2 * PAGE_SIZE, PROT_READ), 0);
	t_expect_layout(t, mm, "AAAbbbCC");
	t_expect_eq(t, vm_mprotect(mm, layout_addr(2), PAGE_SIZE, PROT_READ), 0);
	t_expect_layout(t, mm, "AAbbbbCC");
	t_expect_eq(t, vm_mprotect(mm, layout_addr(1), 6 * PAGE_SIZE, PROT_NONE), 0);
	t_expect_eq(t, peek(layout_addr(4)), ~0ull);
	t_expect_eq(t, mm->map_count, 3);
	check(t, mm);
	t_expect_eq(t, vm_mprotect(mm, layout_addr(1), 6 * PAGE_SIZE, RW), 0);
	t_expect_layout(t, mm, "AAAAAAAA");
	expect_filled(t, 0, 8, 9);
	t_expect_eq(t, fill(0, 8, 10), 0);
	t_expect_eq(t, mm->data_vm, 8);
	end(t, mm);
}

KTEST(mprotect, stops_at_a_hole, KT_UNIT)
{
	struct mm_struct *mm = begin(t, "AAAA..BB");

	t_expect_eq(t, vm_mprotect(mm, layout_addr(2), 6 * PAGE_SIZE, PROT_READ), -ENOMEM);
	t_expect_layout(t, mm, "AAbb..CC");
	end(t, mm);
}

KTEST(madvise, dontneed_makes_zeros, KT_UNIT)
{
	struct mm_struct *mm = begin(t, "AAAAbb..CC");

	t_expect_eq(t, fill(0, 4, 5), 0);
	t_expect_eq(t, fill(8, 2, 5), 0);
	t_expect_eq(t, vm_madvise(mm, layout_addr(1), 2 * PAGE_SIZE, MADV_DONTNEED), 0);
	expect_filled(t, 0, 1, 5);
	expect_filled(t, 3, 1, 5);
	t_expect_eq(t, peek(layout_addr(1)) | peek(layout_addr(2)), 0);
	t_expect_eq(t, vm_madvise(mm, layout_addr(3), 6 * PAGE_SIZE, MADV_DONTNEED), -ENOMEM);
	t_expect_eq(t, peek(layout_addr(3)) | peek(layout_addr(8)), 0);
	expect_filled(t, 9, 1, 5);
	t_expect_layout(t, mm, "AAAAbb..CC");
	end(t, mm);
}

KTEST(madvise, fork_advice_is_a_flag_of_the_range, KT_UNIT)
{
	const unsigned long rw = VM_READ | VM_WRITE | VM_ACCOUNT;
	struct mm_struct *mm = begin(t, "AAAAAA");

	t_expect_eq(t, vm_madvise(mm, layout_addr(2), 2 * PAGE_SIZE, MADV_DONTFORK), 0);
	t_expect_layout(t, mm, "AABBCC");
	t_expect_eq(t, vma_lookup(mm, layout_addr(2))->vm_flags, rw | VM_DONTCOPY);
	t_expect_eq(t, vm_madvise(mm, layout_addr(0), 6 * PAGE_SIZE, MADV_WIPEONFORK), 0);
	t_expect_eq(t, vm_madvise(mm, layout_addr(0), 6 * PAGE_SIZE, MADV_DOFORK), 0);
	t_expect_layout(t, mm, "AAAAAA");
	t_expect_eq(t, vma_lookup(mm, layout_addr(5))->vm_flags, rw | VM_WIPEONFORK);
	t_expect_eq(t, vm_madvise(mm, layout_addr(0), 6 * PAGE_SIZE, MADV_KEEPONFORK), 0);
	t_expect_eq(t, vma_lookup(mm, layout_addr(0))->vm_flags, rw);
	end(t, mm);
}

KTEST(mremap, grows_shrinks_and_moves_with_its_pages, KT_UNIT)
{
	struct mm_struct *mm = begin(t, "AAAA..bb");
	unsigned long old = layout_addr(0), new;

	t_expect_eq(t, fill(0, 4, 30), 0);
	t_expect_eq(t, vm_mremap(mm, old, 4 * PAGE_SIZE, 6 * PAGE_SIZE, 0, 0), old);
	t_expect_layout(t, mm, "AAAAAAbb");
	t_expect_eq(t, vm_mremap(mm, old, 6 * PAGE_SIZE, 3 * PAGE_SIZE, 0, 0), old);
	t_expect_layout(t, mm, "AAA...bb");
	expect_filled(t, 0, 3, 30);

	new = vm_mremap(mm, old, 3 * PAGE_SIZE, 20 * PAGE_SIZE, MREMAP_MAYMOVE, 0);
	t_assert(t, !mm_is_err(new));
	t_expect_ne(t, new, old);
	t_expect_layout(t, mm, "......aa");
	for (unsigned i = 0; i < 3; i++)
		t_expect_eq(t, peek(new + i * PAGE_SIZE), 30 + i);
	t_expect_eq(t, peek(new + 19 * PAGE_SIZE), 0);
	check(t, mm);

	/* The middle of it to a given place, over others, in the same 2 MiB as the old one. */
	t_expect_eq(t, vm_mremap(mm, new + PAGE_SIZE, PAGE_SIZE, 2 * PAGE_SIZE,
				 MREMAP_MAYMOVE | MREMAP_FIXED, layout_addr(5)), layout_addr(5));
	t_expect_layout(t, mm, ".....AAb");
	t_expect_eq(t, peek(layout_addr(5)), 31);
	t_expect_eq(t, vm_mremap(mm, layout_addr(5), PAGE_SIZE, PAGE_SIZE,
				 MREMAP_MAYMOVE | MREMAP_FIXED, layout_addr(0)), layout_addr(0));
	t_expect_eq(t, peek(layout_addr(0)), 31);
	t_expect_layout(t, mm, "A.....Bc");
	t_expect_eq(t, get_mm_counter(mm, MM_ANONPAGES), 3);
	end(t, mm);
}

/* Its anon_vma has chains to its parent's, which keep it from joining others, not from growing. */
KTEST(mremap, a_childs_memory_grows_in_place, KT_UNIT)
{
	struct mm_struct *mm = begin(t, "AAAA"), *child;
	unsigned long addr = layout_addr(0);

	t_expect_eq(t, fill(0, 4, 30), 0);
	child = dup_mm(mm);
	t_assert(t, !IS_ERR(child));
	mm_unuse(mm);
	mm_use(child);
	t_expect_eq(t, vm_mremap(child, addr, 4 * PAGE_SIZE, 6 * PAGE_SIZE, 0, 0), addr);
	t_expect_layout(t, child, "AAAAAA");
	expect_filled(t, 0, 4, 30);
	t_expect_eq(t, peek(layout_addr(5)), 0);
	end(t, child);
	mm_use(mm);
	end(t, mm);
}

KTEST(brk, heap_grows_and_shrinks, KT_UNIT)
{
	struct mm_struct *mm = begin(t, "AA");
	unsigned long start = mm->start_brk;
	u64 value;

	t_expect_eq(t, vm_brk(mm, 0), start);
	t_expect_eq(t, vm_brk(mm, start + 100), start + 100);
	t_expect_eq(t, put_user((u64)8, start + 64), 0);
	t_expect_eq(t, vm_brk(mm, start + 10 * PAGE_SIZE), start + 10 * PAGE_SIZE);
	t_expect_eq(t, put_user((u64)9, start + 9 * PAGE_SIZE), 0);
	t_expect_eq(t, mm->map_count, 2);
	t_expect_eq(t, vm_brk(mm, start + PAGE_SIZE), start + PAGE_SIZE);
	t_expect_eq(t, get_user(&value, start + 9 * PAGE_SIZE), -EFAULT);
	t_expect_eq(t, get_user(&value, start + 64), 0);
	t_expect_eq(t, value, 8);

	/* Something in the way: it stays where it is. */
	t_expect_eq(t, vm_mmap(mm, start + 4 * PAGE_SIZE, PAGE_SIZE, PROT_READ, ANON | MAP_FIXED),
		    start + 4 * PAGE_SIZE);
	t_expect_eq(t, vm_brk(mm, start + 8 * PAGE_SIZE), start + PAGE_SIZE);
	t_expect_eq(t, vm_brk(mm, start), start);
	t_expect_eq(t, mm->map_count, 2);
	end(t, mm);
}

KTEST(mm, references_end_in_order, KT_UNIT)
{
	struct mm_struct *mm = mm_alloc(), *other;

	t_assert(t, mm);
	t_expect_eq(t, layout_map(mm, "AAAA"), 0);
	mmgrab(mm);
	mmget(mm);
	mmput(mm);
	t_expect_layout(t, mm, "AAAA");
	mmput(mm);
	t_expect(t, !mmget_not_zero(mm));
	t_expect(t, mtree_empty(&mm->mm_mt));
	other = mm_alloc();
	t_assert(t, other);
	t_expect_eq(t, other->id, mm->id + 1);
	mmdrop(mm);
	mmput(other);
}
