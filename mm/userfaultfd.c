/*
 * userfaultfd.c - contexts: their life, and which ranges are registered with them.
 *
 * Not here: pages (userfaultfd_copy.c), what fork does with them (userfaultfd_fork.c).
 */
#include "mm/userfaultfd.h"

#include <errno.h>
#include "mm/mm_check.h"
#include "mm/mman_internal.h"
#include "mm/mmap_lock.h"
#include "mm/slab.h"
#include "mm/vma_lock.h"

KMEM_CACHE(userfaultfd_cache, "userfaultfd_ctx", sizeof(struct userfaultfd_ctx), 64, NULL, 0);

struct userfaultfd_ctx *userfaultfd_create(struct mm_struct *mm, unsigned features)
{
	struct userfaultfd_ctx *ctx = kmem_cache_zalloc(&userfaultfd_cache, GFP_KERNEL_ACCOUNT);

	if (!ctx)
		return NULL;
	atomic_set(&ctx->refcount, 1);
	ctx->features = features;
	spin_lock_init(&ctx->lock, LC_LEAF);
	INIT_LIST_HEAD(&ctx->events);
	INIT_LIST_HEAD(&ctx->node);
	mmgrab(mm);
	ctx->mm = mm;
	return ctx;
}

void userfaultfd_free(struct userfaultfd_ctx *ctx)
{
	mmdrop(ctx->mm);
	kmem_cache_free(&userfaultfd_cache, ctx);
}

/* Without merging what is alike then, so that nothing can fail. */
static void forget_everywhere(struct userfaultfd_ctx *ctx)
{
	struct mm_struct *mm = ctx->mm;
	struct vm_area_struct *vma;

	if (!mmget_not_zero(mm))
		return; /* its VMAs are going, and let go by themselves */
	VMA_ITERATOR(vmi, mm, 0);
	mmap_write_lock(mm);
	for_each_vma(vmi, vma) {
		if (vma->vm_userfaultfd_ctx != ctx)
			continue;
		vma_start_write(vma);
		vma->vm_userfaultfd_ctx = NULL;
		userfaultfd_ctx_put(ctx);
	}
	mmap_write_unlock(mm);
	mmput(mm);
}

/* Twins that wait in @ctx, which will get no more, come to @heir, unless that is itself. */
static void disown(struct userfaultfd_ctx *ctx, struct userfaultfd_ctx *heir)
{
	spin_lock(&ctx->lock);
	ctx->released = true;
	if (heir != ctx)
		list_splice_tail_init(&ctx->events, &heir->events);
	spin_unlock(&ctx->lock);
}

void userfaultfd_release(struct userfaultfd_ctx *ctx)
{
	struct userfaultfd_ctx *twin;

	disown(ctx, ctx);
	/* Twins may have twins that nobody has read, and so on. */
	while ((twin = userfaultfd_read_fork(ctx)) != NULL) {
		disown(twin, ctx);
		forget_everywhere(twin);
		userfaultfd_ctx_put(twin);
	}
	forget_everywhere(ctx);
	userfaultfd_ctx_put(ctx);
}

/* ---- ranges ---- */

/* May all of the range be registered with @ctx? */
static int check_range(struct userfaultfd_ctx *ctx, unsigned long start, unsigned long end)
{
	VMA_ITERATOR(vmi, ctx->mm, start);
	struct vm_area_struct *vma;

	if (!vma_range_is_mapped(ctx->mm, start, end))
		return -EFAULT;
	for_each_vma_range(vmi, vma, end) {
		if (vma->vm_file)
			return -EINVAL;
		if (vma->vm_userfaultfd_ctx && vma->vm_userfaultfd_ctx != ctx)
			return -EBUSY;
	}
	return 0;
}

static int change_part(struct vma_part *part, struct userfaultfd_ctx *to)
{
	struct userfaultfd_ctx *from;
	int err = vma_modify_userfault(part, to);

	if (err)
		return err;
	from = part->vma->vm_userfaultfd_ctx;
	userfaultfd_ctx_get(to);
	part->vma->vm_userfaultfd_ctx = to;
	userfaultfd_ctx_put(from);
	return 0;
}

static int register_part(struct vma_part *part, void *ctx)
{
	return part->vma->vm_userfaultfd_ctx == ctx ? 0 : change_part(part, ctx);
}

static int unregister_part(struct vma_part *part, void *ctx)
{
	return part->vma->vm_userfaultfd_ctx == ctx ? change_part(part, NULL) : 0;
}

static int change_range(struct userfaultfd_ctx *ctx, unsigned long start, unsigned long end,
			bool add)
{
	struct mm_struct *mm = ctx->mm;
	int err = mmap_write_lock_killable(mm);

	if (err)
		return err;
	if (add)
		err = check_range(ctx, start, end);
	else if (!vma_range_is_mapped(mm, start, end))
		err = -EFAULT;
	if (!err)
		err = vma_for_each_part(mm, start, end, add ? register_part : unregister_part, ctx);
	mm_check_mutation(mm, start, end);
	mmap_write_unlock(mm);
	return err;
}

static int change_user_range(struct userfaultfd_ctx *ctx, unsigned long start, size_t len, bool add)
{
	int err;

	if (len > USER_MAX || !range_ok(start, page_len(len)))
		return -EINVAL;
	if (!mmget_not_zero(ctx->mm))
		return -ESRCH;
	err = change_range(ctx, start, start + page_len(len), add);
	mmput(ctx->mm);
	return err;
}

int userfaultfd_register(struct userfaultfd_ctx *ctx, unsigned long start, size_t len)
{
	return change_user_range(ctx, start, len, true);
}

int userfaultfd_unregister(struct userfaultfd_ctx *ctx, unsigned long start, size_t len)
{
	return change_user_range(ctx, start, len, false);
}
