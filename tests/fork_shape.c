/*
 * fork_shape.c - see fork_shape.h.
 *
 * Idea of `k`: occurrences at a site are counted from the moment VMA k is looked at, and the site
 *       is off again when the next one is. So the same words mean the same failure under every
 *       semantics, whatever was passed before.
 */
#include "tests/fork_shape.h"

#include <errno.h>
#include <string.h>

#include "kernel/base/err.h"
#include "kernel/core/fault.h"
#include "kernel/core/user.h"
#include "kernel/shell/sites.h"
#include "mm/block_ram.h"
#include "mm/dup_mmap.h"
#include "mm/file.h"
#include "mm/gup.h"
#include "mm/lazy_tlb.h"
#include "mm/mempolicy.h"
#include "mm/mman.h"
#include "mm/page_alloc.h"
#include "mm/swap.h"
#include "mm/userfaultfd.h"
#include "tests/fork_hog.h"
#include "tests/mm_file.h"
#include "tests/mm_swap.h"
#include "tests/mm_user.h"

#define RW (PROT_READ | PROT_WRITE)

/* ---- words ---- */

static void parse_failure(struct fork_shape *s, struct kv *kv)
{
	const char *name = NULL;
	bool k = kv_u64(kv, "k", 0, s->vmas - 1, &s->k);
	bool occ = kv_u64(kv, "occ", 0, 1u << 30, &s->occ);
	bool kill = kv_u64(kv, "kill", 0, s->vmas - 1, &s->kill);

	if (kv_str(kv, "site", &name) && name) {
		s->site = name[0] == 'F' || name[0] == 'R' ? fault_site_find(name) : NULL;
		if (!s->site && fork_site_absent(name))
			kv_fail(kv, "site=%s: cannot fail here: %s", name, fork_site_absent(name));
		else if (!s->site)
			kv_fail(kv, "site=%s: no such site of a fork; `sites` lists them", name);
		if (kill)
			kv_fail(kv, "kill and site: one failure at a time");
	} else if (k || occ) {
		kv_fail(kv, "%s: only with site=", k ? "k" : "occ");
	}
	kv_bool(kv, "hog", &s->hog);
	if (s->hog && (!s->site || !fork_hog_can(s->site)))
		kv_fail(kv, "hog=on: only with a site= at which memory is got: F01 F02 F08 F09 "
			    "F13 F14 F15 F16 F18 F20");
}

/* With tables. Mappings of the file share its pages, twice there; a private one copies one. */
static u64 frames_needed(const struct fork_shape *s)
{
	u64 of_file = s->file + s->shared;

	return (s->vmas - of_file) * (s->pages + 1) + 2 * of_file + (of_file ? 2 * s->pages : 0);
}

/* More pages than there are would end in a failure that nobody asked for. */
static void check_size(struct fork_shape *s, struct kv *kv, unsigned long frames)
{
	if (s->file + s->shared > s->vmas) {
		kv_fail(kv, "file=%lu shared=%lu: there are %lu VMAs", s->file, s->shared, s->vmas);
		return;
	}
	if (s->pinned > s->vmas - s->file - s->shared ||
	    (s->pinned && s->swap && s->swap + 1 >= s->pages))
		kv_fail(kv, "pinned=%lu: one page each of as many anonymous VMAs, not swapped",
			s->pinned);
	if (s->userfault > s->vmas - s->file - s->shared)
		kv_fail(kv, "userfault=%lu: at most as many as there are anonymous VMAs",
			s->userfault);
	if (s->touching && s->vmas - s->file - s->shared > 1)
		kv_fail(kv, "touching=on: two anonymous VMAs would be one; file= and shared= are "
			    "to make up all but one");
	if (s->swap > s->pages)
		kv_fail(kv, "swap=%lu: a VMA has %lu pages", s->swap, s->pages);
	if (frames_needed(s) > frames)
		kv_fail(kv, "vmas=%lu pages=%lu: there is room for %lu pages", s->vmas, s->pages,
			frames);
}

/* How the kernel is to be meanwhile. */
static void parse_ways(struct fork_shape *s, struct kv *kv)
{
	static const char *const schemes[] = {"shootdown", "refcount", NULL};
	static const char *const tests[] = {
		[0] = "rules", [KILL_LOOP] = "loop", [KILL_VMA_LOCK] = "lock", NULL};
	unsigned scheme = 0;

	kv_choice(kv, "lazy", schemes, &scheme);
	s->lazy_refcount = scheme;
	kv_choice(kv, "killtest", tests, &s->kill_test);
}

void fork_shape_parse(struct fork_shape *s, struct kv *kv, unsigned long frames)
{
	const char *sem = NULL;
	char why[160];

	*s = (struct fork_shape){
		.vmas = 8, .pages = 4, .dontcopy = SHAPE_NO, .k = SHAPE_NO, .kill = SHAPE_NO};
	kv_u64(kv, "vmas", 1, SHAPE_VMAS_MAX, &s->vmas);
	kv_u64(kv, "pages", 1, 4096, &s->pages);
	kv_u64(kv, "swap", 0, 4096, &s->swap);
	kv_u64(kv, "file", 0, SHAPE_VMAS_MAX, &s->file);
	kv_u64(kv, "shared", 0, SHAPE_VMAS_MAX, &s->shared);
	kv_u64(kv, "pinned", 0, SHAPE_VMAS_MAX, &s->pinned);
	kv_u64(kv, "policy", 0, s->vmas, &s->policy);
	kv_u64(kv, "userfault", 0, SHAPE_VMAS_MAX, &s->userfault);
	kv_u64(kv, "dontcopy", 0, s->vmas - 1, &s->dontcopy);
	kv_bool(kv, "touching", &s->touching);
	kv_bool(kv, "clean", &s->clean);
	parse_failure(s, kv);
	check_size(s, kv, frames);
	parse_ways(s, kv);
	if (kv_str(kv, "sem", &sem) && sem && sem_parse(sem, &s->sem, why, sizeof(why)))
		kv_fail(kv, "sem=%s: %s", sem, why);
}

/* ---- the parent ---- */

unsigned long fork_shape_addr(const struct fork_shape *s, unsigned long i)
{
	return SHAPE_BASE + i * (s->pages + !s->touching) * PAGE_SIZE;
}

static u64 nr_anon_vmas(const struct fork_shape *s)
{
	return s->vmas - s->file - s->shared;
}

static int build_vma(const struct fork_shape *s, struct fork_stage *stage, unsigned long i)
{
	unsigned long addr = fork_shape_addr(s, i);

	if (i < nr_anon_vmas(s))
		return user_mmap(stage->mm, addr, s->pages, RW);
	return file_mmap(stage->mm, addr, s->pages, RW,
			 i < s->vmas - s->shared ? MAP_PRIVATE : MAP_SHARED, stage->file, 0);
}

/* Anonymous: all pages. File: the first becomes a private copy (or dirty), the others are read. */
static int touch_vma(const struct fork_shape *s, unsigned long i)
{
	unsigned long addr = fork_shape_addr(s, i);
	bool only_read = s->clean && i >= nr_anon_vmas(s);
	u64 value;
	int err = only_read ? get_user(&value, addr) : put_user((u64)(i + 1), addr);

	for (unsigned long j = 1; j < s->pages && !err; j++) {
		if (i < nr_anon_vmas(s))
			err = put_user((u64)(i + 1 + j), addr + j * PAGE_SIZE);
		else
			err = get_user(&value, addr + j * PAGE_SIZE);
	}
	return err;
}

/* What it is besides being mapped. */
static int advise_vma(const struct fork_shape *s, struct fork_stage *stage, unsigned long i)
{
	unsigned long addr = fork_shape_addr(s, i), len = s->pages * PAGE_SIZE;
	int err = 0;

	if (i < s->policy)
		err = vm_mbind(stage->mm, addr, len, MPOL_BIND, NODES_ONLINE);
	if (!err && i < s->userfault)
		err = userfaultfd_register(stage->userfault[i % 2], addr, len);
	if (!err && i == s->dontcopy)
		err = vm_madvise(stage->mm, addr, len, MADV_DONTFORK);
	return err;
}

static int make_contexts(struct fork_stage *stage)
{
	for (unsigned i = 0; i < ARRAY_SIZE(stage->userfault); i++) {
		stage->userfault[i] = userfaultfd_create(stage->mm, UFFD_EVENT_FORK);
		if (!stage->userfault[i])
			return -ENOMEM;
	}
	return 0;
}

static int build_vmas(const struct fork_shape *s, struct fork_stage *stage)
{
	int err = s->userfault ? make_contexts(stage) : 0;

	mm_use(stage->mm);
	for (unsigned long i = 0; i < s->vmas && !err; i++) {
		err = build_vma(s, stage, i);
		if (!err)
			err = touch_vma(s, i);
	}
	mm_unuse(stage->mm);
	for (unsigned long i = 0; i < s->vmas && !err; i++)
		err = advise_vma(s, stage, i);
	return err;
}

static int swap_device(struct block_device **dev, unsigned id, u64 slots)
{
	struct block_device *made = block_ram_create(id, slots);
	int type;

	if (IS_ERR(made))
		return (int)PTR_ERR(made);
	type = swapon(made);
	if (type < 0) {
		block_ram_destroy(made);
		return type;
	}
	*dev = made;
	return 0;
}

static int swap_out(struct mm_struct *mm, unsigned long addr, u64 nr)
{
	return user_swap_out(mm, addr, nr) == nr ? 0 : -ENOMEM;
}

/*
 * One page of the parent, and all but one of somebody else's, fill a device that stays. So whoever
 * comes through the list of mms after the parent's entries are gone still finds the child, and goes
 * on for the sake of the other.
 */
static int fill_other(const struct fork_shape *s, struct fork_stage *stage)
{
	int err;

	stage->other = mm_alloc();
	if (!stage->other)
		return -ENOMEM;
	err = user_mmap(stage->other, SHAPE_BASE, SWAP_MIN_SLOTS, RW);
	if (err)
		return err;
	mm_use(stage->other);
	err = user_touch(SHAPE_BASE, SWAP_MIN_SLOTS, 1);
	mm_unuse(stage->other);
	if (!err)
		err = swap_device(&stage->kept, BLOCK_RAM_MAX - 2, SWAP_MIN_SLOTS);
	if (!err)
		err = swap_out(stage->other, SHAPE_BASE, SWAP_MIN_SLOTS - 1);
	if (!err)
		err = swap_out(stage->mm, fork_shape_addr(s, 0) + s->swap * PAGE_SIZE, 1);
	return err;
}

static int swap_pages_out(const struct fork_shape *s, struct fork_stage *stage)
{
	u64 slots = max(nr_anon_vmas(s) * s->swap + 1, (u64)SWAP_MIN_SLOTS);
	bool with_other = s->pages > s->swap && nr_anon_vmas(s);
	int err = with_other ? fill_other(s, stage) : 0;

	if (!err)
		err = swap_device(&stage->swap, BLOCK_RAM_MAX - 1, slots);
	for (unsigned long i = 0; i < nr_anon_vmas(s) && !err; i++)
		err = swap_out(stage->mm, fork_shape_addr(s, i), s->swap);
	if (!err && with_other)
		err = swap_out(stage->other, SHAPE_BASE + (SWAP_MIN_SLOTS - 1) * PAGE_SIZE, 1);
	return err;
}

static struct page *pinned_page(struct fork_stage *stage, unsigned long i)
{
	unsigned long addr = fork_shape_addr(&stage->shape, i) +
			     (stage->shape.pages - 1) * PAGE_SIZE;

	return user_page(stage->mm, addr);
}

static int pin_pages(struct fork_stage *stage)
{
	for (; stage->nr_pinned < stage->shape.pinned; stage->nr_pinned++) {
		unsigned long addr = fork_shape_addr(&stage->shape, stage->nr_pinned) +
				     (stage->shape.pages - 1) * PAGE_SIZE;

		if (!pin_user_page(stage->mm, addr))
			return -ENOMEM;
	}
	return 0;
}

int fork_stage_build(const struct fork_shape *s, struct fork_stage *stage)
{
	const struct sem_set *set = sem_set_of(&s->sem);
	int err = set ? 0 : -ENOSPC;

	*stage = (struct fork_stage){.shape = *s, .lazy_before = lazy_tlb_refcount,
				     .kill_before = fork_kill_test};
	if (err)
		return err;
	sem_install(set);
	lazy_tlb_refcount = s->lazy_refcount;
	fork_kill_test = s->kill_test;
	stage->mm = mm_alloc();
	if (!stage->mm)
		return -ENOMEM;
	if (s->file + s->shared) {
		stage->file = file_create("fork", s->pages * PAGE_SIZE);
		if (IS_ERR(stage->file)) {
			err = (int)PTR_ERR(stage->file);
			stage->file = NULL;
		}
	}
	if (!err)
		err = build_vmas(s, stage);
	if (!err && s->swap)
		err = swap_pages_out(s, stage);
	if (!err)
		err = pin_pages(stage);
	if (err && fork_stage_end(stage))
		return -EBUSY;
	return err;
}

/* 0, or what swapoff said. */
static int end_device(struct block_device *dev)
{
	int err;

	if (!dev)
		return 0;
	err = swapoff(dev);
	if (err && err != -EINVAL) /* it may be off already */
		return err;
	block_ram_destroy(dev);
	return 0;
}

void fork_stage_put_child(struct fork_stage *stage, struct mm_struct *child)
{
	for (unsigned i = 0; i < ARRAY_SIZE(stage->userfault); i++) {
		struct userfaultfd_ctx *ctx = stage->userfault[i], *twin;

		while (ctx && (twin = userfaultfd_read_fork(ctx)) != NULL)
			userfaultfd_release(twin);
	}
	mmput(child);
}

int fork_stage_end(struct fork_stage *stage)
{
	int err;

	for (unsigned i = 0; i < ARRAY_SIZE(stage->userfault); i++) {
		if (stage->userfault[i])
			userfaultfd_release(stage->userfault[i]);
	}
	while (stage->nr_pinned)
		unpin_user_page(pinned_page(stage, --stage->nr_pinned));
	if (stage->mm)
		mmput(stage->mm);
	if (stage->other)
		mmput(stage->other);
	if (stage->file)
		fput(stage->file);
	err = end_device(stage->swap);
	if (!err)
		err = end_device(stage->kept);
	sem_install(NULL);
	lazy_tlb_refcount = stage->lazy_before;
	fork_kill_test = stage->kill_before;
	return err;
}

/* ---- the failure ---- */

static const struct fork_shape *armed;
static struct fault_site *first_site; /* what must fail for a recovery to begin; or NULL */

static void site_at(struct fault_site *site, s64 at)
{
	struct fault_attr *attr = &site->attr;

	attr->at = at;
	attr->calls = 0;
}

static void at_vma(unsigned long index)
{
	struct fault_site *site = first_site ? first_site : armed->site;

	if (index == armed->k)
		site_at(site, first_site ? 0 : (s64)armed->occ);
	else if (index == armed->k + 1)
		site_at(site, -1);
}

/* A site of the recovery is reached by a copy that failed: at its VMA object, in VMA k or first. */
static bool is_recovery_site(const struct fault_site *site)
{
	return site && site->name[0] == 'R';
}

static void set_site(struct fault_site *site, u64 at)
{
	struct fault_attr attr = FAULT_ATTR_OFF;

	attr.at = at == SHAPE_NO ? -1 : (s64)at;
	fault_site_set(site, &attr);
}

void fork_fault_arm(const struct fork_shape *s)
{
	bool by_vma = s->site && s->k != SHAPE_NO;

	armed = s;
	first_site = is_recovery_site(s->site) ? fault_site_find("F13") : NULL;
	fault_hold();
	if (by_vma)
		dup_vma_hook = at_vma;
	if (s->hog)
		fault_hog = fork_hog;
	if (s->kill != SHAPE_NO)
		set_site(fault_site_find("sigkill"), s->kill);
	if (first_site)
		set_site(first_site, by_vma ? SHAPE_NO : 0);
	if (s->site)
		set_site(s->site, by_vma && !first_site ? SHAPE_NO : s->occ);
}

static struct fault_site *armed_site(void)
{
	return armed->kill != SHAPE_NO ? fault_site_find("sigkill") : armed->site;
}

void fork_fault_rearm(void)
{
	struct fault_site *site = armed_site();

	if (!site)
		return;
	site->attr.fired = 0;
	if (armed->kill != SHAPE_NO)
		site_at(site, (s64)armed->kill);
	else
		site_at(site, armed->k == SHAPE_NO || first_site ? (s64)armed->occ : -1);
	if (first_site)
		site_at(first_site, armed->k == SHAPE_NO ? 0 : -1);
}

bool fork_fault_fired(void)
{
	struct fault_site *site = armed_site();

	return site && site->attr.fired;
}

void fork_fault_disarm(void)
{
	struct fault_site *site = armed_site();

	fault_hog = NULL;
	dup_vma_hook = NULL;
	if (site)
		set_site(site, SHAPE_NO);
	if (first_site)
		set_site(first_site, SHAPE_NO);
	fault_release();
	armed = NULL;
}
