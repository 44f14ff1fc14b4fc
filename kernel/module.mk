OBJS += kernel/main.o
