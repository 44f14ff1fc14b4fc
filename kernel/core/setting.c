/*
 * setting.c - switches and numbers by name and text.
 *
 * Owns: finding, showing, parsing. Not here: what a setting does.
 */
#include "kernel/core/setting.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/core/fpu.h"

const struct setting *setting_find(const char *name)
{
	const struct setting *s;

	for_each_registered(setting, s) {
		if (!strcmp(s->name, name))
			return s;
	}
	return NULL;
}

void setting_show(const struct setting *s, char text[SETTING_TEXT_MAX])
{
	u64 value = s->get();

	if (s->on_off) {
		strncpy(text, value ? "on" : "off", SETTING_TEXT_MAX);
		return;
	}
	fpu_begin();
	snprintf(text, SETTING_TEXT_MAX, "%lu", value);
	fpu_end();
}

void setting_accepts(const struct setting *s, char text[SETTING_TEXT_MAX])
{
	if (s->on_off) {
		strncpy(text, "on|off", SETTING_TEXT_MAX);
		return;
	}
	fpu_begin();
	snprintf(text, SETTING_TEXT_MAX, "%lu..%lu", s->min, s->max);
	fpu_end();
}

int setting_parse(const struct setting *s, const char *text)
{
	char *end;
	u64 value;

	if (s->on_off) {
		if (!strcmp(text, "on"))
			return s->set(1);
		return strcmp(text, "off") ? -EINVAL : s->set(0);
	}
	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 0);
	if (*end || errno || value < s->min || value > s->max)
		return -EINVAL;
	return s->set(value);
}
