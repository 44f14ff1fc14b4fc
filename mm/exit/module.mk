OBJS += $(patsubst %.c,%.o,$(wildcard mm/exit/*.c))
