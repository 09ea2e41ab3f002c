/** @file
 * Making a rig for one test, and taking it away.
 *
 * Everything is allocated under the CPU's own owner number, so that whatever a
 * crash leaves behind goes back in one call.
 */
#include "hv/vmxtest/rig.h"

#include "hv/vmm/start.h"
#include "hv/vmx/vmx_caps.h"
#include "hv/vmxtest/rig_shadow.h"

#define IO_BITMAP_PAGES 2
#define RAM_ALIGN 512

static size_t pages_for(size_t bytes)
{
	return (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
}

/** RAM is aligned to 2 MiB: the guest can map it by a large EPT leaf. */
static int allocate(struct rig *rig)
{
	page_owner_t owner = rig->owner;

	rig->vmcs = page_alloc(owner);
	rig->msr_bitmap = page_alloc(owner);
	rig->saved = page_alloc(owner);
	rig->io_bitmaps = page_alloc_contig(owner, IO_BITMAP_PAGES, 1);
	rig->exits = page_alloc_contig(
		owner, pages_for(RIG_EXITS_MAX * sizeof(*rig->exits)), 1);
	rig->ram = page_alloc_contig(owner, pages_for(SERVICES_RAM_SIZE),
				     RAM_ALIGN);
	if (!rig->vmcs || !rig->msr_bitmap || !rig->saved || !rig->io_bitmaps ||
	    !rig->exits || !rig->ram) {
		return -ENOMEM;
	}
	memset(rig->io_bitmaps, 0xff, IO_BITMAP_PAGES * PAGE_SIZE);
	return 0;
}

/** The program in its memory, at the beginning of the test. */
static void load(struct rig *rig)
{
	struct boot_info info = {
		.magic = BOOT_MAGIC,
		.function = rig->plan.test.function,
		.memory_size = SERVICES_RAM_SIZE,
		.flags = rig->plan.test.flags,
	};

	memcpy(info.name, rig->plan.test.name, sizeof(info.name));
	start_write_memory(rig->ram, &info);
	loader_load(rig->plan.program, rig->ram);
	rig->gpr[GPR_RDI] = START_BOOT_PAGE;
}

/** SDM 3C 25.11.3: revision, VMCLEAR, VMPTRLD. */
static void make_current(struct rig *rig)
{
	enum vmx_result result;

	rig->vmcs[0] = vmx_caps.revision;
	result = vmx_unit->vmclear(virt_to_hpa(rig->vmcs));
	if (result) {
		vmx_unit_panic("VMCLEAR", ~0u, result);
	}
	result = vmx_unit->vmptrld(virt_to_hpa(rig->vmcs));
	if (result) {
		vmx_unit_panic("VMPTRLD", ~0u, result);
	}
}

int rig_create(struct rig *rig)
{
	int error = allocate(rig);

	if (!error) {
		error = rig->plan.ept ? rig_ept_select(rig, 0) :
					rig_shadow_create(rig);
	}
	if (!error) {
		load(rig);
		make_current(rig);
		rig_vmcs_write(rig);
	}
	return error;
}

/** Addresses are used again by the next test: nothing may be remembered. */
void rig_destroy(struct rig *rig)
{
	enum vmx_result result = VMX_SUCCEED;

	if (rig->vmcs) {
		result = vmx_unit->vmclear(virt_to_hpa(rig->vmcs));
	}
	if (!result && vmx_caps.ept_vpid) {
		result = vmx_unit->invept(INVEPT_ALL_CONTEXT, 0);
	}
	if (result) {
		verdict_stop(&rig->verdict, VERDICT_ERROR,
			     "the VMCS cannot be cleared");
	}
	page_free_all(rig->owner);
}

void *rig_memory(const struct rig *rig, u64 address, u64 size)
{
	if (address > SERVICES_RAM_SIZE || size > SERVICES_RAM_SIZE - address) {
		return NULL;
	}
	return rig->ram + address;
}
