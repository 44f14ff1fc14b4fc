/*
 * virtio_pci.c - registers, handshake and rings of a virtio device. See virtio_pci.h.
 */
#include "kernel/drivers/virtio_pci.h"

#include "kernel/core/once.h"
#include "kernel/x86/cpu.h"

/* Of the common registers. */
enum virtio_common {
	VC_DEVICE_FEATURE_SELECT = 0x00,
	VC_DEVICE_FEATURE = 0x04,
	VC_DRIVER_FEATURE_SELECT = 0x08,
	VC_DRIVER_FEATURE = 0x0c,
	VC_CONFIG_MSIX = 0x10,
	VC_STATUS = 0x14,
	VC_QUEUE_SELECT = 0x16,
	VC_QUEUE_SIZE = 0x18,
	VC_QUEUE_MSIX = 0x1a,
	VC_QUEUE_ENABLE = 0x1c,
	VC_QUEUE_NOTIFY_OFF = 0x1e,
	VC_QUEUE_DESC = 0x20,
	VC_QUEUE_DRIVER = 0x28,
	VC_QUEUE_DEVICE = 0x30,
	VC_SIZE = 0x38,
};

#define STATUS_ACKNOWLEDGE 0x01
#define STATUS_DRIVER	   0x02
#define STATUS_DRIVER_OK   0x04
#define STATUS_FEATURES_OK 0x08

#define CFG_COMMON 1
#define CFG_NOTIFY 2
#define CFG_DEVICE 4

#define CONFIG_SIZE	  0x40 /* of the device's own registers, as far as we look */
#define NO_VECTOR	  0xffff
#define VIRTIO_VERSION_1  (1ull << 32)
#define RESET_TRIES	  100000

static void write8(volatile u8 *base, enum virtio_common reg, u8 value)
{
	base[reg] = value;
}

static void write16(volatile u8 *base, enum virtio_common reg, u16 value)
{
	*(volatile u16 *)(base + reg) = value;
}

static u16 read16(volatile u8 *base, enum virtio_common reg)
{
	return *(volatile u16 *)(base + reg);
}

static void write32(volatile u8 *base, enum virtio_common reg, u32 value)
{
	*(volatile u32 *)(base + reg) = value;
}

static u32 read32(volatile u8 *base, enum virtio_common reg)
{
	return *(volatile u32 *)(base + reg);
}

static void write_phys(volatile u8 *base, enum virtio_common reg, const volatile void *va)
{
	u64 phys = virt_to_phys(va).v;

	write32(base, reg, phys);
	write32(base, reg + 4, phys >> 32);
}

/* ---- finding registers ---- */

/* The capability that tells of part @kind of the registers. 0: none. */
static u8 find_part(const struct pci_dev *dev, u8 kind)
{
	u8 cap = 0;

	while ((cap = pci_find_cap(dev, PCI_CAP_VENDOR, cap))) {
		if (pci_read8(dev, cap + 3) == kind)
			return cap;
	}
	return 0;
}

static volatile u8 *map_part(const struct pci_dev *dev, u8 cap, size_t size)
{
	if (!cap || pci_read32(dev, cap + 12) < size)
		return NULL;
	return pci_map_bar(dev, pci_read8(dev, cap + 4), pci_read32(dev, cap + 8), size);
}

/* The word by which queue 0 is told of new chains. */
static volatile u16 *map_notify(const struct virtio_pci *vp, const struct pci_dev *dev)
{
	u8 cap = find_part(dev, CFG_NOTIFY);
	u32 offset;

	if (!cap)
		return NULL;
	write16(vp->common, VC_QUEUE_SELECT, 0);
	offset = read16(vp->common, VC_QUEUE_NOTIFY_OFF) * pci_read32(dev, cap + 16);
	if (pci_read32(dev, cap + 12) < offset + 2)
		return NULL;
	return pci_map_bar(dev, pci_read8(dev, cap + 4), pci_read32(dev, cap + 8) + offset, 2);
}

/* ---- handshake ---- */

void virtio_pci_reset(struct virtio_pci *vp)
{
	write8(vp->common, VC_STATUS, 0);
	for (unsigned i = 0; i < RESET_TRIES && vp->common[VC_STATUS]; i++)
		__asm__ volatile("pause");
}

static void add_status(struct virtio_pci *vp, u8 status)
{
	write8(vp->common, VC_STATUS, vp->common[VC_STATUS] | status);
}

static u64 offered_features(struct virtio_pci *vp)
{
	u64 features;

	write32(vp->common, VC_DEVICE_FEATURE_SELECT, 0);
	features = read32(vp->common, VC_DEVICE_FEATURE);
	write32(vp->common, VC_DEVICE_FEATURE_SELECT, 1);
	return features | (u64)read32(vp->common, VC_DEVICE_FEATURE) << 32;
}

u64 virtio_pci_features(const struct virtio_pci *vp)
{
	u64 features;

	write32(vp->common, VC_DRIVER_FEATURE_SELECT, 0);
	features = read32(vp->common, VC_DRIVER_FEATURE);
	write32(vp->common, VC_DRIVER_FEATURE_SELECT, 1);
	return features | (u64)read32(vp->common, VC_DRIVER_FEATURE) << 32;
}

const char *virtio_pci_begin(struct virtio_pci *vp, const struct pci_dev *dev, u64 want, u64 need)
{
	u64 features;

	need |= VIRTIO_VERSION_1;
	pci_enable(dev);
	vp->common = map_part(dev, find_part(dev, CFG_COMMON), VC_SIZE);
	if (!vp->common)
		return "its registers cannot be reached";
	virtio_pci_reset(vp);
	add_status(vp, STATUS_ACKNOWLEDGE);
	add_status(vp, STATUS_DRIVER);
	features = offered_features(vp) & (want | need);
	if ((features & need) != need)
		return "it does not offer what is needed";
	write32(vp->common, VC_DRIVER_FEATURE_SELECT, 0);
	write32(vp->common, VC_DRIVER_FEATURE, features);
	write32(vp->common, VC_DRIVER_FEATURE_SELECT, 1);
	write32(vp->common, VC_DRIVER_FEATURE, features >> 32);
	add_status(vp, STATUS_FEATURES_OK);
	if (!(vp->common[VC_STATUS] & STATUS_FEATURES_OK))
		return "it does not agree to its own features";
	vp->config = map_part(dev, find_part(dev, CFG_DEVICE), CONFIG_SIZE);
	vp->notify = map_notify(vp, dev);
	if (!vp->config || !vp->notify)
		return "its registers cannot be reached";
	return NULL;
}

const char *virtio_pci_queue(struct virtio_pci *vp, struct virtq *queue)
{
	unsigned size;

	write16(vp->common, VC_QUEUE_SELECT, 0);
	size = min((unsigned)read16(vp->common, VC_QUEUE_SIZE), VIRTQ_SIZE_MAX);
	if (!size || size & (size - 1))
		return "it has no queue";
	write16(vp->common, VC_QUEUE_SIZE, size);
	write16(vp->common, VC_CONFIG_MSIX, NO_VECTOR);
	write16(vp->common, VC_QUEUE_MSIX, 0);
	if (read16(vp->common, VC_QUEUE_MSIX) != 0)
		return "its queue gets no interrupt";
	vp->queue = queue;
	vp->size = size;
	vp->used_seen = 0;
	write_phys(vp->common, VC_QUEUE_DESC, queue->desc);
	write_phys(vp->common, VC_QUEUE_DRIVER, &queue->avail);
	write_phys(vp->common, VC_QUEUE_DEVICE, &queue->used);
	write16(vp->common, VC_QUEUE_ENABLE, 1);
	add_status(vp, STATUS_DRIVER_OK);
	return NULL;
}

/* ---- rings ---- */

void virtio_pci_offer(struct virtio_pci *vp, u16 head)
{
	struct virtq_avail *avail = &vp->queue->avail;
	u16 index = avail->index;

	avail->ring[index % vp->size] = head;
	barrier();
	*(volatile u16 *)&avail->index = index + 1;
	/* The device reads the index after it is told. */
	smp_mb();
	*vp->notify = 0;
}

bool virtio_pci_take(struct virtio_pci *vp, u16 *head)
{
	struct virtq_used *used = &vp->queue->used;

	if (*(volatile u16 *)&used->index == vp->used_seen)
		return false;
	barrier();
	*head = used->ring[vp->used_seen % vp->size].id;
	vp->used_seen++;
	return true;
}
