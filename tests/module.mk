OBJS += $(patsubst %.c,%.o,$(wildcard tests/*.c tests/unit/*.c tests/inject/*.c tests/stress/*.c))
OBJS += $(patsubst %.c,%.o,$(wildcard tests/bench/*.c))
FPU_OBJS += tests/bench_stat.o
