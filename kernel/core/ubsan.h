/*
 * ubsan.h - the functions and records of -fsanitize=undefined, as the compilers expect them.
 */
#ifndef KERNEL_CORE_UBSAN_H
#define KERNEL_CORE_UBSAN_H

#include "kernel/base/compiler.h"

struct ubsan_place {
	const char *file;
	int line, column;
};

struct ubsan_type {
	u16 kind; /* 0 = integer */
	u16 info; /* integer: 2 * log2(bits) + signed */
	char name[];
};

/* Each record begins with the place. */
struct ubsan_overflow {
	struct ubsan_place at;
	struct ubsan_type *type;
};

struct ubsan_shift {
	struct ubsan_place at;
	struct ubsan_type *left, *right;
};

struct ubsan_bounds {
	struct ubsan_place at;
	struct ubsan_type *array, *index;
};

struct ubsan_mismatch {
	struct ubsan_place at;
	struct ubsan_type *type;
	u8 log_alignment;
	u8 check;
};

void __ubsan_handle_add_overflow(struct ubsan_overflow *data, unsigned long a, unsigned long b);
void __ubsan_handle_sub_overflow(struct ubsan_overflow *data, unsigned long a, unsigned long b);
void __ubsan_handle_mul_overflow(struct ubsan_overflow *data, unsigned long a, unsigned long b);
void __ubsan_handle_divrem_overflow(struct ubsan_overflow *data, unsigned long a, unsigned long b);
void __ubsan_handle_negate_overflow(struct ubsan_overflow *data, unsigned long a);
void __ubsan_handle_shift_out_of_bounds(struct ubsan_shift *data, unsigned long a, unsigned long b);
void __ubsan_handle_out_of_bounds(struct ubsan_bounds *data, unsigned long index);
void __ubsan_handle_pointer_overflow(struct ubsan_place *at, unsigned long base,
				     unsigned long result);
void __ubsan_handle_type_mismatch_v1(struct ubsan_mismatch *data, unsigned long pointer);
void __ubsan_handle_load_invalid_value(struct ubsan_overflow *data, unsigned long value);
void __ubsan_handle_vla_bound_not_positive(struct ubsan_overflow *data, unsigned long bound);
void __ubsan_handle_nonnull_arg(struct ubsan_place *at);
void __ubsan_handle_nonnull_return_v1(struct ubsan_place *data, struct ubsan_place *at);
void __ubsan_handle_builtin_unreachable(struct ubsan_place *at);
void __ubsan_handle_missing_return(struct ubsan_place *at);
void __ubsan_handle_invalid_builtin(struct ubsan_place *at);
void __ubsan_handle_function_type_mismatch(struct ubsan_overflow *data, unsigned long function);
void __ubsan_handle_float_cast_overflow(struct ubsan_overflow *data, unsigned long from);

#endif
