/*
 * stand.c - what the shape of an address space stands on, for one thread on the host.
 *
 * Owns: memory that counts and fails, locks that only remember, tables that hold nothing.
 */
#include "tests/host/vma/stand.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kernel/core/fault.h"
#include "mm/anon_vma.h"
#include "mm/change_protection.h"
#include "mm/commit.h"
#include "mm/i_mmap.h"
#include "mm/mm_check.h"
#include "mm/mman_internal.h"
#include "mm/move_tables.h"
#include "mm/reclaim.h"
#include "mm/slab.h"
#include "mm/vma_lock.h"
#include "mm/zap.h"
#include "tests/host/htest.h"
#include "tests/mm_layout.h"

struct static_key checks_key, lock_slow_key, points_key, faults_key;
long host_fault_countdown = -1;
unsigned nr_vcpus = 1, host_cpu;
unsigned long sysctl_max_map_count = 65530;
static long nr_objects, nr_files;

void host_bug(const char *file, int line, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fprintf(stderr, "%s:%d: ", file, line);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	abort();
}

/* ---- memory ---- */

void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	static struct fault_site site = {"host"};

	if (fault_should_fail(&site, cache->size))
		return NULL;
	nr_objects++;
	return aligned_alloc(64, ALIGN_UP(cache->size, 64u));
}

void *kmem_cache_zalloc(struct kmem_cache *cache, gfp_t gfp)
{
	void *obj = kmem_cache_alloc(cache, gfp);

	return obj ? memset(obj, 0, cache->size) : NULL;
}

void kmem_cache_free(struct kmem_cache *cache, void *obj)
{
	nr_objects--;
	free(obj);
}

bool kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp, unsigned nr, void **objs)
{
	for (unsigned i = 0; i < nr; i++) {
		objs[i] = kmem_cache_alloc(cache, gfp);
		if (!objs[i]) {
			kmem_cache_free_bulk(cache, i, objs);
			return false;
		}
	}
	return true;
}

void kmem_cache_free_bulk(struct kmem_cache *cache, unsigned nr, void **objs)
{
	for (unsigned i = 0; i < nr; i++)
		kmem_cache_free(cache, objs[i]);
}

void stand_fail(long n)
{
	host_fault_countdown = n;
}

bool stand_failed(void)
{
	return host_fault_countdown < 0;
}

/* ---- grace periods ---- */

static struct rcu_head *waiting;

void call_rcu(struct rcu_head *head, void (*fn)(struct rcu_head *head))
{
	head->fn = fn;
	head->next = waiting;
	waiting = head;
}

void rcu_barrier(void)
{
	while (waiting) {
		struct rcu_head *head = waiting;

		waiting = head->next;
		head->fn(head);
	}
}

/* ---- locks of VMAs ---- */

void vma_start_write(struct vm_area_struct *vma)
{
	rwsem_assert_held_write(&vma->vm_mm->mmap_lock);
	vma->vm_lock_seq = vma->vm_mm->mm_lock_seq;
}

int vma_start_write_killable(struct vm_area_struct *vma)
{
	vma_start_write(vma);
	return 0;
}

void vma_mark_attached(struct vm_area_struct *vma)
{
	ASSERT_EQ(vma->vm_lock_seq, vma->vm_mm->mm_lock_seq);
	ASSERT_EQ(vma->vm_refcnt.counter, 0);
	vma->vm_refcnt.counter = 1;
}

void vma_mark_detached(struct vm_area_struct *vma)
{
	ASSERT_EQ(vma->vm_lock_seq, vma->vm_mm->mm_lock_seq);
	ASSERT_EQ(vma->vm_refcnt.counter, 1);
	vma->vm_refcnt.counter = 0;
}

/* ---- pages and tables: none ---- */

void tlb_gather_mmu(struct mmu_gather *tlb, struct mm_tables *mt, bool fullmm)
{
	tlb->mt = mt;
}

void tlb_finish_mmu(struct mmu_gather *tlb)
{
}

unsigned long change_protection(struct mmu_gather *tlb, struct vm_area_struct *vma,
				unsigned long start, unsigned long end, pgprot_t old_prot)
{
	ASSERT(start >= vma->vm_start && end <= vma->vm_end && start < end);
	ASSERT_EQ(vma->vm_lock_seq, vma->vm_mm->mm_lock_seq);
	return 0;
}

unsigned long zap_page_range_single(struct vm_area_struct *vma, unsigned long start,
				    unsigned long end)
{
	ASSERT(start >= vma->vm_start && end <= vma->vm_end && start < end);
	return 0;
}

unsigned long reclaim_range(struct vm_area_struct *vma, unsigned long start, unsigned long end,
			    bool shared)
{
	ASSERT(start >= vma->vm_start && end <= vma->vm_end && start < end);
	return 0;
}

static unsigned long unmapped_pages;

unsigned long zap_vma_range(struct mmu_gather *tlb, struct vm_area_struct *vma,
			    unsigned long start, unsigned long end)
{
	ASSERT(start >= vma->vm_start && end <= vma->vm_end && start < end);
	ASSERT_EQ(vma->vm_lock_seq, vma->vm_mm->mm_lock_seq);
	unmapped_pages += (end - start) >> PAGE_SHIFT;
	return (end - start) >> PAGE_SHIFT;
}

void free_pgtables(struct mmu_gather *tlb, struct unmap_desc *desc)
{
	for (struct vm_area_struct *vma = desc->first; vma; vma = unmap_next(desc, vma)) {
		ASSERT_EQ(vma->vm_refcnt.counter, 0);
		ASSERT(vma->vm_start >= desc->vma_start && vma->vm_end <= desc->vma_end);
		unlink_file_vma(vma);
		unlink_anon_vmas(vma);
	}
}

/* Nothing is mapped, so all of it moves; tables are missing like any memory. */
unsigned long move_page_tables(struct vm_area_struct *vma, unsigned long old_addr,
			       struct vm_area_struct *new_vma, unsigned long new_addr,
			       unsigned long len)
{
	static struct fault_site site = {"host"};

	ASSERT(old_addr >= vma->vm_start && old_addr + len <= vma->vm_end);
	ASSERT(new_addr >= new_vma->vm_start && new_addr + len <= new_vma->vm_end);
	/* Moving back, to the VMA that is in the tree, finds its tables there. */
	if (new_vma->vm_refcnt.counter == 0 && vma->vm_refcnt.counter != 0 &&
	    fault_should_fail(&site, 0))
		return 0;
	return len;
}

void free_pgd_range(struct mmu_gather *tlb, unsigned long start, unsigned long end,
		    unsigned long floor, unsigned long ceiling)
{
	ASSERT(start < end && floor <= start && (!ceiling || ceiling >= end));
}

/* ---- promises ---- */

atomic_long_t vm_committed_as;
unsigned sysctl_overcommit_memory;

int security_vm_enough_memory_mm(struct mm_struct *mm, long pages)
{
	static struct fault_site site = {"host"};

	if (fault_should_fail(&site, 0))
		return -ENOMEM;
	vm_committed_as.counter += pages;
	return 0;
}

void mm_check_mutation(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	stand_check(mm);
}

/* ---- files: only who holds and maps them ---- */

const struct vm_operations_struct file_vm_ops;

void __fput(struct file *file)
{
	ASSERT_EQ(file->f_mapping.nr_vmas, 0);
	ASSERT(!file->f_mapping.i_mmap.node);
	nr_files--;
	free(file);
}

struct file *stand_file(void)
{
	struct file *file = calloc(1, sizeof(*file));

	h_assert(file);
	init_rwsem(&file->f_mapping.i_mmap_rwsem, LC_IMMAP);
	atomic_set(&file->f_count, 1);
	nr_files++;
	return file;
}

/* ---- the space ---- */

/* The test's references are the last. */
void __mmput(struct mm_struct *mm)
{
	host_bug(__FILE__, __LINE__, "nobody uses the space");
}

void __mmdrop(struct mm_struct *mm)
{
	host_bug(__FILE__, __LINE__, "nobody holds the space");
}

struct mm_struct *stand_begin(void)
{
	struct mm_struct *mm = calloc(1, sizeof(*mm));

	h_assert(mm);
	mt_init_flags(&mm->mm_mt, MM_MT_FLAGS);
	init_rwsem(&mm->mmap_lock, LC_MMAP);
	atomic_set(&mm->mm_users, 1);
	atomic_set(&mm->mm_count, 1);
	mm->mm_lock_seq = 1;
	mm->start_brk = mm->brk = MM_BRK_BASE;
	mm->rlimit_as = mm->rlimit_data = RLIM_PAGES_MAX;
	return mm;
}

void stand_end(struct mm_struct *mm)
{
	stand_fail(-1);
	mmap_write_lock(mm);
	h_expect_eq(do_munmap(mm, USER_MIN, USER_MAX - USER_MIN), 0);
	mmap_write_unlock(mm);
	stand_check(mm);
	h_expect_eq(mm->map_count, 0);
	h_expect_eq(mm->total_vm | mm->data_vm | mm->exec_vm | mm->stack_vm, 0);
	h_expect_eq(vm_committed_as.counter, 0);
	__mt_destroy(&mm->mm_mt);
	rcu_barrier();
	h_expect_eq(nr_objects, 0);
	h_expect_eq(nr_files, 0);
	h_expect_eq(mm->mm_users.counter, 1);
	h_expect_eq(mm->mm_count.counter, 1);
	free(mm);
}

static void check_chains(struct vm_area_struct *vma)
{
	struct anon_vma_chain *avc;
	bool own = !vma->anon_vma;

	list_for_each_entry(avc, &vma->anon_vma_chain, same_vma) {
		h_expect(avc->vma == vma);
		h_expect_eq(avc->node.start, vma->vm_pgoff);
		h_expect_eq(avc->node.last, vma->vm_pgoff + vma_pages(vma) - 1);
		h_expect(interval_tree_check(&avc->anon_vma->rb_root) > 0);
		own |= avc->anon_vma == vma->anon_vma;
	}
	h_expect(own);
}

static void check_file(struct vm_area_struct *vma)
{
	if (!vma->vm_file)
		return;
	h_expect(i_mmap_has_vma(vma));
	h_expect(interval_tree_check(&vma_mapping(vma)->i_mmap) ==
		 (long)vma_mapping(vma)->nr_vmas);
	h_expect_eq(vma->vm_file->f_count.counter, vma_mapping(vma)->nr_vmas + 1);
}

void stand_check(struct mm_struct *mm)
{
	VMA_ITERATOR(vmi, mm, 0);
	unsigned long pages = 0, data = 0, charged = 0, last = USER_MIN;
	struct vm_area_struct *vma;
	int nr = 0;

	h_expect_eq(mt_check(&mm->mm_mt, NULL, NULL), 0);
	for_each_vma(vmi, vma) {
		h_expect_eq(vmi.mas.index, vma->vm_start);
		h_expect_eq(vmi.mas.last, vma->vm_end - 1);
		h_expect(vma->vm_start >= last && vma->vm_start < vma->vm_end);
		h_expect_eq(vma->vm_refcnt.counter, 1);
		h_expect_eq(vma->vm_page_prot.prot, vm_get_page_prot(vma->vm_flags).prot);
		check_chains(vma);
		check_file(vma);
		last = vma->vm_end;
		nr++;
		pages += vma_pages(vma);
		data += (vma->vm_flags & (VM_WRITE | VM_SHARED)) == VM_WRITE ? vma_pages(vma) : 0;
		charged += vma->vm_flags & VM_ACCOUNT ? vma_pages(vma) : 0;
	}
	h_expect_eq(nr, mm->map_count);
	h_expect_eq(pages, mm->total_vm);
	h_expect_eq(data, mm->data_vm);
	h_expect_eq(charged, mm->accounted_vm);
	h_expect_eq(charged, vm_committed_as.counter);
}

void stand_rights(struct mm_struct *mm, char *out)
{
	for (unsigned i = 0; i < LAYOUT_PAGES; i++) {
		struct vm_area_struct *vma = vma_lookup(mm, layout_addr(i));

		out[i] = !vma ? '.' : vma->vm_flags & VM_WRITE ? 'W' : 'r';
	}
	out[LAYOUT_PAGES] = '\0';
}
