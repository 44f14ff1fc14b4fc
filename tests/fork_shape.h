/*
 * fork_shape.h - a fork as words: what the parent is like, and where the copy fails.
 *
 * Owns: the words, building a parent of that shape, arming the failure, what was made beside it.
 * Not here: who forks, who walks meanwhile (cmd_fork.c, the lab's scenario, sweeps).
 *
 *	vmas=64 pages=8 swap=2 file=4 shared=2		the parent
 *	policy=4 userfault=2 dontcopy=3
 *	site=F13 k=20 occ=0 | kill=20				the failure
 *
 * VMAs are numbered in order of address. The last @shared of them are shared mappings of a file,
 * the @file before them private ones with a page of their own, the others anonymous. Each has
 * @pages pages, all touched; the first @swap of those that are its own are swapped out. The first
 * @policy VMAs have a memory policy; the first @userfault, which are anonymous, are registered with
 * one of two userfault contexts, in turns, which hear of forks.
 */
#ifndef TESTS_FORK_SHAPE_H
#define TESTS_FORK_SHAPE_H

#include "kernel/core/kv.h"
#include "mm/mm.h"
#include "mm/semantics.h"

struct fault_site;
struct file;
struct block_device;
struct userfaultfd_ctx;

#define SHAPE_BASE    0x40000000ul
#define SHAPE_NO	(~0ull)
#define SHAPE_VMAS_MAX 4096u

struct fork_shape {
	u64 vmas, pages, swap, file, shared;
	u64 pinned;   /* the last page of so many anonymous VMAs is pinned */
	u64 policy;   /* so many VMAs have a memory policy, each its own */
	u64 userfault; /* so many carry a userfault context */
	bool touching; /* no free page between VMAs */
	bool clean;    /* private file VMAs were only read: they have no anon_vma */
	u64 dontcopy; /* the VMA that the child does not get; SHAPE_NO: none */
	u64 k;	      /* the failure comes while VMA k is copied; SHAPE_NO: anywhere */
	u64 occ;      /* the occ-th time the site is passed there */
	u64 kill;     /* SIGKILL comes before this VMA is looked at; SHAPE_NO: never */
	struct fault_site *site; /* NULL: none. R01, R02: the VMA object of VMA k fails first */
	struct sem_choice sem;
	bool hog;	   /* the site fails because memory has run out (fork_hog.h) */
	unsigned kill_test; /* enum sem_kill_test; 0: as the rules say */
	bool lazy_refcount; /* the scheme of lazy vCPUs (mm/lazy_tlb.h) */
};

#define FORK_SHAPE_USAGE                                                                \
	"vmas= pages= swap= file= shared= pinned= dontcopy=VMA\n"                       \
	"  policy= userfault=   so many VMAs have one\n"                                \
	"  touching=on   no free page between VMAs; at most one is anonymous then\n"    \
	"  clean=on      private file VMAs are only read\n"                             \
	"  site=F01..F25 k=VMA occ=N | kill=VMA   where the copy fails\n"                \
	"  hog=on                                 the site fails for want of memory\n"    \
	"  killtest=loop|lock                     where a signal is looked for\n"         \
	"  sem=NAME+NAME...                       under which rules\n"                   \
	"  lazy=shootdown|refcount                what keeps a lazily loaded mm"

/*
 * The words of @kv that are about a fork, whose parent may take @frames; what is wrong is noted
 * there. Host side.
 */
void fork_shape_parse(struct fork_shape *shape, struct kv *kv, unsigned long frames);

/* The parent, and what it needs as long as it lives. */
struct fork_stage {
	struct fork_shape shape;
	struct mm_struct *mm;
	unsigned long nr_pinned;
	struct file *file;
	struct userfaultfd_ctx *userfault[2];
	bool lazy_before;	   /* these two: what forks were made under */
	unsigned long kill_before;
	struct block_device *swap; /* holds the parent's swapped pages */
	/* With swap=, if there is a page to spare: another device with one page of the parent... */
	struct block_device *kept;
	struct mm_struct *other; /* ...and this one, which has one page on @swap as well */
};

/*
 * fork_stage_build - a parent of @shape; its rules become those that new mms are made under.
 *
 * Context:  may sleep; in the world in which it is to live. The calling thread uses no mm
 * Returns:  0; or -errno with nothing left: -ENOMEM, -ENOSPC (rules)
 */
int __must_check fork_stage_build(const struct fork_shape *shape, struct fork_stage *stage);
/* All of it goes; so does the parent, unless stage->mm is NULL. 0, or what swapoff said. */
int __must_check fork_stage_end(struct fork_stage *stage);

/* @child, which was copied, goes, and so does what the parent's contexts were told of it. */
void fork_stage_put_child(struct fork_stage *stage, struct mm_struct *child);

/* Address of VMA @i of a parent of @shape; each is followed by a free page. */
unsigned long fork_shape_addr(const struct fork_shape *shape, unsigned long i);

/*
 * fork_fault_arm, fork_fault_disarm - the failure of @shape comes with the next fork, once.
 *
 * fork_fault_fired: it came. Context: as static_key_set(); no other fork runs meanwhile
 */
void fork_fault_arm(const struct fork_shape *shape);
/* What is armed comes once more, counted from now on. Any context. */
void fork_fault_rearm(void);
bool fork_fault_fired(void);
void fork_fault_disarm(void);

#endif
