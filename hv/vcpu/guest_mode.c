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
 *
 * Without EPT the processor translates by our tables (mmu/shadow.h): PG, PE,
 * WP, PAE and NXE are really on, PGE and PCIDE off, and each bit that the
 * guest's own tables depend on is the host's.  CR3 and EFER have no read
 * shadow; the guest's values are kept in struct vcpu.
 *
 * An example, with EPT: the guest loads CR0 with PE and PG set and NE clear.
 * VMX wants NE set, so the real CR0 has it. NE belongs to the host, so a read
 * gives the shadow, where it is clear. The guest sees what it has written; the
 * processor has what it needs.
 *
 *	bit         CR0.NE   CR0.CD        CR0.TS   CR4.VMXE
 *	whose       host     host          guest    host
 *	real        1        0             guest's  1
 *	guest sees  shadow   shadow        real     shadow
 *
 * EFER has no mask: reads and writes are MSR exits. It is the MOV to CR0 that
 * makes LMA of LME, as on a processor (SDM 3A 9.8.5).
 */
#include "hv/vcpu/guest_mode.h"

#include "hv/vmx/vmx_caps.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cpuid.h"
#include "mmu/guest_walk.h"

/** Other bits of CR0 are ignored when written (SDM 3A 2.5). */
#define CR0_DEFINED                                                     \
	(CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | \
	 CR0_AM | CR0_NW | CR0_CD | CR0_PG)

/**
 * CR0 bits that MOV may change without an exit. TS is the one for which it
 * matters: kernels with a lazy FPU set and clear it at each task switch.
 */
#define CR0_FREE (CR0_MP | CR0_EM | CR0_TS | CR0_WP | CR0_AM)
/** The same of CR4: whatever CPUID tells of, so not MCE; see cr4_free(). */
#define CR4_FREE                                           \
	(CR4_TSD | CR4_DE | CR4_PSE | CR4_PGE | CR4_OSFXSR \
	 | CR4_OSXMMEXCPT)

/** Of these, what shadow paging must hear of. */
#define CR4_PAGING (CR4_PSE | CR4_PGE)
/** What guests may have without EPT only; the real bit follows the guest's. */
#define CR4_PROTECTION (CR4_SMEP | CR4_SMAP)

/** Reserved in a PDPTE of PAE paging (SDM 3A table 4-8). */
#define PDPTE_ACCESSED BIT(5)

#define EFER_ALLOWED (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)

/**
 * MAXPHYADDR: addresses in CR3 and in entries must not have bits above it.
 * CPUID is slow, under some hypervisors an exit; it is asked once.
 */
static unsigned int phys_bits(void)
{
	static unsigned int cached;

	if (!cached) {
		cached = cpuid(0x80000008, 0).eax & 0xff;
	}
	return cached;
}

/**
 * QEMU's emulator has no virtual-8086 extensions; setting VME or PVI there
 * would be a failed entry, and not the #GP that the guest should get.
 */
static u64 cr4_free(void)
{
	static u64 cached;

	if (!cached) {
		cached = CR4_FREE;
		if (cpuid(1, 0).edx & CPUID_1_EDX_VME) {
			cached |= CR4_VME | CR4_PVI;
		}
	}
	return cached;
}

/* Valid values ------------------------------------------------------------- */

/*
 * The #GP conditions of MOV to CR0 that need nothing but the value. That PG
 * must not be cleared in 64-bit code, nor LME be changed under PG, depends on
 * more and is the exits' business.
 */
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

/*
 * What CPUID does not offer must not be set, or the guest could use what nobody
 * switches or emulates. With EPT that leaves out PCIDE, SMEP and SMAP.
 */
bool guest_mode_cr4_valid(const struct vcpu *vcpu, u64 cr4)
{
	u64 allowed = cr4_free() | CR4_PAE;

	if (!vcpu->vm->with_ept) {
		allowed |= CR4_PCIDE | (CR4_PROTECTION & vmx_caps.cr4_fixed1);
	}
	return !(cr4 & ~allowed);
}

bool guest_mode_efer_valid(u64 efer)
{
	return !(efer & ~EFER_ALLOWED);
}

/*
 * Outside of long mode CR3 has 32 bits and nothing is reserved in the sense of
 * a #GP.
 */
bool guest_mode_cr3_valid(const struct vcpu *vcpu, u64 cr3)
{
	return !(guest_mode_efer(vcpu) & EFER_LMA) || !(cr3 >> phys_bits());
}

/* Setting ------------------------------------------------------------------ */

/**
 * Bits that VMX wants set (IA32_VMX_CR0_FIXED0, SDM 3D A.7); an unrestricted
 * guest may do without PE and PG. Without EPT our tables are what protects the
 * hypervisor from the guest, so paging is always on, and WP with it: a store of
 * the guest's kernel must fault at a page that we have made read-only.
 */
static u64 cr0_must(const struct vcpu *vcpu)
{
	u64 must = vmx_caps.cr0_fixed0;

	if (!vcpu->vm->with_ept) {
		return must | CR0_PE | CR0_PG | CR0_WP;
	}
	if (vmx_caps.unrestricted_guest) {
		must &= ~(CR0_PE | CR0_PG);
	}
	return must;
}

/**
 * The guest's EFER is in vcpu->efer, the processor's in the VMCS; with EPT they
 * are the same.
 */
static void write_efer(struct vcpu *vcpu, u64 efer)
{
	vcpu->efer = efer;
	if (!vcpu->vm->with_ept) {
		/* Paging is on, so LME = LMA; our tables have bits 63. */
		efer &= ~EFER_LME;
		efer |= EFER_NXE | (efer & EFER_LMA ? EFER_LME : 0);
	}
	vmwrite(GUEST_IA32_EFER, efer);
}

/** LMA = LME and PG; the entry control says the same (SDM 3C 27.3.1.1). */
static void update_long_mode(struct vcpu *vcpu, u64 cr0, u64 efer)
{
	u64 controls = vmread(VM_ENTRY_CONTROLS);

	if ((cr0 & CR0_PG) && (efer & EFER_LME)) {
		efer |= EFER_LMA;
		controls |= ENTRY_IA32E_MODE_GUEST;
	} else {
		efer &= ~EFER_LMA;
		controls &= ~ENTRY_IA32E_MODE_GUEST;
	}
	write_efer(vcpu, efer);
	vmwrite(VM_ENTRY_CONTROLS, controls);
}

/**
 * The real CR4 of a guest whose tables are not used. PSE and PGE speak of the
 * guest's tables, which no processor reads, so the bits are off. SMEP and SMAP
 * act on our tables, and do so only while the guest has paging on: without it
 * there are no user pages in its world, and ours all look like user pages.
 */
static u64 cr4_over_shadow(u64 cr4, u64 cr0)
{
	u64 hidden = CR4_PAGING | CR4_PCIDE;

	if (!(cr0 & CR0_PG)) {
		hidden |= CR4_PROTECTION;
	}
	return (cr4 & ~hidden) | CR4_PAE;
}

/**
 * Three fields for one register: the real value, what the guest reads of the
 * host's bits, and which bits are the host's.
 */
static void set_real_cr4(const struct vcpu *vcpu, u64 cr4, u64 cr0)
{
	u64 real = vcpu->vm->with_ept ? cr4 : cr4_over_shadow(cr4, cr0);
	u64 free = vcpu->vm->with_ept ? cr4_free() : cr4_free() & ~CR4_PAGING;

	vmwrite(GUEST_CR4, (real | vmx_caps.cr4_fixed0) & vmx_caps.cr4_fixed1);
	vmwrite(CR4_READ_SHADOW, cr4);
	vmwrite(CR4_GUEST_HOST_MASK, ~free);
}

/**
 * Caching is never switched off for a guest: CD and NW are a mere shadow. A
 * guest that runs with CD set, as firmware does, would be slower by far and
 * gain nothing: all its memory is RAM, and coherent.
 *
 * CR4 and EFER come after it, as both depend on PG.
 */
void guest_mode_set_cr0(struct vcpu *vcpu, u64 cr0)
{
	u64 real = (cr0 & CR0_DEFINED & ~(CR0_CD | CR0_NW)) | cr0_must(vcpu);
	u64 free = vcpu->vm->with_ept ? CR0_FREE : CR0_FREE & ~CR0_WP;

	vmwrite(GUEST_CR0, real & vmx_caps.cr0_fixed1);
	vmwrite(CR0_READ_SHADOW, cr0 | CR0_ET);
	vmwrite(CR0_GUEST_HOST_MASK, ~free);
	set_real_cr4(vcpu, guest_mode_cr4(), cr0);
	update_long_mode(vcpu, cr0, guest_mode_efer(vcpu));
}

/* Without EPT the real CR3 is a root of the shadow, set before entry. */
void guest_mode_set_cr3(struct vcpu *vcpu, u64 cr3)
{
	vcpu->cr3 = cr3;
	if (vcpu->vm->with_ept) {
		vmwrite(GUEST_CR3, cr3);
	}
}

void guest_mode_set_cr4(struct vcpu *vcpu, u64 cr4)
{
	set_real_cr4(vcpu, cr4, guest_mode_cr0());
}

void guest_mode_set_efer(struct vcpu *vcpu, u64 efer)
{
	update_long_mode(vcpu, guest_mode_cr0(), efer);
}

/* What follows ------------------------------------------------------------- */

/**
 * SDM 3A 4.1.1: which of the four formats the tables have. PG decides first;
 * PAE is implied by LMA, so it only tells the two 32-bit modes apart.
 */
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

/**
 * What else decides about a walk's result, besides the mode and the tables.
 * Pages of 1 GiB are always allowed, as the guest's CPUID says.
 */
static u32 walk_flags(u64 cr0, u64 cr4, u64 efer)
{
	return GUEST_WALK_1G | (cr0 & CR0_WP ? GUEST_WALK_WP : 0) |
	       (efer & EFER_NXE ? GUEST_WALK_NX : 0) |
	       (cr4 & CR4_PSE ? GUEST_WALK_PSE : 0) |
	       (cr4 & CR4_SMEP ? GUEST_WALK_SMEP : 0) |
	       (cr4 & CR4_SMAP ? GUEST_WALK_SMAP : 0);
}

/*
 * The PDPTEs of PAE paging are registers, loaded when CR3 is (SDM 3A 4.4.1).
 * With EPT the processor keeps the guest's in the VMCS. They may differ from
 * what memory says by now; the registers count.
 */
void guest_mode_paging_again(struct guest_mode *mode)
{
	struct guest_paging *out = &mode->paging;

	out->mode = walk_mode(mode->cr0, mode->cr4, mode->efer);
	out->root = walk_root(out->mode, vmread(GUEST_CR3));
	out->phys_bits = phys_bits();
	out->flags = walk_flags(mode->cr0, mode->cr4, mode->efer);
	if (out->mode == GUEST_WALK_PAE) {
		out->pdptes[0] = vmread(GUEST_PDPTE0);
		out->pdptes[1] = vmread(GUEST_PDPTE1);
		out->pdptes[2] = vmread(GUEST_PDPTE2);
		out->pdptes[3] = vmread(GUEST_PDPTE3);
	}
}

void guest_mode_read(const struct vcpu *vcpu, struct guest_paging *out)
{
	u64 cr0 = guest_mode_cr0(), cr4 = guest_mode_cr4();
	u64 efer = guest_mode_efer(vcpu);

	out->mode = walk_mode(cr0, cr4, efer);
	out->root = walk_root(out->mode, guest_mode_cr3(vcpu));
	out->phys_bits = phys_bits();
	out->flags = walk_flags(cr0, cr4, efer);
	memcpy(out->pdptes, vcpu->pdptes, sizeof(out->pdptes));
}

/*
 * All four are looked at before the first is kept: a #GP leaves the old ones in
 * force. A table that is no memory reads as 0, four entries that are not
 * present.
 */
bool guest_mode_load_pdptes(struct vcpu *vcpu)
{
	u64 reserved = BITS(2, 1) | BITS(8, 5) | ~(BIT(phys_bits()) - 1);
	struct guest_paging paging;
	u64 pdptes[4] = {0};
	const u64 *table;

	guest_mode_read(vcpu, &paging);
	if (paging.mode != GUEST_WALK_PAE) {
		return true;
	}
	table = vm_memory(vcpu->vm, paging.root, sizeof(pdptes), false);
	for (unsigned int i = 0; i < ARRAY_SIZE(pdptes); i++) {
		pdptes[i] = table ? table[i] : 0;
		if (vmx_unit_is_soft) {
			/* TCG sets it at a walk, as if this were a table. */
			pdptes[i] &= ~PDPTE_ACCESSED;
		}
		if ((pdptes[i] & BIT(0)) && (pdptes[i] & reserved)) {
			return false;
		}
	}
	memcpy(vcpu->pdptes, pdptes, sizeof(pdptes));
	for (unsigned int i = 0; vcpu->vm->with_ept && i < 4; i++) {
		vmwrite(GUEST_PDPTE0 + 2 * i, pdptes[i]);
	}
	return true;
}
