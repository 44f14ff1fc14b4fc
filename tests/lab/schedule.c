/*
 * schedule.c - recording, writing and reading schedules. See schedule.h for the text form.
 *
 * Pure: no state of its own, compiles on the host.
 */
#include "tests/lab/schedule.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void schedule_reset(struct lab_schedule *s)
{
	s->nr = 0;
	s->overflow = false;
}

void schedule_append(struct lab_schedule *s, u16 entity, bool irq)
{
	if (s->nr == s->max) {
		s->overflow = true;
		return;
	}
	s->seg[s->nr++] = (struct lab_segment){.entity = entity, .irq = irq, .count = 1};
}

void schedule_copy(struct lab_schedule *to, const struct lab_schedule *from)
{
	memcpy(to->seg, from->seg, from->nr * sizeof(*from->seg));
	to->nr = from->nr;
	to->overflow = from->overflow;
}

size_t schedule_format(const struct lab_schedule *s, char *buf, size_t len)
{
	size_t at = 0;

	if (s->nr == 0)
		return (size_t)snprintf(buf, len, "-");
	for (unsigned i = 0; i < s->nr; i++) {
		const struct lab_segment *seg = &s->seg[i];
		char *to = at < len ? buf + at : NULL;
		size_t room = at < len ? len - at : 0;
		int n;

		if (seg->count > 1)
			n = snprintf(to, room, "%s%s%u*%u", i ? "." : "", seg->irq ? "i" : "",
				     seg->entity, seg->count);
		else
			n = snprintf(to, room, "%s%s%u", i ? "." : "", seg->irq ? "i" : "",
				     seg->entity);
		at += (size_t)n;
	}
	return at;
}

/* One unsigned decimal of at most @limit; NULL when there is none or it is too large. */
static const char *parse_number(const char *p, unsigned long limit, unsigned long *val)
{
	char *end;

	if (*p < '0' || *p > '9')
		return NULL;
	*val = strtoul(p, &end, 10);
	return *val <= limit ? end : NULL;
}

static const char *parse_segment(const char *p, struct lab_segment *seg)
{
	unsigned long entity, count = 1;

	seg->irq = *p == 'i';
	if (seg->irq)
		p++;
	p = parse_number(p, UINT16_MAX, &entity);
	if (!p)
		return NULL;
	if (*p == '*') {
		p = parse_number(p + 1, UINT32_MAX, &count);
		if (!p || count == 0)
			return NULL;
	}
	seg->entity = (u16)entity;
	seg->count = (u32)count;
	return p;
}

int schedule_parse(struct lab_schedule *s, const char *text, const char **bad)
{
	const char *p = text;

	schedule_reset(s);
	if (p[0] == '-' && p[1] == '\0')
		return 0;
	for (;;) {
		struct lab_segment seg;
		const char *next = parse_segment(p, &seg);

		*bad = p;
		if (!next || (*next != '.' && *next != '\0'))
			return -EINVAL;
		if (s->nr == s->max)
			return -E2BIG;
		s->seg[s->nr++] = seg;
		if (*next == '\0')
			return 0;
		p = next + 1;
	}
}
