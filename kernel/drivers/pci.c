/*
 * pci.c - configuration space through ports 0xcf8 and 0xcfc, and what it leads to.
 */
#include "kernel/drivers/pci.h"

#include "kernel/x86/io.h"
#include "kernel/x86/kmap.h"
#include "kernel/x86/pcpu.h"

#define PCI_ADDRESS 0xcf8
#define PCI_DATA    0xcfc
#define PCI_ENABLE  0x80000000u
#define PCI_SLOTS   256u

enum pci_reg {
	PCI_ID = 0x00,
	PCI_COMMAND = 0x04,
	PCI_HEADER = 0x0c,
	PCI_BAR0 = 0x10,
	PCI_CAPS = 0x34,
};

#define COMMAND_MEMORY	 0x002u
#define COMMAND_MASTER	 0x004u
#define COMMAND_NO_INTX	 0x400u
#define STATUS_HAS_CAPS	 (0x10u << 16)
#define HEADER_MULTI	 (0x80u << 16)
#define BAR_IO		 0x1u
#define BAR_64		 0x4u
#define BAR_MASK	 (~0xfu)
#define CAPS_MAX	 48 /* more than fit: a list that leads round in a circle ends */

#define MSIX_ENABLE	 0x80000000u
#define MSIX_MASK_ALL	 0x40000000u
#define MSI_ADDRESS	 0xfee00000u

static u32 config_read(u8 slot, u8 reg)
{
	outl(PCI_ADDRESS, PCI_ENABLE | (u32)slot << 8 | (reg & 0xfc));
	return inl(PCI_DATA);
}

static void config_write(u8 slot, u8 reg, u32 value)
{
	outl(PCI_ADDRESS, PCI_ENABLE | (u32)slot << 8 | (reg & 0xfc));
	outl(PCI_DATA, value);
}

u32 pci_read32(const struct pci_dev *dev, u8 reg)
{
	return config_read(dev->slot, reg);
}

u16 pci_read16(const struct pci_dev *dev, u8 reg)
{
	return config_read(dev->slot, reg) >> (reg & 2) * 8;
}

u8 pci_read8(const struct pci_dev *dev, u8 reg)
{
	return config_read(dev->slot, reg) >> (reg & 3) * 8;
}

bool pci_next(unsigned *slot, struct pci_dev *dev)
{
	while (*slot < PCI_SLOTS) {
		unsigned at = *slot;
		u32 id = config_read(at, PCI_ID);

		/* Functions 1 to 7 answer only if function 0 says that it has brothers. */
		if (at % 8 == 0 && !(config_read(at, PCI_HEADER) & HEADER_MULTI))
			*slot += 8;
		else
			*slot += 1;
		if ((u16)id == 0xffff)
			continue;
		*dev = (struct pci_dev){.slot = at, .vendor = id, .device = id >> 16};
		return true;
	}
	return false;
}

u8 pci_find_cap(const struct pci_dev *dev, u8 id, u8 after)
{
	u8 at;

	if (!(pci_read32(dev, PCI_COMMAND) & STATUS_HAS_CAPS))
		return 0;
	at = after ? pci_read8(dev, after + 1) : pci_read8(dev, PCI_CAPS);
	for (unsigned i = 0; i < CAPS_MAX && (at &= 0xfc); i++) {
		if (pci_read8(dev, at) == id)
			return at;
		at = pci_read8(dev, at + 1);
	}
	return 0;
}

volatile void *pci_map_bar(const struct pci_dev *dev, unsigned bar, u32 offset, size_t size)
{
	u8 reg = PCI_BAR0 + 4 * bar;
	u64 start;
	u32 low;

	if (bar > 5)
		return NULL;
	low = pci_read32(dev, reg);
	if (low & BAR_IO || !(low & BAR_MASK))
		return NULL;
	start = low & BAR_MASK;
	if (low & BAR_64 && bar < 5)
		start |= (u64)pci_read32(dev, reg + 4) << 32;
	start += offset;
	if (start >= DIRECT_MAP_SIZE || size > DIRECT_MAP_SIZE - start)
		return NULL;
	return kmap_mmio(PHYS(start), size);
}

void pci_enable(const struct pci_dev *dev)
{
	u32 command = pci_read32(dev, PCI_COMMAND) & 0xffff;

	config_write(dev->slot, PCI_COMMAND,
		     command | COMMAND_MEMORY | COMMAND_MASTER | COMMAND_NO_INTX);
}

bool pci_enable_msix(const struct pci_dev *dev, u8 vector)
{
	u8 cap = pci_find_cap(dev, PCI_CAP_MSIX, 0);
	volatile u32 *entry;
	u32 table;

	if (!cap)
		return false;
	table = pci_read32(dev, cap + 4);
	entry = pci_map_bar(dev, table & 7, table & ~7u, 16);
	if (!entry)
		return false;
	entry[0] = MSI_ADDRESS | pcpus[0]->apic_id << 12;
	entry[1] = 0;
	entry[2] = vector;
	entry[3] = 0; /* not masked */
	config_write(dev->slot, cap, (pci_read32(dev, cap) | MSIX_ENABLE) & ~MSIX_MASK_ALL);
	return true;
}
