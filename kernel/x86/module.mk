OBJS += kernel/x86/entry.o kernel/x86/model.o kernel/x86/nmi_rest.o kernel/x86/switch.o
OBJS += kernel/x86/uaccess.o
OBJS += kernel/x86/acpi.o kernel/x86/apic.o kernel/x86/cpu.o kernel/x86/fw_cfg.o
OBJS += kernel/x86/kmap.o kernel/x86/machine.o kernel/x86/memmap.o kernel/x86/pcpu.o
OBJS += kernel/x86/smp.o kernel/x86/start.o kernel/x86/tlb_ctx.o kernel/x86/trap.o kernel/x86/tsc.o
OBJS += kernel/x86/uart.o kernel/x86/vcpu.o
