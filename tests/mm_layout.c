/*
 * mm_layout.c - layouts to text, and back.
 */
#include "tests/mm_layout.h"

#include "mm/mman.h"
#include "mm/vma.h"

void layout_read(struct mm_struct *mm, char out[LAYOUT_PAGES + 1])
{
	VMA_ITERATOR(vmi, mm, LAYOUT_BASE);
	struct vm_area_struct *vma;
	unsigned at = 0, nr = 0;

	for_each_vma_range(vmi, vma, layout_addr(LAYOUT_PAGES)) {
		char letter = (vma->vm_flags & VM_WRITE ? 'A' : 'a') + nr++ % 26;

		for (; at < LAYOUT_PAGES && layout_addr(at) < vma->vm_start; at++)
			out[at] = '.';
		for (; at < LAYOUT_PAGES && layout_addr(at) < vma->vm_end; at++)
			out[at] = letter;
	}
	out[at] = '\0';
}

int layout_map(struct mm_struct *mm, const char *text)
{
	unsigned start = 0;

	while (text[start]) {
		unsigned long prot = PROT_READ, addr;
		unsigned end = start + 1;

		while (text[end] == text[start])
			end++;
		if (text[start] >= 'A' && text[start] <= 'Z')
			prot |= PROT_WRITE;
		if (text[start] != '.') {
			addr = vm_mmap(mm, layout_addr(start), (end - start) * PAGE_SIZE, prot,
				       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
			if (mm_is_err(addr))
				return addr;
		}
		start = end;
	}
	return 0;
}
