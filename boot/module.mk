OBJS += boot/entry32.o boot/entry64.o boot/trampoline.o
