/*
 * mm_marks.h - moments in the life of an address space, by name.
 *
 * Owns: the list, a delay site and a schedule point for each, the hook of who takes the time.
 * Idea: a moment is where one window ends and the next begins:
 *
 *	W0  others can find the child, its lock is held	  PUBLISH .. UNLOCK
 *	W1  a failed child is unlocked			  UNLOCK .. ZAP
 *	W2  exit_mmap unmaps, lock held for read	  ZAP .. ZAPPED
 *	W3  between its two locks			  ZAPPED .. TABLES
 *	W4  it frees, lock held for write		  TABLES .. SHELL
 *	W5  the empty struct				  SHELL .. END
 *
 * A copy that succeeded goes from PUBLISH to LIVE. One that fails early may skip moments.
 */
#ifndef MM_MM_MARKS_H
#define MM_MM_MARKS_H

struct mm_struct;

/* X(id, site, what happens now) */
#define MM_MARKS(X)                                                          \
	X(CLONE, mm_clone, "fork: both locks are held, the tree comes next") \
	X(COPY, mm_copy, "fork: the tree is there, VMAs come next")          \
	X(PUBLISH, mm_publish, "fork: others can find the child (W0 opens)") \
	X(RECOVER, mm_recover, "fork: failed, recovery comes next")          \
	X(UNLOCK, mm_unlock, "fork: failed, child unlocked (W1 opens)")      \
	X(LIVE, mm_live, "fork: done, child unlocked")                       \
	X(PARENT, mm_parent, "fork: the parent is unlocked")                 \
	X(ZAP, mm_zap, "exit: lock taken, pages go next (W2 opens)")         \
	X(ZAPPED, mm_zapped, "exit: read lock dropped (W3 opens)")           \
	X(TABLES, mm_tables, "exit: write lock taken, tables go next (W4)")  \
	X(VMAS, mm_vmas, "exit: VMAs go next")                               \
	X(TREE, mm_tree, "exit: the tree goes next")                         \
	X(SHELL, mm_shell, "exit: lock dropped, nothing is left (W5)")       \
	X(END, mm_end, "the last reference to the struct was dropped")

enum mm_mark {
	MARK_NEW, /* nothing has happened to it */
#define X(id, site, what) MARK_##id,
	MM_MARKS(X)
#undef X
	MARK_NR
};

extern const char *const mm_mark_name[MARK_NR];

typedef void (*mm_marks_hook_t)(const struct mm_struct *mm, enum mm_mark mark);

/*
 * mm_marks_watch - have @hook called at each moment, before its delay; NULL: nobody.
 *
 * One at a time: a hook takes the place of the one before, which is returned (NULL: there was
 * none); who watches only for a while calls it, and puts it back. Context: thread of the host side,
 * which may sleep; no mm passes a moment on another CPU meanwhile.
 */
mm_marks_hook_t mm_marks_watch(mm_marks_hook_t hook);

/* It is now @mark in the life of @mm. Context: thread, no spinlock held. */
void mm_mark(struct mm_struct *mm, enum mm_mark mark);

#endif
