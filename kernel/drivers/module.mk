OBJS += kernel/drivers/block.o
