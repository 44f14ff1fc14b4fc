/*
 * line_edit.c - editing one line on a serial terminal.
 *
 * Owns: the edited text, cursor, history, key sequences, what is sent to redraw.
 * Not here: where bytes come from and go to (console.c), what words may be completed (complete.c).
 * Idea: a key changes (text, len, pos); afterwards the line is drawn again from its start, but for
 *       the one common case, a character typed at the end, which is sent alone. A line wider than
 *       the terminal is shown through a window that follows the cursor, so wrapping never matters.
 * Invariant: pos <= len < LINE_MAX_BYTES and text[len] == 0.
 */
#include "kernel/shell/line_edit.h"

#include <stdio.h>
#include <string.h>

enum { ESC_NONE, ESC_START, ESC_BRACKET, ESC_DIGIT };

static void out(struct line_edit *le, const char *s, size_t len)
{
	le->ops->out(le->ops->arg, s, len);
}

static void out_str(struct line_edit *le, const char *s)
{
	out(le, s, strlen(s));
}

/* How many bytes of text fit beside the prompt. */
static unsigned window(const struct line_edit *le)
{
	return LINE_COLUMNS - 1 - (unsigned)strlen(le->prompt);
}

static void redraw(struct line_edit *le)
{
	unsigned width = window(le);
	unsigned shown;
	char move[16];

	if (le->pos < le->left)
		le->left = le->pos;
	/* By half a window, so that what is typed at the end need not be drawn again each time. */
	if (le->pos > le->left + width)
		le->left = le->pos - width / 2;
	shown = min(le->len - le->left, width);

	out_str(le, "\r");
	out_str(le, le->prompt);
	out(le, le->text + le->left, shown);
	out_str(le, "\033[K");
	if (le->pos - le->left < shown) {
		snprintf(move, sizeof(move), "\033[%uD", shown - (le->pos - le->left));
		out_str(le, move);
	}
}

void line_edit_init(struct line_edit *le, const struct line_ops *ops, const char *prompt)
{
	memset(le, 0, sizeof(*le));
	le->ops = ops;
	le->prompt = prompt;
}

void line_edit_begin(struct line_edit *le)
{
	le->len = le->pos = le->left = 0;
	le->text[0] = '\0';
	le->esc = ESC_NONE;
	le->last_tab = le->too_long = false;
	le->history_at = le->history_nr;
	out_str(le, le->prompt);
}

/* ---- changing the text ---- */

static bool insert(struct line_edit *le, const char *s, unsigned len)
{
	if (le->len + len >= LINE_MAX_BYTES)
		return false;
	memmove(le->text + le->pos + len, le->text + le->pos, le->len - le->pos + 1);
	memcpy(le->text + le->pos, s, len);
	le->len += len;
	le->pos += len;
	return true;
}

/* Remove [start, end); the cursor lands on start. */
static void cut(struct line_edit *le, unsigned start, unsigned end)
{
	memmove(le->text + start, le->text + end, le->len - end + 1);
	le->len -= end - start;
	le->pos = start;
}

static void set_text(struct line_edit *le, const char *s)
{
	le->len = (unsigned)strlen(s);
	memcpy(le->text, s, le->len + 1);
	le->pos = le->len;
	le->left = 0;
}

static void insert_char(struct line_edit *le, char c)
{
	bool at_end = le->pos == le->len;

	if (!insert(le, &c, 1)) {
		le->too_long = true;
		out_str(le, "\a");
	} else if (at_end && le->pos - le->left <= window(le)) {
		out(le, &c, 1);
	} else {
		redraw(le);
	}
}

/* The start of the word that ends at the cursor. */
static unsigned word_start(const struct line_edit *le)
{
	unsigned at = le->pos;

	while (at > 0 && le->text[at - 1] != ' ' && le->text[at - 1] != ';')
		at--;
	return at;
}

static void cut_word(struct line_edit *le)
{
	unsigned end = le->pos;

	while (le->pos > 0 && le->text[le->pos - 1] == ' ')
		le->pos--;
	cut(le, word_start(le), end);
}

/* ---- history ---- */

static char *history_line(struct line_edit *le, unsigned i)
{
	char *line = le->history;

	while (i-- > 0)
		line += strlen(line) + 1;
	return line;
}

static void history_forget_oldest(struct line_edit *le)
{
	unsigned len = (unsigned)strlen(le->history) + 1;

	memmove(le->history, le->history + len, le->history_used - len);
	le->history_used -= len;
	le->history_nr--;
}

static void history_add(struct line_edit *le)
{
	if (le->len == 0)
		return;
	if (le->history_nr && !strcmp(history_line(le, le->history_nr - 1), le->text))
		return;
	while (le->history_nr == LINE_HISTORY_LINES ||
	       le->history_used + le->len + 1 > LINE_HISTORY_BYTES)
		history_forget_oldest(le);
	memcpy(le->history + le->history_used, le->text, le->len + 1);
	le->history_used += le->len + 1;
	le->history_nr++;
}

/* Show the line @step away (-1 older, 1 newer); what was being typed comes after the newest. */
static void history_move(struct line_edit *le, int step)
{
	unsigned at = le->history_at + (unsigned)step;

	if (at > le->history_nr) { /* also below 0, which wraps */
		out_str(le, "\a");
		return;
	}
	if (le->history_at == le->history_nr)
		memcpy(le->draft, le->text, le->len + 1);
	le->history_at = at;
	set_text(le, at == le->history_nr ? le->draft : history_line(le, at));
	redraw(le);
}

/* ---- completion ---- */

/* The words that begin with what stands before the cursor. */
struct candidates {
	unsigned start;	   /* where the word begins */
	unsigned typed;	   /* bytes of it already there */
	unsigned nr;	   /* how many fit */
	const char *first; /* the first of them */
	unsigned common;   /* bytes all of them share */
};

static const char *candidate(struct line_edit *le, const struct candidates *c, unsigned *i)
{
	const char *word;

	while ((word = le->ops->word(le->ops->arg, le->text, c->start, (*i)++))) {
		if (!strncmp(word, le->text + c->start, c->typed))
			return word;
	}
	return NULL;
}

static struct candidates candidates_find(struct line_edit *le)
{
	struct candidates c = {.start = word_start(le)};
	const char *word;
	unsigned i = 0;

	c.typed = le->pos - c.start;
	while ((word = candidate(le, &c, &i))) {
		unsigned same = 0;

		if (c.nr++ == 0) {
			c.first = word;
			c.common = (unsigned)strlen(word);
		}
		while (same < c.common && word[same] == c.first[same])
			same++;
		c.common = same;
	}
	return c;
}

static void candidates_list(struct line_edit *le, const struct candidates *c)
{
	unsigned column = 0, i = 0;
	const char *word;

	out_str(le, "\r\n");
	while ((word = candidate(le, c, &i))) {
		unsigned len = (unsigned)strlen(word);

		if (column && column + 2 + len >= LINE_COLUMNS) {
			out_str(le, "\r\n");
			column = 0;
		}
		if (column) {
			out_str(le, "  ");
			column += 2;
		}
		out(le, word, len);
		column += len;
	}
	out_str(le, "\r\n");
	redraw(le);
}

static void complete(struct line_edit *le, bool again)
{
	struct candidates c;

	if (!le->ops->word)
		return;
	c = candidates_find(le);
	if (c.common > c.typed && insert(le, c.first + c.typed, c.common - c.typed)) {
		if (c.nr == 1 && le->text[le->pos - 1] != '=')
			insert(le, " ", 1);
		redraw(le);
	} else if (c.nr == 1 && c.typed == c.common && insert(le, " ", 1)) {
		redraw(le);
	} else if (c.nr > 1 && again) {
		candidates_list(le, &c);
	} else {
		out_str(le, "\a");
		le->last_tab = true;
	}
}

/* ---- keys ---- */

static void cursor_to(struct line_edit *le, unsigned pos)
{
	le->pos = min(pos, le->len);
	redraw(le);
}

static void cursor_left(struct line_edit *le)
{
	cursor_to(le, le->pos ? le->pos - 1 : 0);
}

static void delete_under(struct line_edit *le)
{
	if (le->pos < le->len) {
		cut(le, le->pos, le->pos + 1);
		redraw(le);
	}
}

static void delete_before(struct line_edit *le)
{
	if (le->pos) {
		cut(le, le->pos - 1, le->pos);
		redraw(le);
	}
}

/* The last byte of "ESC [ c", "ESC O c" or, with a digit before it, "ESC [ 3 ~". */
static void key_escaped(struct line_edit *le, char c, char digit)
{
	if (c == '~') {
		c = digit == '1' || digit == '7' ? 'H' : digit == '4' || digit == '8' ? 'F' : digit;
	}
	switch (c) {
	case 'A': history_move(le, -1); break;
	case 'B': history_move(le, 1); break;
	case 'C': cursor_to(le, le->pos + 1); break;
	case 'D': cursor_left(le); break;
	case 'H': cursor_to(le, 0); break;
	case 'F': cursor_to(le, le->len); break;
	case '3': delete_under(le); break;
	default: break; /* a key that means nothing here */
	}
}

/* True if @c belonged to an escape sequence. */
static bool escape_step(struct line_edit *le, char c)
{
	switch (le->esc) {
	case ESC_NONE:
		if (c != '\033')
			return false;
		le->esc = ESC_START;
		le->esc_arg = 0;
		return true;
	case ESC_START:
		le->esc = c == '[' || c == 'O' ? ESC_BRACKET : ESC_NONE;
		return true;
	default:
		if ((c >= '0' && c <= '9') || c == ';') { /* a modifier leaves the key itself */
			if (le->esc == ESC_BRACKET)
				le->esc_arg = c;
			le->esc = ESC_DIGIT;
			return true;
		}
		le->esc = ESC_NONE;
		key_escaped(le, c, le->esc_arg);
		return true;
	}
}

static enum line_event key_end(struct line_edit *le)
{
	if (le->len == 0) {
		out_str(le, "\r\n");
		return LINE_END;
	}
	delete_under(le);
	return LINE_MORE;
}

static enum line_event key_control(struct line_edit *le, char c)
{
	switch (c) {
	case 'a' & 31: cursor_to(le, 0); break;
	case 'b' & 31: cursor_left(le); break;
	case 'd' & 31: return key_end(le);
	case 'e' & 31: cursor_to(le, le->len); break;
	case 'f' & 31: cursor_to(le, le->pos + 1); break;
	case 'k' & 31: cut(le, le->pos, le->len); redraw(le); break;
	case 'l' & 31: out_str(le, "\033[H\033[2J"); redraw(le); break;
	case 'n' & 31: history_move(le, 1); break;
	case 'p' & 31: history_move(le, -1); break;
	case 'u' & 31: cut(le, 0, le->pos); redraw(le); break;
	case 'w' & 31: cut_word(le); redraw(le); break;
	case '\b':
	case 127: delete_before(le); break;
	case 'c' & 31: out_str(le, "^C\r\n"); return LINE_CANCEL;
	default: break;
	}
	return LINE_MORE;
}

static enum line_event line_end(struct line_edit *le)
{
	char text[80];

	out_str(le, "\r\n");
	if (le->too_long) {
		snprintf(text, sizeof(text), "a line of more than %d bytes is not run\r\n",
			 LINE_MAX_BYTES - 1);
		out_str(le, text);
		return LINE_CANCEL;
	}
	history_add(le);
	return LINE_READY;
}

enum line_event line_edit_key(struct line_edit *le, char c)
{
	bool again = le->last_tab;
	bool lf_of_cr = le->skip_lf && c == '\n';

	le->last_tab = false;
	le->skip_lf = c == '\r';
	if (lf_of_cr || escape_step(le, c))
		return LINE_MORE;
	if (c == '\r' || c == '\n') {
		return line_end(le);
	}
	if (c == '\t') {
		complete(le, again);
		return LINE_MORE;
	}
	if ((unsigned char)c < 32 || c == 127)
		return key_control(le, c);
	insert_char(le, c);
	return LINE_MORE;
}
