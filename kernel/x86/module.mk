OBJS += kernel/x86/cpu.o kernel/x86/machine.o kernel/x86/start.o kernel/x86/uart.o kernel/x86/vcpu.o
