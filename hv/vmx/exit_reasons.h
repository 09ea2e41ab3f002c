/** @file
 * The basic exit reasons: why the guest stopped (SDM 3D appendix C).
 *
 * The low 16 bits of the EXIT_REASON field are one of these; bit 31 says that
 * VM entry itself failed, after the host state had been loaded.  The project
 * is named after number 49.
 */
#ifndef HV_VMX_EXIT_REASONS_H
#define HV_VMX_EXIT_REASONS_H

#include "bus/types.h"

#define EXIT_REASON_BASIC BITS(15, 0)
#define EXIT_REASON_ENTRY_FAILURE BIT(31)

/* clang-format off */
/** X(name, number) for every basic exit reason. */
#define EXIT_REASONS(X) \
	X(EXCEPTION_NMI,          0) \
	X(EXTERNAL_INTERRUPT,     1) \
	X(TRIPLE_FAULT,           2) \
	X(INIT,                   3) \
	X(SIPI,                   4) \
	X(IO_SMI,                 5) \
	X(OTHER_SMI,              6) \
	X(INTERRUPT_WINDOW,       7) \
	X(NMI_WINDOW,             8) \
	X(TASK_SWITCH,            9) \
	X(CPUID,                  10) \
	X(GETSEC,                 11) \
	X(HLT,                    12) \
	X(INVD,                   13) \
	X(INVLPG,                 14) \
	X(RDPMC,                  15) \
	X(RDTSC,                  16) \
	X(RSM,                    17) \
	X(VMCALL,                 18) \
	X(VMCLEAR,                19) \
	X(VMLAUNCH,               20) \
	X(VMPTRLD,                21) \
	X(VMPTRST,                22) \
	X(VMREAD,                 23) \
	X(VMRESUME,               24) \
	X(VMWRITE,                25) \
	X(VMXOFF,                 26) \
	X(VMXON,                  27) \
	X(CR_ACCESS,              28) \
	X(DR_ACCESS,              29) \
	X(IO_INSTRUCTION,         30) \
	X(RDMSR,                  31) \
	X(WRMSR,                  32) \
	X(ENTRY_GUEST_STATE,      33) \
	X(ENTRY_MSR_LOAD,         34) \
	X(MWAIT,                  36) \
	X(MONITOR_TRAP_FLAG,      37) \
	X(MONITOR,                39) \
	X(PAUSE,                  40) \
	X(ENTRY_MACHINE_CHECK,    41) \
	X(TPR_BELOW_THRESHOLD,    43) \
	X(APIC_ACCESS,            44) \
	X(VIRTUALIZED_EOI,        45) \
	X(GDTR_IDTR,              46) \
	X(LDTR_TR,                47) \
	X(EPT_VIOLATION,          48) \
	X(EPT_MISCONFIG,          49) \
	X(INVEPT,                 50) \
	X(RDTSCP,                 51) \
	X(PREEMPTION_TIMER,       52) \
	X(INVVPID,                53) \
	X(WBINVD,                 54) \
	X(XSETBV,                 55) \
	X(APIC_WRITE,             56) \
	X(RDRAND,                 57) \
	X(INVPCID,                58) \
	X(VMFUNC,                 59) \
	X(ENCLS,                  60) \
	X(RDSEED,                 61) \
	X(PML_FULL,               62) \
	X(XSAVES,                 63) \
	X(XRSTORS,                64)
/* clang-format on */

enum exit_reason {
#define EXIT_REASON_ENUM(name, number) EXIT_REASON_##name = (number),
	EXIT_REASONS(EXIT_REASON_ENUM)
#undef EXIT_REASON_ENUM
};

#define EXIT_REASON_MAX EXIT_REASON_XRSTORS

_Static_assert(EXIT_REASON_EPT_MISCONFIG == 49, "the name of the project");

/**
 * The name of a basic exit reason as SDM and Linux write it, for messages.
 * @param reason the EXIT_REASON field; bits above 15 are ignored
 * @return e.g. "EPT_MISCONFIG", or "unknown"; never NULL
 */
const char *exit_reasons_name(u32 reason);

#endif
