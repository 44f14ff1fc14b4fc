/*
 * schedule.h - a schedule written down: run-length text, and its parser.
 *
 * A schedule is the list of choices of one run at the decisions that had more than one, in order.
 * Text: segments joined by '.', each an entity number, or 'i' and an entity number when its vCPU
 * takes interrupts first, and '*count' when repeated: "0*12.1*3.i0.1". The empty schedule is "-".
 * The text holds nothing of the machine, so the same line means the same run everywhere.
 */
#ifndef TESTS_LAB_SCHEDULE_H
#define TESTS_LAB_SCHEDULE_H

#include "kernel/base/compiler.h"
#include "kernel/base/types.h"

struct lab_segment {
	u16 entity;
	bool irq;
	u32 count;
};

/* A growing list of segments in memory the caller owns. */
struct lab_schedule {
	struct lab_segment *seg;
	unsigned nr, max;
	bool overflow; /* did not fit: the schedule cannot be replayed, and says so */
};

/* Forget everything recorded; memory stays. */
void schedule_reset(struct lab_schedule *s);

/* Append a segment of one choice, whatever the last one was. */
void schedule_append(struct lab_schedule *s, u16 entity, bool irq);

/* Append one choice; merges with the last segment when it is the same. */
static inline void schedule_add(struct lab_schedule *s, u16 entity, bool irq)
{
	struct lab_segment *last = s->nr > 0 ? &s->seg[s->nr - 1] : NULL;

	if (last && last->entity == entity && last->irq == irq)
		last->count++;
	else
		schedule_append(s, entity, irq);
}

/* @to, which has room for as much, becomes what @from is. */
void schedule_copy(struct lab_schedule *to, const struct lab_schedule *from);

/* Times that another choice than before was taken. */
static inline unsigned schedule_switches(const struct lab_schedule *s)
{
	return s->nr ? s->nr - 1 : 0;
}

/*
 * schedule_format - write the text form.
 *
 * Returns the length, as snprintf does: when it is >= @len the text was cut.
 */
size_t schedule_format(const struct lab_schedule *s, char *buf, size_t len);

/*
 * schedule_parse - read the text form back.
 *
 * @bad: on -EINVAL, points to the first character that is not understood.
 * Returns 0, -EINVAL, or -E2BIG when it has more segments than @s holds.
 */
int __must_check schedule_parse(struct lab_schedule *s, const char *text, const char **bad);

#endif
