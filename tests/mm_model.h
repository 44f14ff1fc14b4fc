/*
 * mm_model.h - random operations on address spaces, and an array of pages that knows the result.
 *
 * Owns: the model, its operations, the comparison. Used by kernel tests (tests/unit/mm_model.c) and
 *       by the lab (tests/lab/walk_model.c), so it needs neither.
 * Idea: the model knows for each page of a window whether it is mapped, with what rights, from what
 *       file, what word it holds, and nothing of VMAs, tables, frames or swap. Each operation is
 *       done to both; what the program would see afterwards must be the same. What only moves pages
 *       about (reclaim, swap) changes nothing in the model.
 */
#ifndef TESTS_MM_MODEL_H
#define TESTS_MM_MODEL_H

#include "kernel/core/random.h"
#include "mm/mm.h"

struct file;

#define MODEL_PAGES	 48u /* of the window of one address space */
#define MODEL_MMS	 3u  /* one actor has */
#define MODEL_HEAP_PAGES 8u  /* its heap has at most */
#define MODEL_FILE_PAGES 64u /* of the file it maps, at most */
#define MODEL_PINS	 4u

enum model_kind { MODEL_ANON, MODEL_PRIVATE, MODEL_SHARED };

struct model_page {
	bool mapped;
	bool copied;	 /* of a private file page: a write has made it the space's own */
	u8 prot;	 /* PROT_ */
	u8 advice;	 /* 1: not for a child, 2: wiped there */
	u8 kind;	 /* enum model_kind */
	u8 policy;	 /* enum mpol_mode */
	u8 pin;		 /* 1 + the index of who has pinned it; 0: nobody */
	u16 pgoff;	 /* in the file */
	u64 word;	 /* anonymous or copied: what it holds */
};

struct mm_model {
	struct rng rng;
	struct mm_struct *mm[MODEL_MMS];
	struct model_page page[MODEL_MMS][MODEL_PAGES];
	u64 heap[MODEL_MMS][MODEL_HEAP_PAGES]; /* words of its pages */
	unsigned long base; /* where the windows begin */
	struct file *file;
	u64 file_word[MODEL_FILE_PAGES];
	struct page *pin[MODEL_PINS]; /* frames that are pinned; NULL: this place is free */
	/* The first thing that was not as it should be, or NULL. */
	const char *wrong;
	const char *wrong_file;
	u64 wrong_left, wrong_right;
	int wrong_line;
	unsigned nr_heap[MODEL_MMS]; /* pages it has */
	unsigned nr_mms;
	unsigned now;	     /* which mm the thread uses */
	unsigned file_pages; /* the file has so many, at most MODEL_FILE_PAGES */
	bool joined; /* the space is shared: others have windows of their own in it */
};

/* A model of @nr_mms spaces, with a file of its own, which the calling thread uses. 0, -ENOMEM. */
int __must_check mm_model_begin(struct mm_model *m, u64 seed, unsigned nr_mms);
/*
 * A model of a window at @base of @mm, to which others add theirs, with a small file; @mm stays the
 * caller's. mm_model_use() is due by the thread that runs it. 0, or -ENOMEM.
 */
int __must_check mm_model_join(struct mm_model *m, u64 seed, struct mm_struct *mm,
			       unsigned long base);
void mm_model_use(struct mm_model *m);
/* Where page @i of the window lies. */
unsigned long mm_model_addr(const struct mm_model *m, unsigned i);
/* One random operation on the space in use. */
void mm_model_step(struct mm_model *m);
/* Use another of them; or that one. */
void mm_model_switch(struct mm_model *m);
void mm_model_switch_to(struct mm_model *m, unsigned space);
/* Everything the model knows of the space in use; and mm_check(). */
void mm_model_compare(struct mm_model *m);
/* ---- forks: mm_model_fork.c ---- */

/*
 * mm_model_fork - another of the spaces ends, and in its place comes a copy of the one in use.
 *
 * *@child: its index. Returns: 0; or what the fork said, and nothing has changed
 */
int __must_check mm_model_fork(struct mm_model *m, unsigned *child);
/*
 * Pin a page that may be written, or store a word where one is pinned, or let it go. Who maps it
 * finds the word; its copies do not.
 */
void mm_model_pin(struct mm_model *m);
void mm_model_unpin_all(struct mm_model *m);
/*
 * mm_model_touch - by a thread beside the model's own, which uses @space: read some page, or write
 * what it holds already. False: it is not what the model says.
 */
bool __must_check mm_model_touch(const struct mm_model *m, unsigned space, struct rng *rng);
/* The same thread writes another word to a page of the space's own, where nobody else writes. */
bool __must_check mm_model_touch_new(struct mm_model *m, unsigned space, struct rng *rng);

/* The thread uses no space any more. */
void mm_model_unuse(struct mm_model *m);
/* The same, and the spaces and the file go. */
void mm_model_end(struct mm_model *m);
/* The spaces, unless joined, and the file go. No thread uses them. */
void mm_model_free(struct mm_model *m);

/* ---- for the parts of the model ---- */

void mm_model_equal(struct mm_model *m, const char *what, const char *file, int line, u64 left,
		    u64 right);
#define m_expect_eq(m, a, b)                                                                       \
	mm_model_equal(m, #a " == " #b, __FILE__, __LINE__, (u64)(a), (u64)(b))

/* May @page be written, and changes that its space only? */
bool mm_model_is_own(const struct model_page *page);
/* What an access to @page that its rights allow gives; what a program finds there. */
int mm_model_access(const struct mm_model *m, const struct model_page *page);
u64 mm_model_word(const struct mm_model *m, const struct model_page *page);

#endif
