/*
 * virtio_blk.c - a virtio disk: requests in fixed places, threads that sleep until theirs is done.
 *
 * Owns: the requests, the interrupt, what happens when the disk does not answer.
 * Idea: a request has its descriptors for good, so that nothing is allocated while memory is short.
 *       Who finds all of them taken sleeps. A disk that does not answer in time is reset, which
 *       takes its hands off our memory, and is dead from then on: every request fails at once.
 *
 *	 request i: desc[i * PER_REQUEST]  header -> page -> ... -> page -> status
 */
#include "kernel/drivers/virtio_blk.h"

#include <errno.h>

#include "kernel/core/fault.h"
#include "kernel/core/log.h"
#include "kernel/core/setting.h"
#include "kernel/core/spinlock.h"
#include "kernel/drivers/block.h"
#include "kernel/drivers/virtio_pci.h"
#include "kernel/sched/timer.h"
#include "kernel/sched/wait.h"
#include "kernel/x86/trap.h"

#define VIRTIO_VENDOR	   0x1af4
#define VIRTIO_BLK_OLD	   0x1001
#define VIRTIO_BLK	   0x1042
#define VIRTIO_BLK_SEG_MAX (1ull << 2)
#define VIRTIO_BLK_RO	   (1ull << 5)

#define BLK_READ   0u
#define BLK_WRITE  1u
#define BLK_OK	   0
#define NO_ANSWER  0xff
#define CAPACITY   0x00 /* in the device's own registers */
#define SEG_MAX	   0x0c

#define REQUESTS_MAX  8u
#define PER_REQUEST   (BLOCK_PAGES_MAX + 2)
#define ANSWER_MS_MAX 600000

DELAY_SITE(disk_io, "a request is about to be given to the disk");

static u64 answer_ms = 60000; /* a busy host may take seconds */

static u64 disk_answer_ms_get(void)
{
	return answer_ms;
}

static int disk_answer_ms_set(u64 value)
{
	answer_ms = value;
	return 0;
}
SETTING_U64(disk_answer_ms, "how long a disk may take to answer before it is given up", 0,
	    ANSWER_MS_MAX, disk_answer_ms_get, disk_answer_ms_set);

/* What the device reads and writes of a request. */
struct blk_header {
	u32 type;
	u32 reserved;
	u64 sector;
};

/* Field key: [T] who took it  [D] disk.lock */
struct blk_request {
	struct blk_header header; /* [T] until offered */
	u8 status;		  /* [T]; written by the device while offered */
	bool taken;		  /* [D] */
	u32 done;		  /* [D] the device is finished with it; read by its waiter */
};

/* Field key: [I] set at boot  [D] lock */
static struct {
	struct block_device bdev;
	struct virtio_pci vp;		/* [I]; used_seen and rings [D] */
	spinlock_t lock;		/*     LC_DISK, interrupts off */
	struct blk_request request[REQUESTS_MAX];
	unsigned nr_requests;		/* [I] */
	bool dead;			/* [D] */
	struct wait_queue_head free_wait; /*   for a request that is not taken */
	struct wait_queue_head done_wait; /*   for one's own to be done */
} disk;

static struct virtq queue;

/* ---- requests ---- */

static struct blk_request *try_take_request(void)
{
	struct blk_request *found = NULL;
	unsigned long flags;

	spin_lock_irqsave(&disk.lock, flags);
	for (unsigned i = 0; i < disk.nr_requests && !found; i++) {
		if (!disk.request[i].taken)
			found = &disk.request[i];
	}
	if (found) {
		found->taken = true;
		found->done = 0;
	}
	spin_unlock_irqrestore(&disk.lock, flags);
	return found;
}

static struct blk_request *take_request(void)
{
	struct blk_request *request;

	wait_event_exclusive(&disk.free_wait, (request = try_take_request()) != NULL);
	return request;
}

static void free_request(struct blk_request *request)
{
	unsigned long flags;

	spin_lock_irqsave(&disk.lock, flags);
	request->taken = false;
	spin_unlock_irqrestore(&disk.lock, flags);
	wake_up(&disk.free_wait);
}

static void set_desc(unsigned at, u64 addr, u32 len, u16 flags)
{
	queue.desc[at] = (struct virtq_desc){
		.addr = addr, .len = len, .flags = flags, .next = at + 1};
}

/* Describe the request to the device. Returns its first descriptor. */
static u16 fill_request(struct blk_request *request, u64 sector, const phys_t *frames, unsigned nr,
			bool write)
{
	unsigned first = (request - disk.request) * PER_REQUEST, at = first;
	u16 data = VIRTQ_NEXT | (write ? 0 : VIRTQ_WRITE);

	request->header = (struct blk_header){
		.type = write ? BLK_WRITE : BLK_READ, .sector = sector};
	request->status = NO_ANSWER;
	set_desc(at++, virt_to_phys(&request->header).v, sizeof(request->header), VIRTQ_NEXT);
	for (unsigned i = 0; i < nr; i++)
		set_desc(at++, frames[i].v, PAGE_SIZE, data);
	set_desc(at, virt_to_phys(&request->status).v, 1, VIRTQ_WRITE);
	return first;
}

/* False: the disk is dead. */
static bool offer_request(u16 head)
{
	unsigned long flags;
	bool alive;

	spin_lock_irqsave(&disk.lock, flags);
	alive = !disk.dead;
	if (alive)
		virtio_pci_offer(&disk.vp, head);
	spin_unlock_irqrestore(&disk.lock, flags);
	return alive;
}

/* It did not answer @request: nobody's memory is touched by it when this returns. */
static void give_up_disk(struct blk_request *request)
{
	unsigned long flags;
	bool first;

	spin_lock_irqsave(&disk.lock, flags);
	first = !disk.dead && !request->done;
	if (first) {
		disk.dead = true;
		virtio_pci_reset(&disk.vp);
		for (unsigned i = 0; i < disk.nr_requests; i++)
			WRITE_ONCE(disk.request[i].done, 1);
	}
	spin_unlock_irqrestore(&disk.lock, flags);
	if (first)
		pr_err("%s: no answer for %lu ms, it is given up", disk.bdev.name,
		       (unsigned long)answer_ms);
	wake_up_all(&disk.done_wait);
}

static int disk_transfer(struct block_device *bdev, u64 sector, const phys_t *frames, unsigned nr,
			 bool write)
{
	struct blk_request *request = take_request();
	int err = -EIO;

	delay_point(&delay_site_disk_io);
	if (offer_request(fill_request(request, sector, frames, nr, write))) {
		if (!wait_event_timeout(&disk.done_wait, READ_ONCE(request->done),
					answer_ms * NSEC_PER_MSEC))
			give_up_disk(request);
		if (*(volatile u8 *)&request->status == BLK_OK)
			err = 0;
	}
	free_request(request);
	return err;
}

static void disk_interrupt(struct trap_frame *frame)
{
	bool any = false;
	u16 head;

	spin_lock(&disk.lock);
	while (!disk.dead && virtio_pci_take(&disk.vp, &head)) {
		unsigned i = head / PER_REQUEST;

		if (i < disk.nr_requests && disk.request[i].taken)
			WRITE_ONCE(disk.request[i].done, 1);
		any = true;
	}
	spin_unlock(&disk.lock);
	if (any)
		wake_up_all(&disk.done_wait);
}

/* ---- finding it ---- */

static const struct block_ops disk_ops = {.transfer = disk_transfer};

static u32 config32(unsigned reg)
{
	return *(volatile u32 *)(disk.vp.config + reg);
}

static const char *disk_begin(const struct pci_dev *dev)
{
	const char *why = virtio_pci_begin(&disk.vp, dev, VIRTIO_BLK_SEG_MAX | VIRTIO_BLK_RO, 0);
	u64 features;

	if (why)
		return why;
	features = virtio_pci_features(&disk.vp);
	if (features & VIRTIO_BLK_RO)
		return "it can only be read";
	if (features & VIRTIO_BLK_SEG_MAX && config32(SEG_MAX) < BLOCK_PAGES_MAX)
		return "it does not take enough pages at a time";
	if (!pci_enable_msix(dev, VEC_DISK))
		return "it sends no messages (MSI-X)";
	irq_handler_set(VEC_DISK, disk_interrupt);
	why = virtio_pci_queue(&disk.vp, &queue);
	if (why)
		return why;
	disk.nr_requests = min(disk.vp.size / PER_REQUEST, REQUESTS_MAX);
	return disk.nr_requests ? NULL : "its queue is too short";
}

const char *virtio_blk_init(void)
{
	struct pci_dev dev;
	unsigned slot = 0;
	const char *why;

	while (pci_next(&slot, &dev)) {
		if (dev.vendor != VIRTIO_VENDOR ||
		    (dev.device != VIRTIO_BLK_OLD && dev.device != VIRTIO_BLK))
			continue;
		spin_lock_init(&disk.lock, LC_DISK);
		init_waitqueue_head(&disk.free_wait);
		init_waitqueue_head(&disk.done_wait);
		why = disk_begin(&dev);
		if (why)
			return why;
		disk.bdev = (struct block_device){
			.name = "vda",
			.nr_sectors = config32(CAPACITY) | (u64)config32(CAPACITY + 4) << 32,
			.ops = &disk_ops,
		};
		return block_register(&disk.bdev) ? NULL : "there are too many devices";
	}
	return NULL;
}
