/*
 * file.h - files in memory: what can be mapped, read, written, cut and grown.
 *
 * Owns: struct file and its life, struct address_space, size, reading and writing by the kernel.
 * Not here: the pages in the cache (filemap.h), the VMAs that map a file (i_mmap.h), faults.
 * Idea: a file is as if on a disk: its contents are stored outside the page cache, page by page, so
 *       a clean cached page may be dropped at any time and a dirty one must be written first. All
 *       frames of the store are got when the file gets its size: writing needs no memory.
 *
 *	 VMAs --i_mmap--> address_space --i_pages--> cached pages (FK_FILE)
 *	                       |                          ^ read_folio   | writepage
 *	                     file ------------store----> stored pages (FK_STORE)
 *
 * Life: whoever keeps a pointer holds a reference: its maker, each VMA. With the last one the
 *       cached and stored pages go.
 * Faults: sites file_io_read and file_io_write are the device's errors, delay site file_io is its
 *         time.
 */
#ifndef MM_FILE_H
#define MM_FILE_H

#include "kernel/base/annotations.h"
#include "kernel/base/list.h"
#include "kernel/base/rbtree.h"
#include "kernel/core/atomic.h"
#include "kernel/core/spinlock.h"
#include "kernel/sched/mutex.h"
#include "kernel/sched/rwsem.h"
#include "kernel/x86/layout.h"
#include "mm/radix.h"

struct address_space;
struct page;

#define FILE_NAME_MAX 32
#define FILE_SIZE_MAX (1ull << 40)

struct address_space_operations {
	/*
	 * read_folio - fill @page, which is locked and not up to date, and mark it up to date.
	 * Returns 0 or -EIO. It stays locked.
	 */
	int (*read_folio)(struct address_space *mapping, struct page *page);
	/*
	 * writepage - store @page, which is locked and was made clean (folio_clear_dirty_for_io()).
	 * Unlocks it, with PG_writeback set until it is stored.
	 * Returns 0, or -EIO with the page dirty again.
	 */
	int (*writepage)(struct address_space *mapping, struct page *page);
};

/* Field key: [I] set at creation  [P] i_pages_lock  [M] i_mmap_rwsem  [A] atomic */
struct address_space {
	const struct address_space_operations *a_ops; /* [I] */
	struct file *host;		 /* [I] */
	spinlock_t i_pages_lock;	 /*     LC_PCACHE */
	struct radix i_pages;		 /* [P] cached pages by index; each holds a reference */
	unsigned long nrpages;		 /* [P] */
	struct rw_semaphore i_mmap_rwsem; /*    LC_IMMAP: writers link VMAs, readers walk */
	struct rb_root i_mmap;		 /* [M] the VMAs by page offset */
	unsigned long nr_vmas;		 /* [M] */
	atomic_t nr_open;		 /* [A] VMAs that hold the file: linked ones, at rest */
};

/* Field key: [I] set at creation  [A] atomic  [S] lock to write  [P] i_pages_lock  [L] file list */
struct file {
	struct address_space f_mapping;
	atomic_t f_count;	   /* [A] */
	struct mutex lock;	   /*     LC_INODE: one change of size, or write, at a time */
	u64 i_size;		   /* [S] bytes; read by faults under the folio lock */
	struct radix store;	   /* [P] frames that hold the contents; each index below i_size */
	struct list_head node;	   /* [L] all files */
	char name[FILE_NAME_MAX];  /* [I] */
};

/*
 * file_create - a file of @size bytes, all zero.
 *
 * @name:    for people; need not be unique. Cut to FILE_NAME_MAX - 1 characters
 * Context:  may sleep
 * Returns:  it, with one reference; ERR_PTR(-ENOMEM), ERR_PTR(-EFBIG)
 */
struct file *__must_check file_create(const char *name, u64 size);

/* The oldest file called @name, with a reference; NULL: there is none. */
struct file *__must_check file_open(const char *name);

static inline void get_file(struct file *file)
{
	atomic_inc(&file->f_count);
}

void __fput(struct file *file);

/* Context: may sleep (folio locks); no folio lock and no i_mmap_rwsem held. */
static inline void fput(struct file *file)
{
	if (atomic_dec_and_test(&file->f_count))
		__fput(file);
}

/* Bytes; exact under file->lock, or under the folio lock of a page below it. */
static inline u64 i_size_read(const struct file *file)
{
	return READ_ONCE(file->i_size);
}

/* Pages that hold @size bytes. */
static inline unsigned long size_pages(u64 size)
{
	return (size + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

/*
 * file_read, file_write - copy @len bytes from or to @pos, through the page cache.
 *
 * A write does not change the size.
 * Context:  may sleep; no lock but those above LC_INODE
 * Returns:  bytes copied, fewer than @len where the file ends; -EIO, -ENOMEM if none could be
 */
long file_read(struct file *file, void *buf, size_t len, u64 pos);
long file_write(struct file *file, const void *buf, size_t len, u64 pos);

/*
 * file_truncate - the file has @size bytes from now on; what is new is zero.
 *
 * What lies beyond is unmapped everywhere, private copies too: an access there is SIGBUS.
 * Context:  may sleep; no lock held
 * Returns:  0; -EFBIG, -ENOMEM, -EIO (the page that holds the end, old or new, cannot be read) with
 *           nothing changed
 */
int __must_check file_truncate(struct file *file, u64 size);

/*
 * file_sync - every page dirty now is stored.
 *
 * Context:  may sleep; no folio lock held
 * Returns:  0, or the first error; pages that could not be stored are dirty still
 */
int __must_check file_sync(struct file *file);

/*
 * file_for_each - call @fn for every file, oldest first, until it returns false.
 *
 * Context: under a spinlock: @fn does not sleep; file_tryget() lets it keep what it found
 */
void file_for_each(bool (*fn)(struct file *file, void *arg), void *arg);

static inline bool __must_check file_tryget(struct file *file)
{
	return atomic_inc_not_zero(&file->f_count);
}

#endif
