/** @file
 * Cases: the MSR lists of VM entry and VM exit (SDM 3C 25.7.2, 25.8.2, 27.4,
 * 28.4, 28.6).
 */
#include "hv/unittest/unit_cases.h"

#include "hv/unittest/tiny_guest.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/msr.h"

/** An entry of such a list (SDM 3C table 25-14). */
struct entry {
	u32 msr;
	u32 reserved;
	u64 value;
};

/** Three lists in a page that is no business of the guest's. */
struct lists {
	struct entry enter[4], store[4], load[4];
};

/** Addresses and counts go into the VMCS; NULL without memory. */
static struct lists *prepare(struct tiny_guest *g)
{
	struct lists *lists = page_alloc(TINY_OWNER);

	if (!lists) {
		g->why = "no memory";
		return NULL;
	}
	vmwrite(VM_ENTRY_MSR_LOAD_ADDR, virt_to_hpa(lists->enter).v);
	vmwrite(VM_EXIT_MSR_STORE_ADDR, virt_to_hpa(lists->store).v);
	vmwrite(VM_EXIT_MSR_LOAD_ADDR, virt_to_hpa(lists->load).v);
	memset(g->msr_bitmap, 0, PAGE_SIZE); /* no MSR access exits */
	return lists;
}

TINY_CODE(msr_code, "mov $0xc0000102, %ecx\n\t" /* IA32_KERNEL_GS_BASE */
		    "rdmsr\n\t"
		    "mov %eax, %ebx\n\t"
		    "mov $0x5678, %eax\n\t"
		    "xor %edx, %edx\n\t"
		    "wrmsr\n\t"
		    "mov $0x174, %ecx\n\t" /* IA32_SYSENTER_CS */
		    "rdmsr\n\t"
		    "mov %eax, %esi\n\t"
		    "mov $0x20, %eax\n\t"
		    "wrmsr\n\t"
		    "vmcall\n\t")

/** The guest finds what entry has loaded; exit keeps what the guest has left,
 * and the host finds what exit has loaded. */
void unit_lists_all(struct tiny_guest *g)
{
	struct lists *lists = prepare(g);

	if (!lists) {
		return;
	}
	TINY_LOAD(g, msr_code);
	lists->enter[0] = (struct entry){ MSR_IA32_KERNEL_GS_BASE, 0, 0x1234 };
	lists->enter[1] = (struct entry){ MSR_IA32_SYSENTER_CS, 0, 0x10 };
	lists->store[0].msr = MSR_IA32_KERNEL_GS_BASE;
	lists->store[1].msr = MSR_IA32_SYSENTER_CS;
	lists->load[0] = (struct entry){ MSR_IA32_KERNEL_GS_BASE, 0, 0x9abc };
	vmwrite(VM_ENTRY_MSR_LOAD_COUNT, 2);
	vmwrite(VM_EXIT_MSR_STORE_COUNT, 2);
	vmwrite(VM_EXIT_MSR_LOAD_COUNT, 1);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	tiny_guest_equal(g, "the guest's KERNEL_GS_BASE", g->gpr[GPR_RBX],
			 0x1234);
	tiny_guest_equal(g, "the guest's SYSENTER_CS", g->gpr[GPR_RSI], 0x10);
	tiny_guest_equal(g, "the stored KERNEL_GS_BASE", lists->store[0].value,
			 0x5678);
	tiny_guest_equal(g, "the stored SYSENTER_CS", lists->store[1].value,
			 0x20);
	tiny_guest_equal(g, "the host's KERNEL_GS_BASE",
			 rdmsr(MSR_IA32_KERNEL_GS_BASE), 0x9abc);
	wrmsr(MSR_IA32_KERNEL_GS_BASE, 0);
}

/** Entry stops at the entry that it cannot load, whose number it tells. */
void unit_lists_refused(struct tiny_guest *g)
{
	static const struct entry wrong[] = {
		{ MSR_IA32_FS_BASE, 0, 0 },	 /* never in this list */
		{ MSR_IA32_GS_BASE, 0, 0 },
		{ MSR_IA32_SYSENTER_CS, 1, 0 },	 /* a reserved bit */
		{ MSR_IA32_LSTAR, 0, 1ull << 62 }, /* WRMSR would fault */
		{ MSR_IA32_PAT, 0, 2 },
	};
	struct lists *lists = prepare(g);

	for (size_t i = 0; lists && i < ARRAY_SIZE(wrong); i++) {
		TINY_LOAD(g, msr_code);
		lists->enter[0] =
			(struct entry){ MSR_IA32_SYSENTER_CS, 0, 0x10 };
		lists->enter[1] = wrong[i];
		vmwrite(VM_ENTRY_MSR_LOAD_COUNT, 2);
		tiny_guest_expect(g, EXIT_REASON_ENTRY_MSR_LOAD |
					     EXIT_REASON_ENTRY_FAILURE);
		tiny_guest_equal(g, "the qualification", g->qualification, 2);
		tiny_guest_field(g, GUEST_RIP, TINY_CODE_AT);
	}
}
