/** @file
 * Putting the guest into another mode, and back (SDM 3A 2.2).
 *
 * A processor gets from one mode to another by a ritual of its own.  The rig
 * needs none: VM entry loads whatever state the VMCS holds, so each mode is a
 * row of numbers here.  The guest in 64 bits is kept meanwhile and continues
 * behind its SERVICE_MODE when the code there says SERVICE_RETURN.
 */
#include "hv/vmxtest/rig.h"

#include "hv/vmx/vmx_controls.h"
#include "hv/vmxtest/rig_segment.h"
#include "hv/vmxtest/rig_shadow.h"
#include "hv/x86/cr.h"

#define CR0_BASE (CR0_ET | CR0_NE)
#define CR0_PROTECTED (CR0_BASE | CR0_PE)
#define CR0_PAGING (CR0_PROTECTED | CR0_PG)
#define CR4_BASE (CR4_VMXE | CR4_OSFXSR)

#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define RIGHTS_CODE_32 0xc09b
#define RIGHTS_CODE_16 0x009b
#define RIGHTS_DATA_32 0xc093
#define RIGHTS_DATA_16 0x0093
#define RIGHTS_8086 0x00f3 /* SDM 3C 27.3.1.2 */
#define LIMIT_16 0xffff
#define LIMIT_32 0xffffffff

/** What makes a mode; without EPT those without paging cannot be had, since
 * CR0.PE and CR0.PG are fixed to 1 then (SDM 3D A.7). */
struct mode {
	u64 cr0, cr4, efer;
	u16 code, data; /* selectors */
	u32 limit;
	u32 code_rights, data_rights;
};

static const struct mode modes[MODE_COUNT] = {
	[MODE_COMPATIBILITY] = { CR0_PAGING | CR0_WP, CR4_BASE | CR4_PAE,
				 EFER_LME | EFER_LMA | EFER_NXE,
				 SELECTOR_CODE, SELECTOR_DATA, LIMIT_32,
				 RIGHTS_CODE_32, RIGHTS_DATA_32 },
	[MODE_PROTECTED_32] = { CR0_PROTECTED, CR4_BASE, 0,
				SELECTOR_CODE, SELECTOR_DATA, LIMIT_32,
				RIGHTS_CODE_32, RIGHTS_DATA_32 },
	[MODE_PAGING_32] = { CR0_PAGING, CR4_BASE | CR4_PSE, 0,
			     SELECTOR_CODE, SELECTOR_DATA, LIMIT_32,
			     RIGHTS_CODE_32, RIGHTS_DATA_32 },
	[MODE_PAE] = { CR0_PAGING, CR4_BASE | CR4_PAE, EFER_NXE,
		       SELECTOR_CODE, SELECTOR_DATA, LIMIT_32,
		       RIGHTS_CODE_32, RIGHTS_DATA_32 },
	[MODE_PROTECTED_16] = { CR0_PROTECTED, CR4_BASE, 0,
				SELECTOR_CODE, SELECTOR_DATA, LIMIT_16,
				RIGHTS_CODE_16, RIGHTS_DATA_16 },
	[MODE_PAGED_16] = { CR0_PAGING, CR4_BASE | CR4_PSE, 0,
			    SELECTOR_CODE, SELECTOR_DATA, LIMIT_16,
			    RIGHTS_CODE_16, RIGHTS_DATA_16 },
	[MODE_VIRTUAL_8086] = { CR0_PAGING, CR4_BASE | CR4_PSE, 0, 0, 0,
				LIMIT_16, RIGHTS_8086, RIGHTS_8086 },
	/* Real mode's CS is a data segment to the processor (SDM 3A 20.1). */
	[MODE_REAL] = { CR0_BASE, CR4_BASE, 0, 0, 0, LIMIT_16,
			RIGHTS_DATA_16, RIGHTS_DATA_16 },
};

/** Fields of the 64-bit guest beside its segments. */
static const enum vmcs_field kept[] = {
	GUEST_CR0, GUEST_CR3, GUEST_CR4, GUEST_IA32_EFER, VM_ENTRY_CONTROLS,
	GUEST_RIP, GUEST_RSP, GUEST_RFLAGS, GUEST_GDTR_BASE, GUEST_GDTR_LIMIT,
	GUEST_IDTR_BASE, GUEST_IDTR_LIMIT, CR0_READ_SHADOW, CR4_READ_SHADOW,
};

struct rig_mode {
	u64 cr3; /* without EPT */
	u64 fields[ARRAY_SIZE(kept)];
	struct rig_segment segments[RIG_SEGMENTS];
	u64 gpr[GPR_COUNT];
};

_Static_assert(sizeof(struct rig_mode) <= PAGE_SIZE, "rig_create()'s page");

/** Everything that put_back() will need, registers included. */
static void keep(struct rig *rig)
{
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		rig->saved->fields[i] = vmread(kept[i]);
	}
	for (unsigned int i = 0; i < RIG_SEGMENTS; i++) {
		rig->saved->segments[i] = rig_segment_read(i);
	}
	rig->saved->cr3 = rig->cr3;
	memcpy(rig->saved->gpr, rig->gpr, sizeof(rig->saved->gpr));
}

/** The code behind SERVICE_MODE finds its registers as it left them. */
static void put_back(struct rig *rig)
{
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		vmwrite(kept[i], rig->saved->fields[i]);
	}
	for (unsigned int i = 0; i < RIG_SEGMENTS; i++) {
		rig_segment_write(i, &rig->saved->segments[i]);
	}
	memcpy(rig->gpr, rig->saved->gpr, sizeof(rig->saved->gpr));
	if (!rig->plan.ept) {
		rig_shadow_use(rig, RIG_PAGING_LONG, rig->saved->cr3);
	}
}

/** TR stays: a busy TSS is what VM entry wants, of 32 bits outside of long
 * mode, and both have the same type. */
static void set_segments(const struct mode *m, const struct services_mode *mode)
{
	struct rig_segment code = { m->code, mode->base, m->limit,
				    m->code_rights };
	struct rig_segment data = { m->data, 0, m->limit, m->data_rights };

	if (mode->kind == MODE_REAL || mode->kind == MODE_VIRTUAL_8086) {
		code.selector = mode->base >> 4;
	}
	rig_segment_write(RIG_CS, &code);
	rig_segment_write(RIG_ES, &data);
	rig_segment_write(RIG_SS, &data);
	rig_segment_write(RIG_DS, &data);
	rig_segment_write(RIG_FS, &data);
	rig_segment_write(RIG_GS, &data);
}

/**
 * The guest sees its control registers as they are: shadows equal the values,
 * so that it depends on the masks alone what exits.  Compatibility mode is a
 * sub-mode of long mode and stays on the 64-bit guest's own page tables.
 */
static void set_control_registers(struct rig *rig, const struct mode *m,
				  const struct services_mode *mode)
{
	u64 entry = vmread(VM_ENTRY_CONTROLS) & ~ENTRY_IA32E_MODE_GUEST;

	vmwrite(GUEST_CR0, m->cr0);
	vmwrite(CR0_READ_SHADOW, m->cr0);
	vmwrite(GUEST_CR4, m->cr4);
	vmwrite(CR4_READ_SHADOW, m->cr4 & ~CR4_VMXE);
	vmwrite(GUEST_IA32_EFER, m->efer);
	if (m->efer & EFER_LMA) {
		entry |= ENTRY_IA32E_MODE_GUEST; /* on its 64-bit tables */
	} else if (rig->plan.ept) {
		vmwrite(GUEST_CR3, mode->cr3);
	} else {
		rig_shadow_use(rig, mode->kind == MODE_PAE ? RIG_PAGING_PAE :
							     RIG_PAGING_32,
			       mode->cr3);
	}
	vmwrite(VM_ENTRY_CONTROLS, entry);
}

/** SDM 3C 27.3.2.1: with EPT, VM entry takes the PDPTEs from the VMCS. */
static int set_pdptes(const struct rig *rig, const struct services_mode *mode)
{
	const u64 *table = rig_memory(rig, mode->cr3, 4 * sizeof(u64));

	if (!table) {
		return -EINVAL;
	}
	vmwrite(GUEST_PDPTE0, table[0]);
	vmwrite(GUEST_PDPTE1, table[1]);
	vmwrite(GUEST_PDPTE2, table[2]);
	vmwrite(GUEST_PDPTE3, table[3]);
	return 0;
}

/* The general registers are left alone: ESI is the guest's way to say more. */
int rig_mode_enter(struct rig *rig, const struct services_mode *mode)
{
	const struct mode *m = &modes[mode->kind];
	u64 vm = mode->kind == MODE_VIRTUAL_8086 ? RFLAGS_VM : 0;

	if (mode->kind >= MODE_COUNT || rig->in_mode ||
	    (!rig->plan.ept && !(m->cr0 & CR0_PG)) ||
	    (mode->kind == MODE_PAE && set_pdptes(rig, mode))) {
		return -EINVAL;
	}
	keep(rig);
	rig->in_mode = true;
	set_control_registers(rig, m, mode);
	set_segments(m, mode);
	vmwrite(GUEST_GDTR_BASE, mode->gdt);
	vmwrite(GUEST_GDTR_LIMIT, mode->gdt_limit);
	vmwrite(GUEST_IDTR_BASE, mode->idt);
	vmwrite(GUEST_IDTR_LIMIT, mode->idt_limit);
	vmwrite(GUEST_RIP, mode->entry);
	vmwrite(GUEST_RSP, mode->stack);
	vmwrite(GUEST_RFLAGS, mode->rflags | vm | RFLAGS_FIXED);
	vmwrite(VM_ENTRY_INTR_INFO, mode->inject);
	vmwrite(VM_ENTRY_EXCEPTION_ERROR_CODE, mode->inject_error);
	vmwrite(VM_ENTRY_INSTRUCTION_LEN, mode->inject_length);
	return 0;
}

int rig_mode_leave(struct rig *rig)
{
	if (!rig->in_mode) {
		return -EINVAL;
	}
	rig->in_mode = false;
	put_back(rig);
	return 0;
}
