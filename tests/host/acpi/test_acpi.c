/*
 * test_acpi.c - the ACPI reader against tables made here: good ones, and every way to be bad.
 *
 * Memory is one flat buffer at physical 0; the map callback hands out exact copies on the heap, so
 * that ASan sees any byte read beyond what was asked for.
 */
#include <errno.h>
#include <stdlib.h>
#include "kernel/x86/acpi.h"
#include "tests/host/htest.h"

#define MEMORY	  0x110000ul
#define RSDP_AT	  0xe0140ul
#define RSDT_AT	  0x100000ul
#define XSDT_AT	  0x101000ul
#define MADT_AT	  0x102000ul
#define OTHER_AT  0x103000ul
#define MAPS_KEPT 65536

static u8 memory[MEMORY];
static void *kept[MAPS_KEPT];
static unsigned nr_kept;

static const void *map(void *ctx, u64 phys, size_t len)
{
	void *copy;

	if (phys > MEMORY || len > MEMORY - phys || nr_kept == MAPS_KEPT)
		return NULL;
	copy = malloc(len);
	memcpy(copy, memory + phys, len);
	kept[nr_kept++] = copy;
	return copy;
}

static int parse(struct acpi_info *info)
{
	const struct acpi_memory mem = {.map = map};
	const char *why = NULL;
	int err = acpi_parse(&mem, info, &why);

	while (nr_kept)
		free(kept[--nr_kept]);
	h_expect(!err || (why && *why));
	return err;
}

static void fix_sum(unsigned long at, size_t len, size_t sum_at)
{
	u8 sum = 0;

	memory[at + sum_at] = 0;
	for (size_t i = 0; i < len; i++)
		sum += memory[at + i];
	memory[at + sum_at] = -sum;
}

static void put32(unsigned long at, u32 v)
{
	memcpy(memory + at, &v, 4);
}

static void put64(unsigned long at, u64 v)
{
	memcpy(memory + at, &v, 8);
}

static void put_header(unsigned long at, const char *signature, u32 len)
{
	memcpy(memory + at, signature, 4);
	put32(at + 4, len);
	fix_sum(at, len, 9);
}

static void put_rsdp(u8 revision)
{
	memcpy(memory + RSDP_AT, "RSD PTR ", 8);
	memory[RSDP_AT + 15] = revision;
	put32(RSDP_AT + 16, RSDT_AT);
	put32(RSDP_AT + 20, 36);
	put64(RSDP_AT + 24, XSDT_AT);
	fix_sum(RSDP_AT, 20, 8);
	fix_sum(RSDP_AT, 36, 32);
}

/* Append one MADT entry at *@len. */
static void put_entry(size_t *len, const u8 *bytes, size_t n)
{
	memcpy(memory + MADT_AT + *len, bytes, n);
	*len += n;
}

static void put_cpu(size_t *len, u8 apic, u8 enabled)
{
	put_entry(len, (u8[]){0, 8, apic, apic, enabled, 0, 0, 0}, 8);
}

/* Three CPUs (one disabled), an IOAPIC, IRQ 0 on line 2, IRQ 9 active low level. */
static size_t put_madt(void)
{
	size_t len = 44;

	put32(MADT_AT + 36, 0xfee00000);
	put32(MADT_AT + 40, 1);
	put_cpu(&len, 0, 1);
	put_cpu(&len, 4, 1);
	put_cpu(&len, 9, 0);
	put_entry(&len, (u8[]){1, 12, 7, 0, 0, 0, 0xc0, 0xfe, 16, 0, 0, 0}, 12);
	put_entry(&len, (u8[]){2, 10, 0, 0, 2, 0, 0, 0, 0, 0}, 10);
	put_entry(&len, (u8[]){2, 10, 0, 9, 9, 0, 0, 0, 0xf, 0}, 10);
	put_entry(&len, (u8[]){0x7f, 3, 1}, 3); /* a type from the future */
	put_header(MADT_AT, "APIC", len);
	return len;
}

static void put_machine(u8 revision)
{
	memset(memory, 0, sizeof(memory));
	put_rsdp(revision);
	put32(RSDT_AT + 36, OTHER_AT);
	put32(RSDT_AT + 40, MADT_AT);
	put_header(RSDT_AT, "RSDT", 44);
	put64(XSDT_AT + 36, OTHER_AT);
	put64(XSDT_AT + 44, MADT_AT);
	put_header(XSDT_AT, "XSDT", 52);
	put_header(OTHER_AT, "FACP", 116);
	put_madt();
}

static void expect_good(const struct acpi_info *info)
{
	h_expect_eq(info->lapic_phys, 0xfee00000);
	h_expect_eq(info->nr_cpus, 2);
	h_expect_eq(info->apic_id[0], 0);
	h_expect_eq(info->apic_id[1], 4);
	h_expect_eq(info->nr_ignored, 0);
	h_expect_eq(info->nr_ioapics, 1);
	h_expect_eq(info->ioapic[0].phys, 0xfec00000);
	h_expect_eq(info->ioapic[0].gsi_base, 16);
	h_expect_eq(info->isa[0].gsi, 2);
	h_expect(!info->isa[0].active_low && !info->isa[0].level);
	h_expect_eq(info->isa[9].gsi, 9);
	h_expect(info->isa[9].active_low && info->isa[9].level);
	h_expect_eq(info->isa[4].gsi, 4);
}

/* What a machine gets whose tables cannot be used. */
static void expect_nothing(const struct acpi_info *info)
{
	h_expect_eq(info->nr_cpus, 0);
	h_expect_eq(info->nr_ioapics, 0);
	h_expect_eq(info->lapic_phys, 0xfee00000);
	h_expect_eq(info->isa[0].gsi, 0);
}

static void expect_error(int expected)
{
	struct acpi_info info;

	h_expect_eq(parse(&info), expected);
	expect_nothing(&info);
}

HTEST(version_1_goes_by_rsdt)
{
	struct acpi_info info;

	put_machine(0);
	memset(memory + XSDT_AT, 0xff, 64);
	h_expect_eq(parse(&info), 0);
	expect_good(&info);
}

HTEST(version_2_goes_by_xsdt)
{
	struct acpi_info info;

	put_machine(2);
	memset(memory + RSDT_AT, 0xff, 64);
	h_expect_eq(parse(&info), 0);
	expect_good(&info);
}

HTEST(version_2_with_a_broken_xsdt_falls_back)
{
	struct acpi_info info;

	put_machine(2);
	memory[XSDT_AT + 20] ^= 1;
	h_expect_eq(parse(&info), 0);
	expect_good(&info);
}

HTEST(rsdp_in_the_extended_bios_area)
{
	struct acpi_info info;

	put_machine(0);
	memory[0x40e] = 0x00;
	memory[0x40f] = 0x9f; /* segment 0x9f00 */
	memcpy(memory + 0x9f040, memory + RSDP_AT, 36);
	memset(memory + RSDP_AT, 0, 36);
	h_expect_eq(parse(&info), 0);
	expect_good(&info);
}

HTEST(no_rsdp)
{
	put_machine(0);
	memory[RSDP_AT] = 'r';
	expect_error(-ENOENT);
}

HTEST(rsdp_checksums_count)
{
	put_machine(0);
	memory[RSDP_AT + 10] ^= 1;
	expect_error(-ENOENT);

	put_machine(2);
	memory[RSDP_AT + 33] ^= 1; /* only the long sum sees it */
	expect_error(-ENOENT);

	put_machine(2);
	put32(RSDP_AT + 20, 0xffffffff);
	fix_sum(RSDP_AT, 36, 32);
	expect_error(-ENOENT);
}

HTEST(root_table_damage)
{
	put_machine(0);
	memory[RSDT_AT + 30] ^= 1;
	expect_error(-EINVAL);

	put_machine(0);
	put_header(RSDT_AT, "RSDX", 44);
	expect_error(-EINVAL);

	put_machine(0);
	put32(RSDP_AT + 16, 0xfffffff0); /* not memory */
	fix_sum(RSDP_AT, 20, 8);
	expect_error(-EINVAL);

	put_machine(0);
	put32(RSDT_AT + 4, 12); /* shorter than a header */
	expect_error(-EINVAL);
}

HTEST(no_madt_and_a_damaged_one_differ)
{
	put_machine(0);
	put_header(MADT_AT, "HPET", 56);
	expect_error(-ENOENT);

	put_machine(0);
	memory[MADT_AT + 45] ^= 1;
	expect_error(-EINVAL);

	put_machine(0);
	put_header(MADT_AT, "APIC", 40); /* no room for its own fields */
	expect_error(-EINVAL);

	put_machine(0);
	put32(MADT_AT + 4, 0x7fffffff);
	expect_error(-EINVAL);
}

HTEST(madt_entries_of_wrong_length)
{
	static const struct {
		u8 bytes[2];
		size_t len;
	} bad[] = {
		{{0, 0}, 2}, {{0, 1}, 2}, {{0, 7}, 7}, {{0, 200}, 8},
		{{1, 8}, 8}, {{2, 8}, 8}, {{5, 8}, 8}, {{0, 8}, 1},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		size_t len;

		put_machine(0);
		len = put_madt();
		memset(memory + MADT_AT + len, 0, 16);
		memcpy(memory + MADT_AT + len, bad[i].bytes, 2);
		put_header(MADT_AT, "APIC", len + bad[i].len);
		expect_error(-EINVAL);
	}
}

HTEST(too_many_double_and_odd_cpus_are_counted)
{
	struct acpi_info info;
	size_t len;

	put_machine(0);
	len = put_madt();
	put_cpu(&len, 4, 1);	/* named twice */
	put_cpu(&len, 0xff, 1); /* the broadcast id */
	put_entry(&len, (u8[16]){9, 16, 0, 0, 0, 1, 0, 0, 1}, 16);
	for (unsigned i = 0; i < ACPI_MAX_CPUS; i++)
		put_cpu(&len, 100 + i, 1);
	put_header(MADT_AT, "APIC", len);
	h_expect_eq(parse(&info), 0);
	h_expect_eq(info.nr_cpus, ACPI_MAX_CPUS);
	h_expect_eq(info.nr_ignored, 3 + 2);
}

HTEST(lapic_address_override)
{
	struct acpi_info info;
	size_t len;

	put_machine(0);
	len = put_madt();
	put_entry(&len, (u8[]){5, 12, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0}, 12);
	put_header(MADT_AT, "APIC", len);
	h_expect_eq(parse(&info), 0);
	h_expect_eq(info.lapic_phys, 0x200000000);
}

/* Any bytes: no crash, no read beyond what was mapped (ASan), and the answer is in range. */
HTEST(random_damage_is_survived)
{
	unsigned good = 0, bad = 0;

	srandom(htest_seed());
	for (int round = 0; round < 1500; round++) {
		static const unsigned long part[] = {RSDP_AT, RSDT_AT, XSDT_AT, MADT_AT};
		unsigned long at = part[random() % 4];
		struct acpi_info info;

		put_machine(round & 2);
		for (long n = random() % 4; n >= 0; n--)
			memory[at + random() % 96] = random();
		if (round & 1 && at != RSDP_AT) {
			u32 len;

			memcpy(&len, memory + at + 4, 4);
			if (len < 0x1000)
				fix_sum(at, len, 9); /* so that the content is looked at */
		}
		if (parse(&info) == 0)
			good++;
		else
			bad++;
		h_expect(info.nr_cpus <= ACPI_MAX_CPUS && info.nr_ioapics <= ACPI_MAX_IOAPICS);
	}
	h_expect(good > 50);
	h_expect(bad > 50);
}
