OBJS += kernel/shell/cmd_help.o kernel/shell/cmd_power.o kernel/shell/cmd_set.o kernel/shell/cmd_sites.o
OBJS += kernel/shell/cmd_system.o kernel/shell/env.o kernel/shell/line_edit.o kernel/shell/out.o
OBJS += kernel/shell/record.o kernel/shell/shell.o kernel/shell/terminal.o kernel/shell/words.o
