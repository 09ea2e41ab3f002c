/** @file
 * VMX instructions used wrongly: SDM 3C 31.3 says of each what it checks, and
 * 31.4 which error number follows.
 *
 * A misuse is a row: the instruction, its operands, the result.  Operands that
 * are addresses are relative to a page that the test has: the current VMCS, the
 * VMXON region, or another page whose first word is this revision or something
 * else.  Without a current VMCS there is no place for an error number, and
 * every failure is VMfailInvalid.
 */
#ifndef HV_VMX_VMX_SELFTEST_MISUSE_H
#define HV_VMX_VMX_SELFTEST_MISUSE_H

#include "hv/vmx/vmx_selftest.h"

enum vmx_insn {
	VMREAD,
	VMWRITE,
	VMXON,
	VMCLEAR,
	VMPTRLD,
	INVEPT,
	INVVPID,
	ENTER, /* VMLAUNCH or VMRESUME */
};

/** What an address is relative to. */
enum vmx_place {
	NOTHING,
	CURRENT,  /* the current VMCS */
	REGION,	  /* the VMXON region */
	OTHER,	  /* a page with the right revision */
	REVISION, /* a page with another revision */
	SHADOW,	  /* a page with the right revision and bit 31 */
};

struct vmx_misuse {
	const char *what;
	enum vmx_insn insn;
	u64 operand; /* encoding, or type, or: VMRESUME and not VMLAUNCH */
	u64 value;   /* EPTP, address | VPID, or what is added to the place */
	enum vmx_place place;
	u32 error; /* VMfailValid with it; 0: VMfailInvalid */
	/* Why Bochs 2.7 takes it for right, which is asserted there. */
	const char *bochs;
};

#define MISUSE_BEYOND BIT(62)	   /* more than any MAXPHYADDR */
#define MISUSE_ODD_ADDRESS BIT(47) /* not canonical */

/**
 * Execute the instruction of a row.
 * @param current the current VMCS
 * @return how it ended
 */
enum vmx_result vmx_selftest_misuse_do(const struct vmx_misuse *row,
				       hpa_t current);

/**
 * Execute all rows of a table, in VMX operation: each must fail as it says, and
 * leave the current VMCS what it was.
 * @param current the current VMCS, ~0 for none
 * @return NULL, or a sentence
 */
const char *vmx_selftest_misuse_all(const struct vmx_misuse *rows, size_t count,
				    hpa_t current);

/** The i-th case of vmx_selftest_rows.c. @return NULL past the last one */
const struct vmx_selftest_case *vmx_selftest_rows_case(size_t i);

/** The i-th case of vmx_selftest_outside.c. @return NULL past the last one */
const struct vmx_selftest_case *vmx_selftest_outside_case(size_t i);

#endif
