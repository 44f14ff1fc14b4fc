/*
 * ubsan.c - what the compiler calls where an operation turns out to be undefined (make UBSAN=1).
 *
 * Owns: the handlers of -fsanitize=undefined, the text of a report. In other builds nothing calls
 *       them.
 * Idea: undefined behaviour is a bug like a failed assertion: told with its place in the source and
 *       fatal to the thread, so that a report can never scroll by in a run that passes.
 * The compilers' records are not documented; their fields here are those that gcc 12 and clang 14
 * pass.
 */
#include "kernel/core/ubsan.h"

#include "kernel/core/bug.h"
#include "kernel/x86/layout.h"

static void __noreturn report(const struct ubsan_place *at, const char *what)
{
	bug_fail(at->file, at->line, "undefined behaviour: %s", what);
}

/*
 * A value as the sanitizer passes it: in place, but 128-bit ones behind a pointer (shown as that).
 */
static s64 value_of(const struct ubsan_type *type, unsigned long value)
{
	unsigned bits = 1u << (type->info >> 1);

	if (type->kind != 0 || bits >= 64)
		return (s64)value;
	return (s64)(value << (64 - bits)) >> (64 - bits);
}

static void __noreturn overflow(const struct ubsan_overflow *data, const char *op, unsigned long a,
				unsigned long b)
{
	bug_fail(data->at.file, data->at.line, "undefined behaviour: %ld %s %ld overflows %s",
		 (long)value_of(data->type, a), op, (long)value_of(data->type, b),
		 data->type->name);
}

void __ubsan_handle_add_overflow(struct ubsan_overflow *data, unsigned long a, unsigned long b)
{
	overflow(data, "+", a, b);
}

void __ubsan_handle_sub_overflow(struct ubsan_overflow *data, unsigned long a, unsigned long b)
{
	overflow(data, "-", a, b);
}

void __ubsan_handle_mul_overflow(struct ubsan_overflow *data, unsigned long a, unsigned long b)
{
	overflow(data, "*", a, b);
}

void __ubsan_handle_divrem_overflow(struct ubsan_overflow *data, unsigned long a, unsigned long b)
{
	overflow(data, "/", a, b);
}

void __ubsan_handle_negate_overflow(struct ubsan_overflow *data, unsigned long a)
{
	overflow(data, "negated, minus", 0, a);
}

void __ubsan_handle_shift_out_of_bounds(struct ubsan_shift *data, unsigned long a, unsigned long b)
{
	bug_fail(data->at.file, data->at.line, "undefined behaviour: %ld shifted by %ld in %s",
		 (long)value_of(data->left, a), (long)value_of(data->right, b), data->left->name);
}

void __ubsan_handle_out_of_bounds(struct ubsan_bounds *data, unsigned long index)
{
	bug_fail(data->at.file, data->at.line, "undefined behaviour: index %ld outside %s",
		 (long)value_of(data->index, index), data->array->name);
}

void __ubsan_handle_pointer_overflow(struct ubsan_place *at, unsigned long base,
				     unsigned long result)
{
	bug_fail(at->file, at->line, "undefined behaviour: pointer %#lx moved to %#lx", base,
		 result);
}

/* An address that is never mapped faults by itself, which tells more. */
void __ubsan_handle_type_mismatch_v1(struct ubsan_mismatch *data, unsigned long pointer)
{
	if (pointer < USER_MIN)
		return;
	bug_fail(data->at.file, data->at.line,
		 "undefined behaviour: %#lx used as %s, which it cannot be", pointer,
		 data->type->name);
}

void __ubsan_handle_load_invalid_value(struct ubsan_overflow *data, unsigned long value)
{
	bug_fail(data->at.file, data->at.line, "undefined behaviour: %ld loaded as %s",
		 (long)value_of(data->type, value), data->type->name);
}

void __ubsan_handle_vla_bound_not_positive(struct ubsan_overflow *data, unsigned long bound)
{
	report(&data->at, "array of no or negative length");
}

void __ubsan_handle_nonnull_arg(struct ubsan_place *at)
{
	report(at, "NULL for an argument that must not be");
}

void __ubsan_handle_nonnull_return_v1(struct ubsan_place *data, struct ubsan_place *at)
{
	report(at, "NULL returned where it must not be");
}

void __ubsan_handle_builtin_unreachable(struct ubsan_place *at)
{
	report(at, "unreachable code reached");
}

void __ubsan_handle_missing_return(struct ubsan_place *at)
{
	report(at, "function without its return value");
}

void __ubsan_handle_invalid_builtin(struct ubsan_place *at)
{
	report(at, "0 for a builtin that counts zeros");
}

void __ubsan_handle_function_type_mismatch(struct ubsan_overflow *data, unsigned long function)
{
	report(&data->at, "call through a pointer to another type of function");
}

void __ubsan_handle_float_cast_overflow(struct ubsan_overflow *data, unsigned long from)
{
	report(&data->at, "floating-point value too large for its integer");
}
