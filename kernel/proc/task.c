/*
 * task.c - task structs: memory, pids, the hash, references.
 *
 * Owns: the caches, tasklist_lock, init.
 * Idea: a task is known (hashed, listed in its process) from copy_process() until it is dead; who
 *       finds one there may take a reference under the lock.
 */
#include "kernel/proc/task.h"

#include <errno.h>
#include <string.h>
#include "kernel/core/bug.h"
#include "kernel/core/ledger.h"
#include "kernel/core/setting.h"
#include "kernel/proc/task_internal.h"
#include "mm/mm.h"
#include "mm/slab.h"

KMEM_CACHE(task_cache, "task_struct", sizeof(struct task_struct), 64, NULL, SLAB_OWN_PAGE);
KMEM_CACHE(signal_cache, "signal_struct", sizeof(struct signal_struct), 64, NULL, 0);

#define PID_BUCKETS 64u

DEFINE_SPINLOCK(tasklist_lock, LC_TASKLIST);

/* All of it under tasklist_lock. */
static struct hlist_head pid_hash[PID_BUCKETS];
static struct task_struct init_task;
static u32 last_pid = 1;
static u32 nr_pids;
static u32 pid_max = 32768;

struct signal_struct init_signal = {
	.refs = REFCOUNT_INIT(1),
	.leader = &init_task,
	.threads = {&init_signal.threads, &init_signal.threads},
	.children = {&init_signal.children, &init_signal.children},
	.sibling = {&init_signal.sibling, &init_signal.sibling},
	.siglock = __SPIN_LOCK_UNLOCKED(LC_SIGHAND),
	.wait_chldexit = WAIT_QUEUE_INIT(init_signal.wait_chldexit),
	.freeze_wait = WAIT_QUEUE_INIT(init_signal.freeze_wait),
};

/* What others see of it when they ask who their parent is. */
static struct task_struct init_task = {
	.pid = 1,
	.tgid = 1,
	.usage = REFCOUNT_INIT(1),
	.signal = &init_signal,
	.name = "init",
};

static u64 pid_max_get(void)
{
	return pid_max;
}

static int pid_max_set(u64 value)
{
	pid_max = (u32)value;
	return 0;
}
SETTING_U64(pid_max, "tasks there may be at once", 1, 1 << 22, pid_max_get, pid_max_set);

/* ---- memory ---- */

struct task_struct *task_alloc(const char *name)
{
	struct task_struct *tsk = kmem_cache_zalloc(&task_cache, GFP_KERNEL_ACCOUNT);

	if (!tsk)
		return NULL;
	refcount_set(&tsk->usage, 1);
	spin_lock_init(&tsk->alloc_lock, LC_TASK);
	INIT_LIST_HEAD(&tsk->thread_node);
	strncpy(tsk->name, name, sizeof(tsk->name) - 1);
	return tsk;
}

struct signal_struct *signal_alloc(void)
{
	struct signal_struct *sig = kmem_cache_zalloc(&signal_cache, GFP_KERNEL_ACCOUNT);

	if (!sig)
		return NULL;
	refcount_set(&sig->refs, 1);
	INIT_LIST_HEAD(&sig->threads);
	INIT_LIST_HEAD(&sig->children);
	INIT_LIST_HEAD(&sig->sibling);
	spin_lock_init(&sig->siglock, LC_SIGHAND);
	init_waitqueue_head(&sig->wait_chldexit);
	init_waitqueue_head(&sig->freeze_wait);
	return sig;
}

void put_signal(struct signal_struct *sig)
{
	if (!refcount_dec_and_test(&sig->refs))
		return;
	ASSERT(list_empty(&sig->children));
	if (sig->oom_mm)
		mmdrop_async(sig->oom_mm);
	kmem_cache_free(&signal_cache, sig);
}

void put_task_struct(struct task_struct *tsk)
{
	if (!refcount_dec_and_test(&tsk->usage))
		return;
	ASSERT(!tsk->mm);
	if (tsk->exit_mm)
		mmdrop_async(tsk->exit_mm);
	if (tsk->signal)
		put_signal(tsk->signal);
	kmem_cache_free(&task_cache, tsk);
}

/* ---- pids ---- */

static struct hlist_head *bucket(u32 pid)
{
	return &pid_hash[pid % PID_BUCKETS];
}

struct task_struct *find_task(u32 pid)
{
	struct task_struct *tsk;

	hlist_for_each_entry(tsk, bucket(pid), pid_node) {
		if (tsk->pid == pid)
			return tsk;
	}
	return NULL;
}

/* Pids go up, and begin again at 2 behind four times as many as there may be. */
int pid_choose(struct task_struct *tsk)
{
	if (nr_pids >= pid_max)
		return -EAGAIN;
	do {
		last_pid = last_pid >= 4 * pid_max + 1 ? 2 : last_pid + 1;
	} while (find_task(last_pid));
	tsk->pid = last_pid;
	return 0;
}

void task_publish(struct task_struct *tsk)
{
	hlist_add_head(&tsk->pid_node, bucket(tsk->pid));
	nr_pids++;
	list_add_tail(&tsk->thread_node, &tsk->signal->threads);
	tsk->signal->nr_threads++;
}

void task_unpublish(struct task_struct *tsk)
{
	ASSERT(tsk->state != TASK_DEAD);
	tsk->state = TASK_DEAD;
	hlist_del_init(&tsk->pid_node);
	nr_pids--;
	list_del_init(&tsk->thread_node);
	tsk->signal->nr_threads--;
}

static long pids_live(void)
{
	return READ_ONCE_NOPOINT(nr_pids);
}
LEDGER_KIND(pids, pids_live, NULL);

/* ---- finding ---- */

struct task_struct *find_get_task(u32 pid)
{
	struct task_struct *tsk;

	spin_lock(&tasklist_lock);
	tsk = find_task(pid);
	if (tsk)
		get_task_struct(tsk);
	spin_unlock(&tasklist_lock);
	return tsk;
}

struct mm_struct *get_task_mm(struct task_struct *tsk)
{
	struct mm_struct *mm;

	spin_lock(&tsk->alloc_lock);
	mm = tsk->mm;
	if (mm)
		mmget(mm);
	spin_unlock(&tsk->alloc_lock);
	return mm;
}

struct mm_struct *grab_process_mm(struct task_struct *tsk, bool left)
{
	struct mm_struct *mm = NULL;
	struct task_struct *one;

	spin_lock(&tasklist_lock);
	list_for_each_entry(one, &tsk->signal->threads, thread_node) {
		spin_lock(&one->alloc_lock);
		mm = one->mm || !left ? one->mm : one->exit_mm;
		if (mm)
			mmgrab(mm);
		spin_unlock(&one->alloc_lock);
		if (mm)
			break;
	}
	spin_unlock(&tasklist_lock);
	return mm;
}

/* The processes below @sig, a parent before its children. True: @fn wants no more. */
static bool walk_group(struct signal_struct *sig, bool (*fn)(struct task_struct *, void *),
		       void *arg)
{
	struct task_struct *tsk;

	list_for_each_entry(tsk, &sig->threads, thread_node) {
		if (!fn(tsk, arg))
			return true;
	}
	return false;
}

/* Down to the first child, else on to the next sibling of the nearest ancestor that has one. */
static struct signal_struct *next_process(struct signal_struct *sig)
{
	if (!list_empty(&sig->children))
		return list_first_entry(&sig->children, struct signal_struct, sibling);
	while (sig->parent && list_is_last(&sig->sibling, &sig->parent->children))
		sig = sig->parent;
	return sig->parent ? list_next_entry(sig, sibling) : NULL;
}

void for_each_task(bool (*fn)(struct task_struct *tsk, void *arg), void *arg)
{
	spin_lock(&tasklist_lock);
	for (struct signal_struct *sig = &init_signal; sig; sig = next_process(sig)) {
		if (walk_group(sig, fn, arg))
			break;
	}
	spin_unlock(&tasklist_lock);
}

const char *task_state_name(const struct task_struct *tsk)
{
	static const char *const name[] = {"running", "zombie", "dead"};

	return name[tsk->state];
}
