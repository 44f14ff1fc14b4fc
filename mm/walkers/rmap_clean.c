/*
 * rmap_clean.c - write-back takes the right to write from whoever maps a file's page: by rmap,
 *                without mmap_lock.
 *
 * Not here: what is done (filemap_write.c, which tells what it meets).
 */
#include "mm/filemap.h"
#include "mm/walkers/walker.h"

static long walk(struct walk *w);

const struct walker walker_rmap_clean = {
	.name = "rmap_clean",
	.what = "takes the right to write from every mapping of a file (folio_mkclean)",
	.flags = WALK_FILE | WALK_NO_LOCK,
	.walk = walk,
};
REGISTER(walker, &walker_rmap_clean);

static long walk(struct walk *w)
{
	return file_sync(w->file);
}
