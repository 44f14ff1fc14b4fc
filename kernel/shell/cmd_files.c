/*
 * cmd_files.c - `files`: the files there are, and a few to try things with.
 *
 * Owns: the command, the references of the files made by it. Not here: mapping one (cmd_mman.c).
 */
#include <errno.h>
#include <string.h>

#include "kernel/base/err.h"
#include "kernel/core/kv.h"
#include "kernel/shell/out.h"
#include "kernel/shell/shell.h"
#include "mm/file.h"
#include "mm/filemap.h"

#define SHOWN_MAX 64u
#define OWN_MAX	  16u

static struct file *own[OWN_MAX]; /* made here: each entry holds a reference */

/* ---- looking ---- */

struct list {
	struct file *file[SHOWN_MAX]; /* a reference each */
	unsigned nr;		      /* there are; more than SHOWN_MAX are not kept */
};

static bool take(struct file *file, void *arg)
{
	struct list *list = arg;

	if (list->nr < SHOWN_MAX && !file_tryget(file))
		return true;
	if (list->nr < SHOWN_MAX)
		list->file[list->nr] = file;
	list->nr++;
	return true;
}

static int show_files(void)
{
	static struct list list;

	list.nr = 0;
	file_for_each(take, &list);
	if (list.nr)
		out("%-20s %12s %8s %8s %8s %6s\n", "name", "bytes", "cached", "dirty", "mappings",
		    "users");
	for (unsigned i = 0; i < min(list.nr, SHOWN_MAX); i++) {
		struct file *file = list.file[i];
		unsigned long cached, dirty;

		filemap_count(&file->f_mapping, &cached, &dirty);
		/* But for our own reference. */
		out("%-20s %12lu %8lu %8lu %8lu %6d\n", file->name, i_size_read(file), cached,
		    dirty, READ_ONCE(file->f_mapping.nr_vmas), atomic_read(&file->f_count) - 1);
		fput(file);
	}
	if (list.nr > SHOWN_MAX)
		out("and %u more\n", list.nr - SHOWN_MAX);
	out("%u files\n", list.nr);
	return SHELL_OK;
}

/* ---- making and changing ---- */

/* The place in own[] of the file called @name; OWN_MAX: none. */
static unsigned find_own(const char *name)
{
	unsigned i = 0;

	while (i < OWN_MAX && !(own[i] && strcmp(own[i]->name, name) == 0))
		i++;
	return i;
}

static int make_file(const char *name, u64 size)
{
	unsigned at = 0;
	struct file *file;

	while (at < OWN_MAX && own[at])
		at++;
	if (at == OWN_MAX)
		return shell_error("files", "%s: %u files made here live, no more can", name,
				   OWN_MAX);
	file = file_create(name, size);
	if (IS_ERR(file))
		return shell_error("files", "%s: no memory for %lu bytes", name, size);
	own[at] = file;
	return SHELL_OK;
}

static int change_file(const char *action, const char *name, struct file **held, u64 size)
{
	struct file *file = *held;
	int err = 0;

	if (strcmp(action, "rm") == 0) {
		*held = NULL;
		fput(file);
	} else if (strcmp(action, "sync") == 0) {
		err = file_sync(file);
	} else {
		err = file_truncate(file, size);
	}
	if (err)
		return shell_error("files", "%s: %s: %s (error %d)", action, name,
				   err == -ENOMEM ? "no memory" : "not all could be read or stored",
				   -err);
	return SHELL_OK;
}

static bool has_size(const char *action)
{
	return strcmp(action, "new") == 0 || strcmp(action, "resize") == 0;
}

static int cmd_files(int argc, char **argv)
{
	const char *action = argc > 1 ? argv[1] : NULL, *name = argc > 2 ? argv[2] : NULL;
	static struct kv kv;
	u64 size = 0;
	unsigned at;

	if (!action)
		return show_files();
	if (!has_size(action) && strcmp(action, "sync") != 0 && strcmp(action, "rm") != 0)
		return shell_error("files", "%s: accepted is new, resize, sync, rm", action);
	if (!name)
		return shell_error("files", "%s: which file? accepted is a name", action);
	if (strlen(name) >= FILE_NAME_MAX)
		return shell_error("files", "%s: accepted are names of up to %u characters", name,
				   FILE_NAME_MAX - 1);
	kv_parse_words(&kv, argc - 3, argv + 3);
	if (has_size(action) && !kv_size(&kv, "size", 0, FILE_SIZE_MAX, &size))
		kv_fail(&kv, "size= is missing: accepted are bytes, as 12288 or 64K");
	if (kv_done(&kv))
		return shell_error("files", "%s", kv.error);
	at = find_own(name);
	if (strcmp(action, "new") == 0)
		return at < OWN_MAX ? shell_error("files", "%s: exists already", name)
				    : make_file(name, size);
	if (at == OWN_MAX)
		return shell_error("files", "%s: no file of this name was made here", name);
	return change_file(action, name, &own[at], size);
}

SHELL_CMD(files,
	  "files [HOW NAME]: all files; or make, cut, store, remove one\n"
	  "  new NAME size=BYTES, resize NAME size=BYTES, sync NAME, rm NAME. Without words:\n"
	  "  all files, pages in the cache, mappings, users. A file made here\n"
	  "  can be mapped (`mmap PID file=NAME`) and lives until rm and its last mapping's end.",
	  cmd_files);
