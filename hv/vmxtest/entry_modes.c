/** @file
 * Valid guest state for every mode that a processor can be entered in.
 *
 *	page   0x1 PML4 -> 0x2 PDPT -+-> 0x3 PD -> 0x4 PT	8-byte entries
 *	       0x5 PDPT of PAE ------+
 *	       0x6 PD -> 0x7 PT					4-byte entries
 *	       0x8 code: CPUID
 *
 * The page tables map the 16 pages onto themselves: linear address 0x8000 is
 * the code in every mode, paged or not.  Without EPT, guest-physical is
 * host-physical, and the tables map the same linear addresses to where the
 * pages are.  Accessed and dirty bits are set, so nobody writes to the tables.
 */
#include "hv/vmxtest/entry_rig.h"

#include "hv/lib/page.h"
#include "hv/vmx/vmx_caps.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"

#define PAGE(n) ((n) * PAGE_SIZE)
#define CODE_PAGE 8
#define CODE PAGE(CODE_PAGE)
#define PAT_RESET 0x0007040600070406ull

/* Paging-structure entries - SDM 3A tables 4-5 to 4-20. */
#define PTE_P BIT(0)
#define PTE_ALL (BIT(6) | BIT(5) | BIT(2) | BIT(1) | PTE_P)

/* Access rights: present, accessed; code or data; DPL; D/B, L, G. */
#define CODE_64 0xa09b
#define CODE_64_USER 0xa0fb
#define CODE_32 0xc09b
#define CODE_16 0x009b
#define DATA_32 0xc093
#define DATA_32_USER 0xc0f3
#define DATA_16 0x0093
#define RIGHTS_V8086 0x00f3
#define TSS_BUSY 0x008b

#define CR0_PLAIN (CR0_ET | CR0_NE)
#define CR0_PROTECTED (CR0_PLAIN | CR0_PE)
#define CR0_PAGED (CR0_PROTECTED | CR0_WP | CR0_PG)
#define EFER_LONG (EFER_LME | EFER_LMA)
/** As the host has them: an exit need not load EFER. */
#define EFER_ALWAYS (EFER_NXE | EFER_SCE)

/** What makes a mode. */
struct mode {
	const char *name;
	u64 cr0, cr4, efer;
	u32 page_table; /* which page CR3 points to, 0: no paging */
	u32 code, data; /* access rights */
	u8 rpl;
	bool restricted, no_ept, v8086;
};

static const struct mode modes[ENTRY_MODES] = {
	[ENTRY_LONG] = { "long", CR0_PAGED, CR4_PAE, EFER_LONG, 1, CODE_64, DATA_32,
			 .rpl = 0 },
	[ENTRY_LONG_USER] = { "long_user", CR0_PAGED, CR4_PAE, EFER_LONG, 1,
			      CODE_64_USER, DATA_32_USER, .rpl = 3 },
	[ENTRY_LONG_PLAIN] = { "long_plain", CR0_PAGED, CR4_PAE, EFER_LONG, 1,
			       CODE_64, DATA_32, .restricted = true },
	[ENTRY_LONG_NO_EPT] = { "long_no_ept", CR0_PAGED, CR4_PAE, EFER_LONG, 1,
				CODE_64, DATA_32, .no_ept = true },
	[ENTRY_COMPAT_32] = { "compat_32", CR0_PAGED, CR4_PAE, EFER_LONG, 1,
			      CODE_32, DATA_32, .rpl = 0 },
	[ENTRY_COMPAT_16] = { "compat_16", CR0_PAGED, CR4_PAE, EFER_LONG, 1,
			      CODE_16, DATA_16, .rpl = 0 },
	[ENTRY_PAE] = { "pae", CR0_PAGED, CR4_PAE, 0, 5, CODE_32, DATA_32, .rpl = 0 },
	[ENTRY_PAE_PLAIN] = { "pae_plain", CR0_PAGED, CR4_PAE, 0, 5, CODE_32,
			      DATA_32, .restricted = true },
	[ENTRY_PAE_NO_EPT] = { "pae_no_ept", CR0_PAGED, CR4_PAE, 0, 5, CODE_32,
			       DATA_32, .no_ept = true },
	[ENTRY_PAGED] = { "paged", CR0_PAGED, 0, 0, 6, CODE_32, DATA_32, .rpl = 0 },
	[ENTRY_PAGED_PLAIN] = { "paged_plain", CR0_PAGED, 0, 0, 6, CODE_32,
				DATA_32, .restricted = true },
	[ENTRY_PAGED_NO_EPT] = { "paged_no_ept", CR0_PAGED, 0, 0, 6, CODE_32,
				 DATA_32, .no_ept = true },
	[ENTRY_UNPAGED] = { "unpaged", CR0_PROTECTED, 0, 0, 0, CODE_32, DATA_32,
			    .rpl = 0 },
	[ENTRY_PROTECTED_16] = { "protected_16", CR0_PROTECTED, 0, 0, 0, CODE_16,
				 DATA_16, .rpl = 0 },
	[ENTRY_REAL] = { "real", CR0_PLAIN, 0, 0, 0, DATA_16, DATA_16, .rpl = 0 },
	[ENTRY_V8086] = { "v8086", CR0_PAGED, 0, 0, 6, RIGHTS_V8086, RIGHTS_V8086,
			  .v8086 = true },
	[ENTRY_V8086_PLAIN] = { "v8086_plain", CR0_PAGED, 0, 0, 6, RIGHTS_V8086,
				RIGHTS_V8086, .restricted = true,
				.v8086 = true },
};

const char *entry_modes_name(enum entry_mode mode)
{
	return modes[mode].name;
}

bool entry_modes_ept(enum entry_mode mode)
{
	return !modes[mode].no_ept;
}

bool entry_modes_unrestricted(enum entry_mode mode)
{
	return !modes[mode].restricted && !modes[mode].no_ept;
}

/** Guest-physical address of guest memory. */
static u64 guest_base(const struct mode *mode)
{
	return mode->no_ept ? virt_to_hpa(entry_rig.guest).v : 0;
}

static u64 *table(unsigned int page)
{
	return entry_rig.guest + page * PAGE_SIZE / sizeof(u64);
}

void entry_modes_write_memory(enum entry_mode number)
{
	u64 base = guest_base(&modes[number]);
	u8 *code = (u8 *)table(CODE_PAGE);
	u32 *pd32 = (u32 *)table(6);
	u32 *pt32 = (u32 *)table(7);

	memset(entry_rig.guest, 0, ENTRY_RIG_GUEST_PAGES * PAGE_SIZE);
	table(1)[0] = (base + PAGE(2)) | PTE_ALL;
	table(2)[0] = (base + PAGE(3)) | PTE_ALL;
	table(3)[0] = (base + PAGE(4)) | PTE_ALL;
	table(5)[0] = (base + PAGE(3)) | PTE_P;
	pd32[0] = (base + PAGE(7)) | PTE_ALL;
	for (unsigned int i = 0; i < ENTRY_RIG_GUEST_PAGES; i++) {
		table(4)[i] = (base + PAGE(i)) | PTE_ALL;
		pt32[i] = (base + PAGE(i)) | PTE_ALL;
	}
	code[0] = 0x0f; /* CPUID */
	code[1] = 0xa2;
}

/** Real and virtual-8086 mode: base = selector * 16. */
static bool is_real(const struct mode *mode)
{
	return mode->v8086 || !(mode->cr0 & CR0_PE);
}

/** The four fields of a segment register; those of ES, DS .. are two apart. */
static void write_segment(enum vmcs_field selector, u16 value, u32 rights)
{
	unsigned int offset = selector - GUEST_ES_SELECTOR;

	vmwrite(selector, value);
	vmwrite(GUEST_ES_BASE + offset, 0);
	vmwrite(GUEST_ES_LIMIT + offset, rights & SEG_AR_G ? ~0u : 0xffff);
	vmwrite(GUEST_ES_AR_BYTES + offset, rights);
}

static void write_segments(const struct mode *mode)
{
	u16 data = is_real(mode) ? 0 : 0x10 | mode->rpl;

	write_segment(GUEST_CS_SELECTOR, 8 | mode->rpl, mode->code);
	write_segment(GUEST_SS_SELECTOR, data, mode->data);
	write_segment(GUEST_DS_SELECTOR, data, mode->data);
	write_segment(GUEST_ES_SELECTOR, data, mode->data);
	write_segment(GUEST_FS_SELECTOR, data, mode->data);
	write_segment(GUEST_GS_SELECTOR, data, mode->data);
	write_segment(GUEST_TR_SELECTOR, 0x18, TSS_BUSY);
	vmwrite(GUEST_TR_LIMIT, 0x67);
	write_segment(GUEST_LDTR_SELECTOR, 0, SEG_AR_UNUSABLE);
	if (is_real(mode)) {
		vmwrite(GUEST_CS_SELECTOR, CODE >> 4);
		vmwrite(GUEST_CS_BASE, CODE);
	}
}

static void write_registers(const struct mode *mode)
{
	u64 cr3 = mode->page_table ? guest_base(mode) + PAGE(mode->page_table) :
				     0;

	vmwrite(GUEST_CR0, mode->cr0);
	vmwrite(GUEST_CR3, cr3);
	vmwrite(GUEST_CR4, mode->cr4 | vmx_caps.cr4_fixed0);
	vmwrite(GUEST_PDPTE0, mode->page_table == 5 ? PAGE(3) | PTE_P : 0);
	vmwrite(GUEST_IA32_EFER, mode->efer | EFER_ALWAYS);
	vmwrite(GUEST_IA32_PAT, PAT_RESET);
	vmwrite(GUEST_DR7, DR7_RESET);
	vmwrite(GUEST_RIP, is_real(mode) ? 0 : CODE);
	vmwrite(GUEST_RSP, CODE);
	vmwrite(GUEST_RFLAGS,
		RFLAGS_FIXED | RFLAGS_IF | (mode->v8086 ? RFLAGS_VM : 0));
	vmwrite(VMCS_LINK_POINTER, ~0ull);
}

void entry_modes_write(enum entry_mode number)
{
	const struct mode *mode = &modes[number];
	u64 controls = vmread(VM_ENTRY_CONTROLS);

	if (mode->efer & EFER_LMA) {
		controls |= ENTRY_IA32E_MODE_GUEST;
	}
	vmwrite(VM_ENTRY_CONTROLS, controls);
	write_segments(mode);
	write_registers(mode);
}
