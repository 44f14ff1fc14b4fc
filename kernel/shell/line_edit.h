/*
 * line_edit.h - editing one line on a serial terminal. Pure: bytes in, bytes out, no other effect.
 */
#ifndef KERNEL_SHELL_LINE_EDIT_H
#define KERNEL_SHELL_LINE_EDIT_H

#include "kernel/base/compiler.h"

#define LINE_MAX_BYTES	   16384 /* the closing NUL included: a replay line must fit */
#define LINE_HISTORY_BYTES 32768 /* of all remembered lines together */
#define LINE_HISTORY_LINES 32
#define LINE_COLUMNS	   80

/* What the caller supplies. */
struct line_ops {
	/* Send @len bytes to the terminal. */
	void (*out)(void *arg, const char *s, size_t len);
	/* The @i-th word that may stand at @line[@start], or NULL after the last. May be NULL. */
	const char *(*word)(void *arg, const char *line, unsigned start, unsigned i);
	void *arg;
};

enum line_event {
	LINE_MORE,   /* keep feeding */
	LINE_READY,  /* a line is complete: read it from text */
	LINE_CANCEL, /* Ctrl-C, or the line was too long: it was thrown away */
	LINE_END,    /* Ctrl-D on an empty line */
};

struct line_edit {
	const struct line_ops *ops;
	const char *prompt;
	char text[LINE_MAX_BYTES];
	unsigned len;  /* bytes in text */
	unsigned pos;  /* cursor, 0..len */
	unsigned left; /* first byte shown, when the line is wider than the terminal */
	u8 esc;	       /* state of an escape sequence */
	char esc_arg;  /* its parameter digit */
	bool last_tab; /* the last key was a tab that could not extend the word */
	bool skip_lf;  /* the last byte was CR: a following LF belongs to it */

	bool too_long; /* bytes were refused: the line is not what was meant */

	/*
	 * History: complete lines, the oldest first, each with its NUL; as many of the newest as
	 * fit.
	 * at == nr means the line being typed, kept in draft.
	 */
	char history[LINE_HISTORY_BYTES];
	unsigned history_used, history_nr, history_at;
	char draft[LINE_MAX_BYTES];
};

/* Start with an empty history. @prompt and @ops must outlive @le. */
void line_edit_init(struct line_edit *le, const struct line_ops *ops, const char *prompt);

/* Print the prompt and begin an empty line. */
void line_edit_begin(struct line_edit *le);

/* Feed one byte. After LINE_READY the text stays valid until line_edit_begin(). */
enum line_event line_edit_key(struct line_edit *le, char c);

#endif
