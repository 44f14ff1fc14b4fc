# targets.mk - what make does beside building the kernel: tools, newlib, runs, tests, checks, clean.
#
# Owns: the goals below and the look for missing packages, which runs before anything else because
# even the compiler may be missing on a fresh machine. Included near the start of the top Makefile.
# Not here: how the kernel is compiled and linked (Makefile), host tests (tests/host/host.mk).

B ?= build
Q ?= $(if $(V),,@)

# --- packages ----------------------------------------------------------------

# Groups of scripts/deps by goal; a goal that is not listed needs the compiler and its company.
DEPS_NONE    := clean help print-kcflags
DEPS_run     := run bench test smoke stress
DEPS_host    := test host-test host-programs check
DEPS_check   := check style layers headers tidy thread-safety

GOALS := $(or $(MAKECMDGOALS),all)
DEPS_GROUPS := $(if $(filter-out $(DEPS_NONE),$(GOALS)),build) \
	$(foreach group,run host check,$(if $(filter $(DEPS_$(group)),$(GOALS)),$(group)))

ifneq ($(strip $(DEPS_GROUPS)),)
ifneq ($(shell scripts/deps $(DEPS_GROUPS) >&2; echo $$?),0)
$(error packages are missing: see above)
endif
endif

# --- newlib ------------------------------------------------------------------

NEWLIB_OUT := $(or $(MMLIFE_NEWLIB_CACHE),build/newlib)
NEWLIB := $(NEWLIB_OUT)/x86_64-elf

$(NEWLIB)/stamp: scripts/newlib scripts/newlib.flags
	$(Q)scripts/newlib $(NEWLIB_OUT)

# --- cleaning and help -------------------------------------------------------

clean:
	$(Q)rm -rf $(B)

help:
	$(Q)sed -n 's/^## //p' scripts/targets.mk

.PHONY: clean help
