/*
 * record.c - JSON Lines records for programs, one object a line.
 *
 * Owns: the form of a record. Not here: which records exist (env.c, tests/bench_report.c).
 * Idea: a record is built whole before it is sent, so that lines never mix and a cut one is never
 *       seen.
 */
#include "kernel/shell/record.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void __printf(2, 3) add(struct record *r, const char *fmt, ...)
{
	unsigned room = RECORD_MAX - r->len;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(r->text + r->len, room, fmt, ap);
	va_end(ap);
	if (len < 0 || (unsigned)len >= room)
		r->overflow = true;
	else
		r->len += (unsigned)len;
}

/* A comma stands between fields: wherever the text does not end in an opening brace. */
static void add_key(struct record *r, const char *key)
{
	add(r, "%s\"%s\":", r->text[r->len - 1] == '{' ? "" : ",", key);
}

void record_begin(struct record *r, const char *type)
{
	r->len = 0;
	r->overflow = false;
	add(r, "{\"mmlife\":1,\"type\":\"%s\"", type);
}

void record_str(struct record *r, const char *key, const char *value)
{
	add_key(r, key);
	add(r, "\"");
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			add(r, "\\%c", *value);
		else if ((unsigned char)*value < 32)
			add(r, "\\u%04x", (unsigned char)*value);
		else
			add(r, "%c", *value);
	}
	add(r, "\"");
}

void record_u64(struct record *r, const char *key, u64 value)
{
	add_key(r, key);
	add(r, "%lu", value);
}

void record_s64(struct record *r, const char *key, s64 value)
{
	add_key(r, key);
	add(r, "%ld", value);
}

void record_raw(struct record *r, const char *key, const char *json)
{
	add_key(r, key);
	add(r, "%s", json);
}

void record_ratio(struct record *r, const char *key, s64 value, u64 per, unsigned decimals)
{
	u64 size = value < 0 ? -(u64)value : (u64)value;
	u64 whole = size / per;
	u64 unit = 1, part;

	for (unsigned i = 0; i < decimals; i++)
		unit *= 10;
	part = (size % per * unit + per / 2) / per;
	whole += part / unit; /* .9996 may round up to a whole one */
	part %= unit;

	add_key(r, key);
	add(r, "%s%lu", value < 0 && (whole || part) ? "-" : "", whole);
	if (decimals)
		add(r, ".%0*lu", (int)decimals, part);
}

void record_open(struct record *r, const char *key)
{
	add_key(r, key);
	add(r, "{");
}

void record_close(struct record *r)
{
	add(r, "}");
}

const char *record_end(struct record *r)
{
	add(r, "}");
	return r->overflow ? NULL : r->text;
}
