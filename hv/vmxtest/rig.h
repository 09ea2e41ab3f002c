/** @file
 * The rig: one guest on one CPU, by the bare VMX unit.
 *
 * Beside hv/vcpu, which is a hypervisor's vCPU with all that belongs to one,
 * the rig is deliberately small: a VMCS that its guest may change, memory, an
 * EPT or shadow page tables, and a list of every exit with every field.
 *
 *	rig_create -> rig_run: enter -> record -> answer -> ... -> verdict
 *		answer: rig_exit.c, rig_service.c, rig_mode.c, rig_try.c
 *
 * A rig belongs to the CPU that made it.
 */
#ifndef HV_VMXTEST_RIG_H
#define HV_VMXTEST_RIG_H

#include "bus/types.h"
#include "hv/lib/page.h"
#include "hv/vmm/loader.h"
#include "hv/vmm/verdict.h"
#include "hv/vmx/vmx_unit.h"
#include "hv/vmxtest/services.h"

/** How many exits of one test are kept. */
#define RIG_EXITS_MAX 3000

/** How many EPTs a guest can go back and forth between. */
#define RIG_SPACES 2

/** What a test is run with. */
struct rig_plan {
	const struct loader_program *program;
	struct test_record test;
	bool ept; /* else shadow page tables */
};

/** The 64-bit guest while it is in another mode: see rig_mode.c. */
struct rig_mode;

struct rig {
	/* Fixed for the test. */
	struct rig_plan plan;
	page_owner_t owner;
	u32 *vmcs;
	u8 *ram;	 /* guest-physical 0 */
	u8 *io_bitmaps;	 /* two pages, all ones */
	u8 *msr_bitmap;	 /* all zeros */
	u64 *ept;	 /* the root of the EPT that the guest is on */
	u64 *epts[RIG_SPACES]; /* of all EPTs; NULL: not made yet */
	struct services_exit *exits; /* RIG_EXITS_MAX */
	struct rig_mode *saved;
	void *shadow;	 /* rig_shadow.c's, without EPT */

	/* The guest's, as far as VMX does not switch it. */
	u64 gpr[GPR_SLOTS];
	u64 cr2;
	u64 cr8;
	u64 cr3; /* without EPT: what the guest believes */

	/* The run. */
	size_t count; /* of exits */
	bool in_mode; /* SERVICE_MODE is on */
	bool late;    /* the watch has run out: see rig_run.c */
	struct services_try *trying; /* the guest's struct, or NULL */
	u64 tried[TRY_FIELDS];	     /* the fields' own values */
	bool skipped;
	struct verdict verdict;
};

/**
 * Make a rig for one test; VMX operation is on, the VMCS becomes current.
 * @param rig zeroed but for plan and owner
 * @return 0 or -ENOMEM; rig_destroy() either way
 */
int rig_create(struct rig *rig) __must_check;

/** Give all back; also after a crash. */
void rig_destroy(struct rig *rig);

/** Run the guest until the verdict is there. */
void rig_run(struct rig *rig);

/**
 * A pointer into the guest's RAM.
 * @param address from the guest, anything
 * @return NULL unless all `size` bytes lie in RAM
 */
void *rig_memory(const struct rig *rig, u64 address, u64 size);

/** Write controls, host state and the first guest state into the VMCS. */
void rig_vmcs_write(struct rig *rig);

/**
 * Change a field of controls.
 * @return 0; -EOPNOTSUPP when the unit does not offer a bit of `set`, or wants
 *	one of `clear`; -EINVAL when the field is none of controls
 */
int rig_vmcs_control(u32 field, u32 set, u32 clear) __must_check;

/**
 * Go to another EPT; a new one has RAM in it, page by page, and nothing else.
 * @param space less than RIG_SPACES
 * @return 0 or -ENOMEM
 */
int rig_ept_select(struct rig *rig, unsigned int space) __must_check;

/** The EPT pointer of a space that has been selected before. */
u64 rig_ept_pointer(const struct rig *rig, unsigned int space);

/** An entry without its address; 0 when there is none. */
u64 rig_ept_read(struct rig *rig, u64 gpa, u64 level);

/** SERVICE_EPT. @return 0, -EINVAL or -ENOMEM */
int rig_ept_write(struct rig *rig, const struct services_ept *change)
	__must_check;

/** Record the exit that has just happened. @return NULL when there is no room
 * for it */
struct services_exit *rig_record(struct rig *rig, u64 fail) __must_check;

/** Print the list on COM2. */
void rig_record_print(const struct rig *rig, unsigned int cpu);

/** Do what the exit and the mailbox ask for. */
void rig_exit_answer(struct rig *rig, struct services_exit *exit);

/** Carry out an instruction that has exited; RIP stays. */
void rig_insn_carry_out(struct rig *rig, const struct services_exit *exit);

/** A VMCALL, RIP behind it already. */
void rig_service_call(struct rig *rig);

/** SERVICE_MODE. @return 0 or -EINVAL */
int rig_mode_enter(struct rig *rig, const struct services_mode *mode)
	__must_check;

/** SERVICE_RETURN. @return 0, or -EINVAL outside of SERVICE_MODE */
int rig_mode_leave(struct rig *rig) __must_check;

/** SERVICE_TRY: put the values in. @return 0 or -EINVAL */
int rig_try_begin(struct rig *rig, struct services_try *try) __must_check;

/** After the entry, however it ended: put the fields back, say what happened.
 * @param fail VM-instruction error, or 0 */
void rig_try_end(struct rig *rig, u64 fail);

#endif
