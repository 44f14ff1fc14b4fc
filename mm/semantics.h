/*
 * semantics.h - rule sets for what happens when fork fails, or when exit meets others.
 *
 * Owns: struct semantics and its hooks, axes, choosing a set, who asks which hook when.
 * Not here: the rule sets (mm/recovery, mm/exit: one file each), the code that calls the hooks
 *           (dup_mmap.c, exit_mmap.c, mm_walk.h).
 * Idea: a file names the axis it is one of and overrides only the hooks it changes; what it leaves
 *       NULL comes from its base, then from the axis's default. A choice of one per axis is
 *       flattened once into a table of hooks. An mm keeps the set it was made under, so a choice
 *       never changes the rules under a living mm.
 * Adding one is adding a file:
 *
 *	static void forget_all(struct fork_copy *fc) { ... }
 *
 *	static const struct semantics forget = {
 *		.name = "forget",
 *		.what = "failed fork: ...",
 *		.axis = SEM_FORK,
 *		.base = "zero_marker",
 *		.hooks = {.on_fail = forget_all},
 *	};
 *	SEMANTICS(forget);
 */
#ifndef MM_SEMANTICS_H
#define MM_SEMANTICS_H

#include "kernel/core/fault.h"
#include "kernel/core/registry.h"
#include "mm/vma.h"

struct unmap_desc;
struct reap_walk;

/* What a rule set is about. One of each is chosen. */
enum sem_axis {
	SEM_FORK,     /* what a failed copy leaves */
	SEM_GATE,     /* who may pin an mm */
	SEM_WALKREF,  /* which reference walkers hold */
	SEM_EXIT,     /* locks and skip flag of exit_mmap */
	SEM_ORDER,    /* in which order the reaper goes */
	SEM_DELAY,    /* when the reaper comes */
	SEM_MRELEASE, /* what process_mrelease does */
	SEM_SHELL,    /* how long the empty struct stays reachable */
	SEM_THAW,     /* who of a frozen victim is thawed */
	SEM_AXES,
	SEM_PRESET = SEM_AXES, /* names others: semantics.members */
};

extern const char *const sem_axis_name[SEM_AXES + 1];

/* The ways by which others reach a child that is being made. */
enum publication {
	PUB_ANON,   /* its VMA is tied to the anon_vmas of the parent's */
	PUB_IMMAP,  /* its VMA is among those that map a file */
	PUB_MMLIST, /* it is on the list that swapoff walks */
	PUB_MM,	    /* those who walk all mms find it */
	PUB_NR
};

/*
 * struct fork_copy - one dup_mmap on its way. The hooks' argument.
 *
 * At on_fail: the child's tree holds its own VMAs below @end (map_count of them), and from @mpnt on
 * what build_tree put there.
 */
struct fork_copy {
	struct mm_struct *mm;	     /* the child, locked for write */
	struct mm_struct *oldmm;     /* the parent, locked for write */
	struct vma_iterator vmi;     /* stands on what is being copied, in the tree that names it */
	struct vm_area_struct *mpnt; /* on failure: the first that was not copied; NULL: none */
	unsigned long end;	     /* on failure: 0 nothing was stored; ~0 all was; else where
				      * mpnt begins */
	struct list_head userfaults; /* the child's contexts (userfaultfd.h) */
	int err;
};

/* Values of enum hooks; 0 is "not said". */
enum sem_kill_test { KILL_LOOP = 1, KILL_VMA_LOCK };	  /* where SIGKILL ends the copy loop */
enum sem_sem_scope { SCOPE_COPY = 1, SCOPE_TEARDOWN };	  /* how long dup_mmap_sem is held */
enum sem_walk_ref { WALK_USERS = 1, WALK_COUNT };	  /* what a walker holds */
enum sem_exit_lock { EXIT_READ_THEN_WRITE = 1, EXIT_WRITE }; /* mmap_lock in exit_mmap */
enum sem_exit_skip { SKIP_ZAPPED = 1, SKIP_FIRST };	  /* when exit sets MMF_OOM_SKIP */
enum sem_reap_lock { REAP_HOLD = 1, REAP_YIELD };	  /* to a writer that waits meanwhile */
enum sem_mrelease { MRELEASE_DYING = 1, MRELEASE_KILL };  /* whom process_mrelease reaps */
enum sem_thaw { THAW_PROCESS = 1, THAW_THREAD };	  /* of a frozen victim */

/*
 * Every member is one word, and 0 means that it is not overridden. Locks: both mmap_locks are held
 * for write unless said.
 */
struct sem_hooks {
	/* Make the child's tree what the loop begins with; point fc->vmi at what is read. */
	int (*build_tree)(struct fork_copy *fc);
	/* The parent's VMA @mpnt is not for the child. */
	int (*skip_vma)(struct fork_copy *fc, struct vm_area_struct *mpnt);
	/* @vma, the child's, takes its place in the child's tree. */
	int (*store_vma)(struct fork_copy *fc, struct vm_area_struct *vma);
	/*
	 * May others find what is copied by @by now? NULL: yes. PUB_MMLIST: PTE locks are held.
	 * PUB_MM comes once, before the first VMA; refused, it happens when all was copied.
	 */
	bool (*publish)(enum publication by);
	/* All was copied; the last step that may look at the parent. May be NULL. */
	void (*on_success)(struct fork_copy *fc);
	/* The copy failed after build_tree succeeded. doom: whatever it becomes; may be NULL. */
	void (*doom)(struct mm_struct *mm);
	void (*on_fail)(struct fork_copy *fc);
	/* Drop both locks, on success and failure alike, and flush the parent before its own. */
	void (*unlock)(struct fork_copy *fc);
	unsigned long sem_scope; /* enum sem_sem_scope */
	unsigned long kill_test; /* enum sem_kill_test */

	/* May @mm be pinned by one who is no owner? No lock. NULL: yes. */
	bool (*may_enter)(struct mm_struct *mm);
	unsigned long walk_ref; /* enum sem_walk_ref */

	unsigned long exit_lock; /* enum sem_exit_lock */
	unsigned long exit_skip; /* enum sem_exit_skip */
	/* Before exit_mmap looks at the tree, mmap_lock held: where does it end? NULL: nowhere. */
	void (*exit_limits)(struct mm_struct *mm, struct unmap_desc *desc);

	/* The reaper's next stretch (oom_reap.h); NULL: that was all. mmap_lock held to read. */
	struct vm_area_struct *(*reap_next)(struct reap_walk *rw);
	unsigned long reap_lock; /* enum sem_reap_lock */
	/* Milliseconds between the kill and the reaper. @frozen: the victim cannot run then. */
	unsigned long (*reap_delay)(bool frozen);
	unsigned long mrelease; /* enum sem_mrelease */
	unsigned long thaw;	/* enum sem_thaw */
	/*
	 * A task leaves @mm: what it keeps of it until it is gone, with mm_count taken. NULL:
	 * nothing. Under the task's spinlock.
	 */
	struct mm_struct *(*on_exit_mm)(struct mm_struct *mm);
};

struct semantics {
	const char *name;
	const char *what;    /* one line */
	enum sem_axis axis;
	const char *base;    /* the semantics whose hooks fill what is not overridden, or NULL */
	const char *over;    /* SEM_FORK to choose with it when none is named, or NULL */
	const char *members; /* SEM_PRESET: "a+b+c" */
	const char *unfixed; /* SEM_PRESET: checks that its walkers do not make, "numa.empty,..." */
	struct sem_hooks hooks;
};

#define SEMANTICS(object) REGISTER(semantics, &object)

/* One choice per axis, and what follows. Immutable; lives as long as its world. */
struct sem_set {
	const struct semantics *chosen[SEM_AXES]; /* NULL: the axis has no plug-in */
	struct sem_hooks hooks;
};

/* What was asked for, before it is made a set. Plain data, for host-side parsers. */
struct sem_choice {
	const struct semantics *preset; /* or NULL */
	const struct semantics *chosen[SEM_AXES];
};

/*
 * sem_parse - read "NAME+NAME...": names of semantics and presets, at most one per axis.
 *
 * A preset gives way to what is named beside it. @why gets the one clear line on failure.
 * Returns: 0, or -EINVAL
 */
int __must_check sem_parse(const char *text, struct sem_choice *out, char *why, size_t len);

/*
 * sem_set_of - the set of @choice in this world; axes without a choice get their defaults.
 *
 * Returns: it, or NULL: too many different sets were made in this world
 */
const struct sem_set *__must_check sem_set_of(const struct sem_choice *choice);

/* The set that new address spaces are made under; the one before. NULL @set: the defaults. */
const struct sem_set *sem_current(void);
void sem_install(const struct sem_set *set);

/*
 * sem_rename_all - from now on every rule set is called something else (boot: rename_semantics=on).
 *
 * Context: boot, after registry_init(), before anybody looks one up and before tables are sealed
 */
void sem_rename_all(void);
/* What the rule set that was written as @name is called now. */
const char *sem_renamed(const char *name);

/* "zero_marker+exit_read_then_write" into @text. */
void sem_set_name(const struct sem_set *set, char *text, size_t len);

/* The defaults are current. With every world. */
void sem_world_init(void);

/* ---- what most of them share: dup_tree.c, exit_mmap.c ---- */

int dup_tree_clone(struct fork_copy *fc);
int dup_tree_skip(struct fork_copy *fc, struct vm_area_struct *mpnt);
int dup_tree_store(struct fork_copy *fc, struct vm_area_struct *vma);
/* The child first, then the parent's flush, then the parent. */
void dup_unlock_child_first(struct fork_copy *fc);

/* The delay site of each publication; dup_published(): others can find the child by @by now. */
extern struct delay_site *const pub_site[PUB_NR];

static inline void dup_published(enum publication by)
{
	delay_here(pub_site[by]);
}

/*
 * dup_teardown_head - zap, untie and free the child's VMAs below fc->end, and the whole tree.
 *
 * Nothing of the tail is read. Returns with an empty tree. Locks: the child's for write
 */
void dup_teardown_head(struct fork_copy *fc);

#endif
