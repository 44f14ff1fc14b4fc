/*
 * cmd_tree.c - `tree`: the nodes and entries of a maple tree.
 *
 * Of an address space, by its process or its id, or of a tree made for the occasion from ranges, to
 * see how the tree lays them out. Not here: the dump and the check themselves (mm/maple_dump.c,
 * maple_check.c).
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/core/format.h"
#include "kernel/core/kv.h"
#include "kernel/shell/out.h"
#include "kernel/shell/shell.h"
#include "kernel/shell/target.h"
#include "mm/maple_tree.h"
#include "mm/mm.h"
#include "mm/mmap_lock.h"

static void print(void *arg, const char *fmt, ...)
{
	char text[OUT_LINE_MAX];
	va_list ap;

	(void)arg;
	va_start(ap, fmt);
	format_va(text, sizeof(text), fmt, ap);
	va_end(ap);
	out("%s", text);
}

static int show(struct maple_tree *mt)
{
	struct mt_stats s;

	mt_dump(mt, print, NULL);
	mt_get_stats(mt, &s);
	out("%lu entries, %lu leaves, %lu inner nodes, height %u, %lu bytes of nodes\n",
	    s.nr_entries, s.nr_leaves, s.nr_inner, s.height, s.bytes);
	return mt_check(mt, print, NULL) ? SHELL_FAIL : SHELL_OK;
}

/* ---- of an address space ---- */

struct search {
	u64 id;
	struct mm_struct *found; /* with mm_users taken */
	unsigned nr;
};

static bool look_at(struct mm_struct *mm, void *arg)
{
	struct search *s = arg;

	s->nr++;
	if (mm->id == s->id && mmget_not_zero(mm))
		s->found = mm;
	return !s->found;
}

static int show_mm(u64 id)
{
	struct search s = {.id = id};
	int status;

	mm_for_each(look_at, &s);
	if (!s.found)
		return shell_error("tree", "mm=%lu: no such address space, %u live now", id, s.nr);
	mmap_read_lock(s.found);
	status = show(&s.found->mm_mt);
	mmap_read_unlock(s.found);
	mmput(s.found);
	return status;
}

/* ---- of given ranges ---- */

/* FIRST or FIRST-LAST at @p; the character behind it, or NULL. */
static const char *parse_range(const char *p, unsigned long *first, unsigned long *last)
{
	char *end;

	if (*p < '0' || *p > '9')
		return NULL;
	*first = *last = strtoul(p, &end, 0);
	if (*end == '-' && end[1] >= '0' && end[1] <= '9')
		*last = strtoul(end + 1, &end, 0);
	return *first <= *last && (*end == ',' || *end == '\0') ? end : NULL;
}

static int store_ranges(struct maple_tree *mt, const char *list)
{
	unsigned long first, last, nr = 0;

	for (;;) {
		const char *end = parse_range(list, &first, &last);
		int err;

		if (!end)
			return shell_error("tree",
					   "store= from \"%s\": accepted is FIRST-LAST,...", list);
		err = mtree_store_range(mt, first, last, xa_mk_value(++nr), GFP_KERNEL);
		if (err)
			return shell_error("tree", "no memory for the tree (error %d)", -err);
		if (*end == '\0')
			return SHELL_OK;
		list = end + 1;
	}
}

static int show_ranges(const char *list)
{
	struct maple_tree mt;
	int status;

	mt_init_flags(&mt, MT_FLAGS_ALLOC_RANGE);
	status = store_ranges(&mt, list);
	if (status == SHELL_OK)
		status = show(&mt);
	mtree_destroy(&mt);
	return status;
}

static int show_pid(const char *text)
{
	struct mm_struct *mm = target_mm("tree", text);
	int status;

	if (!mm)
		return SHELL_FAIL;
	mmap_read_lock(mm);
	status = show(&mm->mm_mt);
	mmap_read_unlock(mm);
	mmput(mm);
	return status;
}

static int cmd_tree(int argc, char **argv)
{
	static struct kv kv;
	const char *list = NULL;
	u64 id = 0;
	bool mm;

	if (argc == 2 && !strchr(argv[1], '='))
		return show_pid(argv[1]);
	kv_parse_words(&kv, argc - 1, argv + 1);
	mm = kv_u64(&kv, "mm", 1, UINT64_MAX, &id);
	if (kv_str(&kv, "store", &list) == mm)
		kv_fail(&kv, "a pid, mm=ID or store=FIRST-LAST,... is accepted");
	if (kv_done(&kv))
		return shell_error("tree", "%s", kv.error);
	return mm ? show_mm(id) : show_ranges(list);
}

SHELL_CMD(tree,
	  "tree PID | mm=ID | store=FIRST-LAST,...: nodes and entries of a maple tree\n"
	  "  The VMAs of a process, or of an address space by its id. store=: a tree of these\n"
	  "  ranges, stored in this order (a later one overwrites), entries numbered; keys in C\n"
	  "  notation.",
	  cmd_tree);
