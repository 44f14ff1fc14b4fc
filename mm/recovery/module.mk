OBJS += $(patsubst %.c,%.o,$(wildcard mm/recovery/*.c))
