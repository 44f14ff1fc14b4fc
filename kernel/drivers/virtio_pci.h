/*
 * virtio_pci.h - a virtio 1.0 device on PCI with one queue.
 *
 * Owns: finding its registers, the handshake, the rings.
 * Not here: what requests say (virtio_blk.c).
 * Idea: a queue is three arrays both sides see: descriptors (buffers), available (heads the driver
 *       offers) and used (heads the device has done). Each side only ever adds to its own.
 *
 *	 desc[]   address, length, next         driver writes, before it offers
 *	 avail    flags, index, ring[]          driver writes: ring first, then index
 *	 used     flags, index, ring[{id,len}]  device writes in the same order
 */
#ifndef KERNEL_DRIVERS_VIRTIO_PCI_H
#define KERNEL_DRIVERS_VIRTIO_PCI_H

#include "kernel/drivers/pci.h"
#include "kernel/x86/layout.h"

#define VIRTQ_SIZE_MAX 256u

#define VIRTQ_NEXT  0x1u /* the chain goes on at @next */
#define VIRTQ_WRITE 0x2u /* the device writes it */

struct virtq_desc {
	u64 addr;
	u32 len;
	u16 flags;
	u16 next;
};

struct virtq_avail {
	u16 flags;
	u16 index;
	u16 ring[VIRTQ_SIZE_MAX];
	u16 used_event;
};

struct virtq_used {
	u16 flags;
	u16 index;
	struct {
		u32 id;
		u32 len;
	} ring[VIRTQ_SIZE_MAX];
	u16 avail_event;
};

/* Memory both sides see. In the image: the device is told physical addresses. */
struct virtq {
	struct virtq_desc desc[VIRTQ_SIZE_MAX];
	struct virtq_avail avail;
	struct virtq_used used __aligned(4);
} __aligned(4096);

/* Field key: [I] set by virtio_pci_begin()  [D] the driver's lock */
struct virtio_pci {
	volatile u8 *common; /* [I] its registers */
	volatile u8 *config; /* [I] those of the kind of device */
	volatile u16 *notify; /* [I] of the queue */
	struct virtq *queue; /* [I] */
	unsigned size;	     /* [I] descriptors of the queue */
	u16 used_seen;	     /* [D] used entries taken */
};

/*
 * virtio_pci_begin - find the registers of @dev, reset it, agree on features.
 *
 * @want:    feature bits that are taken if offered; those in @need are required
 * Returns:  NULL, or in words why it cannot be used
 */
const char *virtio_pci_begin(struct virtio_pci *vp, const struct pci_dev *dev, u64 want, u64 need);

/* Give the device its one queue, whose message is number 0, and let it work. As above. */
const char *virtio_pci_queue(struct virtio_pci *vp, struct virtq *queue);

/* Features agreed on. */
u64 virtio_pci_features(const struct virtio_pci *vp);

/* The device forgets everything and touches no memory any more. */
void virtio_pci_reset(struct virtio_pci *vp);

/* Offer the chain that begins at descriptor @head, and tell the device. Locks: the driver's. */
void virtio_pci_offer(struct virtio_pci *vp, u16 head);

/* The next chain that is done: true with *@head. Locks: the driver's. */
bool virtio_pci_take(struct virtio_pci *vp, u16 *head);

#endif
