/** @file
 * A bare VMCS with a guest of one instruction, for tests of VM entry.
 *
 * No vCPU, no VM: a page for the VMCS, 16 pages of guest memory with page
 * tables of every kind in them, an EPT over those, and spare pages for whatever
 * a field may point to.  The guest's instruction is CPUID, which exits in every
 * mode and under all controls.
 */
#ifndef HV_VMXTEST_ENTRY_RIG_H
#define HV_VMXTEST_ENTRY_RIG_H

#include "bus/types.h"
#include "hv/vmx/vmx_unit.h"

/** The valid VMCSs to start from. */
enum entry_mode {
	ENTRY_LONG,	       /* 64-bit code */
	ENTRY_LONG_USER,       /* ... at CPL 3 */
	ENTRY_LONG_PLAIN,      /* ... without "unrestricted guest" */
	ENTRY_LONG_NO_EPT,     /* ... without EPT */
	ENTRY_COMPAT_32,       /* 32-bit code in IA-32e mode */
	ENTRY_COMPAT_16,       /* 16-bit code in IA-32e mode */
	ENTRY_PAE,	       /* 32-bit code, PAE paging */
	ENTRY_PAE_PLAIN,       /* ... without "unrestricted guest" */
	ENTRY_PAE_NO_EPT,      /* ... without EPT */
	ENTRY_PAGED,	       /* 32-bit code, 32-bit paging */
	ENTRY_PAGED_PLAIN,     /* ... without "unrestricted guest" */
	ENTRY_PAGED_NO_EPT,    /* ... without EPT */
	ENTRY_UNPAGED,	       /* 32-bit code, no paging: unrestricted */
	ENTRY_PROTECTED_16,    /* 16-bit code, no paging: unrestricted */
	ENTRY_REAL,	       /* real mode: unrestricted */
	ENTRY_V8086,	       /* virtual-8086 mode, 32-bit paging */
	ENTRY_V8086_PLAIN,     /* ... without "unrestricted guest" */
	ENTRY_MODES,
};

/** What VMLAUNCH or VMRESUME did. */
struct entry_outcome {
	enum vmx_result result;
	u32 error;	   /* VM-instruction error, after VMfailValid */
	u32 reason;	   /* EXIT_REASON, after an exit */
	u64 qualification; /* EXIT_QUALIFICATION, after an exit */
};

/** Pages that fields may point to. */
struct entry_rig {
	hpa_t vmcs;
	u64 *guest;  /* ENTRY_RIG_GUEST_PAGES of guest memory */
	u64 *spare;  /* one page for what a test needs in memory */
	u64 *bitmap; /* three pages, all ones: ports, ports, MSRs */
	u64 eptp;
	bool launched;
};

#define ENTRY_RIG_GUEST_PAGES 16

/** The one rig; made by entry_rig_create(). */
extern struct entry_rig entry_rig;

/**
 * Allocate the rig's pages and fill in the EPT.  VMX must be on.
 * @return 0, or -ENOMEM
 */
int entry_rig_create(void) __must_check;

/** Give all back; the VMCS is cleared. */
void entry_rig_destroy(void);

/**
 * VMCLEAR the VMCS, make it current, and write all of it for a mode.
 * @return whether the unit offers what the mode needs
 */
bool entry_rig_prepare(enum entry_mode mode) __must_check;

/** Enter, by VMLAUNCH or VMRESUME as fits. */
struct entry_outcome entry_rig_enter(void);

/** Did the guest run: an exit, and not one that reports a failed entry? */
bool entry_rig_entered(const struct entry_outcome *outcome);

/** An outcome from what a table says: VMfail, a failed entry, or an entry. */
struct entry_outcome entry_rig_outcome(u32 error, u32 reason,
				       u64 qualification);

/** Are they the same?  One exit of a guest that ran is as good as another. */
bool entry_rig_same(const struct entry_outcome *a,
		    const struct entry_outcome *b);

/** An outcome in words: "VMfail 7", "exit 33 qualification 2", "entered". */
void entry_rig_describe(const struct entry_outcome *outcome, char *text,
			size_t size);

/** The name of a mode as test names have it. */
const char *entry_modes_name(enum entry_mode mode);

/** Write the guest state of a mode into the current VMCS. */
void entry_modes_write(enum entry_mode mode);

/** Does the mode need the secondary controls "unrestricted guest" or EPT? */
bool entry_modes_unrestricted(enum entry_mode mode);
bool entry_modes_ept(enum entry_mode mode);

/** Write code and page tables into guest memory. */
void entry_modes_write_memory(enum entry_mode mode);

#endif
