/*
 * file.c - files: made, found, counted, let go.
 *
 * Owns: the file cache, the list of files, the ledger of references.
 */
#include "mm/file.h"

#include <errno.h>
#include <string.h>
#include "kernel/base/err.h"
#include "kernel/core/bug.h"
#include "kernel/core/ledger.h"
#include "mm/file_internal.h"
#include "mm/filemap.h"
#include "mm/slab.h"

static KMEM_CACHE(file_cache, "file", sizeof(struct file), 8, NULL, SLAB_OWN_PAGE);

static DEFINE_SPINLOCK(file_list_lock, LC_LEAF);
static struct list_head file_list = {&file_list, &file_list};

static void mapping_init(struct address_space *mapping, struct file *host)
{
	mapping->a_ops = &store_ops;
	mapping->host = host;
	spin_lock_init(&mapping->i_pages_lock, LC_PCACHE);
	init_rwsem(&mapping->i_mmap_rwsem, LC_IMMAP);
}

struct file *file_create(const char *name, u64 size)
{
	struct file *file;
	int err;

	if (size > FILE_SIZE_MAX)
		return ERR_PTR(-EFBIG);
	file = kmem_cache_zalloc(&file_cache, GFP_KERNEL);
	if (!file)
		return ERR_PTR(-ENOMEM);
	mapping_init(&file->f_mapping, file);
	atomic_set(&file->f_count, 1);
	mutex_init(&file->lock, LC_INODE);
	strlcpy(file->name, name, sizeof(file->name));
	err = file_store_grow(file, 0, size_pages(size));
	if (err) {
		kmem_cache_free(&file_cache, file);
		return ERR_PTR(err);
	}
	file->i_size = size;
	spin_lock(&file_list_lock);
	list_add_tail(&file->node, &file_list);
	spin_unlock(&file_list_lock);
	return file;
}

void __fput(struct file *file)
{
	spin_lock(&file_list_lock);
	list_del(&file->node);
	spin_unlock(&file_list_lock);
	ASSERT_EQ(file->f_mapping.nr_vmas, 0);
	ASSERT_EQ(atomic_read_nopoint(&file->f_mapping.nr_open), 0);
	truncate_inode_pages(&file->f_mapping, 0);
	ASSERT_EQ(file->f_mapping.nrpages, 0);
	file_store_cut(file, 0, size_pages(file->i_size));
	ASSERT(radix_empty(&file->store));
	kmem_cache_free(&file_cache, file);
}

void file_for_each(bool (*fn)(struct file *file, void *arg), void *arg)
{
	struct file *file;

	spin_lock(&file_list_lock);
	list_for_each_entry(file, &file_list, node) {
		if (!fn(file, arg))
			break;
	}
	spin_unlock(&file_list_lock);
}

struct wanted {
	const char *name;
	struct file *found;
};

static bool take_if_named(struct file *file, void *arg)
{
	struct wanted *wanted = arg;

	if (strcmp(file->name, wanted->name) == 0 && file_tryget(file))
		wanted->found = file;
	return !wanted->found;
}

struct file *file_open(const char *name)
{
	struct wanted wanted = {.name = name};

	file_for_each(take_if_named, &wanted);
	return wanted.found;
}

/* ---- the ledger ---- */

static bool add_refs(struct file *file, void *arg)
{
	*(long *)arg += atomic_read_nopoint(&file->f_count);
	return true;
}

static long file_refs_live(void)
{
	long refs = 0;

	if (READ_ONCE_NOPOINT(file_list.next) != &file_list)
		file_for_each(add_refs, &refs);
	return refs;
}
LEDGER_KIND(file_refs, file_refs_live, NULL);
