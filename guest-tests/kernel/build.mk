# The small multiboot kernel, in the three forms that a loader has to know: ELF32, ELF64
# (the same code in the other wrapper), and a flat file with address fields.
KERNEL_CFLAGS := $(filter-out -mcx16,$(BARE_CFLAGS)) -m32 -Wno-int-to-pointer-cast \
	-Wno-pointer-to-int-cast
KERNEL_OBJECTS := $(patsubst %,$(OBJ)/kernel/%.o,entry second main chips devices questions \
	ticks trap processor processor_msrs bios bios_entry disk wild ends)
KERNEL := $(BUILD)/guest-tests/kernel
KERNELS := $(KERNEL).elf32 $(KERNEL).elf64 $(KERNEL).flat
$(call record,$(OBJ)/kernel.flags,$(CC) $(KERNEL_CFLAGS))

$(OBJ)/kernel/%.o: guest-tests/kernel/%.c $(OBJ)/kernel.flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CFLAGS) -MMD -MP -c -o $@ $<
$(OBJ)/kernel/%.o: guest-tests/kernel/%.S $(OBJ)/kernel.flags
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CFLAGS) -MMD -MP -c -o $@ $<

$(KERNEL).elf32: $(KERNEL_OBJECTS) guest-tests/kernel/kernel.ld
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LD) -m elf_i386 -nostdlib -static --build-id=none -z noexecstack \
		-z max-page-size=4096 -T guest-tests/kernel/kernel.ld -o $@ \
		$(KERNEL_OBJECTS)
$(KERNEL).elf64: $(KERNEL).elf32
	$(Q)$(OBJCOPY) -O elf64-x86-64 $< $@
$(KERNEL).flat: $(KERNEL).elf32
	$(Q)$(OBJCOPY) -O binary $< $@
-include $(KERNEL_OBJECTS:.o=.d)
