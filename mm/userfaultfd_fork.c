/*
 * userfaultfd_fork.c - twins: a child's contexts.
 *
 * Owns: making one for each context that a fork meets, what becomes of them with the copy.
 * Invariant: while the copy is under way the list of the fork holds a reference to each twin, and
 *            the twin one to its origin. Nobody else can find a twin until the copy has succeeded.
 */
#include <errno.h>

#include "kernel/core/fault.h"
#include "mm/userfaultfd.h"
#include "mm/vma.h"

FAULT_SITE(F15, "fork: the child's userfault context");

static struct userfaultfd_ctx *find_twin(const struct userfaultfd_ctx *ctx,
					 struct list_head *forks)
{
	struct userfaultfd_ctx *twin;

	list_for_each_entry(twin, forks, node) {
		if (twin->origin == ctx)
			return twin;
	}
	return NULL;
}

static struct userfaultfd_ctx *make_twin(struct userfaultfd_ctx *ctx, struct mm_struct *mm,
					 struct list_head *forks)
{
	struct userfaultfd_ctx *twin = FAULT_SITE_CALL(F15, userfaultfd_create(mm, ctx->features));

	if (!twin)
		return NULL;
	userfaultfd_ctx_get(ctx);
	twin->origin = ctx;
	list_add_tail(&twin->node, forks);
	return twin;
}

int dup_userfaultfd(struct vm_area_struct *vma, struct list_head *forks)
{
	struct userfaultfd_ctx *ctx = vma->vm_userfaultfd_ctx, *twin = NULL;

	if (ctx->features & UFFD_EVENT_FORK) {
		twin = find_twin(ctx, forks);
		if (!twin)
			twin = make_twin(ctx, vma->vm_mm, forks);
		if (!twin)
			return -ENOMEM;
	}
	userfaultfd_ctx_get(twin);
	vma->vm_userfaultfd_ctx = twin;
	userfaultfd_ctx_put(ctx);
	return 0;
}

/* The next twin of the list, out of it, and its origin, whose reference is the caller's now. */
static struct userfaultfd_ctx *take_twin(struct list_head *forks, struct userfaultfd_ctx **origin)
{
	struct userfaultfd_ctx *twin = list_first_entry(forks, struct userfaultfd_ctx, node);

	list_del_init(&twin->node);
	*origin = twin->origin;
	twin->origin = NULL;
	return twin;
}

/* An event of @origin; false: it has no owner who could read it. */
static bool deliver(struct userfaultfd_ctx *origin, struct userfaultfd_ctx *twin)
{
	bool owned;

	spin_lock(&origin->lock);
	owned = !origin->released;
	if (owned)
		list_add_tail(&twin->node, &origin->events);
	spin_unlock(&origin->lock);
	return owned;
}

void dup_userfaultfd_complete(struct list_head *forks)
{
	struct userfaultfd_ctx *twin, *origin;

	while (!list_empty(forks)) {
		twin = take_twin(forks, &origin);
		if (!deliver(origin, twin))
			userfaultfd_release(twin);
		userfaultfd_ctx_put(origin);
	}
}

/* What is left of the child carries them still; nobody will ever own them. */
void dup_userfaultfd_fail(struct list_head *forks)
{
	struct userfaultfd_ctx *twin, *origin;

	while (!list_empty(forks)) {
		twin = take_twin(forks, &origin);
		userfaultfd_ctx_put(twin);
		userfaultfd_ctx_put(origin);
	}
}

struct userfaultfd_ctx *userfaultfd_read_fork(struct userfaultfd_ctx *ctx)
{
	struct userfaultfd_ctx *twin = NULL;

	spin_lock(&ctx->lock);
	if (!list_empty(&ctx->events)) {
		twin = list_first_entry(&ctx->events, struct userfaultfd_ctx, node);
		list_del_init(&twin->node);
	}
	spin_unlock(&ctx->lock);
	return twin;
}
