/** @file
 * The misuses of VMX instructions in VMX operation.
 *
 * One table for each kind.  The numbers are VM-instruction errors, whose
 * sentences are in vmx_error.c; 0 is VMfailInvalid, for want of a place where
 * a number could be put.
 *
 * The encoding of a field (SDM 3C 25.11.2), of which the first table breaks one
 * part after the other:
 *
 *	 31      15 14   13 12 11  10 9       1     0
 *	+----------+-------+--+------+---------+---------+
 *	| reserved | width | 0| type |  index  | 1: high |
 *	+----------+-------+--+------+---------+---------+
 *
 * Bit 0 is for fields of 64 bits alone: on a 32-bit processor their upper half
 * is a field by itself.
 */
#include "hv/vmx/vmx_selftest_misuse.h"

#include "hv/vmx/vmx_caps.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/vmx/vmx_unit.h"

#define BEYOND MISUSE_BEYOND
#define TYPE_32_BITS "it looks at 32 bits of the type"
#define GOOD_EPTP (EPTP_MEMORY_TYPE_WB | EPTP_WALK_LENGTH_4)
#define NO_FIELD 0x6c3eull /* host, natural width, index 31 */
#define RESERVED_BIT BIT(12)
#define HIGH_HALF 1

/** IA32_VMX_MISC: VMWRITE may write any field. */
#define MISC_VMWRITE_ANY BIT(29)

static const struct vmx_misuse fields[] = {
	{ "VMREAD of a field that is none", VMREAD, NO_FIELD, .error = 12 },
	{ "VMWRITE of a field that is none", VMWRITE, NO_FIELD, .error = 12 },
	{ "VMREAD with a reserved bit of the encoding set", VMREAD,
	  GUEST_RIP | RESERVED_BIT, .error = 12 },
	{ "VMWRITE with a reserved bit of the encoding set", VMWRITE,
	  GUEST_RIP | RESERVED_BIT, .error = 12 },
	{ "VMREAD of the high half of a 32-bit field", VMREAD,
	  GUEST_CS_LIMIT | HIGH_HALF, .error = 12 },
	{ "VMREAD of the high half of a natural-width field", VMREAD,
	  GUEST_RIP | HIGH_HALF, .error = 12 },
	{ "VMREAD with bits 63:32 of the encoding set", VMREAD,
	  GUEST_RIP | BIT(32), .error = 12 },
	{ "VMWRITE with bits 63:32 of the encoding set", VMWRITE,
	  GUEST_RIP | BIT(63), .error = 12 },
};

/** Where an exit leaves its reasons; some processors let them be written. */
static const struct vmx_misuse read_only[] = {
	{ "VMWRITE of EXIT_REASON", VMWRITE, EXIT_REASON, .error = 13 },
	{ "VMWRITE of GUEST_PHYSICAL_ADDRESS", VMWRITE, GUEST_PHYSICAL_ADDRESS,
	  .error = 13 },
};

/**
 * VMXON, VMCLEAR and VMPTRLD take the physical address of a page.  They look at
 * it in this order: aligned to 4 KiB and below MAXPHYADDR; not the VMXON
 * region, which is no VMCS; for VMPTRLD, the right revision.  VMXON in VMX
 * operation fails before it looks at anything.
 */
static const struct vmx_misuse pointers[] = {
	{ "VMXON in VMX operation", VMXON, .place = OTHER, .error = 15 },
	{ "VMXON of the VMXON region, again", VMXON, .place = REGION, .error = 15 },
	{ "VMXON in VMX operation, misaligned", VMXON, 0, 8, OTHER, .error = 15 },
	{ "VMCLEAR, misaligned", VMCLEAR, 0, 8, CURRENT, .error = 2 },
	{ "VMCLEAR beyond MAXPHYADDR", VMCLEAR, 0, BEYOND, CURRENT, .error = 2 },
	{ "VMCLEAR of the VMXON region", VMCLEAR, .place = REGION, .error = 3 },
	{ "VMPTRLD, misaligned", VMPTRLD, 0, 2048, CURRENT, .error = 9 },
	{ "VMPTRLD beyond MAXPHYADDR", VMPTRLD, 0, BEYOND, CURRENT, .error = 9 },
	{ "VMPTRLD of the VMXON region", VMPTRLD, .place = REGION, .error = 10 },
	{ "VMPTRLD of another revision", VMPTRLD, .place = REVISION, .error = 11 },
};

/** Bit 31 of the first word; without VMCS shadowing it counts as a revision
 * that does not exist. */
static const struct vmx_misuse shadow_pointer[] = {
	{ "VMPTRLD of a shadow VMCS", VMPTRLD, .place = SHADOW, .error = 11 },
};

/**
 * Types 1 and 2 exist.  The EPT pointer is checked as at VM entry: memory type
 * 0 or 6, the number of levels less one in bits 5:3, no reserved bit.
 */
static const struct vmx_misuse invept[] = {
	{ "INVEPT of type 0", INVEPT, 0, GOOD_EPTP, .error = 28 },
	{ "INVEPT of type 3", INVEPT, 3, GOOD_EPTP, .error = 28 },
	{ "INVEPT of a type of 33 bits", INVEPT, BIT(32) | INVEPT_ALL_CONTEXT,
	  .error = 28, .bochs = TYPE_32_BITS },
	{ "INVEPT of an EPTP with memory type 1", INVEPT, INVEPT_SINGLE_CONTEXT,
	  EPTP_WALK_LENGTH_4 | 1, .error = 28 },
	{ "INVEPT of an EPTP with 3 levels", INVEPT, INVEPT_SINGLE_CONTEXT,
	  EPTP_MEMORY_TYPE_WB | 2 << 3, .error = 28 },
	{ "INVEPT of an EPTP with a reserved bit", INVEPT, INVEPT_SINGLE_CONTEXT,
	  GOOD_EPTP | BIT(11), .error = 28 },
	{ "INVEPT of an EPTP beyond MAXPHYADDR", INVEPT, INVEPT_SINGLE_CONTEXT,
	  GOOD_EPTP | BEYOND, .error = 28 },
};

/** Types 0 to 3 exist.  VPID 0 is the host's own: only type 2, which asks for
 * no VPID, may go without one. */
static const struct vmx_misuse invvpid[] = {
	{ "INVVPID of type 4", INVVPID, 4, 1, .error = 28 },
	{ "INVVPID of a type of 33 bits", INVVPID, BIT(32) | INVVPID_ALL_CONTEXT, 1,
	  .error = 28, .bochs = TYPE_32_BITS },
	{ "INVVPID of an address, VPID 0", INVVPID, INVVPID_INDIVIDUAL_ADDRESS, 0,
	  .error = 28 },
	{ "INVVPID of a context, VPID 0", INVVPID, INVVPID_SINGLE_CONTEXT, 0,
	  .error = 28 },
	{ "INVVPID of a context but globals, VPID 0", INVVPID,
	  INVVPID_SINGLE_NON_GLOBAL, 0, .error = 28 },
	{ "INVVPID of an address that is not canonical", INVVPID,
	  INVVPID_INDIVIDUAL_ADDRESS, MISUSE_ODD_ADDRESS | 1, .error = 28 },
};

/** The launch state is asked first.  After it the controls: none has been
 * written, and some of their bits must not be 0. */
static const struct vmx_misuse entries[] = {
	{ "VMRESUME of a VMCS that was not launched", ENTER, true, .error = 5 },
	{ "VMLAUNCH without controls", ENTER, false, .error = 7 },
};

/**
 * Without a current VMCS: the same misuses, and there is no place any more
 * where a number could stand.  All of them are VMfailInvalid.
 */
static const struct vmx_misuse alone[] = {
	{ "VMREAD without a VMCS", VMREAD, GUEST_RIP, .error = 0 },
	{ "VMWRITE without a VMCS", VMWRITE, GUEST_RIP, .error = 0 },
	{ "VMREAD without a VMCS of a field that is none", VMREAD, NO_FIELD, .error = 0 },
	{ "VMWRITE without a VMCS of a read-only field", VMWRITE, EXIT_REASON, .error = 0 },
	{ "VMLAUNCH without a VMCS", ENTER, false, .error = 0 },
	{ "VMRESUME without a VMCS", ENTER, true, .error = 0 },
	{ "VMXON without a VMCS", VMXON, .place = OTHER },
	{ "VMCLEAR without a VMCS, misaligned", VMCLEAR, 0, 8, OTHER, .error = 0 },
	{ "VMCLEAR without a VMCS of the VMXON region", VMCLEAR, .place = REGION },
	{ "VMPTRLD without a VMCS, misaligned", VMPTRLD, 0, 8, OTHER, .error = 0 },
	{ "VMPTRLD without a VMCS of the VMXON region", VMPTRLD, .place = REGION },
	{ "VMPTRLD without a VMCS of another revision", VMPTRLD, .place = REVISION },
	{ "INVEPT of type 0 without a VMCS", INVEPT, 0, .error = 0 },
	{ "INVVPID of type 4 without a VMCS", INVVPID, 4, 1, .error = 0 },
};

/**
 * A case that goes through a table with a current VMCS.  Tables that depend on
 * what the unit can do have functions of their own below.
 */
#define TABLE_CASE(table)                                             \
	static const char *try_##table(hpa_t vmcs)                    \
	{                                                             \
		return vmx_selftest_misuse_all(table, ARRAY_SIZE(table), vmcs);     \
	}                                                             \
	static const char *run_##table(void)                          \
	{                                                             \
		return vmx_selftest_with_vmcs(try_##table);           \
	}

TABLE_CASE(fields)
TABLE_CASE(pointers)
TABLE_CASE(invept)
TABLE_CASE(entries)

/**
 * Units that can write every field have no error 13 (SDM 3D A.6).  They
 * must keep their word, though: each row of the table is written, and takes it.
 */
static const char *try_read_only(hpa_t vmcs)
{
	if (!(vmx_caps.misc & MISC_VMWRITE_ANY)) {
		return vmx_selftest_misuse_all(read_only,
					       ARRAY_SIZE(read_only), vmcs);
	}
	for (size_t i = 0; i < ARRAY_SIZE(read_only); i++) {
		if (vmx_unit->vmwrite(read_only[i].operand, 0)) {
			return "IA32_VMX_MISC says that all fields can be "
			       "written, but one cannot";
		}
	}
	return NULL;
}

static const char *run_read_only(void)
{
	return vmx_selftest_with_vmcs(try_read_only);
}

/** Where the instruction does not exist it would be #UD and no VMfail. */
static const char *try_invvpid(hpa_t vmcs)
{
	if (!vmx_caps.invvpid) {
		return NULL;
	}
	return vmx_selftest_misuse_all(invvpid, ARRAY_SIZE(invvpid), vmcs);
}

static const char *run_invvpid(void)
{
	return vmx_selftest_with_vmcs(try_invvpid);
}

/** Where VMCSs can be shadows, loading one is no misuse. */
static const char *try_shadow_pointer(hpa_t vmcs)
{
	if (vmx_caps_has(VMX_CONTROL_CPU2, CPU2_VMCS_SHADOWING)) {
		return NULL;
	}
	return vmx_selftest_misuse_all(shadow_pointer,
				       ARRAY_SIZE(shadow_pointer), vmcs);
}

static const char *run_shadow_pointer(void)
{
	return vmx_selftest_with_vmcs(try_shadow_pointer);
}

/** VMCLEAR of the current VMCS leaves none: that is how to get rid of it. */
static const char *try_alone(hpa_t vmcs)
{
	if (vmx_unit->vmclear(vmcs)) {
		return "VMCLEAR of the current VMCS failed";
	}
	return vmx_selftest_misuse_all(alone, ARRAY_SIZE(alone), hpa(~0ull));
}

static const char *run_alone(void)
{
	return vmx_selftest_with_vmcs(try_alone);
}

static const struct vmx_selftest_case cases[] = {
	{ "vmx.fields_that_do_not_exist_are_error_12", run_fields },
	{ "vmx.writes_of_read_only_fields_are_error_13", run_read_only },
	{ "vmx.bad_pointers_are_errors_2_3_9_10_11_15", run_pointers },
	{ "vmx.shadow_vmcs_is_error_11", run_shadow_pointer },
	{ "vmx.bad_invept_is_error_28", run_invept },
	{ "vmx.bad_invvpid_is_error_28", run_invvpid },
	{ "vmx.wrong_entries_are_errors_5_and_7", run_entries },
	{ "vmx.no_vmcs_is_vmfail_invalid", run_alone },
};

const struct vmx_selftest_case *vmx_selftest_rows_case(size_t i)
{
	return i < ARRAY_SIZE(cases) ? &cases[i] : NULL;
}
