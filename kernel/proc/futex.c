/*
 * futex.c - waiting for words of user memory, and waking those who do.
 *
 * Owns: keys, buckets, the order of queueing, reading and sleeping.
 * Not here: what happens when an owner ends (robust_list.c).
 * Idea: a waiter's queue entry lies on its stack and is touched under the bucket's lock only, which
 *       the waiter takes once more before it leaves: so whoever woke it is done with it by then.
 */
#include "kernel/proc/futex.h"

#include <errno.h>

#include "kernel/core/ledger.h"
#include "kernel/core/user.h"
#include "kernel/proc/task_internal.h"
#include "kernel/sched/wait.h"
#include "mm/file.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"

#define BUCKET_BITS 6

/* Field key: [L] lock */
struct futex_bucket {
	spinlock_t lock;
	struct list_head waiters; /* [L] futex_q.node, oldest first; zero: none so far */
};

static struct futex_bucket buckets[1 << BUCKET_BITS] = {
	[0 ...(1 << BUCKET_BITS) - 1] = {.lock = __SPIN_LOCK_UNLOCKED(LC_FUTEX)},
};

static struct futex_bucket *bucket_of(const struct futex_key *key)
{
	u64 mix = ((unsigned long)key->object >> 4 ^ key->offset >> 2) * 0x9e3779b97f4a7c15ul;

	return &buckets[mix >> (64 - BUCKET_BITS)];
}

static struct futex_bucket *lock_bucket(const struct futex_key *key) NO_LOCK_ANALYSIS
{
	struct futex_bucket *b = bucket_of(key);

	spin_lock(&b->lock);
	if (!b->waiters.next)
		INIT_LIST_HEAD(&b->waiters);
	return b;
}

/* ---- keys ---- */

/* What @uaddr lies in. The key of a shared page holds its file. 0, -EFAULT, -EINTR. */
static int get_key(struct futex_key *key, unsigned long uaddr) NO_LOCK_ANALYSIS
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;

	if (uaddr % sizeof(u32))
		return -EINVAL;
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	*key = (struct futex_key){.object = mm, .offset = uaddr};
	vma = uaddr < USER_MAX ? vma_lookup(mm, uaddr) : NULL;
	if (vma && vma->vm_file && (vma->vm_flags & VM_SHARED)) {
		key->file = vma->vm_file;
		get_file(key->file);
		key->object = &key->file->f_mapping;
		key->offset = (vma->vm_pgoff << PAGE_SHIFT) + uaddr - vma->vm_start;
	}
	mmap_read_unlock(mm);
	return vma ? 0 : -EFAULT;
}

static void put_key(struct futex_key *key)
{
	if (key->file)
		fput(key->file);
}

static bool same_key(const struct futex_key *a, const struct futex_key *b)
{
	return a->object == b->object && a->offset == b->offset;
}

/* ---- waiting ---- */

int futex_queue(struct futex_q *q, unsigned long uaddr, u32 val) NO_LOCK_ANALYSIS
{
	struct futex_bucket *b;
	int err;

	*q = (struct futex_q){.thread = current, .uaddr = uaddr, .val = val};
	err = get_key(&q->key, uaddr);
	if (err)
		return err;
	b = lock_bucket(&q->key);
	list_add_tail(&q->node, &b->waiters);
	spin_unlock(&b->lock);
	return 0;
}

bool futex_unqueue(struct futex_q *q) NO_LOCK_ANALYSIS
{
	struct futex_bucket *b = lock_bucket(&q->key);
	bool queued = !list_empty(&q->node);

	list_del_init(&q->node);
	spin_unlock(&b->lock);
	put_key(&q->key);
	return queued;
}

int futex_sleep(struct futex_q *q)
{
	int err = 0;

	while (!err) {
		set_current_state(TS_KILLABLE);
		if (READ_ONCE(q->woken))
			break;
		err = wait_block(TS_KILLABLE);
	}
	set_current_running();
	return err;
}

int futex_wait(unsigned long uaddr, u32 val)
{
	struct futex_q q;
	u32 seen = 0;
	int err = futex_queue(&q, uaddr, val);

	if (err)
		return err;
	err = get_user(&seen, uaddr);
	if (!err && seen != val)
		err = -EAGAIN;
	if (!err)
		err = futex_sleep(&q);
	/* A wake-up that came is never denied: nobody else was given it. */
	return futex_unqueue(&q) ? err : 0;
}

/* ---- waking ---- */

static unsigned wake_some(struct list_head *waiters, const struct futex_key *key, unsigned nr)
{
	struct futex_q *q, *next;
	unsigned woken = 0;

	list_for_each_entry_safe(q, next, waiters, node) {
		if (woken == nr)
			break;
		if (!same_key(&q->key, key))
			continue;
		list_del_init(&q->node);
		WRITE_ONCE(q->woken, 1);
		thread_wake(q->thread);
		woken++;
	}
	return woken;
}

int futex_wake(unsigned long uaddr, unsigned nr) NO_LOCK_ANALYSIS
{
	struct futex_key key;
	struct futex_bucket *b;
	int woken = get_key(&key, uaddr);

	if (woken)
		return woken;
	b = lock_bucket(&key);
	woken = (int)wake_some(&b->waiters, &key, nr);
	spin_unlock(&b->lock);
	put_key(&key);
	return woken;
}

/* ---- looking ---- */

long futex_waiters_live(void)
{
	struct futex_q *q;
	long nr = 0;

	for (unsigned i = 0; i < 1 << BUCKET_BITS; i++) {
		struct futex_bucket *b = &buckets[i];

		/* A list that was never made stays empty until somebody has taken the lock. */
		if (!READ_ONCE_NOPOINT(b->waiters.next))
			continue;
		spin_lock(&b->lock);
		list_for_each_entry(q, &b->waiters, node)
			nr++;
		spin_unlock(&b->lock);
	}
	return nr;
}
LEDGER_KIND(futex_waiters, futex_waiters_live, NULL);

/* Is the lock that @q waits for one whose owner has gone? */
static bool is_stranded(const struct futex_q *q) NO_LOCK_ANALYSIS
{
	u32 owner = q->val & FUTEX_TID_MASK;
	const struct task_struct *tsk = owner ? find_task(owner) : NULL;

	return owner && (!tsk || !tsk->mm);
}

unsigned futex_waiters_stranded(struct futex_stranded *first)
{
	unsigned nr = 0;
	struct futex_q *q;

	for (unsigned i = 0; i < 1 << BUCKET_BITS; i++) {
		if (!buckets[i].waiters.next)
			continue;
		list_for_each_entry(q, &buckets[i].waiters, node) {
			if (!is_stranded(q) || nr++ || !first)
				continue;
			*first = (struct futex_stranded){.thread = q->thread,
							 .uaddr = q->uaddr,
							 .owner = q->val & FUTEX_TID_MASK};
		}
	}
	return nr;
}
