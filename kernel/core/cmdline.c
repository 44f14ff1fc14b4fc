/*
 * cmdline.c - reading the boot line.
 */
#include "kernel/core/cmdline.h"

#include <errno.h>
#include <string.h>
#include "kernel/core/format.h"
#include "kernel/core/kv.h"
#include "kernel/core/log.h"
#include "kernel/x86/fw_cfg.h"

#define CMDLINE_FILE "opt/mmlife/cmdline"
#define CMDLINE_MAX  65536
#define SEPARATOR    "--"

static char text[CMDLINE_MAX];
static struct kv words;
static const char *script;

/* The start of the word `--` in @line, or NULL. */
static char *find_separator(char *line)
{
	for (char *at = strstr(line, SEPARATOR); at; at = strstr(at + 1, SEPARATOR)) {
		bool starts = at == line || at[-1] == ' ';
		bool ends = at[2] == ' ' || at[2] == '\n' || at[2] == '\0';

		if (starts && ends)
			return at;
	}
	return NULL;
}

/* Past the loader's words: they end before the first that has a `=`. */
static char *skip_loader_words(char *line)
{
	char *word = line;

	for (;;) {
		size_t len;

		word += strspn(word, " ");
		len = strcspn(word, " ");
		if (len == 0 || memchr(word, '=', len))
			return word;
		word += len;
	}
}

int cmdline_parse(char *line, const char **error)
{
	char *separator = find_separator(line);

	script = NULL;
	if (separator) {
		script = separator + strlen(SEPARATOR);
		script += *script == ' ' || *script == '\n';
		*separator = '\0';
	}
	kv_parse(&words, skip_loader_words(line));
	if (words.error[0]) {
		*error = words.error;
		return -EINVAL;
	}
	return 0;
}

int cmdline_init(const char *loader_cmdline, const char **error)
{
	long len = fw_cfg_read(CMDLINE_FILE, text, sizeof(text) - 1);

	if (len >= (long)sizeof(text)) {
		*error = "the command line is longer than 65535 bytes";
		return -EINVAL;
	}
	if (len < 0) {
		if (strlen(loader_cmdline) >= sizeof(text)) {
			*error = "the loader's command line is longer than 65535 bytes";
			return -EINVAL;
		}
		memcpy(text, loader_cmdline, strlen(loader_cmdline) + 1);
	} else {
		text[len] = '\0';
	}
	return cmdline_parse(text, error);
}

const char *cmdline_get(const char *name)
{
	for (unsigned i = 0; i < words.nr; i++) {
		if (!strcmp(words.word[i].name, name)) {
			words.word[i].used = true;
			return words.word[i].value;
		}
	}
	return NULL;
}

const char *cmdline_unused(unsigned nth)
{
	for (unsigned i = 0; i < words.nr; i++) {
		if (!words.word[i].used && nth-- == 0)
			return words.word[i].name;
	}
	return NULL;
}

const char *cmdline_script(void)
{
	return script;
}
