/*
 * setting.h - switches and numbers that `set NAME VALUE` changes at run time.
 *
 * Owns: how a layer declares one, and reading and writing it by name and text.
 * Not here: the command (kernel/shell/cmd_set.c), the effect (the declaring layer).
 * Idea: a setting is a number in a range, or on|off. A test run compares all of them before and
 *       after each test, so none can leak from one test into the next.
 *
 *	SETTING_BOOL(points, "schedule points are taken", points_get, points_put);
 */
#ifndef KERNEL_CORE_SETTING_H
#define KERNEL_CORE_SETTING_H

#include "kernel/base/compiler.h"
#include "kernel/core/registry.h"

struct setting {
	const char *name;
	const char *help;
	bool on_off; /* written as on|off; min 0, max 1 */
	u64 min, max;
	u64 (*get)(void);
	/* Gets a value in range. 0 or a negative errno with nothing changed. May sleep. */
	int (*set)(u64 value);
};

#define SETTING_BOOL(name_, help_, get_, set_)                                                     \
	static const struct setting setting_##name_ = {                                            \
		.name = #name_, .help = help_, .on_off = true, .max = 1, .get = get_,  \
		.set = set_};                                                                      \
	REGISTER(setting, &setting_##name_)

#define SETTING_U64(name_, help_, min_, max_, get_, set_)                                          \
	static const struct setting setting_##name_ = {                                            \
		.name = #name_, .help = help_, .min = min_, .max = max_, .get = get_,  \
		.set = set_};                                                                      \
	REGISTER(setting, &setting_##name_)

#define SETTING_TEXT_MAX 48

/* The setting called @name, or NULL. */
const struct setting *setting_find(const char *name);

/* Its value as `set` would accept it. */
void setting_show(const struct setting *s, char text[SETTING_TEXT_MAX]);

/* What it accepts, for an error line: "on|off", "1..4096". */
void setting_accepts(const struct setting *s, char text[SETTING_TEXT_MAX]);

/* Set it from @text. 0, -EINVAL when @text is not accepted, or what the setting itself answers. */
int __must_check setting_parse(const struct setting *s, const char *text);

#endif
