/** @file
 * Other modes than 64-bit: pieces of code that the rig runs in them.
 */
#ifndef GUEST_TESTS_VMX_MODES_H
#define GUEST_TESTS_VMX_MODES_H

#include "guest-tests/vmx/vmx.h"

/* Selectors in the modes' own GDT */
#define MODES_CODE32 0x08
#define MODES_DATA32 0x10
#define MODES_CODE16 0x18
#define MODES_DATA16 0x20
#define MODES_TSS 0x28
#define MODES_TSS_OTHER 0x30
#define MODES_TSS_BUSY 0x38 /* that one again, busy */

/** A gate of the modes' own IDT, which has 64 of them; 32-bit interrupt gates
 * to a handler that counts in modes_events and returns. */
extern u64 modes_idt[64];
extern u32 modes_events;
/** What the handlers have found on their stack: EIP, and vector 13's error
 * code, which has a handler of its own. */
extern u32 modes_return, modes_error;

/** An event for the VM entry that begins the next modes_run(). */
struct modes_event {
	u32 information, error, length;
};
extern struct modes_event modes_inject;

/** A task gate for modes_idt, to be written there first - SDM 3A 7.2.5. */
#define MODES_TASK_GATE(tss) ((u64)(tss) << 16 | 0x8500ull << 32)

/**
 * Run code in another mode, on page tables that map 4 GiB onto itself.
 * @param kind the mode; from MODE_PROTECTED_16 on it is code16.S, else
 *	code32.S
 * @param code its entry
 * @param argument is in ESI there
 */
void modes_run(enum services_mode_kind kind, const char *code, u32 argument);

/** An exit of a series: what a test expects. */
struct modes_exit {
	u64 reason;
	u64 length;
	u64 qualification;
};

/** Compare the last exits with a series, the first of it being the oldest. */
void modes_check(const struct modes_exit *series, u64 count);

#define MODES_CHECK(series) modes_check((series), ARRAY_SIZE(series))

/* code32.S; all end in SERVICE_RETURN */
extern const char code32_instructions[], code32_ports[], code32_memory[],
	code32_vmx[], code32_events[], code32_faults[], code32_registers[],
	code32_inject[], code32_task[], code32_task_iret[], code32_task_gates[];
/** Where code in 16 bits is copied to: CS' base there, selector base / 16. */
#define MODES_LOW 0x10000

/* code16.S */
extern const char code16_base[], code16_end[], code16_instructions[],
	code16_ports[], code16_memory[], code16_events[], code16_registers[],
	code16_to_32[], code16_vmx[], code16_inject[],
	code16_v8086[];

#endif
