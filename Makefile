# mmlife: the build of the kernel image. Tools, runs and checks: scripts/targets.mk; host tests:
# tests/host/host.mk.
#
#   make            $(B)/mmlife.elf (with debug data), .elf32 (for QEMU -kernel), .iso (GRUB)
#   make UBSAN=1 B=build/ubsan    every undefined operation is reported at run time
#   make race       mm/ and kernel/proc instrumented for the race detector, in build/race
#   B=dir  another output folder     CC=clang  the other compiler     V=1  show commands
#
# A folder's module.mk lists its objects (`OBJS += path/x.o`) and nothing else; FPU_OBJS are those
# that compute with doubles, and run only in threads marked for it. A changed flag rebuilds
# everything. The image is linked twice: the second link adds the symbol table and the build id at
# its very end, so that no address moves between the two.

B	?= build
all:

ifeq ($(origin CC),default)
CC	:= gcc
endif
LD	?= ld
OBJCOPY	?= objcopy
NM	?= nm
Q	:= $(if $(V),,@)
say	= $(if $(V),@:,@printf '  %-7s %s\n' $(1) $(2))

-include scripts/targets.mk
NEWLIB	?= $(or $(MMLIFE_NEWLIB_CACHE),build/newlib)/x86_64-elf

OBJS	:=
FPU_OBJS :=
include $(wildcard */module.mk */*/module.mk */*/*/module.mk)
KOBJS	:= $(addprefix $(B)/,$(sort $(OBJS) $(FPU_OBJS)))

IS_CLANG := $(findstring clang,$(shell $(CC) --version | head -n 1))

# --- flags -------------------------------------------------------------------

WARN	:= -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -Wold-style-definition \
	   -Wmissing-declarations -Wshadow -Wpointer-arith -Wwrite-strings -Wundef -Wvla \
	   -Wformat=2 -Wno-unused-parameter -Wno-sign-compare -Wno-format-nonliteral
ARCH	:= -ffreestanding -m64 -march=x86-64 -mcmodel=kernel -mno-red-zone -mgeneral-regs-only \
	   -fno-pic -fno-pie -fcf-protection=none
SAFE	:= -fno-stack-protector -fno-omit-frame-pointer -fno-optimize-sibling-calls \
	   -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-strict-aliasing -fno-common \
	   -fno-delete-null-pointer-checks
INC	:= -nostdinc -isystem $(NEWLIB)/include -isystem $(shell $(CC) -print-file-name=include) \
	   -I. -I$(B)/include
DEF	:= -D__DYNAMIC_REENT__ -U__linux__ -U__linux -Ulinux -U__unix__ -U__unix -Uunix
OPT	:= -O2 -g -ffile-prefix-map=$(CURDIR)/=

ifneq ($(IS_CLANG),)
ARCH	+= --target=x86_64-unknown-none-elf
WARN	+= -Wno-address-of-packed-member -Wno-gnu-variable-sized-type-not-at-end \
	   -Wno-pass-failed
else
ARCH	+= -mpreferred-stack-boundary=4
endif

ifneq ($(UBSAN),)
# A null pointer faults by itself; and address 0 of the %gs space is the first per-CPU variable.
SANITIZE := -fsanitize=undefined -fno-sanitize=null -DMMLIFE_UBSAN=1
else
SAFE	+= -fwrapv
endif

KCFLAGS	:= -std=gnu11 $(OPT) $(WARN) $(ARCH) $(SAFE) $(DEF) $(INC) $(EXTRA_CFLAGS)
KAFLAGS	:= -g $(ARCH) -ffile-prefix-map=$(CURDIR)/= -D__ASSEMBLER__=1 -I. -I$(B)/include
KLDFLAGS := -nostdlib -static -z max-page-size=4096 -z noexecstack --build-id=none \
	   --no-warn-rwx-segments --orphan-handling=error

# Race build: what runs inside the world is instrumented, the runtime that listens is not.
# Volatile accesses are annotated ones: the compiler must call them by other names.
RACE_VOLATILE := $(if $(IS_CLANG),-mllvm -tsan-distinguish-volatile=1, \
	--param=tsan-distinguish-volatile=1)
RACE_PATHS := mm/% kernel/proc/% tests/lab/case_%
race_flags = $(if $(RACE),-DMMLIFE_RACE=1 \
	$(if $(filter $(RACE_PATHS),$(1)),-fsanitize=thread $(RACE_VOLATILE)))
# The earliest code runs before a sanitizer could report.
san_flags = $(if $(filter kernel/x86/% kernel/core/ubsan%,$(1)),,$(SANITIZE))

fpu_flags = $(if $(filter $(1),$(FPU_OBJS:.o=.c)),-msse2 -mfpmath=sse)
c_flags = $(if $(call fpu_flags,$(1)),$(filter-out -mgeneral-regs-only,$(KCFLAGS)),$(KCFLAGS)) \
	  $(call fpu_flags,$(1)) $(call san_flags,$(1)) $(call race_flags,$(1))

# --- objects -----------------------------------------------------------------

FLAGS_NOW := $(shell $(CC) --version | head -n 1) | $(KCFLAGS) | $(KAFLAGS) | $(KLDFLAGS) | \
	     $(SANITIZE) | race=$(RACE) $(RACE_VOLATILE)

$(B)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(FLAGS_NOW)' > $@.new
	@cmp -s $@.new $@ && rm -f $@.new || mv $@.new $@

$(B)/%.o: %.c $(B)/flags | $(NEWLIB)/stamp
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(call c_flags,$<) -MD -MP -c $< -o $@

$(B)/%.o: %.S $(B)/flags $(B)/include/asm-offsets.h
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(CC) $(KAFLAGS) -MD -MP -c $< -o $@

# Structure offsets for assembly: compiled, never typed.
$(B)/include/asm-offsets.h: kernel/x86/asm_offsets.c $(B)/flags | $(NEWLIB)/stamp
	@mkdir -p $(@D)
	$(call say,OFFSETS,$@)
	$(Q)$(CC) $(KCFLAGS) -MD -MP -MT $@ -MF $(B)/asm-offsets.d -S $< -o $(B)/asm-offsets.s
	$(Q)sed -n 's/.*->\([A-Z0-9_]*\) \$$*\(-*[0-9]*\).*/#define \1 \2/p' $(B)/asm-offsets.s \
		> $@.new
	$(Q)mv $@.new $@

# How many places of mm/ know of something: counted, never typed.
$(B)/include/source-counts.h: scripts/source-counts $(wildcard mm/*.[ch] mm/*/*.[ch])
	@mkdir -p $(@D)
	$(call say,COUNT,$@)
	$(Q)scripts/source-counts $(filter mm/%,$^) > $@.new
	$(Q)mv $@.new $@

$(B)/tests/questions/descriptor.o: $(B)/include/source-counts.h

# --- image -------------------------------------------------------------------

LIBC	:= $(NEWLIB)/lib/libm.a $(NEWLIB)/lib/libc.a

$(B)/kernel.ld: linker/kernel.ld kernel/x86/layout.h kernel/core/registry_kinds.h $(B)/flags
	$(call say,LDS,$@)
	$(Q)$(CC) -E -P -undef -x assembler-with-cpp -D__ASSEMBLER__=1 \
		$(filter -D%,$(SANITIZE)) -I. $< \
		| sed 's|@B@|$(B)|g' > $@

link = $(LD) $(KLDFLAGS) -T $(B)/kernel.ld -o $@ $(1) --start-group $(LIBC) --end-group

$(B)/mmlife.pass1.elf: $(KOBJS) $(B)/kernel.ld $(B)/flags $(NEWLIB)/stamp
	$(call say,LD,$@)
	$(Q)$(call link,$(KOBJS))

$(B)/ksyms.S: $(B)/mmlife.pass1.elf scripts/symbols
	$(call say,SYMS,$@)
	$(Q)$(OBJCOPY) -O binary $< $(B)/mmlife.bin
	$(Q)$(NM) $< | python3 scripts/symbols "$$(sha256sum < $(B)/mmlife.bin | cut -c1-16)" \
		> $@.new
	$(Q)rm -f $(B)/mmlife.bin
	$(Q)mv $@.new $@

$(B)/ksyms.o: $(B)/ksyms.S
	$(Q)$(CC) $(KAFLAGS) -c $< -o $@

$(B)/mmlife.elf: $(B)/mmlife.pass1.elf $(B)/ksyms.o
	$(call say,LD,$@)
	$(Q)$(call link,$(KOBJS) $(B)/ksyms.o)

$(B)/mmlife.elf32: $(B)/mmlife.elf
	$(call say,OBJCOPY,$@)
	$(Q)$(OBJCOPY) --strip-debug -O elf32-i386 $< $@

$(B)/mmlife.iso: $(B)/mmlife.elf boot/grub.cfg
	$(call say,ISO,$@)
	$(Q)rm -rf $(B)/iso && mkdir -p $(B)/iso/boot/grub
	$(Q)cp boot/grub.cfg $(B)/iso/boot/grub/grub.cfg
	$(Q)$(OBJCOPY) --strip-debug $< $(B)/iso/boot/mmlife.elf
	$(Q)grub-mkrescue -o $@.new $(B)/iso > $(B)/mkrescue.log 2>&1 \
		|| { cat $(B)/mkrescue.log; exit 1; }
	$(Q)mv $@.new $@

kernel: $(B)/mmlife.elf $(B)/mmlife.elf32
all: kernel $(B)/mmlife.iso

race:
	$(MAKE) RACE=1 B=build/race kernel

# For checkers: the flags that compile a header or a file alone.
print-kcflags:
	@echo '$(KCFLAGS)'

-include tests/host/host.mk
-include $(KOBJS:.o=.d) $(B)/asm-offsets.d

.PHONY: all kernel race print-kcflags FORCE
.DELETE_ON_ERROR:
FORCE:
