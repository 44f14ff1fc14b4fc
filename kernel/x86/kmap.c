/*
 * kmap.c - the kernel half of every address space. See kmap.h.
 *
 * Owns: four-level tables from kernel_pgd down. Table pages come from boot_alloc() until layer 4
 *       gives a source; none is ever given back, so a lookup needs no lock against freeing.
 */
#include "kernel/x86/kmap.h"

#include <errno.h>
#include <string.h>
#include "kernel/x86/boot_info.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/init.h"
#include "kernel/x86/machine.h"
#include "kernel/x86/pcpu.h"
#include "kernel/x86/smp_internal.h"

#define ENTRIES	    512
#define KM_TABLE    (KM_PRESENT | KM_WRITE)
#define TOP_LEVEL   3
#define LARGE_LEVEL 1

extern char __init_text_start[], __init_text_end[];

static u64 root_table[ENTRIES] __aligned(PAGE_SIZE);
static phys_t (*table_alloc)(void);

phys_t kernel_pgd;
unsigned long kmap_nr_tables;
unsigned long kmap_changes;
u64 *kmap_changed[KMAP_CHANGED_MAX];

static u64 *table_of(u64 entry)
{
	return phys_to_virt(PHYS(entry & KM_ADDR));
}

static u64 *entry_in(u64 *table, const volatile void *va, unsigned level)
{
	return &table[((u64)va >> (PAGE_SHIFT + 9 * level)) & (ENTRIES - 1)];
}

static phys_t boot_table_alloc(void)
{
	if (boot_alloc_closed())
		return PHYS(0);
	return virt_to_phys(boot_alloc(PAGE_SIZE, PAGE_SIZE));
}

static u64 *new_table(void)
{
	phys_t p = table_alloc();

	if (!p.v)
		return NULL;
	kmap_nr_tables++;
	return phys_to_virt(p);
}

/*
 * Replace the large entry at @entry by a table that maps the same with the same rights. 0 or
 * -ENOMEM.
 */
static int split_large(u64 *entry)
{
	u64 large = *entry;
	u64 *table = new_table();

	if (!table)
		return -ENOMEM;
	for (unsigned i = 0; i < ENTRIES; i++)
		table[i] = (large & ~KM_LARGE) + i * PAGE_SIZE;
	__atomic_store_n(entry, virt_to_phys(table).v | KM_TABLE, __ATOMIC_RELEASE);
	return 0;
}

/*
 * walk - the entry for the 4 KiB page at @va in *@pte.
 *
 * @make: build missing tables. A large page on the way is split in any case.
 * Returns 0, -ENOENT (no table, !@make) or -ENOMEM.
 */
static int walk(const volatile void *va, bool make, u64 **pte)
{
	u64 *table = root_table;

	for (unsigned level = TOP_LEVEL; level > 0; level--) {
		u64 *entry = entry_in(table, va, level);

		if (!(*entry & KM_PRESENT)) {
			u64 *next = make ? new_table() : NULL;

			if (!next)
				return make ? -ENOMEM : -ENOENT;
			__atomic_store_n(entry, virt_to_phys(next).v | KM_TABLE, __ATOMIC_RELEASE);
		} else if (*entry & KM_LARGE) {
			int err = split_large(entry);

			if (err)
				return err;
		}
		table = table_of(*entry);
	}
	*pte = entry_in(table, va, 0);
	return 0;
}

static void write_entry(u64 *pte, u64 value)
{
	__atomic_store_n(pte, value, __ATOMIC_RELEASE);
	kmap_changed[kmap_changes++ % KMAP_CHANGED_MAX] = pte;
}

int kmap_page(void *va, phys_t frame, u64 prot)
{
	u64 *pte;
	int err = walk(va, true, &pte);

	if (err)
		return err;
	if (*pte & KM_PRESENT)
		return -EEXIST;
	write_entry(pte, frame.v | prot);
	return 0;
}

int kmap_unmap(void *va, phys_t *frame)
{
	u64 *pte;
	int err = walk(va, false, &pte);

	if (err)
		return err;
	if (!(*pte & KM_PRESENT))
		return -ENOENT;
	if (frame)
		*frame = PHYS(*pte & KM_ADDR);
	write_entry(pte, 0);
	invlpg(va);
	return 0;
}

int kmap_protect(void *va, size_t nr_pages, u64 prot)
{
	for (char *p = va; nr_pages--; p += PAGE_SIZE) {
		u64 *pte;
		int err = walk(p, false, &pte);

		if (err)
			return err;
		if (!(*pte & KM_PRESENT))
			return -ENOENT;
		write_entry(pte, (*pte & KM_ADDR) | prot);
		invlpg(p);
	}
	return 0;
}

int kmap_split(void *va)
{
	u64 *pte;
	int err = walk(va, false, &pte);

	if (err)
		return err;
	return *pte & KM_PRESENT ? 0 : -ENOENT;
}

int kmap_prepare(void *va, size_t size)
{
	char *end = (char *)va + size;

	for (char *p = va; p < end;
	     p = (char *)ALIGN_DOWN((u64)p, LARGE_PAGE_SIZE) + LARGE_PAGE_SIZE) {
		u64 *pte;
		int err = walk(p, true, &pte);

		if (err)
			return err;
	}
	return 0;
}

u64 *kmap_pte(unsigned long addr)
{
	const void *va = (const void *)addr;
	u64 *table = root_table;

	for (unsigned level = TOP_LEVEL; level > 0; level--) {
		u64 entry = *entry_in(table, va, level);

		if (!(entry & KM_PRESENT) || entry & KM_LARGE)
			return NULL;
		table = table_of(entry);
	}
	return entry_in(table, va, 0);
}

bool kmap_lookup(const volatile void *va, phys_t *frame, u64 *prot)
{
	u64 *table = root_table;
	unsigned level = TOP_LEVEL;
	u64 entry, size;

	for (;; level--) {
		entry = *entry_in(table, va, level);
		if (!(entry & KM_PRESENT))
			return false;
		if (level == 0 || entry & KM_LARGE)
			break;
		table = table_of(entry);
	}
	size = PAGE_SIZE << (9 * level);
	if (frame)
		*frame = PHYS((entry & KM_ADDR & ~(size - 1)) +
			      (((u64)va & (size - 1)) & ~(PAGE_SIZE - 1)));
	if (prot)
		*prot = entry & ~KM_ADDR;
	return true;
}

void kmap_fill_pgd(u64 *pgd)
{
	memcpy(pgd + ENTRIES / 2, root_table + ENTRIES / 2, ENTRIES / 2 * sizeof(*pgd));
}

void kmap_set_table_alloc(phys_t (*alloc)(void))
{
	table_alloc = alloc;
}

/* --- boot: building the areas ------------------------------------------------ */

static __init void must(int err)
{
	if (err)
		machine_refuse("not enough memory for the kernel's page tables");
}

/* Every top-level entry the kernel will ever use, so that root tables made later need no update. */
static __init void preset_areas(void)
{
	static void *const area[] = {(void *)DIRECT_MAP_BASE, (void *)WINDOW_BASE,
				     (void *)KERNEL_BASE};

	for (unsigned i = 0; i < ARRAY_SIZE(area); i++)
		*entry_in(root_table, area[i], TOP_LEVEL) = virt_to_phys(new_table()).v | KM_TABLE;
}

static __init void map_large(u64 phys)
{
	void *va = phys_to_virt(PHYS(phys));
	u64 *table = root_table;

	for (unsigned level = TOP_LEVEL; level > LARGE_LEVEL; level--) {
		u64 *entry = entry_in(table, va, level);

		if (!(*entry & KM_PRESENT))
			*entry = virt_to_phys(new_table()).v | KM_TABLE;
		table = table_of(*entry);
	}
	*entry_in(table, va, LARGE_LEVEL) = phys | KMAP_RW | KM_LARGE;
}

/* All RAM, and with it whatever shares a large page with RAM. */
static __init void map_direct(const struct memmap *ram)
{
	for (unsigned i = 0; i < ram->nr; i++) {
		u64 p = ALIGN_DOWN(ram->range[i].start, LARGE_PAGE_SIZE);

		for (; p < ram->range[i].end; p += LARGE_PAGE_SIZE)
			map_large(p);
	}
}

static __init void map_image_part(char *start, char *end, u64 prot)
{
	for (char *p = start; p < end; p += PAGE_SIZE)
		must(kmap_page(p, virt_to_phys(p), prot));
}

static __init void map_image(void)
{
	char *constant = phys_to_virt(virt_to_phys(__text_start));

	map_image_part(__init_text_start, __init_text_end, KMAP_RX);
	map_image_part(__init_text_end, __init_end, KMAP_RW);
	map_image_part(__text_start, __text_end, KMAP_RX);
	map_image_part(__rodata_start, __rodata_end, KMAP_RO);
	map_image_part(__roinit_start, __bss_end, KMAP_RW);
	map_image_part(__ksyms_start, __ksyms_end, KMAP_RO);

	/* The same bytes seen through the direct map must not be writable either. */
	must(kmap_protect(constant, (__rodata_end - __text_start) / PAGE_SIZE, KMAP_RO));
	must(kmap_unmap(boot_stack_guard, NULL));

	/* Now, so that kmap_seal() needs no table later. */
	for (char *p = __roinit_start; p < __roinit_end; p += PAGE_SIZE)
		must(kmap_split(phys_to_virt(virt_to_phys(p))));
}

/* .world gets frames of its own, filled from its load image, and no second mapping. */
static __init void map_world(void)
{
	size_t size = __world_end - __world_start;
	size_t data = __world_data_end - __world_start;
	char *frames = boot_alloc(size, PAGE_SIZE);

	memcpy(frames, __world_load, data);
	for (size_t offset = 0; offset < size; offset += PAGE_SIZE) {
		must(kmap_page(__world_start + offset, virt_to_phys(frames + offset),
			       KMAP_RW_LOCAL));
		must(kmap_unmap(frames + offset, NULL));
	}
}

void __init kmap_init(void)
{
	table_alloc = boot_table_alloc;
	kernel_pgd = virt_to_phys(root_table);
	kmap_nr_tables = 1;

	preset_areas();
	map_direct(&boot_info.ram);
	map_image();
	map_world();
	write_cr3(kernel_pgd.v);
	cpu_flush_tlb_all();
}

void *__init kmap_mmio(phys_t phys, size_t size)
{
	u64 start = ALIGN_DOWN(phys.v, PAGE_SIZE);
	u64 end = ALIGN_UP(phys.v + size, PAGE_SIZE);

	for (u64 p = start; p < end; p += PAGE_SIZE) {
		int err = kmap_page(phys_to_virt(PHYS(p)), PHYS(p), KMAP_IO);

		/* Two devices in one page, or registers inside what RAM's large pages cover. */
		if (err == -EEXIST)
			err = kmap_protect(phys_to_virt(PHYS(p)), 1, KMAP_IO);
		must(err);
	}
	return phys_to_virt(phys);
}

void kmap_seal(void)
{
	size_t nr_pages = (__roinit_end - __roinit_start) / PAGE_SIZE;

	/* Both mappings are of 4 KiB already: this cannot run out of memory. */
	if (kmap_protect(__roinit_start, nr_pages, KMAP_RO) ||
	    kmap_protect(phys_to_virt(virt_to_phys(__roinit_start)), nr_pages, KMAP_RO))
		machine_refuse("the registries are not mapped");
}
