/** @file
 * A processor that offers everything, and a valid VMCS of 64-bit mode for it,
 * for host tests of the VM-entry checks.
 *
 * Fields are an array, and the capability MSRs allow all that there is.
 */
#ifndef HV_SOFTVMX_TEST_EVERYTHING_H
#define HV_SOFTVMX_TEST_EVERYTHING_H

#include "hv/softvmx/entry_checks.h"
#include "hv/softvmx/entry_checks_row.h"
#include "hv/x86/cr.h"

#define FIELDS 0x7000
#define CHANGES 5
#define BEYOND BIT(62)	   /* more than any MAXPHYADDR */
#define ODD_ADDRESS BIT(47) /* not canonical */

/** The processor, reset by everything_begin(). */
struct everything {
	u64 field[FIELDS];
	u64 basic, misc; /* IA32_VMX_BASIC, IA32_VMX_MISC */
	u64 vtpr;	 /* the task priority in every virtual-APIC page */
	bool has_rtm, has_bus_lock, has_sgx, is_tracing;
	char told[256]; /* the last sentence */
};

extern struct everything everything;

/** Bits of a field that are set and cleared. */
struct change {
	u32 field;
	u64 on, off;
};

struct row {
	struct change change[CHANGES];
	const char *words; /* NULL: it is valid */
};


/** A valid VMCS; has cmocka's form of a set-up function. */
int everything_begin(void **state);

/** All checks but those of MSR lists, as entry_checks_all() has them. */
bool everything_is_valid(void);

/** Try each row from a valid VMCS; the first that is wrong fails the test. */
void everything_try(const struct row *rows, size_t count);

/* Rows: what is changed, and what the sentence must have in it. */
#define ON(field, bits) { field, bits, 0 }
#define OFF(field, bits) { field, 0, bits }
#define PIN(bits) ON(PIN_BASED_VM_EXEC_CONTROL, bits)
#define CPU(bits) ON(CPU_BASED_VM_EXEC_CONTROL, bits)
#define EXIT(bits) ON(VM_EXIT_CONTROLS, bits)
#define ENTRY(bits) ON(VM_ENTRY_CONTROLS, bits)
#define SHADOW CPU(CPU_TPR_SHADOW)
#define DELIVERY ON(CPU2, CPU2_VIRTUAL_INTERRUPTS)
#define EXITING PIN_EXTERNAL_INTERRUPT_EXITING
#define TERTIARY CPU(CPU_TERTIARY_CONTROLS)
#define NO_EPT OFF(CPU2, CPU2_ENABLE_EPT)
#define POSTED                                                           \
	PIN(PIN_POSTED_INTERRUPTS | EXITING), SHADOW, DELIVERY,          \
		EXIT(EXIT_ACKNOWLEDGE_INTERRUPT)
#define EVENT(type, vector) \
	ON(VM_ENTRY_INTR_INFO, INTR_INFO_VALID | (type) << 8 | (vector))
#define NOT_A_PAGE "it must be a page"
#define CPU2 SECONDARY_VM_EXEC_CONTROL
#define CPU3 TERTIARY_VM_EXEC_CONTROL

#endif
