/*
 * test_line_edit.c - keys in, text and screen out.
 *
 * The screen is a tiny terminal of one row that understands exactly the sequences the editor sends,
 * so that what a person sees is compared, not which bytes were chosen to show it.
 */
#include "kernel/shell/line_edit.h"
#include "tests/host/htest.h"

#include <stdlib.h>
#include <string.h>

static struct {
	char row[LINE_COLUMNS + 1];
	unsigned col;
	unsigned bells, lines;
	unsigned overflows; /* bytes sent beyond the last column */
} term;

static void term_clear(unsigned from)
{
	memset(term.row + from, ' ', LINE_COLUMNS - from);
}

static unsigned term_escape(const char *s)
{
	char *end;
	unsigned n;

	h_expect(s[1] == '[');
	n = (unsigned)strtoul(s + 2, &end, 10);
	switch (*end) {
	case 'K': term_clear(term.col); break;
	case 'D':
		h_expect(n > 0 && n <= term.col);
		term.col -= n;
		break;
	case 'H': term.col = 0; break;
	case 'J': term_clear(0); break;
	default: h_expect(!"known sequence");
	}
	return (unsigned)(end + 1 - s);
}

static void term_out(void *arg, const char *s, size_t len)
{
	char copy[2048];

	memcpy(copy, s, len);
	copy[len] = '\0';
	for (unsigned i = 0; i < len;) {
		if (copy[i] == '\033') {
			i += term_escape(copy + i);
			continue;
		}
		if (copy[i] == '\r') {
			term.col = 0;
		} else if (copy[i] == '\n') {
			term.lines++;
			term_clear(0);
		} else if (copy[i] == '\a') {
			term.bells++;
		} else if (term.col < LINE_COLUMNS) {
			term.row[term.col++] = copy[i];
		} else {
			term.overflows++;
		}
		i++;
	}
}

static const char *const words[] = {"help", "test", "bench", "ledger", "locks", "poweroff", NULL};

static const char *word(void *arg, const char *line, unsigned start, unsigned i)
{
	return start == 0 || line[start - 1] == ';' ? words[i] : NULL;
}

static const struct line_ops ops = {.out = term_out, .word = word};
static struct line_edit le;

static void begin(void)
{
	memset(&term, 0, sizeof(term));
	term_clear(0);
	line_edit_begin(&le);
}

static void setup(void)
{
	line_edit_init(&le, &ops, "> ");
	begin();
}

static enum line_event keys(const char *s)
{
	enum line_event event = LINE_MORE;

	while (*s)
		event = line_edit_key(&le, *s++);
	return event;
}

/* Text, cursor, and that the terminal shows both. */
static void expect_line(const char *text, unsigned pos)
{
	char row[LINE_COLUMNS + 1];

	h_expect_str(le.text, text);
	h_expect_eq(le.pos, pos);
	h_expect_eq(le.len, strlen(text));
	if (strlen(text) + 2 < LINE_COLUMNS) {
		memset(row, ' ', LINE_COLUMNS);
		row[LINE_COLUMNS] = '\0';
		memcpy(row, "> ", 2);
		memcpy(row + 2, text, strlen(text));
		h_expect_str(term.row, row);
		h_expect_eq(term.col, 2 + pos);
	}
	h_expect_eq(term.overflows, 0);
}

HTEST(line_plain_typing)
{
	setup();
	h_expect(keys("help me") == LINE_MORE);
	expect_line("help me", 7);
	h_expect(keys("\r") == LINE_READY);
	h_expect_str(le.text, "help me");
	h_expect_eq(term.lines, 1);
}

HTEST(line_cr_lf_is_one_end)
{
	setup();
	h_expect(keys("a\r") == LINE_READY);
	begin();
	h_expect(keys("\n") == LINE_MORE); /* belongs to the CR */
	h_expect(keys("\n") == LINE_READY);
}

HTEST(line_insert_and_delete_in_the_middle)
{
	setup();
	keys("ac\033[Db");
	expect_line("abc", 2);
	keys("\033[3~");
	expect_line("ab", 2);
	keys("\177");
	expect_line("a", 1);
	keys("\b\b");
	expect_line("", 0);
}

HTEST(line_home_end_in_every_spelling)
{
	static const char *const home[] = {"\001", "\033[H", "\033OH", "\033[1~", "\033[7~"};
	static const char *const end[] = {"\005", "\033[F", "\033OF", "\033[4~", "\033[8~"};

	for (unsigned i = 0; i < 5; i++) {
		setup();
		keys("bc");
		keys(home[i]);
		keys("a");
		expect_line("abc", 1);
		keys(end[i]);
		keys("d");
		expect_line("abcd", 4);
	}
}

HTEST(line_arrow_with_modifier_moves)
{
	setup();
	keys("ab\033[1;5D");
	expect_line("ab", 1);
}

HTEST(line_kill_forward_back_and_word)
{
	setup();
	keys("one two three\002\002\013");
	expect_line("one two thr", 11);
	keys("\027");
	expect_line("one two ", 8);
	keys("\027");
	expect_line("one ", 4);
	keys("\002\025");
	expect_line(" ", 0);
}

HTEST(line_cancel_and_end)
{
	setup();
	h_expect(keys("abc\003") == LINE_CANCEL);
	begin();
	h_expect(keys("\004") == LINE_END);
	begin();
	h_expect(keys("ab\001\004") == LINE_MORE); /* deletes under the cursor */
	expect_line("b", 0);
}

HTEST(line_history_walks_and_keeps_the_draft)
{
	setup();
	keys("one\r");
	begin();
	keys("two\r");
	begin();
	keys("two\r"); /* a repeated line is kept once */
	begin();
	keys("dra\033[A");
	expect_line("two", 3);
	keys("\033[A");
	expect_line("one", 3);
	keys("\033[A");
	h_expect_eq(term.bells, 1);
	expect_line("one", 3);
	keys("\033[B\033[B");
	expect_line("dra", 3);
	keys("\033[B");
	h_expect_eq(term.bells, 2);
}

HTEST(line_history_is_a_ring)
{
	setup();
	for (unsigned i = 0; i < LINE_HISTORY_LINES + 5; i++) {
		char line[8] = {'l', (char)('a' + i / 10), (char)('0' + i % 10), '\r'};

		keys(line);
		begin();
	}
	for (unsigned i = 0; i < LINE_HISTORY_LINES; i++)
		keys("\020");
	h_expect_eq(term.bells, 0);
	expect_line("la5", 3); /* the oldest five are gone */
	keys("\020");
	h_expect_eq(term.bells, 1);
}

HTEST(line_completion_extends_then_lists)
{
	setup();
	keys("h\t");
	expect_line("help ", 5);
	begin();
	keys("l\t");
	h_expect_eq(term.bells, 1); /* ledger, locks: nothing to add */
	expect_line("l", 1);
	keys("\t");
	h_expect_eq(term.lines, 2);
	expect_line("l", 1);
	keys("o\t");
	expect_line("locks ", 6);
	keys(";\tz\t");
	h_expect_str(le.text, "locks ;z");
}

HTEST(line_too_long_is_refused_not_cut)
{
	setup();
	for (unsigned i = 0; i < LINE_MAX_BYTES + 10; i++)
		line_edit_key(&le, 'x');
	h_expect_eq(le.len, LINE_MAX_BYTES - 1);
	h_expect_eq(term.bells, 11);
	h_expect_eq(term.overflows, 0);
}

HTEST(line_too_long_is_not_run)
{
	setup();
	for (unsigned i = 0; i < LINE_MAX_BYTES; i++)
		line_edit_key(&le, 'x');
	h_expect_eq(line_edit_key(&le, '\r'), LINE_CANCEL);
	begin();
	h_expect_eq(line_edit_key(&le, 'x'), LINE_MORE);
	h_expect_eq(line_edit_key(&le, '\r'), LINE_READY);
}

/* Lines of a few thousand bytes: the oldest go, the newest stays whole. */
HTEST(line_history_is_bounded)
{
	setup();
	for (unsigned n = 0; n < 20; n++) {
		for (unsigned i = 0; i < 5000; i++)
			line_edit_key(&le, (char)('a' + n));
		keys("\r");
		begin();
	}
	h_expect_eq(le.history_nr, LINE_HISTORY_BYTES / 5001);
	keys("\020");
	h_expect_eq(strlen(le.text), 5000);
	h_expect_eq(le.text[4999], 't');
	h_expect_eq(le.text[0], 't');
}

HTEST(line_wider_than_the_terminal_shows_a_window)
{
	setup();
	for (unsigned i = 0; i < 200; i++)
		line_edit_key(&le, (char)('a' + i % 26));
	h_expect_eq(term.overflows, 0);
	h_expect_eq(term.row[term.col - 1], 'a' + 199 % 26);
	keys("\001");
	h_expect_eq(term.col, 2);
	h_expect_eq(term.row[2], 'a');
	keys("\005");
	h_expect_eq(term.row[term.col - 1], 'a' + 199 % 26);
}

/* A line as a plain array: random keys must leave both with the same text and cursor. */
HTEST(line_agrees_with_a_simple_model)
{
	char model[LINE_MAX_BYTES] = "";
	unsigned pos = 0, len = 0;

	srand((unsigned)htest_seed());
	setup();
	for (unsigned step = 0; step < 20000; step++) {
		char c = (char)('a' + rand() % 26);

		switch (rand() % 8) {
		case 0: keys("\033[D"); pos -= pos > 0; break;
		case 1: keys("\033[C"); pos += pos < len; break;
		case 2:
			keys("\177");
			if (pos) {
				memmove(model + pos - 1, model + pos, len - pos + 1);
				pos--;
				len--;
			}
			break;
		case 3: keys("\001"); pos = 0; break;
		case 4: keys("\005"); pos = len; break;
		default:
			if (len + 1 < 90) {
				memmove(model + pos + 1, model + pos, len - pos + 1);
				model[pos++] = c;
				len++;
				line_edit_key(&le, c);
			}
		}
		if (strcmp(model, le.text) || pos != le.pos)
			break;
	}
	expect_line(model, pos);
}
