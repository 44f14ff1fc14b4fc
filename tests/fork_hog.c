/*
 * fork_hog.c - see fork_hog.h.
 *
 * What is taken is chained through itself: nothing can be allocated to remember it.
 */
#include "tests/fork_hog.h"

#include <string.h>

#include "kernel/core/fault.h"
#include "mm/page_alloc.h"
#include "mm/slab.h"

/* Rather nothing than somebody's end. */
#define GFP_HOG (GFP_KERNEL | __GFP_RETRY_MAYFAIL)

/* What the calls at sites allocate; "": frames only. */
static const struct {
	const char *site, *cache;
} wants[] = {
	{"F01", "mm_struct"},	   {"F02", ""},		      {"F08", "maple_node"},
	{"F09", "maple_node"},	   {"F13", "vm_area_struct"}, {"F14", "mempolicy"},
	{"F15", "userfaultfd_ctx"}, {"F16", "anon_vma_chain"}, {"F18", ""}, {"F20", ""},
};

static struct {
	struct page *frames; /* chained by lru.next */
	void *objects;	     /* chained by their first word */
	struct kmem_cache *cache;
	u64 refused; /* when all was taken */
} hog;

static const char *cache_of(const struct fault_site *site)
{
	for (unsigned i = 0; i < ARRAY_SIZE(wants); i++) {
		if (!strcmp(wants[i].site, site->name))
			return wants[i].cache;
	}
	return NULL;
}

bool fork_hog_can(const struct fault_site *site)
{
	return cache_of(site) != NULL;
}

/* @nr blocks at most. */
static void take_blocks(struct page **frames, unsigned order, unsigned long nr)
{
	struct page *page;

	while (nr-- && (page = alloc_pages(order ? GFP_NOWAIT : GFP_HOG, order))) {
		page->lru.next = (struct list_head *)*frames;
		*frames = page;
	}
}

static void take_frames(void)
{
	for (int order = MAX_ORDER; order >= 0; order--)
		take_blocks(&hog.frames, (unsigned)order, ~0ul);
}

static void take_objects(void)
{
	void *obj;

	while (hog.cache && (obj = kmem_cache_alloc(hog.cache, GFP_HOG))) {
		*(void **)obj = hog.objects;
		hog.objects = obj;
	}
}

static void free_frames(struct page **frames)
{
	while (*frames) {
		struct page *page = *frames;

		*frames = (struct page *)page->lru.next;
		free_pages(page, page->order);
	}
}

static void give_back(void)
{
	while (hog.objects) {
		void *obj = hog.objects;

		hog.objects = *(void **)obj;
		kmem_cache_free(hog.cache, obj);
	}
	free_frames(&hog.frames);
}

bool fork_hog(struct fault_site *site, bool begin)
{
	bool failed = frames_refused != hog.refused;
	const char *name = cache_of(site);

	if (!begin) {
		give_back();
		return failed;
	}
	hog.cache = name && *name ? registry_find(kmem_cache, name) : NULL;
	take_frames();
	take_objects();
	hog.refused = frames_refused;
	return true;
}

void fork_hog_all(unsigned long leave)
{
	struct page *left = NULL;

	take_blocks(&left, 0, leave);
	take_frames();
	free_frames(&left);
}

void fork_hog_end(void)
{
	free_frames(&hog.frames);
}
