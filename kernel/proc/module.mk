OBJS += kernel/proc/exit.o
OBJS += kernel/proc/fork.o
OBJS += kernel/proc/signal.o
OBJS += kernel/proc/task.o
OBJS += kernel/proc/task_user.o
OBJS += kernel/proc/wait_task.o
