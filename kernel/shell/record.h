/*
 * record.h - JSON Lines records for programs, one object a line. Pure: builds text, the caller
 * sends it.
 */
#ifndef KERNEL_SHELL_RECORD_H
#define KERNEL_SHELL_RECORD_H

#include "kernel/base/compiler.h"

#define RECORD_MAX 1536 /* bytes of one record, its end included */

struct record {
	char text[RECORD_MAX];
	unsigned len;
	bool overflow;
};

/* Start `{"mmlife":1,"type":"@type"`. */
void record_begin(struct record *r, const char *type);

/* Fields. @key is plain text; strings are escaped; @decimals is 0..9. */
void record_str(struct record *r, const char *key, const char *value);
void record_u64(struct record *r, const char *key, u64 value);
void record_s64(struct record *r, const char *key, s64 value);
/* @value / @per, rounded half away from zero, with @decimals places. 0 < @per < 2^32. */
void record_ratio(struct record *r, const char *key, s64 value, u64 per, unsigned decimals);
/* Text that is already JSON, as a number printed elsewhere. */
void record_raw(struct record *r, const char *key, const char *json);

/* A nested object: fields until record_close() are its own. */
void record_open(struct record *r, const char *key);
void record_close(struct record *r);

/*
 * Close the record. Returns its text, or NULL if it did not fit: a cut record is never given out.
 */
const char *record_end(struct record *r);

#endif
