/*
 * swapon.c - devices come and go.
 *
 * Owns: the table of swap devices, making and freeing their clusters, mmlist.
 * Not here: emptying a device (walkers/swapoff.c).
 * Idea: a device is prepared completely before its state says that it takes pages. On the way out
 *       its state says that it takes none, then it is emptied, and only a device without a slot in
 *       use loses its clusters, a grace period after nobody can find them any more.
 */
#include <errno.h>

#include "kernel/core/bug.h"
#include "kernel/core/ledger.h"
#include "kernel/drivers/block.h"
#include "kernel/sched/mutex.h"
#include "mm/commit.h"
#include "mm/page_alloc.h"
#include "mm/swap_internal.h"

struct swap_info_struct swap_info[MAX_SWAPFILES];
static DEFINE_MUTEX(swapon_mutex, LC_SWAPON);

struct list_head mmlist;
DEFINE_SPINLOCK(mmlist_lock, LC_MMLIST);

/* ---- mmlist ---- */

/* False: it is there. */
static bool mmlist_add_behind(struct mm_struct *mm, struct list_head *node)
{
	bool absent;

	if (test_bit(MMF_ON_MMLIST, &mm->flags))
		return false;
	spin_lock(&mmlist_lock);
	absent = !test_bit(MMF_ON_MMLIST, &mm->flags);
	if (absent) {
		list_add(&mm->mmlist, node);
		set_bit(MMF_ON_MMLIST, &mm->flags);
	}
	spin_unlock(&mmlist_lock);
	return absent;
}

void mmlist_add(struct mm_struct *mm)
{
	(void)mmlist_add_behind(mm, &mmlist);
}

bool mmlist_add_child(struct mm_struct *mm, struct mm_struct *parent)
{
	return mmlist_add_behind(mm, &parent->mmlist);
}

void mmlist_del(struct mm_struct *mm)
{
	if (!test_bit(MMF_ON_MMLIST, &mm->flags))
		return;
	spin_lock(&mmlist_lock);
	if (test_bit(MMF_ON_MMLIST, &mm->flags)) {
		list_del(&mm->mmlist);
		clear_bit(MMF_ON_MMLIST, &mm->flags);
	}
	spin_unlock(&mmlist_lock);
}

/* ---- clusters ---- */

#define CLUSTER_DIR_ORDER_MAX 5u

static unsigned dir_order(unsigned long nr_clusters)
{
	unsigned order = 0;

	while (PAGE_SIZE_ORDER(order) < nr_clusters * sizeof(struct swap_cluster))
		order++;
	return order;
}

static void free_clusters(struct swap_cluster *cluster, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++) {
		if (cluster[i].slots)
			free_page(virt_to_page(cluster[i].slots));
		if (cluster[i].more)
			free_page(virt_to_page(cluster[i].more));
	}
	free_pages(virt_to_page(cluster), dir_order(nr));
}

/* A device may be so large that there is no room for its slots. */
#define MAP_GFP (GFP_KERNEL | __GFP_RETRY_MAYFAIL)

/* @max slots, all free. NULL: no memory. */
static struct swap_cluster *alloc_clusters(unsigned long nr, unsigned long max)
{
	struct page *page = alloc_pages(MAP_GFP | __GFP_ZERO | GFP_FOR(FK_SWAP), dir_order(nr));
	struct swap_cluster *cluster;

	if (!page)
		return NULL;
	cluster = page_address(page);
	for (unsigned long i = 0; i < nr; i++) {
		page = alloc_page(MAP_GFP | __GFP_ZERO | GFP_FOR(FK_SWAP));
		if (!page) {
			free_clusters(cluster, nr);
			return NULL;
		}
		spin_lock_init(&cluster[i].lock, LC_SWAP);
		cluster[i].slots = page_address(page);
		cluster[i].nr_slots = min(SWAP_CLUSTER, max - (i << SWAP_CLUSTER_SHIFT));
		cluster[i].nr_free = cluster[i].nr_slots;
	}
	return cluster;
}

/* ---- on ---- */

static struct swap_info_struct *find_device(const struct block_device *bdev)
{
	for (unsigned type = 0; type < MAX_SWAPFILES; type++) {
		if (swap_info[type].state != SWAP_OFF && swap_info[type].bdev == bdev)
			return &swap_info[type];
	}
	return NULL;
}

/* An unused place in the table, which is ours from now on; or a negative errno. */
static int claim_type(struct block_device *bdev)
{
	int type = -ENOSPC;

	mutex_lock(&swapon_mutex);
	if (find_device(bdev)) {
		type = -EBUSY;
		goto out;
	}
	for (int i = 0; i < (int)MAX_SWAPFILES && type < 0; i++) {
		if (swap_info[i].state == SWAP_OFF)
			type = i;
	}
	if (type >= 0) {
		WRITE_ONCE(swap_info[type].state, SWAP_MAKING);
		swap_info[type].bdev = bdev;
	}
out:
	mutex_unlock(&swapon_mutex);
	return type;
}

static void set_state(struct swap_info_struct *si, enum swap_state state)
{
	mutex_lock(&swapon_mutex);
	smp_store_release(&si->state, (u32)state);
	mutex_unlock(&swapon_mutex);
}

int swapon(struct block_device *bdev)
{
	unsigned long max = bdev->nr_sectors / SECTORS_PER_PAGE;
	unsigned long most = PAGE_SIZE_ORDER(CLUSTER_DIR_ORDER_MAX) / sizeof(struct swap_cluster);
	struct swap_cluster *cluster;
	struct swap_info_struct *si;
	unsigned long nr;
	int type;

	if (max < SWAP_MIN_SLOTS)
		return -EINVAL;
	max = min(max, most << SWAP_CLUSTER_SHIFT);
	nr = (max + SWAP_CLUSTER - 1) >> SWAP_CLUSTER_SHIFT;
	type = claim_type(bdev);
	if (type < 0)
		return type;
	si = &swap_info[type];
	cluster = alloc_clusters(nr, max);
	if (!cluster) {
		set_state(si, SWAP_OFF);
		return -ENOMEM;
	}

	/* ---- nothing below this line can fail ---- */
	si->type = type;
	si->max = max;
	si->nr_clusters = nr;
	si->hint = 0;
	atomic_long_set(&si->nr_used, 0);
	rcu_assign_pointer(si->cluster, cluster);
	atomic_long_add(max, &total_swap_pages);
	set_state(si, SWAP_ON);
	return type;
}

/* ---- off ---- */

/* The device in state SWAP_GOING, or NULL with *@err set. */
static struct swap_info_struct *begin_swapoff(const struct block_device *bdev, int *err)
{
	struct swap_info_struct *si;

	mutex_lock(&swapon_mutex);
	si = find_device(bdev);
	*err = !si ? -EINVAL : si->state != SWAP_ON ? -EBUSY : 0;
	if (!*err)
		WRITE_ONCE(si->state, SWAP_GOING);
	mutex_unlock(&swapon_mutex);
	return *err ? NULL : si;
}

int swapoff(struct block_device *bdev)
{
	struct swap_cluster *cluster;
	struct swap_info_struct *si;
	int err;

	si = begin_swapoff(bdev, &err);
	if (!si)
		return err;
	/* Who saw the old state has its slot counted when this returns. */
	synchronize_rcu();
	atomic_long_sub(si->max, &total_swap_pages);
	err = try_to_unuse(si);
	if (err) {
		atomic_long_add(si->max, &total_swap_pages);
		set_state(si, SWAP_ON);
		return err;
	}
	ASSERT_EQ(atomic_long_read(&si->nr_used), 0);
	cluster = si->cluster;
	rcu_assign_pointer(si->cluster, (struct swap_cluster *)NULL);
	synchronize_rcu();
	free_clusters(cluster, si->nr_clusters);
	set_state(si, SWAP_OFF);
	return 0;
}

/* ---- looking ---- */

bool swap_stats(unsigned type, struct swap_stats *out)
{
	struct swap_info_struct *si = &swap_info[type];
	bool on;

	mutex_lock(&swapon_mutex);
	on = si->state == SWAP_ON || si->state == SWAP_GOING;
	if (on) {
		*out = (struct swap_stats){
			.name = si->bdev->name,
			.nr_slots = si->max,
			.nr_used = atomic_long_read(&si->nr_used),
		};
	}
	mutex_unlock(&swapon_mutex);
	return on;
}

long get_nr_swap_pages(void)
{
	long nr_free = 0;

	for (unsigned type = 0; type < MAX_SWAPFILES; type++) {
		struct swap_info_struct *si = &swap_info[type];

		if (READ_ONCE(si->state) == SWAP_ON)
			nr_free += READ_ONCE_NOPOINT(si->max) -
				   atomic_long_read_nopoint(&si->nr_used);
	}
	return nr_free;
}

long get_total_swap_pages(void)
{
	long total = 0;

	for (unsigned type = 0; type < MAX_SWAPFILES; type++) {
		if (READ_ONCE(swap_info[type].state) == SWAP_ON)
			total += READ_ONCE_NOPOINT(swap_info[type].max);
	}
	return total;
}

/* ---- the world ---- */

static long slots_live(void)
{
	long live = 0;

	for (unsigned type = 0; type < MAX_SWAPFILES; type++)
		live += atomic_long_read_nopoint(&swap_info[type].nr_used);
	return live;
}
LEDGER_KIND(swap_slots, slots_live, NULL);

static long cached_live(void)
{
	return atomic_long_read_nopoint(&nr_swapcache_pages);
}
LEDGER_KIND(swap_cache, cached_live, NULL);

/* Pages whose last PTE went while somebody else had them locked. */
static void settle_swap(void)
{
	for (unsigned type = 0; type < MAX_SWAPFILES; type++) {
		if (READ_ONCE(swap_info[type].state) == SWAP_ON)
			swap_reclaim_cached(&swap_info[type]);
	}
}
SETTLE_STEP(swap, 40, settle_swap);

void swap_world_init(void)
{
	INIT_LIST_HEAD(&mmlist);
}
