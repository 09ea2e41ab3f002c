/** @file
 * The guest's mode.
 *
 * Each bit of CR0 and CR4 belongs to the guest or to the host, as the
 * guest/host masks say (SDM 3C 25.6.6).  Its own bits the guest changes with no
 * exit.  Of the host's it reads the shadow, and a MOV that would change one
 * exits.  The host keeps those that must not be what the guest wants, and those
 * from which something follows: PG and PE make EFER.LMA and the paging mode.
 *
 *	        guest's view = (real & free) | (shadow & ~free)
 *	        real         = (guest's view | fixed to 1) & ~fixed to 0
 */
#include "hv/vcpu/guest_mode.h"

#include "hv/vmx/vmx_caps.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cpuid.h"
#include "mmu/guest_walk.h"

#define CR0_DEFINED                                                     \
	(CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | \
	 CR0_AM | CR0_NW | CR0_CD | CR0_PG)

#define CR4_ALLOWED (GUEST_MODE_CR4_FREE | CR4_PAE)

#define EFER_ALLOWED (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)

bool guest_mode_cr0_valid(u64 cr0)
{
	if (cr0 & ~0xffffffffull) {
		return false;
	}
	if ((cr0 & CR0_PG) && !(cr0 & CR0_PE)) {
		return false;
	}
	return !((cr0 & CR0_NW) && !(cr0 & CR0_CD));
}

bool guest_mode_cr4_valid(u64 cr4)
{
	return !(cr4 & ~CR4_ALLOWED);
}

bool guest_mode_efer_valid(u64 efer)
{
	return !(efer & ~EFER_ALLOWED);
}

/** Bits that VMX wants set; an unrestricted guest may do without these two. */
static u64 cr0_must(void)
{
	u64 must = vmx_caps.cr0_fixed0;

	if (vmx_caps.unrestricted_guest) {
		must &= ~(CR0_PE | CR0_PG);
	}
	return must;
}

/** LMA = LME and PG; the entry control says the same (SDM 3C 27.3.1.1). */
static void update_long_mode(u64 cr0, u64 efer)
{
	u64 controls = vmread(VM_ENTRY_CONTROLS);

	if ((cr0 & CR0_PG) && (efer & EFER_LME)) {
		efer |= EFER_LMA;
		controls |= ENTRY_IA32E_MODE_GUEST;
	} else {
		efer &= ~EFER_LMA;
		controls &= ~ENTRY_IA32E_MODE_GUEST;
	}
	vmwrite(GUEST_IA32_EFER, efer);
	vmwrite(VM_ENTRY_CONTROLS, controls);
}

/** Caching is never switched off for a guest: CD and NW are a mere shadow. */
void guest_mode_set_cr0(u64 cr0)
{
	u64 real = ((cr0 & CR0_DEFINED & ~(CR0_CD | CR0_NW)) | cr0_must()) &
		   vmx_caps.cr0_fixed1;

	vmwrite(GUEST_CR0, real);
	vmwrite(CR0_READ_SHADOW, cr0 | CR0_ET);
	vmwrite(CR0_GUEST_HOST_MASK, ~GUEST_MODE_CR0_FREE);
	update_long_mode(cr0, vmread(GUEST_IA32_EFER));
}

void guest_mode_set_cr4(u64 cr4)
{
	vmwrite(GUEST_CR4, (cr4 | vmx_caps.cr4_fixed0) & vmx_caps.cr4_fixed1);
	vmwrite(CR4_READ_SHADOW, cr4);
	vmwrite(CR4_GUEST_HOST_MASK, ~GUEST_MODE_CR4_FREE);
}

void guest_mode_set_efer(u64 efer)
{
	update_long_mode(guest_mode_cr0(), efer);
}

static unsigned int phys_bits(void)
{
	static unsigned int cached;

	if (!cached) {
		cached = cpuid(0x80000008, 0).eax & 0xff;
	}
	return cached;
}

static enum guest_walk_mode walk_mode(u64 cr0, u64 cr4, u64 efer)
{
	if (!(cr0 & CR0_PG)) {
		return GUEST_WALK_FLAT;
	}
	if (efer & EFER_LMA) {
		return GUEST_WALK_4_LEVEL;
	}
	return cr4 & CR4_PAE ? GUEST_WALK_PAE : GUEST_WALK_2_LEVEL;
}

/** CR3's address bits differ by mode (SDM 3A tables 4-3, 4-7, 4-12). */
static gpa_t walk_root(enum guest_walk_mode mode, u64 cr3)
{
	if (mode == GUEST_WALK_PAE) {
		return gpa(cr3 & 0xffffffe0ull);
	}
	if (mode == GUEST_WALK_2_LEVEL) {
		return gpa(cr3 & 0xfffff000ull);
	}
	return gpa(cr3 & BITS(51, 12));
}

void guest_mode_paging_again(struct guest_mode *mode)
{
	struct guest_paging *out = &mode->paging;

	out->mode = walk_mode(mode->cr0, mode->cr4, mode->efer);
	out->root = walk_root(out->mode, vmread(GUEST_CR3));
	out->phys_bits = phys_bits();
	out->flags = GUEST_WALK_1G;
	if (mode->cr0 & CR0_WP) {
		out->flags |= GUEST_WALK_WP;
	}
	if (mode->efer & EFER_NXE) {
		out->flags |= GUEST_WALK_NX;
	}
	if (mode->cr4 & CR4_PSE) {
		out->flags |= GUEST_WALK_PSE;
	}
	if (out->mode == GUEST_WALK_PAE) {
		out->pdptes[0] = vmread(GUEST_PDPTE0);
		out->pdptes[1] = vmread(GUEST_PDPTE1);
		out->pdptes[2] = vmread(GUEST_PDPTE2);
		out->pdptes[3] = vmread(GUEST_PDPTE3);
	}
}
