/*
 * kv.c - splitting words and reading them by type.
 */
#include "kernel/core/kv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "kernel/core/format.h"

#define BLANKS " \t\r\n"

void kv_fail(struct kv *kv, const char *fmt, ...)
{
	va_list ap;

	if (kv->error[0])
		return;
	va_start(ap, fmt);
	format_va(kv->error, sizeof(kv->error), fmt, ap);
	va_end(ap);
}

static struct kv_word *find(struct kv *kv, const char *name)
{
	for (unsigned i = 0; i < kv->nr; i++) {
		if (!strcmp(kv->word[i].name, name))
			return &kv->word[i];
	}
	return NULL;
}

/* @word is cut at its `=` and kept. */
static void add_word(struct kv *kv, char *word)
{
	char *equals = strchr(word, '=');

	if (!equals || equals == word) {
		kv_fail(kv, "%s: not a name=value word", word);
		return;
	}
	*equals = '\0';
	if (find(kv, word)) {
		kv_fail(kv, "%s: given twice", word);
		return;
	}
	if (kv->nr == KV_WORDS_MAX) {
		kv_fail(kv, "%s: more than %d words", word, KV_WORDS_MAX);
		return;
	}
	kv->word[kv->nr++] = (struct kv_word){ .name = word, .value = equals + 1 };
}

void kv_parse(struct kv *kv, const char *text)
{
	char *rest = kv->text, *word;

	memset(kv, 0, sizeof(*kv));
	if (strlen(text) >= sizeof(kv->text)) {
		kv_fail(kv, "more than %d characters of words", KV_TEXT_MAX - 1);
		return;
	}
	memcpy(kv->text, text, strlen(text) + 1);
	while ((word = strtok_r(rest, BLANKS, &rest)))
		add_word(kv, word);
}

void kv_parse_words(struct kv *kv, int argc, char *const *argv)
{
	size_t at = 0;

	memset(kv, 0, sizeof(*kv));
	for (int i = 0; i < argc; i++) {
		size_t len = strlen(argv[i]) + 1;

		if (at + len > sizeof(kv->text)) {
			kv_fail(kv, "%s: more than %d characters of words", argv[i],
				KV_TEXT_MAX - 1);
			return;
		}
		memcpy(kv->text + at, argv[i], len);
		add_word(kv, kv->text + at);
		at += len;
	}
}

/* The value of @name, now used; the name becomes one that is accepted. */
static const char *take(struct kv *kv, const char *name)
{
	struct kv_word *word = find(kv, name);

	if (kv->nr_asked < KV_ASKED_MAX)
		kv->asked[kv->nr_asked++] = name;
	if (!word)
		return NULL;
	word->used = true;
	return word->value;
}

bool kv_str(struct kv *kv, const char *name, const char **out)
{
	const char *value = take(kv, name);

	if (!value)
		return false;
	if (*value)
		*out = value;
	else
		kv_fail(kv, "%s=: a value is missing", name);
	return true;
}

int parse_u64(const char *text, u64 min, u64 max, u64 *out)
{
	char *end;
	u64 value;

	/* strtoull takes blanks and signs; a number here begins with a digit. */
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 0);
	if (*end)
		return -EINVAL;
	if (errno || value < min || value > max)
		return -ERANGE;
	*out = value;
	return 0;
}

int parse_s64(const char *text, s64 min, s64 max, s64 *out)
{
	const char *digits = text + (*text == '-');
	char *end;
	s64 value;

	if (*digits < '0' || *digits > '9')
		return -EINVAL;
	errno = 0;
	value = strtoll(text, &end, 0);
	if (*end)
		return -EINVAL;
	if (errno || value < min || value > max)
		return -ERANGE;
	*out = value;
	return 0;
}

bool kv_u64(struct kv *kv, const char *name, u64 min, u64 max, u64 *out)
{
	const char *value = take(kv, name);

	if (!value)
		return false;
	if (parse_u64(value, min, max, out))
		kv_fail(kv, "%s=%s: a number %llu..%llu is accepted", name, value,
			(unsigned long long)min, (unsigned long long)max);
	return true;
}

bool kv_s64(struct kv *kv, const char *name, s64 min, s64 max, s64 *out)
{
	const char *value = take(kv, name);

	if (!value)
		return false;
	if (parse_s64(value, min, max, out))
		kv_fail(kv, "%s=%s: a number %lld..%lld is accepted", name, value, (long long)min,
			(long long)max);
	return true;
}

bool kv_bool(struct kv *kv, const char *name, bool *out)
{
	const char *value = take(kv, name);

	if (!value)
		return false;
	if (!strcmp(value, "1") || !strcmp(value, "on"))
		*out = true;
	else if (!strcmp(value, "0") || !strcmp(value, "off"))
		*out = false;
	else
		kv_fail(kv, "%s=%s: 0, 1, on, off are accepted", name, value);
	return true;
}

/* Cuts a suffix off @digits; the power of two it stands for. */
static unsigned size_shift(char *digits)
{
	static const char suffix[] = "KMG";
	size_t len = strlen(digits);
	const char *s = len ? strchr(suffix, digits[len - 1]) : NULL;

	if (!s || !*s)
		return 0;
	digits[len - 1] = '\0';
	return 10 * (s - suffix + 1);
}

bool kv_size(struct kv *kv, const char *name, u64 min, u64 max, u64 *out)
{
	const char *value = take(kv, name);
	char digits[32];
	unsigned shift;
	u64 number;

	if (!value)
		return false;
	strncpy(digits, value, sizeof(digits) - 1);
	digits[sizeof(digits) - 1] = '\0';
	shift = size_shift(digits);
	if (strlen(value) >= sizeof(digits) || parse_u64(digits, 0, ~0UL >> shift, &number) ||
	    number << shift < min || number << shift > max) {
		kv_fail(kv, "%s=%s: a size %llu..%llu is accepted, K, M, G may follow", name, value,
			(unsigned long long)min, (unsigned long long)max);
		return true;
	}
	*out = number << shift;
	return true;
}

/* Appends @word to the list in @buf, as far as it fits. */
static void list_word(char *buf, size_t size, const char *word)
{
	size_t len = strlen(buf);

	format(buf + len, size - len, "%s%s", len ? ", " : "", word);
}

bool kv_choice(struct kv *kv, const char *name, const char *const *choices, unsigned *out)
{
	const char *value = take(kv, name);
	char accepted[KV_ERROR_MAX / 2] = "";

	if (!value)
		return false;
	for (unsigned i = 0; choices[i]; i++) {
		if (!strcmp(value, choices[i])) {
			*out = i;
			return true;
		}
		list_word(accepted, sizeof(accepted), choices[i]);
	}
	kv_fail(kv, "%s=%s: accepted are %s", name, value, accepted);
	return true;
}

int kv_done(struct kv *kv)
{
	char accepted[KV_ERROR_MAX / 2] = "";

	for (unsigned i = 0; i < kv->nr_asked; i++)
		list_word(accepted, sizeof(accepted), kv->asked[i]);
	for (unsigned i = 0; i < kv->nr; i++) {
		if (!kv->word[i].used)
			kv_fail(kv, "%s: unknown word; accepted are %s", kv->word[i].name,
				accepted[0] ? accepted : "none");
	}
	return kv->error[0] ? -EINVAL : 0;
}
