/*
 * mm_marks.c - the delay sites of mm_marks.h and their point.
 */
#include "mm/mm_marks.h"

#include "kernel/core/fault.h"
#include "kernel/core/once.h"
#include "kernel/core/static_key.h"
#include "mm/mm.h"

static struct static_key watched_key __host_data;
static mm_marks_hook_t watcher __host_data;

#define X(id, site, what) DELAY_SITE(site, what);
MM_MARKS(X)
#undef X

static struct delay_site *const mark_site[MARK_NR] = {
#define X(id, site, what) [MARK_##id] = &delay_site_##site,
	MM_MARKS(X)
#undef X
};

const char *const mm_mark_name[MARK_NR] = {
	[MARK_NEW] = "new",
#define X(id, site, what) [MARK_##id] = #site,
	MM_MARKS(X)
#undef X
};

mm_marks_hook_t mm_marks_watch(mm_marks_hook_t hook)
{
	mm_marks_hook_t before = watcher;

	if (hook)
		watcher = hook;
	static_key_set(&watched_key, hook != NULL);
	if (!hook)
		watcher = NULL;
	return before;
}

void mm_mark(struct mm_struct *mm, enum mm_mark mark)
{
	WRITE_ONCE_NOPOINT(mm->mark, mark);
	if (static_branch_unlikely(&watched_key))
		watcher(mm, mark);
	delay_point(mark_site[mark]);
}
