/*
 * walk_space.h - the address space, the file, the pair of actors that most cases of kind `walk`
 * begin with, and what holds of the space at their end.
 *
 * All of it in the world, at setup or in check.
 */
#ifndef TESTS_LAB_WALK_SPACE_H
#define TESTS_LAB_WALK_SPACE_H

#include "mm/mm.h"

struct file;

#define WALK_ADDR 0x40000000ul

/* A space with @nr pages of private memory at WALK_ADDR, which may be written. NULL: no memory. */
struct mm_struct *walk_space(unsigned long nr);
/* The same with the one page of @file, mapped with @prot and @type. */
struct mm_struct *walk_space_of(struct file *file, unsigned long prot, unsigned long type);
/* Write @value to the first page of @mm. 0 or a negative errno. */
int __must_check walk_touch(struct mm_struct *mm, u64 value);
/* A file of one page, stored, that begins with @value. NULL: no memory. */
struct file *walk_file(const char *name, u64 value);
/* The first two actors. 0 or a negative errno. */
int __must_check walk_actors(const char *first, void (*fn1)(void *arg), const char *second,
			     void (*fn2)(void *arg));

/* For mutants: the entry at @addr, if it maps a page, may be written, whoever shares that. */
void walk_give_write(struct mm_struct *mm, unsigned long addr);

/* Tree, tables, counters and rmap agree. */
void walk_space_check(struct mm_struct *mm);

#endif
