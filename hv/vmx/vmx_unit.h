/** @file
 * The VMX unit: the one seam between exit49 and the processor.
 *
 * The hypervisor is written against Intel VMX.  Not every machine a student
 * owns has it: QEMU's emulator, AMD processors and Apple's laptops do not.
 * Everything that touches the unit therefore goes through this header, and two
 * units stand behind it, chosen once at boot by what CPUID says:
 *
 *	native    the instructions themselves (vmx_native.c, vmx_entry.S)
 *	softvmx   the same unit in software over AMD SVM (hv/softvmx/)
 *
 * Both are called, never trapped into, so that a debugger's `next` steps over
 * a VMREAD or a whole VM entry like over any other call.  A soft operation
 * does what the SDM says of the instruction: same checks, same error numbers.
 *
 * vmread() and vmwrite() are on the path of each exit and so are inline; the
 * rest goes through `struct vmx_unit`.  All operations act on this CPU's unit
 * and need interrupts to be off or the caller to be pinned; a vCPU thread is
 * always pinned.
 */
#ifndef HV_VMX_VMX_UNIT_H
#define HV_VMX_VMX_UNIT_H

#include "bus/types.h"
#include "hv/vmx/vmcs_fields.h"

/** How a VMX instruction ended (SDM 3C 31.2): RFLAGS.CF and ZF, as a number. */
enum vmx_result {
	VMX_SUCCEED,
	VMX_FAIL_INVALID, /* CF=1: there is no current VMCS to hold an error */
	VMX_FAIL_VALID,	  /* ZF=1: VM_INSTRUCTION_ERROR says why */
};

/** INVEPT types (SDM 3C 31.3). */
enum invept_type { INVEPT_SINGLE_CONTEXT = 1, INVEPT_ALL_CONTEXT = 2 };

/** INVVPID types (SDM 3C 31.3). */
enum invvpid_type {
	INVVPID_INDIVIDUAL_ADDRESS = 0,
	INVVPID_SINGLE_CONTEXT = 1,
	INVVPID_ALL_CONTEXT = 2,
	INVVPID_SINGLE_NON_GLOBAL = 3,
};

/** General registers in the order of their encoding; RSP lives in the VMCS. */
enum gpr {
	GPR_RAX,
	GPR_RCX,
	GPR_RDX,
	GPR_RBX,
	GPR_RSP,
	GPR_RBP,
	GPR_RSI,
	GPR_RDI,
	GPR_R8,
	GPR_R9,
	GPR_R10,
	GPR_R11,
	GPR_R12,
	GPR_R13,
	GPR_R14,
	GPR_R15,
	GPR_COUNT,
	/* not the guest's: what vmx_entry_run() has to remember of a VMCS */
	GPR_HOST_RSP = GPR_COUNT, /* what HOST_RSP was last set to */
	GPR_LAUNCHED,		  /* not 0: VMRESUME in place of VMLAUNCH */
	GPR_SLOTS,
};

/** The operations of a VMX unit.  Each does what its instruction does. */
struct vmx_unit {
	const char *name; /* "native" or "softvmx", for people */

	/** RDMSR of an enum vmx_capability_msr. */
	u64 (*capability)(u32 msr);
	/**
	 * Make this CPU ready for VMXON: IA32_FEATURE_CONTROL and CR4.VMXE
	 * on a native unit, EFER.SVME and the host save area on softvmx.
	 * @return 0, or -ENODEV when firmware has locked VMX off
	 */
	int (*enable)(void) __must_check;
	/** Undo enable(); the unit must be off (VMXOFF done). */
	void (*disable)(void);

	enum vmx_result (*vmxon)(hpa_t region) __must_check;
	enum vmx_result (*vmxoff)(void) __must_check;
	enum vmx_result (*vmclear)(hpa_t vmcs) __must_check;
	enum vmx_result (*vmptrld)(hpa_t vmcs) __must_check;
	enum vmx_result (*vmptrst)(hpa_t *vmcs) __must_check;
	/** VMREAD and VMWRITE with their result, for tests and debugging. */
	enum vmx_result (*vmread)(u64 field, u64 *value) __must_check;
	enum vmx_result (*vmwrite)(u64 field, u64 value) __must_check;
	enum vmx_result (*invept)(u64 type, u64 eptp) __must_check;
	enum vmx_result (*invvpid)(u64 type, u16 vpid, gva_t gla) __must_check;

	/**
	 * Which rule the last VM entry that failed has broken, as a sentence;
	 * NULL in a unit that does not tell, as processors do not.
	 */
	const char *(*entry_failure)(void);
};

/** The unit in use; set once by vmx_unit_select(), before any other call. */
extern const struct vmx_unit *vmx_unit;
extern const struct vmx_unit vmx_native;
extern const struct vmx_unit softvmx;

/** True when vmx_unit == &softvmx; one byte, read on each exit. */
extern bool vmx_unit_is_soft;

/**
 * Choose the unit by CPUID, or as asked for.
 * @param which "auto", "native" or "soft"
 * @return 0; -ENODEV when this processor has neither VMX nor SVM with nested
 *	paging, or lacks the one asked for: the caller says so to the user
 */
int vmx_unit_select(const char *which) __must_check;

/**
 * Panic because a VMX instruction failed that must not fail.
 * Names the instruction, the field if there is one (field = ~0u if not), and
 * the VM-instruction error in words (SDM 3C 31.4).
 */
__noreturn void vmx_unit_panic(const char *insn, u32 field,
			       enum vmx_result result);

/**
 * Why the last VM entry failed.
 * @param otherwise the sentence for a unit that does not tell
 */
const char *vmx_unit_entry_failure(const char *otherwise);

/** The soft unit's VMREAD: a load from the VMCS in memory; panics as above. */
u64 softvmx_vmread(enum vmcs_field field);
void softvmx_vmwrite(enum vmcs_field field, u64 value);

/** The same for vmx_entry.S: without a current VMCS it is left to the entry to
 * fail. */
void softvmx_vmwrite_if_current(enum vmcs_field field, u64 value);

/**
 * The same, called so that no register changes but RAX (vmx_entry.S).  VMREAD
 * and VMWRITE change none, so that the compiler need not save any for the sake
 * of the soft unit where the native one runs.
 */
static inline u64 vmread_soft(enum vmcs_field field)
{
	u64 value;

	asm volatile("call vmx_entry_soft_vmread"
		     : "=a"(value)
		     : "D"((u64)field)
		     : "cc", "memory");
	return value;
}

static inline void vmwrite_soft(enum vmcs_field field, u64 value)
{
	asm volatile("call vmx_entry_soft_vmwrite"
		     :
		     : "D"((u64)field), "S"(value)
		     : "rax", "cc", "memory");
}

/**
 * VMREAD, for code that has asked vmx_unit_is_soft itself and reads several
 * fields in a row; everybody else calls vmread().
 *
 * No memory clobber: a VMCS is not memory that C knows of, and what is volatile
 * stays in its order.
 */
static inline u64 vmread_native(enum vmcs_field field)
{
	u64 value;
	bool failed;

	asm volatile("vmread %2, %1"
		     : "=@ccbe"(failed), "=rm"(value)
		     : "r"((u64)field));
	if (unlikely(failed)) {
		vmx_unit_panic("VMREAD", field, VMX_FAIL_VALID);
	}
	return value;
}

/** VMWRITE, the counterpart of vmread_native(). */
static inline void vmwrite_native(enum vmcs_field field, u64 value)
{
	bool failed;

	asm volatile("vmwrite %2, %1"
		     : "=@ccbe"(failed)
		     : "r"((u64)field), "rm"(value));
	if (unlikely(failed)) {
		vmx_unit_panic("VMWRITE", field, VMX_FAIL_VALID);
	}
}

/**
 * Read a field of the current VMCS.  A failure is our bug and panics.
 * @param field an encoding; all widths are returned zero-extended
 */
static inline u64 vmread(enum vmcs_field field)
{
	if (unlikely(vmx_unit_is_soft)) {
		return vmread_soft(field);
	}
	return vmread_native(field);
}

/** Write a field of the current VMCS.  A failure is our bug and panics. */
static inline void vmwrite(enum vmcs_field field, u64 value)
{
	if (unlikely(vmx_unit_is_soft)) {
		vmwrite_soft(field, value);
		return;
	}
	vmwrite_native(field, value);
}

/**
 * Enter the guest of the current VMCS and come back at its next VM exit.
 *
 * The one way in: vmx_entry.S loads the guest's general registers, executes
 * VMLAUNCH or VMRESUME (or calls the soft unit, which ends the same way), and
 * saves them again where the exit arrives (HOST_RIP = vmx_entry_exit).
 * HOST_RSP is written by this function whenever the stack has moved.
 *
 * It keeps no register but RBP and RSP: the guest needs the others, and which
 * of them are worth saving the compiler knows best.
 * @param gpr the guest's registers, in and out.  gpr[GPR_RSP] is not used: the
 *	guest's RSP is in the VMCS.  GPR_HOST_RSP and GPR_LAUNCHED are this
 *	function's; set both to 0 after each VMCLEAR
 * @param result VMX_SUCCEED after an exit (look at EXIT_REASON), else the
 *	failure
 * @return gpr: the exit path has it in a register, where the caller can have
 *	it back for nothing instead of keeping it on the stack
 * Interrupts must be off; they are off on return.
 */
static inline u64 *vmx_entry_run(u64 gpr[GPR_SLOTS], enum vmx_result *result)
{
	u64 rax;

	asm volatile("call vmx_entry_switch"
		     : "=a"(rax), "+D"(gpr)
		     :
		     : "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11",
		       "r12", "r13", "r14", "r15", "cc", "memory");
	*result = (enum vmx_result)rax;
	return gpr;
}

/** Where VM exits arrive; the value for HOST_RIP. */
extern const char vmx_entry_exit[];

/**
 * The soft unit's VMLAUNCH and VMRESUME, called by vmx_entry.S in place of the
 * instruction: all general registers but RSP are the guest's.  Returns to the
 * caller only for VMfail, with CF or ZF set and all registers as they were;
 * a VM exit leaves by HOST_RIP and HOST_RSP like the processor's.
 */
void softvmx_vmlaunch(void);
void softvmx_vmresume(void);

#endif
