/*
 * mm_model.c - see mm_model.h.
 */
#include "tests/mm_model.h"

#include <errno.h>
#include <string.h>
#include "kernel/base/err.h"
#include "kernel/core/user.h"
#include "mm/file.h"
#include "mm/mempolicy.h"
#include "mm/mm_check.h"
#include "mm/mman.h"
#include "mm/mmap_lock.h"
#include "mm/reclaim.h"
#include "mm/vma.h"
#include "tests/mm_file.h"
#include "tests/mm_layout.h"

#define ANON   (MAP_PRIVATE | MAP_ANONYMOUS)
#define STRIDE 0x8200000ul /* between the two halves of a window: tables of their own */

void mm_model_equal(struct mm_model *m, const char *what, const char *file, int line, u64 left,
		    u64 right)
{
	if (left == right || m->wrong)
		return;
	m->wrong = what;
	m->wrong_file = file;
	m->wrong_line = line;
	m->wrong_left = left;
	m->wrong_right = right;
}

/* Two halves, so that ranges cross and keep away from borders of tables. */
static unsigned long addr_of(const struct mm_model *m, unsigned i)
{
	unsigned long half = i / (MODEL_PAGES / 2), in = i % (MODEL_PAGES / 2);

	return m->base + PMD_SIZE - 4 * PAGE_SIZE + half * STRIDE + in * PAGE_SIZE;
}

unsigned long mm_model_addr(const struct mm_model *m, unsigned i)
{
	return addr_of(m, i);
}

static unsigned below(struct mm_model *m, unsigned bound)
{
	return rng_below(&m->rng, bound);
}

/* A range within one half. */
static unsigned pick_range(struct mm_model *m, unsigned *first)
{
	unsigned half = MODEL_PAGES / 2, in = below(m, half);

	*first = below(m, 2) * half + in;
	return 1 + below(m, min(half - in, 10u));
}

static bool all_mapped(const struct model_page *page, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		if (!page[i].mapped)
			return false;
	}
	return true;
}

/* ---- operations ---- */

static void op_map(struct mm_model *m, struct mm_struct *mm, struct model_page *page)
{
	unsigned first, nr = pick_range(m, &first);
	u8 prot = below(m, 4) ? PROT_READ | PROT_WRITE : PROT_READ;

	m_expect_eq(m, vm_mmap(mm, addr_of(m, first), nr * PAGE_SIZE, prot, ANON | MAP_FIXED),
		    addr_of(m, first));
	for (unsigned i = first; i < first + nr; i++)
		page[i] = (struct model_page){.mapped = true, .prot = prot};
}

static void op_unmap(struct mm_model *m, struct mm_struct *mm, struct model_page *page)
{
	unsigned first, nr = pick_range(m, &first);

	m_expect_eq(m, vm_munmap(mm, addr_of(m, first), nr * PAGE_SIZE), 0);
	memset(&page[first], 0, nr * sizeof(*page));
}

static void op_protect(struct mm_model *m, struct mm_struct *mm, struct model_page *page)
{
	static const u8 prots[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
				   PROT_READ | PROT_WRITE};
	unsigned first, nr = pick_range(m, &first);
	u8 prot = prots[below(m, 4)];
	int err = vm_mprotect(mm, addr_of(m, first), nr * PAGE_SIZE, prot);

	m_expect_eq(m, err, all_mapped(&page[first], nr) ? 0 : -ENOMEM);
	for (unsigned i = first; i < first + nr && page[i].mapped; i++)
		page[i].prot = prot;
}

/* Pages of the file. Growing a mapping may lead beyond its end, where an access is an error. */
static void op_map_file(struct mm_model *m, struct mm_struct *mm, struct model_page *page)
{
	unsigned first, nr = pick_range(m, &first), pgoff = below(m, m->file_pages - 10);
	u8 prot = below(m, 4) ? PROT_READ | PROT_WRITE : PROT_READ;
	bool shared = below(m, 2);

	m_expect_eq(m, file_mmap(mm, addr_of(m, first), nr, prot, shared ? MAP_SHARED : MAP_PRIVATE,
				 m->file, pgoff), 0);
	for (unsigned i = 0; i < nr; i++)
		page[first + i] = (struct model_page){.mapped = true,
						      .prot = prot,
						      .kind = shared ? MODEL_SHARED : MODEL_PRIVATE,
						      .pgoff = pgoff + i};
}

static void drop_contents(struct model_page *page)
{
	page->word = 0;
	page->copied = false;
	page->pin = 0;
}

static void op_advise(struct mm_model *m, struct mm_struct *mm, struct model_page *page)
{
	static const struct {
		int advice;
		u8 clear, set;
	} how[] = {{MADV_DONTNEED, 0, 0}, {MADV_DONTNEED, 0, 0},   {MADV_PAGEOUT, 0, 0},
		   {MADV_PAGEOUT, 0, 0},  {MADV_DONTFORK, 0, 1},   {MADV_DOFORK, 1, 0},
		   {MADV_WIPEONFORK, 0, 2}, {MADV_KEEPONFORK, 2, 0}};
	unsigned first, nr = pick_range(m, &first), h = below(m, ARRAY_SIZE(how));
	int err = vm_madvise(mm, addr_of(m, first), nr * PAGE_SIZE, how[h].advice);
	int expected = all_mapped(&page[first], nr) ? 0 : -ENOMEM;

	for (unsigned i = first; i < first + nr; i++) {
		if (!page[i].mapped)
			continue;
		if (how[h].advice == MADV_WIPEONFORK && page[i].kind != MODEL_ANON) {
			expected = -EINVAL; /* there it ends */
			break;
		}
		if (how[h].advice == MADV_DONTNEED)
			drop_contents(&page[i]);
		page[i].advice = (page[i].advice & ~how[h].clear) | how[h].set;
	}
	m_expect_eq(m, err, expected);
}

static void op_bind(struct mm_model *m, struct mm_struct *mm, struct model_page *page)
{
	unsigned first, nr = pick_range(m, &first), mode = below(m, NR_MPOL_MODES);
	unsigned long nodes = mpol_is_valid(mode, 0) ? 0 : NODES_ONLINE;
	bool mapped = all_mapped(&page[first], nr);

	m_expect_eq(m, vm_mbind(mm, addr_of(m, first), nr * PAGE_SIZE, mode, nodes),
		    mapped ? 0 : -EFAULT);
	for (unsigned i = first; mapped && i < first + nr; i++)
		page[i].policy = mode;
}

/* Will the kernel take pages [first, first + nr) for one VMA? Asked of the kernel. */
static bool one_vma(const struct mm_model *m, struct mm_struct *mm, unsigned first, unsigned nr)
{
	struct vm_area_struct *vma = vma_lookup(mm, addr_of(m, first));

	return vma && vma->vm_end >= addr_of(m, first) + nr * PAGE_SIZE;
}

/* The page that comes @n behind @first when its mapping grows. */
static struct model_page grown(const struct model_page *first, unsigned n)
{
	struct model_page page = *first;

	drop_contents(&page);
	page.pgoff += n;
	return page;
}

static void op_move(struct mm_model *m, struct mm_struct *mm, struct model_page *page)
{
	unsigned from, to, nr = pick_range(m, &from), room = pick_range(m, &to);
	struct model_page moved[16];
	unsigned long result;
	bool whole = one_vma(m, mm, from, nr);

	if (to < from + nr && from < to + room)
		return;
	result = vm_mremap(mm, addr_of(m, from), nr * PAGE_SIZE, room * PAGE_SIZE,
			   MREMAP_MAYMOVE | MREMAP_FIXED, addr_of(m, to));
	m_expect_eq(m, result, whole ? addr_of(m, to) : -EFAULT);
	if (!whole)
		return;
	memcpy(moved, &page[from], nr * sizeof(*page));
	memset(&page[from], 0, nr * sizeof(*page));
	for (unsigned i = 0; i < room; i++)
		page[to + i] = i < nr ? moved[i] : grown(&moved[0], i);
}

static void op_resize(struct mm_model *m, struct mm_struct *mm, struct model_page *page)
{
	unsigned from, nr = pick_range(m, &from), want = 1 + below(m, 10), i;
	unsigned half_end = (from / (MODEL_PAGES / 2) + 1) * (MODEL_PAGES / 2);
	bool whole = one_vma(m, mm, from, nr), room = true;
	unsigned long result, end = addr_of(m, from) + nr * PAGE_SIZE;

	if (from + want > half_end)
		return;
	/* In place only at the end of a VMA. */
	if (whole && want > nr && vma_lookup(mm, addr_of(m, from))->vm_end != end)
		room = false;
	for (i = from + nr; i < from + want; i++)
		room &= !page[i].mapped;
	result = vm_mremap(mm, addr_of(m, from), nr * PAGE_SIZE, want * PAGE_SIZE, 0, 0);
	if (!whole) {
		m_expect_eq(m, result, -EFAULT);
		return;
	}
	m_expect_eq(m, result, room ? addr_of(m, from) : -ENOMEM);
	for (i = from + nr; room && i < from + want; i++)
		page[i] = grown(&page[from], i - from);
	for (i = from + want; i < from + nr; i++)
		memset(&page[i], 0, sizeof(*page));
}

int mm_model_access(const struct mm_model *m, const struct model_page *page)
{
	bool beyond = page->kind != MODEL_ANON && page->pgoff >= m->file_pages;

	return beyond ? -EIO : 0;
}

u64 mm_model_word(const struct mm_model *m, const struct model_page *page)
{
	if (page->kind == MODEL_ANON || page->copied)
		return page->word;
	return m->file_word[page->pgoff];
}

static void op_write(struct mm_model *m, struct mm_struct *mm __maybe_unused,
		     struct model_page *page)
{
	unsigned i = below(m, MODEL_PAGES);
	u64 word = rng_next(&m->rng) | 1;
	int err = put_user(word, addr_of(m, i));
	bool allowed = page[i].mapped && (page[i].prot & PROT_WRITE);

	m_expect_eq(m, err, allowed ? mm_model_access(m, &page[i]) : -EFAULT);
	if (err)
		return;
	if (page[i].kind == MODEL_SHARED) {
		m->file_word[page[i].pgoff] = word;
	} else {
		page[i].word = word;
		page[i].copied = page[i].kind == MODEL_PRIVATE;
	}
}

static void op_read(struct mm_model *m, struct mm_struct *mm __maybe_unused,
		    struct model_page *page)
{
	unsigned i = below(m, MODEL_PAGES);
	u64 word = 0;
	bool allowed = page[i].mapped && page[i].prot;
	int err = get_user(&word, addr_of(m, i));

	m_expect_eq(m, err, allowed ? mm_model_access(m, &page[i]) : -EFAULT);
	if (!err)
		m_expect_eq(m, word, mm_model_word(m, &page[i]));
}

/* Nothing of it can be seen by a program. */
static void op_move_pages(struct mm_model *m, struct mm_struct *mm __maybe_unused,
			  struct model_page *page __maybe_unused)
{
	unsigned index = below(m, m->file_pages);

	switch (below(m, 4)) {
	case 0: (void)reclaim_frames(1 + below(m, 8)); break;
	case 1: m_expect_eq(m, file_sync(m->file), 0); break;
	case 2: (void)file_drop_clean(m->file); break;
	default: /* by the kernel's own way, which meets mappings of the page */
		m_expect_eq(m, file_word(m->file, index), m->file_word[index]);
	}
}

static unsigned long heap_addr(struct mm_struct *mm, unsigned i)
{
	return mm->start_brk + i * PAGE_SIZE;
}

/* Move the end of the heap, to the middle of a page perhaps; or use a page of it. */
static void op_heap(struct mm_model *m, struct mm_struct *mm,
		    struct model_page *page __maybe_unused)
{
	u64 *heap = m->heap[m->now], word = rng_next(&m->rng);
	unsigned *nr = &m->nr_heap[m->now], i = below(m, MODEL_HEAP_PAGES);
	unsigned long end;

	/* One space has one heap; who shares it leaves that alone. */
	if (m->joined)
		return;
	if (below(m, 2)) {
		m_expect_eq(m, put_user(word, heap_addr(mm, i)), i < *nr ? 0 : -EFAULT);
		if (i < *nr)
			heap[i] = word;
		return;
	}
	end = heap_addr(mm, i) - (i ? below(m, PAGE_SIZE) : 0);
	m_expect_eq(m, vm_brk(mm, end), end);
	for (; *nr > i; --*nr)
		heap[*nr - 1] = 0;
	*nr = i;
}

static void (*const ops[])(struct mm_model *, struct mm_struct *, struct model_page *) = {
	op_map,	 op_map,   op_map_file, op_unmap, op_protect, op_advise, op_advise, op_move,
	op_resize, op_write, op_write,	op_write, op_write,   op_read,	 op_read,   op_read,
	op_move_pages, op_heap, op_bind,
};

/* ---- the whole ---- */

void mm_model_switch_to(struct mm_model *m, unsigned space)
{
	mm_unuse(m->mm[m->now]);
	m->now = space;
	mm_use(m->mm[m->now]);
}

void mm_model_switch(struct mm_model *m)
{
	mm_model_switch_to(m, below(m, m->nr_mms));
}

void mm_model_step(struct mm_model *m)
{
	ops[below(m, ARRAY_SIZE(ops))](m, m->mm[m->now], m->page[m->now]);
}

static unsigned long expected_flags(const struct model_page *page)
{
	return page->prot | (page->advice & 1 ? VM_DONTCOPY : 0) |
	       (page->advice & 2 ? VM_WIPEONFORK : 0) |
	       (page->kind == MODEL_SHARED ? VM_SHARED : 0);
}

static void compare_page(struct mm_model *m, struct vm_area_struct *vma,
			 const struct model_page *page, unsigned long addr)
{
	bool own = page->kind != MODEL_SHARED && (page->prot & PROT_WRITE);
	u64 word = 0;

	/* Read-only memory is charged if it was writable and has pages, perhaps. */
	m_expect_eq(m, vma->vm_flags & ~VM_ACCOUNT, expected_flags(page));
	m_expect_eq(m, own && !(vma->vm_flags & VM_ACCOUNT), false);
	m_expect_eq(m, vma->vm_policy ? vma->vm_policy->mode : MPOL_DEFAULT, page->policy);
	if (!page->prot)
		return;
	m_expect_eq(m, get_user(&word, addr), mm_model_access(m, page));
	if (!mm_model_access(m, page))
		m_expect_eq(m, word, mm_model_word(m, page));
}

void mm_model_compare(struct mm_model *m)
{
	struct mm_struct *mm = m->mm[m->now];
	const struct model_page *page = m->page[m->now];
	unsigned long mapped = 0;

	for (unsigned i = 0; i < MODEL_PAGES; i++) {
		struct vm_area_struct *vma = vma_lookup(mm, addr_of(m, i));

		m_expect_eq(m, vma != NULL, page[i].mapped);
		if (!vma || !page[i].mapped)
			continue;
		mapped++;
		compare_page(m, vma, &page[i], addr_of(m, i));
	}
	for (unsigned i = 0; i < m->nr_heap[m->now]; i++) {
		u64 word = 0;

		m_expect_eq(m, get_user(&word, heap_addr(mm, i)), 0);
		m_expect_eq(m, word, m->heap[m->now][i]);
	}
	if (!m->joined)
		m_expect_eq(m, mm->total_vm, mapped + m->nr_heap[m->now]);
	mmap_write_lock(mm);
	m_expect_eq(m, mm_check(mm), 0);
	mmap_write_unlock(mm);
}

static int make_file(struct mm_model *m, unsigned nr_pages)
{
	struct file *file = file_create("model", nr_pages * PAGE_SIZE);

	if (IS_ERR(file))
		return -ENOMEM;
	m->file = file;
	m->file_pages = nr_pages;
	for (unsigned i = 0; i < nr_pages; i++) {
		m->file_word[i] = rng_next(&m->rng);
		if (file_set_word(file, i, m->file_word[i]))
			return -ENOMEM;
	}
	return file_sync(file);
}

int mm_model_begin(struct mm_model *m, u64 seed, unsigned nr_mms)
{
	memset(m, 0, sizeof(*m));
	rng_init(&m->rng, seed);
	m->nr_mms = nr_mms;
	m->base = LAYOUT_BASE;
	if (make_file(m, MODEL_FILE_PAGES))
		return -ENOMEM;
	for (unsigned i = 0; i < nr_mms; i++) {
		m->mm[i] = mm_alloc();
		if (!m->mm[i])
			return -ENOMEM;
	}
	mm_use(m->mm[0]);
	return 0;
}

int mm_model_join(struct mm_model *m, u64 seed, struct mm_struct *mm, unsigned long base)
{
	memset(m, 0, sizeof(*m));
	rng_init(&m->rng, seed);
	m->nr_mms = 1;
	m->base = base;
	m->joined = true;
	m->mm[0] = mm;
	return make_file(m, 12);
}

void mm_model_use(struct mm_model *m)
{
	mm_use(m->mm[m->now]);
}

void mm_model_unuse(struct mm_model *m)
{
	mm_unuse(m->mm[m->now]);
}

void mm_model_free(struct mm_model *m)
{
	mm_model_unpin_all(m);
	for (unsigned i = 0; i < m->nr_mms && !m->joined; i++)
		mmput(m->mm[i]);
	fput(m->file);
}

void mm_model_end(struct mm_model *m)
{
	mm_model_unuse(m);
	mm_model_free(m);
}
