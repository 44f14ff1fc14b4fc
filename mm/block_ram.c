/*
 * block_ram.c - frames behind the interface of a block device.
 *
 * Owns: the devices, one table of frame addresses each, as large as the device needs.
 */
#include "mm/block_ram.h"

#include <errno.h>

#include "kernel/base/err.h"
#include "kernel/core/fault.h"
#include "kernel/sched/mutex.h"
#include "mm/page_alloc.h"

/* Field key: [M] ram_mutex  [C] who claimed it, until it exists; then its users, read only */
struct block_ram {
	struct block_device bdev; /* [C] */
	struct page *table; /* [C] its frames hold: */
	void **block;	    /* [C] the addresses of the blocks */
	unsigned long nr;   /* [C] blocks there are */
	unsigned order;	    /* [C] of @table */
	bool claimed;	    /* [M] exists, or is being made or destroyed */
	bool exists;	    /* [M] */
};

#define TABLE_PER_FRAME (PAGE_SIZE / sizeof(void *))
#define RAM_PAGES_MAX	(TABLE_PER_FRAME << MAX_ORDER)

static struct block_ram rams[BLOCK_RAM_MAX];
static DEFINE_MUTEX(ram_mutex, LC_SWAPON);

DELAY_SITE(ram_transfer, "pages move to or from a RAM device");

static void copy_frame(void *to, const void *from)
{
	unsigned long n = PAGE_SIZE / 8;

	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

static int ram_transfer(struct block_device *bdev, u64 sector, const phys_t *frames, unsigned nr,
			bool write)
{
	const struct block_ram *ram = bdev->private;
	void *const *block = ram->block + sector / SECTORS_PER_PAGE;

	delay_point(&delay_site_ram_transfer);
	do {
		void *frame = phys_to_virt(*frames++);

		if (write)
			copy_frame(*block++, frame);
		else
			copy_frame(frame, *block++);
	} while (--nr);
	return 0;
}

static const struct block_ops ram_ops = {.transfer = ram_transfer};

static void ram_free(struct block_ram *ram)
{
	while (ram->nr)
		free_page(virt_to_page(ram->block[--ram->nr]));
	if (ram->table)
		free_pages(ram->table, ram->order);
	ram->table = NULL;
}

/* A device may be asked for that is larger than all memory. */
#define DEVICE_GFP (GFP_KERNEL | __GFP_RETRY_MAYFAIL)

static int ram_fill(struct block_ram *ram, unsigned long nr_pages)
{
	ram->order = 0;
	while (TABLE_PER_FRAME << ram->order < nr_pages)
		ram->order++;
	ram->table = alloc_pages(DEVICE_GFP | GFP_FOR(FK_SWAP), ram->order);
	if (!ram->table)
		return -ENOMEM;
	ram->block = page_address(ram->table);
	for (; ram->nr < nr_pages; ram->nr++) {
		struct page *page = alloc_page(DEVICE_GFP | __GFP_ZERO | GFP_FOR(FK_SWAP));

		if (!page) {
			ram_free(ram);
			return -ENOMEM;
		}
		ram->block[ram->nr] = page_address(page);
	}
	return 0;
}

/* Memory is asked for with no lock held: reclaim may have to run for it. */
static bool ram_claim(struct block_ram *ram)
{
	bool claimed;

	mutex_lock(&ram_mutex);
	claimed = !ram->claimed;
	ram->claimed = true;
	mutex_unlock(&ram_mutex);
	return claimed;
}

static void ram_settle(struct block_ram *ram, bool exists)
{
	mutex_lock(&ram_mutex);
	ram->exists = exists;
	ram->claimed = exists;
	mutex_unlock(&ram_mutex);
}

struct block_device *block_ram_create(unsigned id, unsigned long nr_pages)
{
	struct block_ram *ram;
	int err;

	if (id >= BLOCK_RAM_MAX || !nr_pages || nr_pages > RAM_PAGES_MAX)
		return ERR_PTR(-EINVAL);
	ram = &rams[id];
	if (!ram_claim(ram))
		return ERR_PTR(-EBUSY);
	err = ram_fill(ram, nr_pages);
	if (!err) {
		ram->bdev = (struct block_device){
			.name = {'r', 'a', 'm', (char)('0' + id)},
			.nr_sectors = nr_pages * SECTORS_PER_PAGE,
			.ops = &ram_ops,
			.private = ram,
		};
	}
	ram_settle(ram, !err);
	return err ? ERR_PTR(err) : &ram->bdev;
}

void block_ram_destroy(struct block_device *bdev)
{
	struct block_ram *ram = bdev->private;

	mutex_lock(&ram_mutex);
	ram->exists = false;
	mutex_unlock(&ram_mutex);
	ram_free(ram);
	ram_settle(ram, false);
}

struct block_device *block_ram_find(unsigned id)
{
	bool exists;

	if (id >= BLOCK_RAM_MAX)
		return NULL;
	mutex_lock(&ram_mutex);
	exists = rams[id].exists;
	mutex_unlock(&ram_mutex);
	return exists ? &rams[id].bdev : NULL;
}

bool block_is_ram(const struct block_device *bdev)
{
	return bdev->ops == &ram_ops;
}
