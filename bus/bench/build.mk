# Programs on the barrier bench: make -f bus/bench/build.mk BENCHCC=gcc|clang PROGRAM...
#
# build/bench/CC/FOLDER/NAME is one program: FOLDER/NAME.c (its scenarios), the files that
# its comment names ` * on the bench: FILE...`, and the bench itself. The first two are
# instrumented: the compiler reports each plain access, memcpy() and its like go to the
# bench, and bus/access.h is replaced. FILE=OTHER in the variable SWAP takes another file
# instead (a student's, a wrong one), and TO another folder for the program. The goal
# `bench` makes only what all programs share.

BENCHCC ?= gcc
OUT ?= build/bench/$(BENCHCC)
TO ?= $(OUT)
SWAP ?=
CFLAGS = -std=gnu11 -g -fno-pie -I$(TO) -I. -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wundef -Wswitch-enum -Wno-missing-field-initializers
gcc_words := --param tsan-distinguish-volatile=1 -Wno-tsan
clang_words := -mllvm -tsan-distinguish-volatile=1
words := $(if $(findstring clang,$(BENCHCC)),$(clang_words),$(gcc_words))
OPTIMIZE ?= -O1
HOOKED := $(OPTIMIZE) -fsanitize=thread $(words) -fno-builtin -Wno-unused
REDIRECT := -include bus/bench/access_redirect.h
BENCH := $(patsubst %.c,$(OUT)/%.o,$(wildcard bus/bench/*.c))

# What a scenario file says of itself in its opening comment.
says = $(shell sed -n 's/^ \* $1: //p' $2)
tested = $(call says,on the bench,$1)
real_srcu = $(filter bus/srcu.c,$(call tested,$1))
swapped = $(or $(patsubst $1=%,%,$(filter $1=%,$(SWAP))),$1)

.DELETE_ON_ERROR:
.SECONDARY:
.SECONDEXPANSION:

$(OUT)/%.o: %.c
	@mkdir -p $(@D)
	@$(BENCHCC) $(CFLAGS) -O2 -MMD -MP -c -o $@ $<

# PROGRAM: its files' objects lie in a folder of its own, for each is compiled as that
# scenario wants it.
$(TO)/bus/bench/test/%: bus/bench/test/%.c $(BENCH) FORCE
	@mkdir -p $@.d
	@for file in $(foreach file,$< $(call tested,$<),$(call swapped,$(file))); do \
		object=$@.d/$$(echo $$file | tr / _).o; \
		$(BENCHCC) $(CFLAGS) $(HOOKED) $(REDIRECT) $(if $(call real_srcu,$<),,-include \
			bus/bench/srcu_redirect.h) -c -o $$object $$file || exit 1; \
		objcopy --redefine-sym memcpy=bench_copy --redefine-sym memmove=bench_move \
			--redefine-sym memset=bench_set --redefine-sym printf=bench_printf \
			--redefine-sym panic=bench_fail $$object || exit 1; \
		set -- "$$@" $$object; \
	done; $(BENCHCC) -no-pie -o $@ "$$@" $(BENCH)

.PHONY: FORCE bench
FORCE:
bench: $(BENCH)

-include $(BENCH:.o=.d)
