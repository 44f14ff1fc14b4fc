/*
 * pci.h - finding devices on the first PCI bus and reaching their registers.
 *
 * Owns: configuration space, capabilities, base addresses, message-signalled interrupts.
 * Not here: what a device's registers mean (virtio_pci.h).
 * Idea: the firmware has given every device its addresses; they are read, not changed. Interrupts
 *       come as messages (MSI-X), so no interrupt routing has to be known.
 * Context: boot, one CPU: configuration space is reached through one pair of ports.
 */
#ifndef KERNEL_DRIVERS_PCI_H
#define KERNEL_DRIVERS_PCI_H

#include "kernel/base/compiler.h"

struct pci_dev {
	u8 slot; /* device * 8 + function, on bus 0 */
	u16 vendor;
	u16 device;
};

#define PCI_CAP_VENDOR 0x09
#define PCI_CAP_MSIX   0x11

u32 pci_read32(const struct pci_dev *dev, u8 reg);
u16 pci_read16(const struct pci_dev *dev, u8 reg);
u8 pci_read8(const struct pci_dev *dev, u8 reg);

/* The first device from *@slot on (0: all of them), and *@slot behind it. False: no more. */
bool pci_next(unsigned *slot, struct pci_dev *dev);

/* The next capability @id behind @after (0: the first). 0: none. */
u8 pci_find_cap(const struct pci_dev *dev, u8 id, u8 after);

/*
 * pci_map_bar - map @size bytes at @offset of base address @bar, uncached.
 *
 * Returns:  where they are; NULL: no memory there, or beyond what the kernel can map
 */
volatile void *pci_map_bar(const struct pci_dev *dev, unsigned bar, u32 offset, size_t size);

/* The device may use memory, and its registers answer; no interrupt by wire. */
void pci_enable(const struct pci_dev *dev);

/* Message 0 of the device arrives at the first CPU as @vector. False: it has none. */
bool pci_enable_msix(const struct pci_dev *dev, u8 vector);

#endif
