OBJS += $(patsubst %.c,%.o,$(wildcard tests/lab/*.c))
