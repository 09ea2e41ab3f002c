/** @file
 * Rows that break guest RIP, RFLAGS, activity, interruptibility and pending
 * debug exceptions (SDM 3C 27.3.1.4, 27.3.1.5).
 */
#include "hv/vmxtest/entry_row.h"
#include "hv/x86/trap.h"

#define BLOCKING GUEST_INTERRUPTIBILITY_STATE
#define ACTIVITY GUEST_ACTIVITY_STATE
#define PENDING GUEST_PENDING_DBG_EXCEPTIONS
#define STI INTERRUPTIBILITY_STI
#define MOV_SS INTERRUPTIBILITY_MOV_SS
#define EVENT(type, vector) \
	SET(VM_ENTRY_INTR_INFO, INTR_INFO_VALID | (type) << 8 | (vector))
#define INTERRUPT EVENT(INTR_TYPE_EXTERNAL, 32)
#define NMI EVENT(INTR_TYPE_NMI, VECTOR_NMI)
#define BS BIT(14)
#define BAD_RIP GUEST, WORDS("bits 63:32 must be 0 outside of 64-bit mode")
#define BAD_FLAGS GUEST, WORDS("bit 1 must be 1, bits 63:22, 15, 5 and 3 must be 0")
#define NO_VM GUEST, WORDS("VM must be 0 in IA-32e mode and in real mode")
#define NO_WAKE GUEST, WORDS("does not wake a processor from this state")
#define BAD_BS GUEST, WORDS("BS, bit 14, must be 1 if RFLAGS.TF = 1")
#define BAD_PENDING GUEST, WORDS("bits 63:17, 15, 13 and 10:4 must be 0")
#define BLAMES(field) .blames = field

static const struct entry_row rows[] = {
	{ "rip_high_in_pae", ENTRY_PAE, { ON(GUEST_RIP, BIT(32)) }, BAD_RIP },
	{ "rip_high_in_compat", ENTRY_COMPAT_32, { ON(GUEST_RIP, BIT(40)) }, BAD_RIP },
	{ "rip_high_in_real", ENTRY_REAL, { ON(GUEST_RIP, BIT(63)) }, BAD_RIP },
	{ "rip_48", ENTRY_LONG, { ON(GUEST_RIP, BIT(48)) }, GUEST,
	  WORDS("bits 63:48 must be all equal") },
	{ "rip_63", ENTRY_LONG, { ON(GUEST_RIP, BIT(63)) }, GUEST,
	  WORDS("bits 63:48 must be all equal") },
	{ "rip_47_is_not_looked_at", ENTRY_LONG, { SET(GUEST_RIP, BIT(47)) }, ENTERS },
	{ "rflags_1", ENTRY_LONG, { OFF(GUEST_RFLAGS, BIT(1)) }, BAD_FLAGS },
	{ "rflags_3", ENTRY_LONG, { ON(GUEST_RFLAGS, BIT(3)) }, BAD_FLAGS },
	{ "rflags_5", ENTRY_LONG, { ON(GUEST_RFLAGS, BIT(5)) }, BAD_FLAGS },
	{ "rflags_15", ENTRY_LONG, { ON(GUEST_RFLAGS, BIT(15)) }, BAD_FLAGS },
	{ "rflags_22", ENTRY_PAE, { ON(GUEST_RFLAGS, BIT(22)) }, BAD_FLAGS },
	{ "rflags_63", ENTRY_REAL, { ON(GUEST_RFLAGS, BIT(63)) }, BAD_FLAGS },
	{ "vm_in_real_mode", ENTRY_V8086, { SET(GUEST_CR0, CR0_ET | CR0_NE) }, NO_VM,
	  BLAMES(GUEST_RFLAGS) },
	{ "vm_in_ia32e", ENTRY_V8086,
	  { ON(GUEST_RFLAGS, RFLAGS_VM), ON(VM_ENTRY_CONTROLS, ENTRY_IA32E_MODE_GUEST),
	    ON(GUEST_IA32_EFER, EFER_LMA | EFER_LME), ON(GUEST_CR4, CR4_PAE) },
	  NO_VM },
	{ "interrupt_without_if", ENTRY_LONG, { OFF(GUEST_RFLAGS, RFLAGS_IF), INTERRUPT }, GUEST,
	  WORDS("IF must be 1 for an external interrupt") },

	{ "activity_4", ENTRY_LONG, { SET(ACTIVITY, 4) }, GUEST,
	  WORDS("IA32_VMX_MISC does not offer this activity state") },
	{ "activity_huge", ENTRY_LONG, { SET(ACTIVITY, BIT(31)) }, GUEST,
	  WORDS("IA32_VMX_MISC does not offer this activity state") },
	{ "hlt_at_cpl_3", ENTRY_LONG_USER, { SET(ACTIVITY, ACTIVITY_HLT) }, GUEST,
	  WORDS("1, HLT, needs DPL 0 in SS") },
	{ "hlt_behind_sti", ENTRY_LONG, { SET(ACTIVITY, ACTIVITY_HLT), SET(BLOCKING, STI) }, GUEST,
	  WORDS("it must be 0, active, when STI or MOV SS blocks events") },
	{ "hlt_behind_mov_ss", ENTRY_LONG, { SET(ACTIVITY, ACTIVITY_HLT), SET(BLOCKING, MOV_SS) },
	  GUEST,
	  WORDS("it must be 0, active, when STI or MOV SS blocks events") },
	{ "hlt_and_exception", ENTRY_LONG,
	  { SET(ACTIVITY, ACTIVITY_HLT), EVENT(INTR_TYPE_HARD_EXCEPTION, VECTOR_UD) }, NO_WAKE },
	{ "hlt_and_software_interrupt", ENTRY_LONG,
	  { SET(ACTIVITY, ACTIVITY_HLT), EVENT(INTR_TYPE_SOFT_INTERRUPT, 0x80),
	    SET(VM_ENTRY_INSTRUCTION_LEN, 2) }, NO_WAKE },
	{ "hlt_and_a_clock", ENTRY_LONG, { SET(ACTIVITY, ACTIVITY_HLT) }, ENTERS },
	{ "hlt_and_interrupt", ENTRY_LONG, { SET(ACTIVITY, ACTIVITY_HLT), INTERRUPT }, ENTERS },
	{ "hlt_and_nmi", ENTRY_LONG, { SET(ACTIVITY, ACTIVITY_HLT), NMI }, ENTERS },
	{ "hlt_and_debug_exception", ENTRY_LONG,
	  { SET(ACTIVITY, ACTIVITY_HLT), EVENT(INTR_TYPE_HARD_EXCEPTION, VECTOR_DB) }, ENTERS },

	{ "blocking_reserved_5", ENTRY_LONG, { SET(BLOCKING, BIT(5)) }, GUEST,
	  WORDS("bits 31:5 must be 0") },
	{ "blocking_reserved_31", ENTRY_LONG, { SET(BLOCKING, BIT(31)) }, GUEST,
	  WORDS("bits 31:5 must be 0") },
	{ "blocking_enclave", ENTRY_LONG, { SET(BLOCKING, BIT(4)) }, GUEST,
	  WORDS("and bit 4 without SGX") },
	{ "blocking_sti_and_mov_ss", ENTRY_LONG, { SET(BLOCKING, STI | MOV_SS) }, GUEST,
	  WORDS("blocking by STI and by MOV SS exclude each other") },
	{ "blocking_sti_without_if", ENTRY_LONG,
	  { SET(BLOCKING, STI), OFF(GUEST_RFLAGS, RFLAGS_IF) }, GUEST,
	  WORDS("blocking by STI needs RFLAGS.IF = 1") },
	{ "blocking_sti_and_interrupt", ENTRY_LONG, { SET(BLOCKING, STI), INTERRUPT }, GUEST,
	  .words = "an external interrupt cannot be injected while STI or MOV SS" },
	{ "blocking_mov_ss_and_interrupt", ENTRY_LONG, { SET(BLOCKING, MOV_SS), INTERRUPT }, GUEST,
	  .words = "an external interrupt cannot be injected while STI or MOV SS" },
	{ "blocking_mov_ss_and_nmi", ENTRY_LONG, { SET(BLOCKING, MOV_SS), NMI }, GUEST,
	  WORDS("an NMI cannot be injected while MOV SS blocks it") },
	{ "blocking_sti_and_nmi", ENTRY_LONG, { SET(BLOCKING, STI), NMI }, QUALIFIED(3),
	  WORDS("an NMI cannot be injected while STI blocks it") },
	{ "blocking_sti_and_exception", ENTRY_LONG,
	  { SET(BLOCKING, STI), EVENT(INTR_TYPE_HARD_EXCEPTION, VECTOR_UD) }, ENTERS },
	{ "blocking_smi", ENTRY_LONG, { SET(BLOCKING, INTERRUPTIBILITY_SMI) }, GUEST,
	  WORDS("blocking by SMI, bit 2, must be 0 outside of SMM") },
	{ "blocking_nmi", ENTRY_LONG, { SET(BLOCKING, INTERRUPTIBILITY_NMI) }, ENTERS },
	{ "blocking_nmi_and_virtual_nmi", ENTRY_LONG,
	  { SET(BLOCKING, INTERRUPTIBILITY_NMI), NMI,
	    ON(PIN_BASED_VM_EXEC_CONTROL, PIN_VIRTUAL_NMIS) }, GUEST,
	  WORDS("an NMI cannot be injected while NMIs are blocked"),
	  NEEDS(PIN, PIN_VIRTUAL_NMIS) },

	{ "pending_reserved_4", ENTRY_LONG, { SET(PENDING, BIT(4)) }, BAD_PENDING },
	{ "pending_reserved_10", ENTRY_LONG, { SET(PENDING, BIT(10)) }, BAD_PENDING },
	{ "pending_reserved_13", ENTRY_LONG, { SET(PENDING, BIT(13)) }, BAD_PENDING },
	{ "pending_reserved_15", ENTRY_LONG, { SET(PENDING, BIT(15)) }, BAD_PENDING },
	{ "pending_reserved_17", ENTRY_LONG, { SET(PENDING, BIT(17)) }, BAD_PENDING },
	{ "pending_reserved_63", ENTRY_LONG, { SET(PENDING, BIT(63)) }, BAD_PENDING },
	{ "pending_bs_behind_sti_without_tf", ENTRY_LONG, { SET(PENDING, BS), SET(BLOCKING, STI) },
	  BAD_BS },
	{ "pending_bs_missing_behind_sti", ENTRY_LONG,
	  { ON(GUEST_RFLAGS, RFLAGS_TF), SET(BLOCKING, STI) }, BAD_BS, BLAMES(PENDING) },
	{ "pending_bs_missing_behind_mov_ss", ENTRY_LONG,
	  { ON(GUEST_RFLAGS, RFLAGS_TF), SET(BLOCKING, MOV_SS) }, BAD_BS, BLAMES(PENDING) },
	{ "pending_bs_missing_in_hlt", ENTRY_LONG,
	  { ON(GUEST_RFLAGS, RFLAGS_TF), SET(ACTIVITY, ACTIVITY_HLT) }, BAD_BS, BLAMES(PENDING) },
	{ "pending_bs_with_btf_behind_sti", ENTRY_LONG,
	  { SET(PENDING, BS), ON(GUEST_RFLAGS, RFLAGS_TF), SET(BLOCKING, STI),
	    SET(GUEST_IA32_DEBUGCTL, 2) }, BAD_BS },
	{ "pending_bs_behind_sti", ENTRY_LONG,
	  { SET(PENDING, BS), ON(GUEST_RFLAGS, RFLAGS_TF), SET(BLOCKING, STI) }, ENTERS },
	{ "pending_rtm", ENTRY_LONG, { SET(PENDING, BIT(16)) }, GUEST,
	  WORDS("bit 16 needs RTM, bit 12 set") },
};

const struct entry_rows entry_rows_state = { rows, ARRAY_SIZE(rows) };
