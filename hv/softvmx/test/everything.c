/** @file
 * A processor that offers everything: in place of the machine, and of the half
 * of the checks that tells (entry_checks_machine.c, entry_checks.c).
 */
#include "hv/softvmx/test/everything.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* -- The processor that has everything ------------------------------------- */

struct everything everything;

static u64 capability(u32 msr)
{
	switch (msr) {
	case IA32_VMX_BASIC:
		return everything.basic;
	case IA32_VMX_MISC:
		return everything.misc;
	case IA32_VMX_CR0_FIXED0:
	case IA32_VMX_CR4_FIXED0:
		return 0;
	case IA32_VMX_EPT_VPID_CAP:
		return BIT(6) | BIT(14);
	case IA32_VMX_VMFUNC:
		return 1;
	case IA32_VMX_PROCBASED_CTLS3:
	case IA32_VMX_EXIT_CTLS2:
	case IA32_VMX_CR0_FIXED1:
	case IA32_VMX_CR4_FIXED1:
		return BITS(31, 0);
	default:
		return ~0ull << 32; /* controls: all may be 1, none must */
	}
}

static enum vmx_result vmptrst(hpa_t *vmcs)
{
	*vmcs = hpa(0x5000);
	return VMX_SUCCEED;
}

static const struct vmx_unit unit = {
	.name = "everything",
	.capability = capability,
	.vmptrst = vmptrst,
};
const struct vmx_unit *vmx_unit = &unit;
bool vmx_unit_is_soft = true; /* so that its additional rules apply */

u64 entry_checks_read(enum vmcs_field field)
{
	assert_in_range(field, 0, FIELDS - 1);
	return everything.field[field];
}

void vmx_unit_panic(const char *insn, u32 field, enum vmx_result result)
{
	fail_msg("%s of 0x%x: %d", insn, field, result);
	abort();
}

void entry_checks_tell(enum vmcs_field field, const char *rule,
		       const char *sentence)
{
	(void)field;
	(void)rule;
	strncpy(everything.told, sentence, sizeof(everything.told) - 1);
	print_message("# broken: %s\n", sentence); /* for vmxrules.py */
}

unsigned int entry_checks_address_bits(void)
{
	return 46;
}

u64 entry_checks_own_cr4(void)
{
	return 0;
}

bool entry_checks_has_rtm(void)
{
	return everything.has_rtm;
}

bool entry_checks_has_bus_lock(void)
{
	return everything.has_bus_lock;
}

bool entry_checks_has_sgx(void)
{
	return everything.has_sgx;
}

bool entry_checks_is_tracing(void)
{
	return everything.is_tracing;
}

u64 entry_checks_perf_bits(void)
{
	return BITS(34, 32) | BITS(3, 0);
}

u64 entry_checks_load(hpa_t address)
{
	return (address.v & ~PAGE_MASK) == 0x80 ? everything.vtpr : 0;
}

/* -- A valid VMCS of 64-bit mode ------------------------------------------- */

static void set_segment(enum vmcs_field selector, u16 value, u32 rights)
{
	unsigned int offset = selector - GUEST_ES_SELECTOR;

	everything.field[selector] = value;
	everything.field[GUEST_ES_AR_BYTES + offset] = rights;
	everything.field[GUEST_ES_LIMIT + offset] =
		rights & SEG_AR_G ? ~0u : 0xffff;
}

static void set_guest(void)
{
	set_segment(GUEST_CS_SELECTOR, 8, 0xa09b);
	for (u32 s = GUEST_SS_SELECTOR; s <= GUEST_GS_SELECTOR; s += 2) {
		set_segment(s, 0x10, 0xc093);
	}
	set_segment(GUEST_ES_SELECTOR, 0x10, 0xc093);
	set_segment(GUEST_TR_SELECTOR, 0x18, 0x8b);
	set_segment(GUEST_LDTR_SELECTOR, 0, SEG_AR_UNUSABLE);
	everything.field[GUEST_CR0] = CR0_PE | CR0_PG;
	everything.field[GUEST_CR4] = CR4_PAE;
	everything.field[GUEST_IA32_EFER] = EFER_LME | EFER_LMA;
	everything.field[GUEST_RFLAGS] = RFLAGS_FIXED | RFLAGS_IF;
	everything.field[VMCS_LINK_POINTER] = ~0ull;
}

static void set_host(void)
{
	everything.field[HOST_CR4] = CR4_PAE;
	everything.field[HOST_IA32_EFER] = EFER_LME | EFER_LMA;
	everything.field[HOST_CS_SELECTOR] = 8;
	everything.field[HOST_TR_SELECTOR] = 0x18;
}

int everything_begin(void **state)
{
	(void)state;
	memset(&everything, 0, sizeof(everything));
	everything.basic = BIT(55);
	everything.misc = 4ull << 16 | BITS(8, 6);
	everything.field[CPU_BASED_VM_EXEC_CONTROL] = CPU_SECONDARY_CONTROLS;
	everything.field[CPU2] = CPU2_ENABLE_EPT;
	everything.field[EPT_POINTER] =
		EPTP_MEMORY_TYPE_WB | EPTP_WALK_LENGTH_4;
	everything.field[VM_EXIT_CONTROLS] = EXIT_HOST_ADDRESS_SPACE_SIZE;
	everything.field[VM_ENTRY_CONTROLS] = ENTRY_IA32E_MODE_GUEST;
	set_guest();
	set_host();
	return 0;
}

/** All checks, as entry_checks_all() has them. */
bool everything_is_valid(void)
{
	u64 qualification;

	everything.told[0] = 0;
	return entry_checks_controls() && entry_checks_host() &&
	       entry_checks_guest() && entry_checks_state(&qualification) &&
	       entry_checks_memory(&qualification);
}

static void apply(const struct row *row)
{
	for (int i = 0; i < CHANGES; i++) {
		const struct change *change = &row->change[i];

		everything.field[change->field] |= change->on;
		everything.field[change->field] &= ~change->off;
	}
}

void everything_try(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *words = rows[i].words;

		everything_begin(NULL);
		apply(&rows[i]);
		if (everything_is_valid() != !words ||
		    (words && !strstr(everything.told, words))) {
			fail_msg("row %zu (%s): %s", i, words ? words : "valid",
				 everything.told);
		}
	}
}
