/*
 * mm_file.h - files for the tests and benches of layer 6.
 */
#ifndef TESTS_MM_FILE_H
#define TESTS_MM_FILE_H

#include "mm/file.h"
#include "mm/mm.h"

struct ktest;

/* A file of @nr pages; the first word of page i is @value + i, stored and clean. Fails the test. */
struct file *t_file(struct ktest *t, const char *name, unsigned long nr, u64 value);

/*
 * file_mmap - pages [@pgoff, @pgoff + @nr) of @file at @start, with @prot. 0 or -errno.
 */
int __must_check file_mmap(struct mm_struct *mm, unsigned long start, unsigned long nr,
			   unsigned long prot, unsigned long flags, struct file *file,
			   unsigned long pgoff);

/* The first word of page @index as file_read() sees it; ~0 if it cannot be read. */
u64 file_word(struct file *file, unsigned long index);
/* Store @value there by file_write(). 0 or -errno. */
int __must_check file_set_word(struct file *file, unsigned long index, u64 value);

/* Every page leaves the cache that is clean, unmapped and unused. Returns how many. */
unsigned long file_drop_clean(struct file *file);

/* The file agrees with itself, or the test fails. */
void t_expect_file_sane(struct ktest *t, struct file *file);

#endif
