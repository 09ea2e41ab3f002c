# How the image is linked.
#
# Everything but the lab's own file is compiled once, into $(OBJ). The lab's file goes
# to $(OUT)/lab/, and the image is linked there: two variants of a lab in two OUT
# folders share every other object.
#
# The symbol table for backtraces is made from the linked image itself: a first link
# with an empty table, then tools/mksyms reads it, then the final link. SYMBOLS=0 stops
# after the first link: half of the time to link a variant, and backtraces of addresses.

# No frame may be so large that it steps over the guard page below a stack.
HV_CFLAGS := $(BARE_CFLAGS) -mcmodel=kernel -Wframe-larger-than=4096 -Wvla
# A lab's file is debugged more often than it is run: each function stays a frame of its
# own in backtraces, and GDB finds the variables.
LAB_CFLAGS := -Og -fno-optimize-sibling-calls -falign-functions=16
HV_SOURCES := $(wildcard hv/*/*.[cS] emulator/*.c mmu/*.c bus/*.c)
HV_SOURCES := $(filter-out $(HV_NOT_LINKED),$(HV_SOURCES))
HV_OBJECTS := $(patsubst %,$(OBJ)/%.o,$(basename $(HV_SOURCES)))
HV_SCRIPT := $(firstword $(wildcard hv/boot/*.ld))

# Which folder each lab's file comes from: LABn_DIR, else labs/ if it was chosen or if
# the solutions have not been handed out, else solutions/.
folders = $(notdir $(patsubst %/,%,$(wildcard $1)))
ALL_LABS := $(sort $(call folders,labs/lab*/ solutions/lab*/))
EXISTING_LABS := $(notdir $(patsubst %/lab.conf,%,$(wildcard labs/lab*/lab.conf)))
UNSOLVED_LABS := $(filter-out $(call folders,solutions/lab*/),$(EXISTING_LABS))
number = $(subst lab,,$(firstword $(subst -, ,$1)))
ifeq ($(SRC),labs)
CHOSEN := $(if $(filter all,$(LAB)),$(EXISTING_LABS),$(filter lab$(LAB)-%,$(EXISTING_LABS)))
else ifneq ($(SRC),solutions)
$(error SRC=$(SRC) is not known: say SRC=labs or SRC=solutions)
endif
# (tools/grade has its own word for a lab that does not exist.)
ifneq ($(if $(filter grade,$(MAKECMDGOALS)),,$(filter-out all,$(LAB))),)
ifeq ($(filter lab$(LAB)-%,$(EXISTING_LABS)),)
$(error there is no lab $(LAB): say LAB=N or LAB=all; the labs are \
	$(foreach lab,$(EXISTING_LABS),$(call number,$(lab))))
endif
endif
reference = $(wildcard solutions/$1/*.c)
lab-files = $(notdir $(or $(reference),$(wildcard labs/$1/*.c)))
lab-dir = $(or $(LAB$(call number,$1)_DIR),$(if $(filter $1,$(CHOSEN)),labs/$1,$(if \
	$(reference),solutions/$1,labs/$1)))
lab-object-dir = $(if $(filter solutions/%,$(lab-dir)),$(OBJ)/$(lab-dir),$(OUT)/lab/$1)
lab-objects = $(patsubst %.c,$(lab-object-dir)/%.o,$(lab-files))
LAB_OBJECTS := $(foreach lab,$(ALL_LABS),$(call lab-objects,$(lab)))

# The bus once more, with its words led to the staleness shim (hv/stale/README.md), and
# a table of the functions that both copies have.
BUS_PLAIN := $(call lab-object-dir,lab5-bus)/bus.o
STALE := $(BUS_PLAIN:bus.o=stale)
STALE_WORDS := hv/stale/stale_words.h

OBJECTS := $(HV_OBJECTS) $(LAB_OBJECTS) $(STALE)/bus.o $(STALE)/pairs.o
$(call record,$(OBJ)/hv.flags,$(CC) $(HV_CFLAGS) $(LAB_CFLAGS))
$(call record,$(OUT)/exit49.objects,linked from: $(OBJECTS) SYMBOLS=$(SYMBOLS))

$(OBJ)/%.o: %.c $(OBJ)/hv.flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HV_CFLAGS) -MMD -MP -c -o $@ $<

$(OBJ)/%.o: %.S $(OBJ)/hv.flags
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HV_CFLAGS) -Wa,--fatal-warnings -MMD -MP -c -o $@ $<

# The empty rule at the end of a .d file is for a LABn_DIR that is gone by now.
define lab-rules
$$(call record,$(OUT)/lab/$1.from,$(lab-dir))
$(OUT)/lab/$1/%.o: $(lab-dir)/%.c $(OBJ)/hv.flags $(OUT)/lab/$1.from
	$$(call say,CC,$$<)
	@mkdir -p $$(@D)
	$$(Q)$(CC) $$(HV_CFLAGS) $$(LAB_CFLAGS) -MMD -MP -c -o $$@ $$<
	@echo '$$<:' >> $$(@:.o=.d)
endef
$(foreach lab,$(ALL_LABS),$(if $(filter $(OUT)/lab/%,$(call lab-object-dir,$(lab))),$(eval \
	$(call lab-rules,$(lab)))))

# What the file itself gets wrong, the plain copy's compiler says first.
$(STALE)/bus.o: $(call lab-dir,lab5-bus)/bus.c $(BUS_PLAIN)
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HV_CFLAGS) $(LAB_CFLAGS) -include $(STALE_WORDS) -MMD -MP -c -o $@ $<
	@echo '$<:' >> $(@:.o=.d)
	$(Q)$(CROSS)nm -g --defined-only $@ | awk '$$2 == "T" { print $$3, "stale_" $$3 }' \
		> $(STALE)/names
	$(Q)$(OBJCOPY) --redefine-syms=$(STALE)/names -w --keep-global-symbol='stale_*' $@

$(STALE)/pairs.o: $(STALE)/bus.o
	$(Q)awk 'BEGIN { print ".section .rodata\n.balign 8\n.globl stale_pairs, stale_pairs_end"; \
		print "stale_pairs:" } { print ".quad " $$1 ", " $$2 } END { print \
		"stale_pairs_end:\n.section .note.GNU-stack,\"\",@progbits" }' \
		$(STALE)/names > $(STALE)/pairs.S
	$(Q)$(CC) -c -o $@ $(STALE)/pairs.S

# -Map: where everything went, for those who want to know.
link = $(LD) -nostdlib -static --build-id=none -z max-page-size=4096 -z noexecstack \
	-T $(HV_SCRIPT) -Map=$(OUT)/exit49.map -o $1 $(OBJECTS) $2

$(OUT)/exit49.first.elf: $(OBJECTS) $(OUT)/exit49.objects $(HV_SCRIPT) tools/mksyms
	$(call say,LD,$@)
	$(Q)tools/mksyms > $(OUT)/no-symbols.S
	$(Q)$(CC) -c -o $(OUT)/no-symbols.o $(OUT)/no-symbols.S
	$(Q)$(call link,$@,$(OUT)/no-symbols.o)

$(OUT)/exit49.sym.elf: $(OUT)/exit49.first.elf
ifeq ($(SYMBOLS),0)
	$(Q)cp $< $@
else
	$(call say,LD,$@)
	$(Q)tools/mksyms $< > $(OUT)/symbols.S
	$(Q)$(CC) -c -o $(OUT)/symbols.o $(OUT)/symbols.S
	$(Q)$(call link,$@,$(OUT)/symbols.o)
endif

# Multiboot 1 wants a 32-bit ELF file. The debug information stays in the .sym.elf.
IMAGE_LIMIT := 2097152
$(OUT)/exit49.elf: $(OUT)/exit49.sym.elf
	$(call say,OBJCOPY,$@)
	$(Q)$(OBJCOPY) -S -O elf32-i386 $< $@
	@size=$$(($$(wc -c < $@))); if [ $$size -gt $(IMAGE_LIMIT) ]; then \
		echo "$@: $$size bytes, more than $(IMAGE_LIMIT)" >&2; rm $@; exit 1; fi

# The GRUB disc: every guest is a module, named by its file name.
$(OUT)/exit49.iso: $(OUT)/exit49.elf $(GUESTS)
	$(call say,ISO,$@)
	$(Q)tools/mkiso $@ $^

-include $(OBJECTS:.o=.d)
