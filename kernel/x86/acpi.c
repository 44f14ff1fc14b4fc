/*
 * acpi.c - RSDP, RSDT or XSDT, MADT. See acpi.h.
 */
#include "kernel/x86/acpi.h"

#include <errno.h>
#include <string.h>
#include "kernel/x86/init.h"

#define BIOS_START    0xe0000
#define BIOS_END      0x100000
#define EBDA_POINTER  0x40e
#define EBDA_SCAN     1024
#define TABLE_MAX     (1u << 20) /* no table we read is longer; a longer one is damage */
#define LAPIC_DEFAULT 0xfee00000

struct acpi_rsdp {
	char signature[8];
	u8 checksum;
	char oem[6];
	u8 revision;
	u32 rsdt;
	/* revision 2 and later */
	u32 length;
	u64 xsdt;
	u8 ext_checksum;
	u8 reserved[3];
} __packed;

#define RSDP_V1_SIZE 20

struct acpi_header {
	char signature[4];
	u32 length;
	u8 revision;
	u8 checksum;
	char oem[22];
	u32 creator;
} __packed;

struct acpi_madt {
	struct acpi_header header;
	u32 lapic;
	u32 flags;
} __packed;

enum madt_type {
	MADT_LAPIC = 0,
	MADT_IOAPIC = 1,
	MADT_OVERRIDE = 2,
	MADT_LAPIC_ADDR = 5,
	MADT_X2APIC = 9
};

struct madt_lapic {
	u8 type, len, acpi_id, apic_id;
	u32 flags;
} __packed;

struct madt_ioapic {
	u8 type, len, id, reserved;
	u32 phys;
	u32 gsi_base;
} __packed;

struct madt_override {
	u8 type, len, bus, irq;
	u32 gsi;
	u16 flags;
} __packed;

struct madt_lapic_addr {
	u8 type, len;
	u16 reserved;
	u64 phys;
} __packed;

#define LAPIC_ENABLED 1
#define POLARITY_LOW  3
#define TRIGGER_LEVEL 3

static __init bool sums_to_zero(const void *data, size_t len)
{
	const u8 *p = data;
	u8 sum = 0;

	while (len--)
		sum += *p++;
	return sum == 0;
}

static __init const struct acpi_rsdp *rsdp_at(const struct acpi_memory *mem, u64 phys)
{
	const struct acpi_rsdp *rsdp = mem->map(mem->ctx, phys, RSDP_V1_SIZE);

	if (!rsdp || memcmp(rsdp->signature, "RSD PTR ", 8) || !sums_to_zero(rsdp, RSDP_V1_SIZE))
		return NULL;
	if (rsdp->revision < 2)
		return rsdp;
	rsdp = mem->map(mem->ctx, phys, sizeof(*rsdp));
	if (!rsdp || rsdp->length < sizeof(*rsdp) || rsdp->length > 4096)
		return NULL;
	rsdp = mem->map(mem->ctx, phys, rsdp->length);
	return rsdp && sums_to_zero(rsdp, rsdp->length) ? rsdp : NULL;
}

/* The RSDP stands on a 16-byte boundary in the first KiB of the EBDA or in the BIOS area. */
static __init const struct acpi_rsdp *find_rsdp(const struct acpi_memory *mem)
{
	const u16 *ebda_segment = mem->map(mem->ctx, EBDA_POINTER, sizeof(*ebda_segment));
	u64 ebda = ebda_segment ? (u64)*ebda_segment << 4 : 0;
	const struct acpi_rsdp *rsdp = NULL;

	for (u64 p = ebda; ebda && !rsdp && p < ebda + EBDA_SCAN; p += 16)
		rsdp = rsdp_at(mem, p);
	for (u64 p = BIOS_START; !rsdp && p < BIOS_END; p += 16)
		rsdp = rsdp_at(mem, p);
	return rsdp;
}

/* The whole table at @phys, or NULL if its length or checksum is wrong. */
static __init const struct acpi_header *table_at(const struct acpi_memory *mem, u64 phys)
{
	const struct acpi_header *h = mem->map(mem->ctx, phys, sizeof(*h));
	u32 len;

	if (!h)
		return NULL;
	len = h->length;
	if (len < sizeof(*h) || len > TABLE_MAX)
		return NULL;
	h = mem->map(mem->ctx, phys, len);
	return h && sums_to_zero(h, len) ? h : NULL;
}

/*
 * Look for the MADT among the pointers of @root, each @width bytes. *@err: -ENOENT or, if one was
 * damaged, -EINVAL.
 */
static __init const struct acpi_madt *
find_madt(const struct acpi_memory *mem, const struct acpi_header *root, size_t width, int *err)
{
	const char *p = (const char *)(root + 1);
	const char *end = (const char *)root + root->length;

	*err = -ENOENT;
	for (; (size_t)(end - p) >= width; p += width) {
		const struct acpi_header *h;
		u64 phys = 0;

		memcpy(&phys, p, width);
		h = mem->map(mem->ctx, phys, sizeof(*h));
		if (!h || memcmp(h->signature, "APIC", 4))
			continue;
		h = table_at(mem, phys);
		if (h && h->length >= sizeof(struct acpi_madt))
			return (const struct acpi_madt *)h;
		*err = -EINVAL;
	}
	return NULL;
}

static __init void add_cpu(struct acpi_info *info, const struct madt_lapic *e)
{
	bool known = false;

	if (!(e->flags & LAPIC_ENABLED))
		return;
	for (unsigned i = 0; i < info->nr_cpus; i++)
		known |= info->apic_id[i] == e->apic_id;
	if (known || e->apic_id == 0xff || info->nr_cpus == ACPI_MAX_CPUS)
		info->nr_ignored++;
	else
		info->apic_id[info->nr_cpus++] = e->apic_id;
}

static __init void add_ioapic(struct acpi_info *info, const struct madt_ioapic *e)
{
	if (info->nr_ioapics < ACPI_MAX_IOAPICS && e->phys)
		info->ioapic[info->nr_ioapics++] =
			(struct acpi_ioapic){.id = e->id, .phys = e->phys, .gsi_base = e->gsi_base};
}

static __init void add_override(struct acpi_info *info, const struct madt_override *e)
{
	if (e->bus != 0 || e->irq >= ACPI_ISA_IRQS)
		return;
	info->isa[e->irq] = (struct acpi_isa_irq){
		.gsi = e->gsi,
		.active_low = (e->flags & 3) == POLARITY_LOW,
		.level = (e->flags >> 2 & 3) == TRIGGER_LEVEL,
	};
}

/* One entry whose @len bytes are there. An entry too short for its type is damage. */
static __init int parse_entry(struct acpi_info *info, const u8 *p, u8 len)
{
	static const u8 needed[] = {
		[MADT_LAPIC] = sizeof(struct madt_lapic),
		[MADT_IOAPIC] = sizeof(struct madt_ioapic),
		[MADT_OVERRIDE] = sizeof(struct madt_override),
		[MADT_LAPIC_ADDR] = sizeof(struct madt_lapic_addr),
	};

	if (p[0] < ARRAY_SIZE(needed) && len < needed[p[0]])
		return -EINVAL;
	switch (p[0]) {
	case MADT_LAPIC: add_cpu(info, (const struct madt_lapic *)p); break;
	case MADT_IOAPIC: add_ioapic(info, (const struct madt_ioapic *)p); break;
	case MADT_OVERRIDE: add_override(info, (const struct madt_override *)p); break;
	case MADT_LAPIC_ADDR: info->lapic_phys = ((const struct madt_lapic_addr *)p)->phys; break;
	case MADT_X2APIC: info->nr_ignored++; break;
	default: break;
	}
	return 0;
}

static __init int parse_madt(const struct acpi_madt *madt, struct acpi_info *info)
{
	const u8 *p = (const u8 *)(madt + 1);
	const u8 *end = (const u8 *)madt + madt->header.length;

	info->lapic_phys = madt->lapic;
	while (p < end) {
		if (end - p < 2 || p[1] < 2 || p[1] > end - p)
			return -EINVAL;
		if (parse_entry(info, p, p[1]))
			return -EINVAL;
		p += p[1];
	}
	return 0;
}

static __init void set_defaults(struct acpi_info *info)
{
	memset(info, 0, sizeof(*info));
	info->lapic_phys = LAPIC_DEFAULT;
	for (unsigned i = 0; i < ACPI_ISA_IRQS; i++)
		info->isa[i].gsi = i;
}

static __init int parse_tables(const struct acpi_memory *mem, struct acpi_info *info,
			       const char **why)
{
	const struct acpi_rsdp *rsdp = find_rsdp(mem);
	const struct acpi_header *root = NULL;
	const struct acpi_madt *madt;
	bool wide = false;
	int err;

	*why = "no ACPI RSDP";
	if (!rsdp)
		return -ENOENT;
	if (rsdp->revision >= 2 && rsdp->xsdt) {
		root = table_at(mem, rsdp->xsdt);
		wide = root && !memcmp(root->signature, "XSDT", 4);
	}
	if (!wide)
		root = table_at(mem, rsdp->rsdt);
	*why = "the ACPI root table is damaged";
	if (!root || (!wide && memcmp(root->signature, "RSDT", 4)))
		return -EINVAL;

	madt = find_madt(mem, root, wide ? 8 : 4, &err);
	*why = err == -ENOENT ? "no ACPI MADT" : "the ACPI MADT is damaged (length or checksum)";
	if (!madt)
		return err;
	*why = "the ACPI MADT is damaged (entry length)";
	return parse_madt(madt, info);
}

int __init acpi_parse(const struct acpi_memory *mem, struct acpi_info *info, const char **why)
{
	int err;

	set_defaults(info);
	err = parse_tables(mem, info, why);
	if (err)
		set_defaults(info);
	return err;
}
