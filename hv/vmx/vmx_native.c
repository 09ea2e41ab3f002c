/** @file
 * The native VMX unit: one instruction each.
 *
 * An instruction of VMX tells how it ended by RFLAGS (SDM 3C 31.2): CF is
 * VMfailInvalid, ZF is VMfailValid, neither is VMsucceed.  The compiler takes
 * flags as outputs of an asm statement, so that no SETcc has to be written and
 * a result cannot be forgotten.
 *
 * All of them clobber "memory": the processor reads and writes a VMCS, a region
 * or a descriptor behind the compiler's back, and a store to such a page must
 * not be moved to the other side of the instruction.
 *
 * Outside of VMX operation all but VMXON are #UD; at a CPL above 0 they are
 * #GP.  Neither is a VMfail, and nothing here looks for it.
 */
#include "bus/errno.h"
#include "hv/softvmx/entry_checks.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/vmx/vmx_unit.h"
#include "hv/x86/cr.h"
#include "hv/x86/msr.h"

/** CF and ZF as an enum vmx_result.  They are never both 1. */
static inline enum vmx_result result_of(bool carry, bool zero)
{
	if (carry) {
		return VMX_FAIL_INVALID;
	}
	return zero ? VMX_FAIL_VALID : VMX_SUCCEED;
}

/** An instruction whose only operand is the address of a 64-bit pointer. */
#define VMX_POINTER(insn, pointer)                             \
	({                                                     \
		bool carry_, zero_;                            \
                                                               \
		asm volatile(insn " %2"                        \
			     : "=@ccc"(carry_), "=@ccz"(zero_) \
			     : "m"(pointer)                    \
			     : "memory");                      \
		result_of(carry_, zero_);                      \
	})

static u64 native_capability(u32 msr)
{
	return rdmsr(msr);
}

/**
 * IA32_FEATURE_CONTROL is the firmware's veto, valid until reset once its
 * lock bit is set (SDM 3C 24.7).  Firmware that forgot it leaves it to us.
 */
static int native_enable(void)
{
	u64 control = rdmsr(IA32_FEATURE_CONTROL);

	if (!(control & FEATURE_CONTROL_LOCKED)) {
		control |= FEATURE_CONTROL_LOCKED |
			   FEATURE_CONTROL_VMXON_OUTSIDE_SMX;
		wrmsr(IA32_FEATURE_CONTROL, control);
	}
	if (!(control & FEATURE_CONTROL_VMXON_OUTSIDE_SMX)) {
		return -ENODEV;
	}
	write_cr4(read_cr4() | CR4_VMXE);
	return 0;
}

/** VMXOFF comes first: in VMX operation CR4.VMXE cannot be cleared (#GP). */
static void native_disable(void)
{
	write_cr4(read_cr4() & ~CR4_VMXE);
}

/** The operand is in memory: not the page's address but a place where that
 * address stands, and it is a *physical* one. */
static enum vmx_result native_vmxon(hpa_t region)
{
	return VMX_POINTER("vmxon", region.v);
}

static enum vmx_result native_vmxoff(void)
{
	bool carry, zero;

	asm volatile("vmxoff" : "=@ccc"(carry), "=@ccz"(zero) : : "memory");
	return result_of(carry, zero);
}

/**
 * VMCLEAR brings a VMCS home: a processor may keep any part of it to itself
 * while it is active, and in a format of its own.  It also makes the launch
 * state "clear", so that VMLAUNCH and not VMRESUME is next.  If the VMCS was
 * the current one, there is none afterwards.
 */
static enum vmx_result native_vmclear(hpa_t vmcs)
{
	return VMX_POINTER("vmclear", vmcs.v);
}

static enum vmx_result native_vmptrld(hpa_t vmcs)
{
	return VMX_POINTER("vmptrld", vmcs.v);
}

/** It has no way to fail; without a current VMCS it stores all ones. */
static enum vmx_result native_vmptrst(hpa_t *vmcs)
{
	asm volatile("vmptrst %0" : "=m"(vmcs->v) : : "memory", "cc");
	return VMX_SUCCEED;
}

/**
 * For tests and reports, which want to see a failure: the field is any number,
 * and value stays what it was.  Exits are handled with vmread_native().
 */
static enum vmx_result native_vmread(u64 field, u64 *value)
{
	bool carry, zero;
	u64 out;

	asm volatile("vmread %3, %2"
		     : "=@ccc"(carry), "=@ccz"(zero), "=r"(out)
		     : "r"(field)
		     : "memory");
	if (!carry && !zero) {
		*value = out;
	}
	return result_of(carry, zero);
}

static enum vmx_result native_vmwrite(u64 field, u64 value)
{
	bool carry, zero;

	asm volatile("vmwrite %3, %2"
		     : "=@ccc"(carry), "=@ccz"(zero)
		     : "r"(field), "r"(value)
		     : "memory");
	return result_of(carry, zero);
}

/** The operand of INVEPT and INVVPID is 128 bits in memory (SDM 3C 31.3). */
struct inv_descriptor {
	u64 context;
	u64 address;
};

/** This CPU's translations alone; each CPU of a VM must do it for itself. */
static enum vmx_result native_invept(u64 type, u64 eptp)
{
	struct inv_descriptor descriptor = {eptp, 0};
	bool carry, zero;

	asm volatile("invept %2, %3"
		     : "=@ccc"(carry), "=@ccz"(zero)
		     : "m"(descriptor), "r"(type)
		     : "memory");
	return result_of(carry, zero);
}

static enum vmx_result native_invvpid(u64 type, u16 vpid, gva_t gla)
{
	struct inv_descriptor descriptor = {vpid, gla.v};
	bool carry, zero;

	asm volatile("invvpid %2, %3"
		     : "=@ccc"(carry), "=@ccz"(zero)
		     : "m"(descriptor), "r"(type)
		     : "memory");
	return result_of(carry, zero);
}

const struct vmx_unit vmx_native = {
	.name = "native",
	.capability = native_capability,
	.enable = native_enable,
	.disable = native_disable,
	.vmxon = native_vmxon,
	.vmxoff = native_vmxoff,
	.vmclear = native_vmclear,
	.vmptrld = native_vmptrld,
	.vmptrst = native_vmptrst,
	.vmread = native_vmread,
	.vmwrite = native_vmwrite,
	.invept = native_invept,
	.invvpid = native_invvpid,
	.entry_failure = entry_checks_sentence, /* with vmx_check=1 */
};
