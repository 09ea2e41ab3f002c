# The host tests: emulator/, mmu/, bus/ and whatever of hv/ is plain C, compiled for the
# host with the address and undefined-behaviour sanitizers. Used by tools/check/host as
#
#	make -f tools/check/host.mk HOSTCC=gcc|clang
#
# Each FOLDER/test/NAME_test.c is a cmocka program of its own. It is linked against an
# archive of emulator/, mmu/, bus/ and the reference solutions, so it gets what it calls
# and nothing else. A source outside of these is named in the test's opening comment:
#
#	 * links: hv/lib/page.c hv/lib/string.c
#
# and so is a library: ` * libraries: -lZydis`.
#
# LAB=N takes that lab's file from labs/, or from LABN_DIR, and builds only the tests of
# its header.

HOSTCC ?= gcc
LAB ?=
OUT := build/host/$(HOSTCC)$(if $(LAB),-lab$(LAB))
CFLAGS := -std=gnu11 -g -O1 -I. -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wundef -Wswitch-enum -Wno-missing-field-initializers \
	-fno-omit-frame-pointer \
	-mcx16 -fsanitize=address,undefined -fno-sanitize-recover=all -MMD -MP

# A lab whose solution was not handed out is the student's as well.
MINE := $(if $(LAB),$(wildcard $(or $(LAB$(LAB)_DIR),labs/lab$(LAB)-*)/*.c))
CHOSEN := $(sort $(MINE) $(foreach file,$(wildcard labs/lab*/*.c),$(if $(or $(filter \
	labs/lab$(LAB)-%,$(file)),$(wildcard $(file:labs/%=solutions/%))),,$(file))))
TESTS := $(wildcard emulator/test/*_test.c mmu/test/*_test.c bus/test/*_test.c \
	hv/*/test/*_test.c tools/*/test/*_test.c)
ifneq ($(LAB),)
HEADER := $(shell sed -n 's/^header *= *//p' labs/lab$(LAB)-*/lab.conf)
TESTS := $(shell grep -lF '"$(HEADER)"' $(TESTS))
endif
PROGRAMS := $(TESTS:%.c=$(OUT)/%)
LIBRARY := $(patsubst %.c,$(OUT)/%.o,$(wildcard emulator/*.c mmu/*.c bus/*.c) \
	$(filter-out $(if $(MINE),solutions/lab$(LAB)-%),$(wildcard solutions/*/*.c)) \
	$(CHOSEN))
libraries = $(shell sed -n 's/^ \* libraries: //p' $1)
links = $(patsubst %.c,$(OUT)/%.o,$(shell sed -n 's/^ \* links: //p' $1))

.PHONY: all FORCE
.DELETE_ON_ERROR:
.SECONDARY:
all: $(PROGRAMS)

$(OUT)/%.o: %.c tools/check/host.mk
	@mkdir -p $(@D)
	@$(HOSTCC) $(CFLAGS) -c -o $@ $<

# Which files the archive is made of: LABN_DIR may have changed.
$(OUT)/library: FORCE
	@mkdir -p $(@D)
	@echo '$(LIBRARY)' | cmp -s - $@ || echo '$(LIBRARY)' > $@

$(OUT)/libexit49.a: $(LIBRARY) $(OUT)/library
	@rm -f $@ && ar rcs $@ $(LIBRARY)

.SECONDEXPANSION:
$(PROGRAMS): $(OUT)/%: $(OUT)/%.o $$(call links,%.c) $(OUT)/libexit49.a
	@$(HOSTCC) $(CFLAGS) -o $@ $(filter %.o,$^) $(OUT)/libexit49.a \
		$(call libraries,$(<:$(OUT)/%.o=%.c)) -lcmocka

-include $(shell find $(OUT) -name "*.d" 2>/dev/null)
