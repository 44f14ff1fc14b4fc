/*
 * kmap.h - the kernel half of every address space.
 *
 * Owns: the kernel's root table and all tables below it: image (4 KiB, W^X), direct map (2 MiB,
 *       split on demand), window, arena, .world, device registers.
 * Not here: user halves and their tables (mm/); flushing other CPUs (mm/tlb.h): functions here
 *       flush the running CPU only, and say so.
 * Locks: none. Callers serialise changes; readers of one address must not race with a change of
 *        that address.
 */
#ifndef KERNEL_X86_KMAP_H
#define KERNEL_X86_KMAP_H

#include "kernel/x86/layout.h"

/* Hardware bits of an entry. */
#define KM_PRESENT  (1UL << 0)
#define KM_WRITE    (1UL << 1)
#define KM_USER	    (1UL << 2)
#define KM_PWT	    (1UL << 3)
#define KM_PCD	    (1UL << 4)
#define KM_ACCESSED (1UL << 5)
#define KM_DIRTY    (1UL << 6)
#define KM_LARGE    (1UL << 7)
#define KM_GLOBAL   (1UL << 8)
#define KM_NX	    (1UL << 63)
#define KM_ADDR	    0x000ffffffffff000UL

/* Protections for kmap_page() and kmap_protect(). */
#define KMAP_RX	      (KM_PRESENT | KM_GLOBAL)
#define KMAP_RO	      (KM_PRESENT | KM_GLOBAL | KM_NX)
#define KMAP_RW	      (KM_PRESENT | KM_GLOBAL | KM_NX | KM_WRITE)
#define KMAP_RW_LOCAL (KM_PRESENT | KM_NX | KM_WRITE) /* not global: flushed by a CR3 load */
#define KMAP_IO	      (KMAP_RW | KM_PCD | KM_PWT)

/* Root table of the kernel alone; its upper half is what every root table carries. */
extern phys_t kernel_pgd;

/* Build the final tables from boot_info and load them. Once, on the boot tables. */
void kmap_init(void);

/* Copy the kernel half into the root table @pgd (512 entries). It never changes afterwards. */
void kmap_fill_pgd(u64 *pgd);

/*
 * kmap_set_table_alloc - where table pages come from once boot is over.
 *
 * @alloc:  returns one zeroed frame, or PHYS(0) when there is none
 */
void kmap_set_table_alloc(phys_t (*alloc)(void));

/*
 * kmap_page - map one 4 KiB page at @va, which must be unmapped (tables are made, a large page is
 * split).
 *
 * Returns 0; -ENOMEM (no table page) or -EEXIST with nothing changed.
 */
int __must_check kmap_page(void *va, phys_t frame, u64 prot);

/*
 * kmap_unmap - unmap the 4 KiB page at @va (splits a large page) and flush it on this CPU.
 *
 * Returns 0 with *@frame (may be NULL) set to what was mapped, -ENOENT, or -ENOMEM with nothing
 * changed.
 */
int __must_check kmap_unmap(void *va, phys_t *frame);

/*
 * Give @nr_pages mapped 4 KiB pages from @va the protection @prot; large pages are split. 0,
 * -ENOENT, -ENOMEM.
 */
int __must_check kmap_protect(void *va, size_t nr_pages, u64 prot);

/* Make sure @va lies in a 4 KiB mapping, without changing what it maps. 0, -ENOENT or -ENOMEM. */
int __must_check kmap_split(void *va);

/*
 * kmap_prepare - make the tables for [va, va + size), so that kmap_page() there cannot run out of
 * memory.
 *
 * Returns 0, or -ENOMEM; tables made so far stay.
 */
int __must_check kmap_prepare(void *va, size_t size);

/* The entry for the 4 KiB page at @addr, or NULL if there is no such table (or a large page). */
u64 *kmap_pte(unsigned long addr);

/* Where @va lies physically and with which entry bits; false if unmapped. Outputs may be NULL. */
bool kmap_lookup(const volatile void *va, phys_t *frame, u64 *prot);

/*
 * Map device registers uncached at their direct-map address. Refuses the machine if tables run out.
 * Boot only.
 */
void *kmap_mmio(phys_t phys, size_t size);

/*
 * End of boot: what only initialisation wrote (registries) becomes read-only. All CPUs must flush
 * after.
 */
void kmap_seal(void);

/* Number of table pages the kernel half uses now. */
extern unsigned long kmap_nr_tables;

/*
 * Grows whenever a 4 KiB entry of the kernel half is mapped, unmapped or protected: the same value
 * means the same entries, but for accessed and dirty bits.
 */
extern unsigned long kmap_changes;

/* The entries changed last: number n of all changes at n % KMAP_CHANGED_MAX. */
#define KMAP_CHANGED_MAX 64
extern u64 *kmap_changed[KMAP_CHANGED_MAX];

#endif
