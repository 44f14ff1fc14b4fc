/*
 * task.h - processes: a thread that has an address space, and what threads of a process share.
 *
 * Owns: struct task_struct, struct signal_struct, pids, the tree of processes; creating, ending,
 *       waiting, killing.
 * Not here: the thread that runs (kernel/sched/thread.h), the address space (mm/mm.h).
 * Idea: a process has no program: its threads run C functions, which touch its memory through
 *       task_load and task_store (task_user.h) and call mman.h for system calls.
 * Life of a task:
 *
 *	copy_process --> TASK_RUNNING --do_exit--> TASK_ZOMBIE --wait, or nobody waits--> TASK_DEAD
 *
 * References: one until TASK_DEAD, one of the thread until it has left its stack, one per finder.
 * Orphans are given to init, which is no thread: it lets go of them as soon as they end.
 */
#ifndef KERNEL_PROC_TASK_H
#define KERNEL_PROC_TASK_H

#include "kernel/base/list.h"
#include "kernel/core/refcount.h"
#include "kernel/core/spinlock.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/wait.h"
#include "kernel/sched/work.h"

struct mm_struct;

enum task_state { TASK_RUNNING, TASK_ZOMBIE, TASK_DEAD };

/* Signals there are; each of them ends the process. */
#define SIGBUS	7
#define SIGKILL 9
#define SIGSEGV 11

/* What a process ended with: an exit status, or the signal that ended it. */
#define W_EXITCODE(status, sig) (((status) & 0xff) << 8 | (sig))
#define WEXITSTATUS(code)	((code) >> 8 & 0xff)
#define WTERMSIG(code)		((code) & 0x7f)

/* Returns the exit status, 0 to 255. */
typedef int (*task_fn)(void *arg);

/*
 * What the threads of one process share.
 *
 * Field key: [I] set at creation  [A] atomic  [T] tasklist_lock  [S] siglock
 */
struct signal_struct {
	refcount_t refs;		      /* [A] one per task */
	u32 live;			      /* [S] threads that have not begun to exit */
	u32 nr_threads;			      /* [T] on threads */
	struct list_head threads;	      /* [T] task_struct.thread_node, the leader first */
	struct task_struct *leader;	      /* [I] */
	struct signal_struct *parent;	      /* [T] NULL: init itself */
	struct list_head children;	      /* [T] signal_struct.sibling */
	struct list_head sibling;	      /* [T] */
	bool autoreap;			      /* [T] nobody will wait for it */
	spinlock_t siglock;
	bool group_exit;		      /* [S] every thread is to end with: */
	int group_exit_code;		      /* [S] */
	u32 freezing;			      /* [A] its threads are to stop (freezer.h) */
	struct wait_queue_head freeze_wait;   /*     they wait here, and who waits for them */
	int oom_score_adj;		      /* [A] OOM_SCORE_ADJ_MIN to _MAX; a child's too */
	struct mm_struct *oom_mm;	      /* [A] set once: it was chosen to end (oom.h) */
	struct wait_queue_head wait_chldexit; /*     its threads wait here for children */
};

/* Field key: as above, and [K] alloc_lock  [O] the task itself */
struct task_struct {
	u32 pid;		     /* [I] */
	u32 tgid;		     /* [I] pid of the leader: the process's */
	enum task_state state;	     /* [T] */
	refcount_t usage;	     /* [A] */
	bool exiting;		     /* [S] in do_exit(): signals reach it no more */
	int exit_code;		     /* [T] W_EXITCODE, from TASK_ZOMBIE on */
	struct signal_struct *signal; /* [I] */
	struct thread *thread;	     /* [S] NULL from TASK_ZOMBIE on */
	spinlock_t alloc_lock;
	struct mm_struct *mm;	     /* [K] to change, or to read by others; NULL: has left it */
	struct mm_struct *exit_mm;   /* [K] what it left, if the rules keep mm_count of it */
	u32 frozen;		     /* [A] stopped by the freezer */
	u32 memdie;		     /* [A] the thread of a victim that is thawed in any case */
	struct task_struct *oom_next; /* reaper.lock: whom the reaper comes to next, */
	u64 oom_due_ns;		     /* and when */
	struct list_head thread_node; /* [T] */
	struct hlist_node pid_node;  /* [T] */
	task_fn fn;		     /* [I] */
	void *arg;		     /* [I] */
	unsigned long robust_list;   /* [O] user address (futex.h); 0: none */
	unsigned long clear_child_tid; /* [O] the same */
	struct work end_work;	     /* [O] queued once, to join: */
	struct thread *leaving;	     /* [O] the thread, from then on */
	char name[24];		     /* [I] */
};

/* The running thread's task, or NULL in a kernel thread. */
static inline struct task_struct *current_task(void)
{
	return current->task;
}

/* ---- beginning ---- */

#define CLONE_VM     0x00000100u /* use the parent's address space instead of a copy */
#define CLONE_THREAD 0x00010000u /* a thread of the parent's process; needs CLONE_VM */
#define CLONE_NEWMM  0x00000001u /* an empty address space instead of a copy */

struct clone_args {
	u32 flags;		    /* CLONE_ */
	const char *name;	    /* copied, cut at 23 characters */
	task_fn fn;		    /* what it runs */
	void *arg;
	u64 affinity;		    /* vCPUs it may run on; 0: any */
	struct task_struct *parent; /* whose child or thread it is; NULL: the caller's, or init's */
};

/*
 * copy_process - a new task, complete and known by its pid, which does not run yet.
 *
 * Returns:  it, with a reference for the caller; or ERR_PTR with nothing left behind: -EINVAL
 *           (flags), -ENOMEM, -EAGAIN (no pid), -EINTR (a fatal signal),
 *           -ESRCH (@parent has left its address space)
 * Context:  may sleep, no lock held. With neither CLONE_NEWMM nor CLONE_VM the address space of
 *           the parent is copied
 * Owns:     wake_up_new_task() is due, then put_task_struct()
 */
struct task_struct *__must_check copy_process(const struct clone_args *args);
void wake_up_new_task(struct task_struct *tsk);

/* Both, and the reference dropped: the pid, or a negative errno. */
int __must_check kernel_clone(const struct clone_args *args);

/* A process with an empty address space, a child of the caller's. Its pid, or a negative errno. */
int __must_check process_run(const char *name, task_fn fn, void *arg);

/* ---- end ---- */

/* End the calling task with @code. No lock held. Does not return. */
__noreturn void do_exit(int code);
/* End all threads of the calling process, this one at once, with @code. */
__noreturn void do_group_exit(int code);

/*
 * task_wait - wait for a child of the calling process (of init, if the caller has none) to end.
 *
 * @pid:     which one; 0: any
 * @code:    gets its W_EXITCODE; may be NULL
 * Returns:  its pid; -ECHILD: there is no such child; -EINTR
 */
int __must_check task_wait(u32 pid, int *code);

/* ---- signals ---- */

/* End the process of @pid (of any of its threads) with @sig. 0, -ESRCH, -EINVAL (no such signal) */
int __must_check task_kill(u32 pid, int sig);
/* The same for a process that the caller keeps; one that is ending goes on as it was. */
void task_kill_group(struct signal_struct *sig, int signo);

/* ---- finding ---- */

/* The task of @pid with a reference, or NULL. */
struct task_struct *__must_check find_get_task(u32 pid);
void put_task_struct(struct task_struct *tsk);

static inline void get_task_struct(struct task_struct *tsk)
{
	refcount_inc(&tsk->usage);
}

/* The address space of @tsk with mm_users taken, or NULL: it has left it. mmput() is due. */
struct mm_struct *__must_check get_task_mm(struct task_struct *tsk);

/*
 * The address space of @tsk, or of another thread of its process, with mm_count taken; if @left,
 * also one that was left and is kept. NULL: there is none. mmdrop() is due.
 */
struct mm_struct *__must_check grab_process_mm(struct task_struct *tsk, bool left);

/* Call @fn for every task, parents before children, under tasklist_lock, until it returns false. */
void for_each_task(bool (*fn)(struct task_struct *tsk, void *arg), void *arg);

/* "running", "zombie", "dead" */
const char *task_state_name(const struct task_struct *tsk);

#endif
