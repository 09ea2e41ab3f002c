# The guest programs: one ELF64 executable a folder (lab1/ ... and bench/), each linked
# with the library in guest-tests/lib/. They are written to $(BUILD)/guest-tests/.

# GCC keeps the tests in the order in which they are written; Clang does anyway.
GUEST_CFLAGS := $(BARE_CFLAGS) -mcmodel=small $(if $(flavour),,-fno-toplevel-reorder)
GUEST_SCRIPT := guest-tests/link.ld
GUEST_FOLDERS := $(sort $(patsubst guest-tests/%/,%,$(filter-out \
	guest-tests/lib/ guest-tests/kernel/,$(dir $(wildcard guest-tests/*/*.[cS])))))
GUESTS := $(GUEST_FOLDERS:%=$(BUILD)/guest-tests/%.elf)

$(call record,$(OBJ)/guest.flags,$(CC) $(GUEST_CFLAGS))
guest-objects = $(patsubst %,$(OBJ)/%.o,$(basename $(wildcard guest-tests/$1/*.[cS])))

$(OBJ)/guest-tests/%.o: guest-tests/%.c $(OBJ)/guest.flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_CFLAGS) -MMD -MP -c -o $@ $<

$(OBJ)/guest-tests/%.o: guest-tests/%.S $(OBJ)/guest.flags
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_CFLAGS) -Wa,--fatal-warnings -MMD -MP -c -o $@ $<

# The emulator's rows, for the differential: printed by a program of this machine. Of
# the operations only the traits are looked at, so their functions are not linked.
PRINT_ROWS := cc -w -I. -static -Wl,--unresolved-symbols=ignore-all
DIFF_ROWS := $(OBJ)/guest-tests/diff/rows
$(DIFF_ROWS).c: emulator/test/print_rows.c $(wildcard emulator/op*.[ch])
	$(call say,ROWS,$@)
	@mkdir -p $(@D)
	$(Q)$(PRINT_ROWS) -o $(DIFF_ROWS).print $(filter %.c,$^)
	$(Q)$(DIFF_ROWS).print > $@
$(DIFF_ROWS).o: $(DIFF_ROWS).c guest-tests/diff/diff.h $(OBJ)/guest.flags
	$(Q)$(CC) $(GUEST_CFLAGS) -c -o $@ $<
$(BUILD)/guest-tests/diff.elf: $(DIFF_ROWS).o

define guest-rules
$$(call record,$(OBJ)/guest-tests/$1.objects,linked from: $(call guest-objects,$1))
$(BUILD)/guest-tests/$1.elf: $(call guest-objects,lib) $(call guest-objects,$1) \
		$(GUEST_SCRIPT) $(OBJ)/guest-tests/$1.objects
	$$(call say,LD,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(LD) -nostdlib -static --build-id=none -z max-page-size=4096 \
		-z noexecstack -T $$(GUEST_SCRIPT) -o $$@ $$(filter %.o,$$^)
-include $(patsubst %.o,%.d,$(call guest-objects,$1))
endef
$(foreach guest,$(GUEST_FOLDERS),$(eval $(call guest-rules,$(guest))))
-include $(patsubst %.o,%.d,$(call guest-objects,lib))
