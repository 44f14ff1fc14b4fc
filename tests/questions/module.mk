OBJS += $(patsubst %.c,%.o,$(wildcard tests/questions/*.c))
