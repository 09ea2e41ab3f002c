/** @file
 * Cases: what the soft unit cannot do, it does not offer (README.md of
 * hv/softvmx has the reasons).
 *
 * A capability that is advertised and does not work is worse than none: the
 * hypervisor that trusts it fails later, elsewhere.  So each line of that list
 * is a bit of a capability MSR here, and must be 0.
 */
#include "hv/unittest/unit_cases.h"

#include "hv/unittest/tiny_guest.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"
#include "hv/x86/trap.h"

/** A control word's upper half says what may be 1 (SDM 3D A.3). */
#define MAY(bits) ((u64)(bits) << 32)

struct missing {
	u32 msr;
	u64 bits;
	const char *what;
};

static const struct missing missing[] = {
	{ IA32_VMX_TRUE_PINBASED_CTLS, MAY(PIN_PREEMPTION_TIMER),
	  "preemption timer" },
	{ IA32_VMX_TRUE_PINBASED_CTLS, MAY(PIN_POSTED_INTERRUPTS),
	  "posted interrupts" },
	{ IA32_VMX_TRUE_PROCBASED_CTLS,
	  MAY(CPU_TPR_SHADOW | CPU_TERTIARY_CONTROLS),
	  "TPR shadow, tertiary controls" },
	{ IA32_VMX_PROCBASED_CTLS2,
	  MAY(CPU2_VIRTUALIZE_APIC | CPU2_VIRTUALIZE_X2APIC |
	      CPU2_APIC_REGISTERS | CPU2_VIRTUAL_INTERRUPTS),
	  "APIC virtualization" },
	{ IA32_VMX_PROCBASED_CTLS2, MAY(CPU2_ENABLE_PML), "PML" },
	{ IA32_VMX_PROCBASED_CTLS2, MAY(CPU2_ENABLE_VMFUNC), "VMFUNC" },
	{ IA32_VMX_PROCBASED_CTLS2, MAY(CPU2_VMCS_SHADOWING),
	  "VMCS shadowing" },
	{ IA32_VMX_PROCBASED_CTLS2, MAY(CPU2_ENABLE_XSAVES), "XSAVES" },
	{ IA32_VMX_PROCBASED_CTLS2,
	  MAY(CPU2_RDRAND_EXITING | CPU2_RDSEED_EXITING | CPU2_ENABLE_INVPCID |
	      CPU2_PAUSE_LOOP_EXITING),
	  "exits for RDRAND, RDSEED, INVPCID, PAUSE loops" },
	{ IA32_VMX_PROCBASED_CTLS2,
	  MAY(CPU2_SUB_PAGE_PERMISSIONS | CPU2_MODE_BASED_EXECUTE |
	      CPU2_EPT_VIOLATION_VE),
	  "finer EPT rights, #VE" },
	{ IA32_VMX_PROCBASED_CTLS2, MAY(CPU2_TSC_SCALING), "TSC scaling" },
	{ IA32_VMX_TRUE_EXIT_CTLS,
	  MAY(EXIT_SAVE_PREEMPTION_TIMER | EXIT_LOAD_PERF_GLOBAL_CTRL |
	      EXIT_LOAD_CET | EXIT_LOAD_PKRS | EXIT_SECONDARY_CONTROLS),
	  "exit controls for what is not there" },
	{ IA32_VMX_TRUE_ENTRY_CTLS,
	  MAY(ENTRY_TO_SMM | ENTRY_DEACTIVATE_DUAL_MONITOR |
	      ENTRY_LOAD_PERF_GLOBAL_CTRL | ENTRY_LOAD_CET | ENTRY_LOAD_PKRS),
	  "entry controls for what is not there" },
	{ IA32_VMX_EPT_VPID_CAP, BIT(0), "execute-only EPT entries" },
	{ IA32_VMX_EPT_VPID_CAP, BIT(7), "EPT of five levels" },
	{ IA32_VMX_MISC, BIT(7), "activity state shutdown" },
	{ IA32_VMX_MISC, BIT(8), "wait-for-SIPI, which only INIT ends" },
	{ IA32_VMX_MISC, BIT(29), "VMWRITE of read-only fields" },
	{ IA32_VMX_VMFUNC, ~0ull, "VM functions" },
	{ IA32_VMX_CR4_FIXED1, CR4_OSXSAVE, "XSAVE, and so XSETBV exits" },
};

void unit_offers_nothing_more(struct tiny_guest *g)
{
	for (size_t i = 0; i < ARRAY_SIZE(missing) && vmx_unit_is_soft; i++) {
		tiny_guest_equal(g, missing[i].what,
				 vmx_unit->capability(missing[i].msr) &
					 missing[i].bits,
				 0);
	}
}

TINY_CODE(xsetbv_code, "xor %ecx, %ecx\n\t"
		       "xor %edx, %edx\n\t"
		       "mov $1, %eax\n\t"
		       "xsetbv\n\t")

/** XSETBV would change the host's XCR0: without CR4.OSXSAVE it is #UD. */
void unit_offers_no_xsetbv(struct tiny_guest *g)
{
	TINY_LOAD(g, xsetbv_code);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	tiny_guest_equal(g, "the vector", g->gpr[GPR_RAX], VECTOR_UD);
}

TINY_CODE(cr4_code, "mov %cr4, %rax\n\t"
		    "bts $18, %rax\n\t"
		    "mov %rax, %cr4\n\t")

/** And a guest cannot set it: a bit that CR4_FIXED1 lacks is #GP (SDM 3C
 * 26.3). */
void unit_offers_no_osxsave(struct tiny_guest *g)
{
	if (vmx_unit->capability(IA32_VMX_CR4_FIXED1) & CR4_OSXSAVE) {
		return;
	}
	TINY_LOAD(g, cr4_code);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	tiny_guest_equal(g, "the vector", g->gpr[GPR_RAX], VECTOR_GP);
}
