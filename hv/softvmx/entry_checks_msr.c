/** @file
 * The VM-entry MSR-load list (SDM 3C 27.4): VM exit 34, and the number of the
 * entry as its qualification.
 *
 * An entry has 16 bytes: which MSR, 32 bits that must be 0, the value.  Some
 * MSRs cannot be loaded so at all; for the others the value must be one that
 * WRMSR takes.  Which those are only the processor knows in full, but for MSRs
 * that hypervisors load the rule is known.
 */
#include "hv/softvmx/entry_checks.h"
#include "hv/softvmx/entry_checks_row.h"

#include "hv/lib/printf.h"
#include "hv/x86/cr.h"
#include "hv/x86/msr.h"

#define SENTENCE_SIZE 240

/** Bits 31:8 of the MSRs that are x2APIC registers. */
#define X2APIC_MSRS 0x8u
#define MSR_IA32_SMM_MONITOR_CTL 0x9bu
#define MSR_IA32_BIOS_UPDT_TRIG 0x79u
#define MSR_IA32_BIOS_SIGN_ID 0x8bu

#define EFER_DEFINED (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)

/** What is wrong with the MSR's number, or NULL. */
static const char *number_rule(u64 index)
{
	u32 msr = index;

	if (index >> 32) {
		return "bits 63:32 of the entry are reserved and must be 0";
	}
	if (msr == MSR_IA32_FS_BASE || msr == MSR_IA32_GS_BASE) {
		return "IA32_FS_BASE and IA32_GS_BASE are loaded from guest "
		       "state, never from this list";
	}
	if (msr >> 8 == X2APIC_MSRS) {
		return "registers of the x2APIC are never loaded";
	}
	if (msr == MSR_IA32_SMM_MONITOR_CTL) {
		return "IA32_SMM_MONITOR_CTL can be written in SMM only";
	}
	if (msr == MSR_IA32_BIOS_UPDT_TRIG || msr == MSR_IA32_BIOS_SIGN_ID) {
		return "a microcode update cannot be loaded so";
	}
	return NULL;
}

/** LMA follows from LME and paging; here it must be as the entry makes it. */
static const char *efer_rule(u64 value)
{
	bool paged = entry_checks_read(GUEST_CR0) & CR0_PG;
	u64 entry = entry_checks_read(VM_ENTRY_CONTROLS);
	bool ia32e = entry & ENTRY_IA32E_MODE_GUEST;

	if (value & ~EFER_DEFINED) {
		return "reserved bits of IA32_EFER must be 0";
	}
	if (paged && ia32e != !!(value & EFER_LME)) {
		return "IA32_EFER.LME cannot change while paging is on";
	}
	return NULL;
}

/** What is wrong with the value, or NULL. */
static const char *value_rule(u32 msr, u64 value)
{
	switch (msr) {
	case MSR_IA32_EFER:
		return efer_rule(value);
	case MSR_IA32_PAT:
		return entry_checks_is_pat(value) ? NULL :
			"each byte of IA32_PAT must be 0, 1, 4, 5, 6 or 7";
	case MSR_IA32_LSTAR:
	case MSR_IA32_CSTAR:
	case MSR_IA32_KERNEL_GS_BASE:
	case MSR_IA32_SYSENTER_ESP:
	case MSR_IA32_SYSENTER_EIP:
		return entry_checks_is_canonical(value) ? NULL :
			"this MSR takes canonical addresses only";
	default:
		return NULL;
	}
}

static void tell(u32 number, u64 index, u64 value, const char *rule)
{
	u64 count = entry_checks_read(VM_ENTRY_MSR_LOAD_COUNT);
	char text[SENTENCE_SIZE];

	snprintf(text, sizeof(text),
		 "VM_ENTRY_MSR_LOAD_COUNT is %llu: entry %u of the list is MSR "
		 "0x%llx, value 0x%llx: %s - SDM 3C 27.4",
		 (unsigned long long)count, number,
		 (unsigned long long)index, (unsigned long long)value, rule);
	entry_checks_tell(VM_ENTRY_MSR_LOAD_ADDR, rule, text);
}

bool entry_checks_msr(u32 number, u64 index, u64 value)
{
	const char *rule = number_rule(index);

	if (!rule) {
		rule = value_rule(index, value);
	}
	if (rule) {
		tell(number, index, value, rule);
	}
	return !rule;
}

void entry_checks_msr_refused(u32 number, u64 index, u64 value)
{
	tell(number, index, value, "WRMSR refuses it with #GP");
}
