/*
 * terminal.c - the shell at the serial console.
 *
 * Owns: received bytes on their way to the line editor, what the tab key offers, the interactive
 * loop. Not here: editing (line_edit.c), running lines (shell.c), the device (kernel/x86/uart.c).
 * Idea: the receive interrupt is the only writer of the ring's head and the shell thread the only
 * writer of its tail. Bytes that find the ring full are dropped: a person cannot type that fast,
 * and a program that sends without listening loses what it pours.
 */
#include "kernel/shell/shell.h"

#include <string.h>

#include "kernel/core/console.h"
#include "kernel/sched/wait.h"
#include "kernel/shell/line_edit.h"
#include "kernel/shell/out.h"

#define RING_BYTES 32768 /* a pasted line fits, however slowly it is drawn */

/* Field key: [R] receive interrupt  [S] shell thread */
static struct {
	u8 byte[RING_BYTES];
	unsigned head; /* [R] bytes ever received */
	unsigned tail; /* [S] bytes ever taken */
	struct wait_queue_head wait;
} ring;

static unsigned ring_used(void)
{
	return __atomic_load_n(&ring.head, __ATOMIC_ACQUIRE) -
	       __atomic_load_n(&ring.tail, __ATOMIC_ACQUIRE);
}

static void receive(u8 byte)
{
	if (ring_used() == RING_BYTES)
		return;
	ring.byte[ring.head % RING_BYTES] = byte;
	__atomic_store_n(&ring.head, ring.head + 1, __ATOMIC_RELEASE);
	wake_up(&ring.wait);
}

static char next_byte(void)
{
	u8 byte;

	wait_event(&ring.wait, ring_used() != 0);
	byte = ring.byte[ring.tail % RING_BYTES];
	__atomic_store_n(&ring.tail, ring.tail + 1, __ATOMIC_RELEASE);
	return (char)byte;
}

/* ---- completion ---- */

const char *shell_command_names(unsigned i)
{
	const struct shell_cmd *cmd;

	for_each_registered(shell_cmd, cmd) {
		if (i-- == 0)
			return cmd->name;
	}
	return NULL;
}

/* The command whose words stand at line[start], or NULL when a command's name does. */
static const char *command_before(const char *line, unsigned start, size_t *len)
{
	unsigned at = start;

	while (at > 0 && line[at - 1] != ';')
		at--;
	at += (unsigned)strspn(line + at, " ");
	if (at >= start)
		return NULL;
	*len = strcspn(line + at, " ;");
	return line + at;
}

static const char *offer_word(void *arg, const char *line, unsigned start, unsigned i)
{
	const struct shell_cmd *cmd;
	size_t len;
	const char *name = command_before(line, start, &len);

	if (!name)
		return shell_command_names(i);
	for_each_registered(shell_cmd, cmd) {
		if (strlen(cmd->name) == len && !memcmp(cmd->name, name, len))
			return cmd->words ? cmd->words(i) : NULL;
	}
	return NULL;
}

/* ---- the loop ---- */

static void send(void *arg, const char *s, size_t len)
{
	console_write(s, len);
}

void shell_interact(void)
{
	static const struct line_ops ops = {.out = send, .word = offer_word};
	static struct line_edit edit;

	init_waitqueue_head(&ring.wait);
	console_set_input(receive);
	line_edit_init(&edit, &ops, SHELL_PROMPT);
	line_edit_begin(&edit);
	for (;;) {
		enum line_event event = line_edit_key(&edit, next_byte());

		if (event == LINE_MORE)
			continue;
		if (event == LINE_END)
			shell_end_machine();
		if (event == LINE_READY)
			shell_run_line(edit.text);
		line_edit_begin(&edit);
	}
}
