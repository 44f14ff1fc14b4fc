# host.mk - build and run the tests of the pure parts on the host, under ASan and UBSan.
#
# Owns: `make host-test` (build and run all), `make host-programs` (build only).
# Not here: suites with a Makefile of their own (tests/host/maple): `run` calls them.
# Idea: a directory tests/host/NAME with a file `sources` becomes $(B)/host/NAME/test, made of its
#       *.c, the kernel sources it lists, and htest.c. Headers of the kernel that cannot exist on
#       the host are shadowed by tests/host/include. Included by the top Makefile; works alone too:
#       make -f tests/host/host.mk host-test

B ?= build
HOSTCC ?= gcc
HOST_SANITIZE ?= -fsanitize=address,undefined -fno-sanitize-recover=all
HOST_CFLAGS ?= -std=gnu11 -O1 -g -fno-omit-frame-pointer -fno-common $(HOST_SANITIZE) \
	-Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -Wshadow -Wvla \
	-Wno-unused-parameter
HOST_CPPFLAGS := -I tests/host/include -I . -DHOST_TEST=1

HOST_NAMES := $(patsubst tests/host/%/sources,%,$(wildcard tests/host/*/sources))
HOST_PROGRAMS := $(HOST_NAMES:%=$(B)/host/%/test)

.PHONY: host-test host-programs FORCE

## make host-test   build and run the host tests (HOST_ONLY="name ..." for some)
host-test: host-programs
	@MAKEFLAGS= tests/host/run --build $(B) $(HOST_ONLY)

host-programs: $(HOST_PROGRAMS)

# The flags the objects were built with; its date changes only when they do.
$(B)/host/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(HOSTCC) $(HOST_CFLAGS) $(HOST_CPPFLAGS)' | cmp -s - $@ || \
		echo '$(HOSTCC) $(HOST_CFLAGS) $(HOST_CPPFLAGS)' >$@

# host_program NAME: the rules of one test program. Objects are its own: flags may differ by suite.
define host_program
host_$(1)_src := $$(wildcard tests/host/$(1)/*.c) tests/host/htest.c \
	$$(shell sed -e 's/#.*//' tests/host/$(1)/sources)
host_$(1)_flags := $$(shell sed -e 's/#.*//' tests/host/$(1)/flags 2>/dev/null)
host_$(1)_obj := $$(host_$(1)_src:%.c=$(B)/host/$(1)/%.o)

$$(host_$(1)_obj): $(B)/host/$(1)/%.o: %.c $(B)/host/flags $$(wildcard tests/host/$(1)/flags)
	@mkdir -p $$(@D)
	@echo "  HOSTCC  $(1): $$<"
	$$(Q)$$(HOSTCC) $$(HOST_CFLAGS) $$(HOST_CPPFLAGS) $$(host_$(1)_flags) -MD -MP -c $$< -o $$@

$(B)/host/$(1)/test: $$(host_$(1)_obj) tests/host/$(1)/sources
	@echo "  HOSTLD  $$@"
	$$(Q)$$(HOSTCC) $$(HOST_CFLAGS) $$(host_$(1)_flags) $$(host_$(1)_obj) -o $$@ -lm

-include $$(host_$(1)_obj:.o=.d)
endef
$(foreach name,$(HOST_NAMES),$(eval $(call host_program,$(name))))

ifeq ($(V),1)
Q :=
else
Q ?= @
endif
