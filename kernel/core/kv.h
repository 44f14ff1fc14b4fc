/*
 * kv.h - `name=value` words, typed and checked: shell, scenarios, benches, boot line.
 *
 * Owns: splitting, typed reading, and the one clear error line. Pure; builds on the host.
 * Idea: read every word you know, then ask kv_done(). The first thing wrong - a word without `=`,
 *       one given twice, a number that is none or out of range, a word nobody asked for - is kept
 *       and told then, naming the word and what is accepted; outputs keep the value they had.
 *       Nothing is to be run before kv_done() returned 0.
 *
 *	struct kv kv;
 *	u64 pages = 512;
 *
 *	kv_parse(&kv, "pages=4096 sem=zero_marker");
 *	kv_u64(&kv, "pages", 1, 1 << 20, &pages);
 *	if (kv_done(&kv))
 *		return shell_error("fork", "%s", kv.error);
 */
#ifndef KERNEL_CORE_KV_H
#define KERNEL_CORE_KV_H

#include "kernel/base/compiler.h"

#define KV_WORDS_MAX 48
#define KV_ASKED_MAX 48
#define KV_TEXT_MAX  1024
#define KV_ERROR_MAX 256

struct kv_word {
	const char *name;
	const char *value;
	bool used;
};

struct kv {
	unsigned nr;
	struct kv_word word[KV_WORDS_MAX];
	unsigned nr_asked;
	const char *asked[KV_ASKED_MAX]; /* names read so far: what is accepted */
	char text[KV_TEXT_MAX];		 /* the words, cut apart */
	char error[KV_ERROR_MAX];	 /* "" or the first thing wrong, without newline */
};

/* Splits @text at spaces, tabs and newlines. Errors wait for kv_done(). */
void kv_parse(struct kv *kv, const char *text);

/* The same for words already split. */
void kv_parse_words(struct kv *kv, int argc, char *const *argv);

/*
 * Each looks for @name and, if given and good, stores its value; true when it was given (good or
 * not).
 */
bool kv_str(struct kv *kv, const char *name, const char **out);
bool kv_u64(struct kv *kv, const char *name, u64 min, u64 max, u64 *out);
bool kv_s64(struct kv *kv, const char *name, s64 min, s64 max, s64 *out);
bool kv_bool(struct kv *kv, const char *name, bool *out); /* 0|1|on|off */
/* Bytes with an optional suffix K, M or G. */
bool kv_size(struct kv *kv, const char *name, u64 min, u64 max, u64 *out);
/* One of @choices (ends with NULL); stores its index. */
bool kv_choice(struct kv *kv, const char *name, const char *const *choices, unsigned *out);

/* Notes an error of the caller's own about a value, unless there is one already. */
void kv_fail(struct kv *kv, const char *fmt, ...) __printf(2, 3);

/* 0 if every word was known and good, else -EINVAL with kv->error set. */
int __must_check kv_done(struct kv *kv);

/*
 * The number in all of @text, base 0, within [@min, @max]: 0, else -EINVAL or -ERANGE with *@out
 * unchanged.
 */
int __must_check parse_u64(const char *text, u64 min, u64 max, u64 *out);
int __must_check parse_s64(const char *text, s64 min, s64 max, s64 *out);

#endif
