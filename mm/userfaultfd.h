/*
 * userfaultfd.h - memory whose missing pages somebody provides, and what fork does with it.
 *
 * Owns: struct userfaultfd_ctx, its references, ranges registered with one, its fork events.
 * Not here: splitting and merging (vma.h), the fault that finds a page missing (fault_anon.c).
 * Idea: a VMA that is registered carries the context. A page that is not there is not made by the
 *       fault, which is SIGBUS instead (Linux's UFFD_FEATURE_SIGBUS: nobody is waited for), but by
 *       the context's owner with userfaultfd_copy().
 * Fork: a child's VMAs are not registered, unless the context was made with UFFD_EVENT_FORK. Then
 *       the child gets a twin of each context that it meets, when the first VMA with it is copied:
 *
 *	 parent   [ ctx ][ ctx ][ other ]        forks: twin -> other's twin
 *	 child    [ twin][ twin][ other's twin ]   |
 *                                                | copied: events, to be read from ctx and other
 *                                                ` failed: dropped, behind the locks of the copy
 *
 * Life: held by its owner until userfaultfd_release(), and by each VMA that carries it. It holds
 *       mm_count. The twin's owner is who reads the event; until then the context it stands in.
 */
#ifndef MM_USERFAULTFD_H
#define MM_USERFAULTFD_H

#include "kernel/base/annotations.h"
#include "kernel/base/list.h"
#include "kernel/core/atomic.h"
#include "kernel/core/spinlock.h"
#include "kernel/x86/layout.h"

struct mm_struct;
struct vm_area_struct;

#define UFFD_EVENT_FORK 0x1u /* a child's copies of registered VMAs are registered, with a twin */

/* Field key: [I] set at creation  [A] atomic  [L] lock  [F] the forker's, until it is an event */
struct userfaultfd_ctx {
	atomic_t refcount;
	unsigned features;	    /* [I] UFFD_ bits */
	struct mm_struct *mm;	    /* [I] with mm_count */
	spinlock_t lock;
	bool released;		    /* [L] it has no owner any more */
	struct list_head events;    /* [L] twins that wait to be read, by node */
	struct list_head node;	    /* [F] in the list of a fork, then [L] of the origin's events */
	struct userfaultfd_ctx *origin; /* [F] whose twin it is, with a reference; else NULL */
};

/*
 * userfaultfd_create - a context for @mm, with which nothing is registered.
 *
 * Context:  may sleep. The caller holds mm_users or mm_count of @mm
 * Returns:  it, which the caller owns; NULL: no memory
 */
struct userfaultfd_ctx *__must_check userfaultfd_create(struct mm_struct *mm, unsigned features);

/*
 * userfaultfd_release - the owner lets go: nothing is registered with it any more.
 *
 * VMAs stay as they are cut. Twins that were not read are released as well.
 * Context: may sleep; no lock of an mm held
 */
void userfaultfd_release(struct userfaultfd_ctx *ctx);

/*
 * userfaultfd_register, userfaultfd_unregister - a range of ctx->mm, with @ctx and no longer.
 *
 * Registered is private anonymous memory. What is not registered with @ctx is not unregistered.
 * Context:  may sleep; no lock of an mm held
 * Returns:  0; with nothing changed -EINVAL (no such range, or a file in it), -EFAULT (part of it
 *           is not mapped), -EBUSY (registered with another), -EINTR, -ESRCH (the mm has ended);
 *           -ENOMEM: VMAs below the place of failure are changed already
 */
int __must_check userfaultfd_register(struct userfaultfd_ctx *ctx, unsigned long start, size_t len);
int __must_check userfaultfd_unregister(struct userfaultfd_ctx *ctx, unsigned long start,
					size_t len);

/*
 * userfaultfd_copy - a missing page of memory registered with @ctx is there, with these contents.
 *
 * Context:  may sleep; no lock of an mm held
 * Returns:  0; -EINVAL (unaligned, or not registered with @ctx), -EEXIST (it is not missing), -EIO
 *           (contents are lost: MMF_UNSTABLE), -ENOMEM, -EINTR, -ESRCH
 */
int __must_check userfaultfd_copy(struct userfaultfd_ctx *ctx, unsigned long addr,
				  const u8 contents[PAGE_SIZE]);

/* The twin of @ctx in the child of the oldest fork not read yet, which the caller owns; or NULL. */
struct userfaultfd_ctx *userfaultfd_read_fork(struct userfaultfd_ctx *ctx);

void userfaultfd_free(struct userfaultfd_ctx *ctx);

/* Both: nothing to do for NULL. Put: may be the last mmdrop(). */
static inline void userfaultfd_ctx_get(struct userfaultfd_ctx *ctx)
{
	if (ctx)
		atomic_inc(&ctx->refcount);
}

static inline void userfaultfd_ctx_put(struct userfaultfd_ctx *ctx)
{
	if (ctx && atomic_dec_and_test(&ctx->refcount))
		userfaultfd_free(ctx);
}

/* ---- fork ---- */

/*
 * dup_userfaultfd - @vma, the child's copy of a VMA, gets the twin of the context that it carries
 * for that, or none.
 *
 * @forks:   the twins that this fork has made so far
 * Returns:  0; -ENOMEM with @vma as it was
 */
int __must_check dup_userfaultfd(struct vm_area_struct *vma, struct list_head *forks);

/* The copy succeeded, the copy failed: @forks is empty afterwards. No lock of an mm held. */
void dup_userfaultfd_complete(struct list_head *forks);
void dup_userfaultfd_fail(struct list_head *forks);

#endif
