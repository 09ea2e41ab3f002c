/** @file
 * What the instructions themselves look at before any field (SDM 3C 27.1):
 * whether the VMCS is launched, and whether the instruction stands behind a MOV
 * to SS.
 *
 *	VMCLEAR --> clear -- VMLAUNCH, the guest runs --> launched
 *	              |                                      |
 *	         VMRESUME: error 5                     VMLAUNCH: error 4
 *
 * Only a guest that has been entered makes the VMCS launched: neither VMfail
 * nor an entry that failed in the end does (SDM 3C 27.8).
 *
 * The very last thing that can go wrong is here as well, since no table knows
 * it: a value in the MSR-load list that WRMSR refuses (27.4).
 */
#include "hv/vmxtest/entry_launch.h"

#include "hv/lib/page.h"
#include "hv/softvmx/entry_checks.h"
#include "hv/vmxtest/entry_report.h"
#include "hv/vmxtest/entry_rig.h"
#include "hv/x86/cr.h"
#include "hv/x86/msr.h"

/** Enter by VMRESUME or VMLAUNCH whatever the launch state is. */
static struct entry_outcome enter_by(bool resume)
{
	bool launched = entry_rig.launched;
	struct entry_outcome outcome;

	entry_rig.launched = resume;
	outcome = entry_rig_enter();
	if (!entry_rig_entered(&outcome)) {
		entry_rig.launched = launched;
	}
	return outcome;
}

static const char *expect(const char *what, struct entry_outcome seen,
			  u32 error, u32 reason)
{
	struct entry_outcome want = entry_rig_outcome(error, reason, 0);
	char is[48], must[48];

	if (entry_rig_same(&seen, &want)) {
		return NULL;
	}
	entry_rig_describe(&seen, is, sizeof(is));
	entry_rig_describe(&want, must, sizeof(must));
	return entry_report_say("%s: %s, expected %s", what, is, must);
}

static const char *prepare(void)
{
	return entry_rig_prepare(ENTRY_LONG) ? NULL :
		"this unit has no unrestricted guests";
}

static const char *launch_twice(void)
{
	const char *wrong = expect("VMLAUNCH", enter_by(false), 0, 0);

	wrong = wrong ? wrong : expect("again", enter_by(false), 4, 0);
	return wrong ? wrong : expect("VMRESUME", enter_by(true), 0, 0);
}

static const char *resume_clear(void)
{
	const char *wrong = expect("VMRESUME", enter_by(true), 5, 0);

	return wrong ? wrong : expect("VMLAUNCH", enter_by(false), 0, 0);
}

static const char *vmfail_does_not_launch(void)
{
	u64 host_rip = vmread(HOST_RIP);
	const char *wrong;

	vmwrite(HOST_RIP, BIT(62));
	wrong = expect("VMLAUNCH", enter_by(false), 8, 0);
	vmwrite(HOST_RIP, host_rip);
	wrong = wrong ? wrong : expect("VMRESUME", enter_by(true), 5, 0);
	return wrong ? wrong : expect("VMLAUNCH", enter_by(false), 0, 0);
}

static const char *failed_entry_does_not_launch(void)
{
	u64 rflags = vmread(GUEST_RFLAGS);
	const char *wrong;

	vmwrite(GUEST_RFLAGS, 0);
	wrong = expect("VMLAUNCH", enter_by(false), 0, 33);
	vmwrite(GUEST_RFLAGS, rflags);
	wrong = wrong ? wrong : expect("VMRESUME", enter_by(true), 5, 0);
	return wrong ? wrong : expect("VMLAUNCH", enter_by(false), 0, 0);
}

static const char *failed_entry_stays_launched(void)
{
	u64 rflags = vmread(GUEST_RFLAGS);
	const char *wrong = expect("VMLAUNCH", enter_by(false), 0, 0);

	vmwrite(GUEST_RFLAGS, 0);
	wrong = wrong ? wrong : expect("broken", enter_by(true), 0, 33);
	vmwrite(GUEST_RFLAGS, rflags);
	return wrong ? wrong : expect("VMRESUME", enter_by(true), 0, 0);
}

/** VMCLEAR and VMPTRLD: clear again, and nothing is lost. */
static const char *vmclear_makes_clear(void)
{
	const char *wrong = expect("VMLAUNCH", enter_by(false), 0, 0);

	if (vmx_unit->vmclear(entry_rig.vmcs) ||
	    vmx_unit->vmptrld(entry_rig.vmcs)) {
		return "VMCLEAR or VMPTRLD fails";
	}
	wrong = wrong ? wrong : expect("VMRESUME", enter_by(true), 5, 0);
	return wrong ? wrong : expect("VMLAUNCH", enter_by(false), 0, 0);
}

/** An injection is used up by an entry, and kept by one that fails. */
static const char *failed_entry_keeps_the_event(void)
{
	u64 event = BIT(31) | 6 | 3 << 8; /* #UD */
	u64 rflags = vmread(GUEST_RFLAGS);
	const char *wrong;

	vmwrite(VM_ENTRY_INTR_INFO, event);
	vmwrite(GUEST_RFLAGS, 0);
	wrong = expect("VMLAUNCH", enter_by(false), 0, 33);
	if (!wrong && vmread(VM_ENTRY_INTR_INFO) != event) {
		wrong = "the event is gone after an entry that failed";
	}
	vmwrite(GUEST_RFLAGS, rflags);
	wrong = wrong ? wrong : expect("mended", enter_by(false), 0, 0);
	if (!wrong && (vmread(VM_ENTRY_INTR_INFO) & BIT(31))) {
		wrong = "the event is still there after an entry";
	}
	return wrong;
}

/**
 * MOV to SS holds back everything for one instruction, and VMLAUNCH may not be
 * that one.  The soft unit is called, and the call is that instruction: it
 * cannot fail so.
 */
static const char *behind_mov_ss(void)
{
	bool failed;

	if (vmx_unit_is_soft) {
		return NULL;
	}
	irq_disable();
	asm volatile("mov %%ss, %%eax\n\t"
		     "mov %%eax, %%ss\n\t"
		     "vmlaunch"
		     : "=@ccz"(failed)
		     :
		     : "rax", "memory");
	irq_enable();
	if (!failed || vmread(VM_INSTRUCTION_ERROR) != 26) {
		return entry_report_say("VMLAUNCH behind MOV SS: ZF %u, error "
					"%llu, expected error 26", failed,
					(unsigned long long)
						vmread(VM_INSTRUCTION_ERROR));
	}
	return expect("VMLAUNCH", enter_by(false), 0, 0);
}

/** No check knows all MSRs: these two exist, and bit 63 of them does not. */
static const char *refused_msr(void)
{
	u32 msr = vmx_unit_is_soft ? MSR_IA32_PKRS : MSR_IA32_MTRR_DEF_TYPE;
	struct entry_outcome want = entry_rig_outcome(0, 34, 2), seen;
	char is[48];

	entry_rig.spare[0] = MSR_IA32_KERNEL_GS_BASE;
	entry_rig.spare[2] = msr;
	entry_rig.spare[3] = BIT(63);
	vmwrite(VM_ENTRY_MSR_LOAD_ADDR, virt_to_hpa(entry_rig.spare).v);
	vmwrite(VM_ENTRY_MSR_LOAD_COUNT, 2);
	seen = enter_by(false);
	if (!entry_rig_same(&seen, &want)) {
		entry_rig_describe(&seen, is, sizeof(is));
		return entry_report_say("MSR 0x%x, bit 63: %s", msr, is);
	}
	if (vmx_unit_is_soft) {
		entry_report_broken(entry_checks_sentence());
	}
	vmwrite(VM_ENTRY_MSR_LOAD_COUNT, 1);
	return expect("one less", enter_by(false), 0, 0);
}

static const struct {
	const char *name;
	const char *(*run)(void);
} tests[] = {
	{ "launch_of_launched_is_error_4", launch_twice },
	{ "resume_of_clear_is_error_5", resume_clear },
	{ "launch_that_vmfails_does_not_launch", vmfail_does_not_launch },
	{ "launch_that_exits_33_does_not_launch", failed_entry_does_not_launch },
	{ "resume_that_exits_33_stays_launched", failed_entry_stays_launched },
	{ "launch_after_vmclear", vmclear_makes_clear },
	{ "launch_that_exits_33_keeps_the_event", failed_entry_keeps_the_event },
	{ "launch_behind_mov_ss_is_error_26", behind_mov_ss },
	{ "msr_that_wrmsr_refuses", refused_msr },
};

const char *entry_launch_name(size_t i)
{
	return i < ARRAY_SIZE(tests) ? tests[i].name : NULL;
}

const char *entry_launch_try(size_t i)
{
	const char *wrong = prepare();

	return wrong ? wrong : tests[i].run();
}
