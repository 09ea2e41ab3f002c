/** @file
 * VM entries that fail: by an error number (SDM 3C 31.4), or by an exit with
 * bit 31 of its reason set (27.8).
 *
 * One check of each kind; there is a field for every way to be wrong, and
 * SERVICE_TRY to try it.
 */
#include "guest-tests/vmx/event.h"

#define ERROR_CONTROLS 7
#define ERROR_HOST_STATE 8
#define ENTRY_FAILED BIT(31)

/** One entry with other values; count says how many fields are given. */
static struct services_try try_entry(struct services_try try)
{
	(void)service(SERVICE_TRY, vmcall_address(&try), 0);
	return try;
}

static struct services_try try_field(u32 field, u64 value)
{
	return try_entry((struct services_try){
		.count = 1, .field = { field }, .value = { value } });
}

/** The entry is refused by VMfail. */
#define CHECK_FAIL(field, value, error) \
	do { \
		struct services_try try_ = try_field((field), (value)); \
		CHECK_COUNT(try_.fail, (error), \
			    "VMfail with the error number of SDM 3C 31.4"); \
	} while (0)

/** The entry ends in a failure exit. */
#define CHECK_REFUSED(field, value, why, qual) \
	do { \
		struct services_try try_ = try_field((field), (value)); \
		CHECK_COUNT(try_.fail, 0, "VMLAUNCH itself succeeds"); \
		CHECK_EQ(try_.reason, ENTRY_FAILED | (why), \
			 "the entry fails by an exit (SDM 3C 27.8)"); \
		CHECK_COUNT(try_.qualification, (qual), \
			    "whose qualification is as in SDM 3C 27.8"); \
	} while (0)

TEST(bad_controls_are_error_7)
{
	CHECK_FAIL(FIELD_PIN, 0xffffffff, ERROR_CONTROLS);
	CHECK_FAIL(FIELD_PIN, 0, ERROR_CONTROLS);
	CHECK_FAIL(FIELD_CPU, 0, ERROR_CONTROLS);
	CHECK_FAIL(FIELD_CPU2, 0xffffffff, ERROR_CONTROLS);
	CHECK_FAIL(FIELD_EXIT_CONTROLS, 0, ERROR_CONTROLS);
	CHECK_FAIL(FIELD_CR3_TARGET_COUNT, 5, ERROR_CONTROLS);
	CHECK_FAIL(FIELD_IO_BITMAP_A, 0x123, ERROR_CONTROLS);
	CHECK_FAIL(FIELD_MSR_BITMAP, BIT(62), ERROR_CONTROLS);
}

TEST_EPT(bad_ept_pointer_is_error_7)
{
	CHECK_FAIL(FIELD_EPT_POINTER, 0x101f, ERROR_CONTROLS); /* type 7 */
	CHECK_FAIL(FIELD_EPT_POINTER, 0x1006, ERROR_CONTROLS); /* 1 level */
	CHECK_FAIL(FIELD_EPT_POINTER, 0x181e, ERROR_CONTROLS); /* bit 11 */
	CHECK_FAIL(FIELD_EPT_POINTER, BIT(62) | 0x101e, ERROR_CONTROLS);
}

TEST(bad_injection_is_error_7)
{
	CHECK_FAIL(FIELD_ENTRY_INTR_INFO, VALID | 1 << 8 | 3, ERROR_CONTROLS);
	CHECK_FAIL(FIELD_ENTRY_INTR_INFO, VALID | NMI_TYPE | 3, ERROR_CONTROLS);
	CHECK_FAIL(FIELD_ENTRY_INTR_INFO, VALID | HARD | 32, ERROR_CONTROLS);
	CHECK_FAIL(FIELD_ENTRY_INTR_INFO, VALID | HARD | HAS_ERROR | UD,
		   ERROR_CONTROLS);
	CHECK_FAIL(FIELD_ENTRY_INTR_INFO, VALID | SOFT_INTERRUPT | 0x30,
		   ERROR_CONTROLS); /* the instruction length is 0 */
}

TEST(bad_host_state_is_error_8)
{
	CHECK_FAIL(FIELD_HOST_CS, 0, ERROR_HOST_STATE);
	CHECK_FAIL(FIELD_HOST_CS, 0x0b, ERROR_HOST_STATE);
	CHECK_FAIL(FIELD_HOST_CR0, 0, ERROR_HOST_STATE);
	CHECK_FAIL(0x6c0c, 1ull << 62, ERROR_HOST_STATE); /* GDTR base */
	CHECK_FAIL(0x2c02, 0, ERROR_HOST_STATE); /* EFER without LMA */
}

TEST(bad_guest_state_is_exit_33)
{
	CHECK_REFUSED(FIELD_RFLAGS, 0, EXIT_ENTRY_GUEST_STATE, 0);
	CHECK_REFUSED(FIELD_GUEST_CR4, 0, EXIT_ENTRY_GUEST_STATE, 0);
	CHECK_REFUSED(FIELD_GUEST_CR0, BIT(31), EXIT_ENTRY_GUEST_STATE, 0);
	CHECK_REFUSED(FIELD_TR_RIGHTS, 0x83, EXIT_ENTRY_GUEST_STATE, 0);
	CHECK_REFUSED(FIELD_ACTIVITY, 4, EXIT_ENTRY_GUEST_STATE, 0);
	CHECK_REFUSED(FIELD_INTERRUPTIBILITY, 3, EXIT_ENTRY_GUEST_STATE, 0);
	CHECK_REFUSED(0x2806, 0, EXIT_ENTRY_GUEST_STATE, 0); /* EFER */
}

/** Bochs lets it in: the recorder knows. */
TEST(rip_that_is_not_canonical_is_exit_33)
{
	INTERCEPT(BIT(GP));
	set_action(ACTION_RESUME, 1);
	(void)try_field(FIELD_GUEST_RIP, 1ull << 62);
	CHECK_DONE(service(SERVICE_NOTHING, 0, 0));
}

TEST(special_guest_state_has_a_qualification)
{
	struct services_try try;

	CHECK_REFUSED(FIELD_LINK_POINTER, 0x1000, EXIT_ENTRY_GUEST_STATE, 4);
	try = try_entry((struct services_try){
		.count = 2,
		.field = { FIELD_ENTRY_INTR_INFO, FIELD_INTERRUPTIBILITY },
		.value = { VALID | NMI_TYPE | NMI, 2 } });
	CHECK_EQ(try.reason, ENTRY_FAILED | EXIT_ENTRY_GUEST_STATE,
		 "an NMI cannot be injected while MOV SS blocks");
}

/** The guest in 32 bits with PAE, whose first PDPTE has reserved bits set. */
TEST_EPT(bad_pdptes_have_a_qualification)
{
	u64 controls = service(SERVICE_VMREAD, FIELD_ENTRY_CONTROLS, 0);
	struct services_try try = try_entry((struct services_try){
		.count = 4,
		.field = { FIELD_ENTRY_CONTROLS, FIELD_EFER, FIELD_CS_RIGHTS,
			   FIELD_PDPTE0 },
		.value = { controls & ~BIT(9), 0, 0xc09b, 3 } });

	CHECK_EQ(try.reason, ENTRY_FAILED | EXIT_ENTRY_GUEST_STATE,
		 "the entry fails by an exit (SDM 3C 27.8)");
	CHECK_COUNT(try.qualification, 2,
		    "PDPTEs have a qualification of their own");
}

static struct {
	u32 msr;
	u32 reserved;
	u64 value;
} list[4] __aligned(4096);

#define MSR_LSTAR 0xc0000082
#define MSR_FS_BASE 0xc0000100

#define CHECK_LIST(number) \
	do { \
		struct services_try try_ = \
			try_field(FIELD_ENTRY_LOAD_COUNT, 3); \
		CHECK_COUNT(try_.fail, 0, "VMLAUNCH itself succeeds"); \
		CHECK_EQ(try_.reason, ENTRY_FAILED | EXIT_ENTRY_MSR_LOAD, \
			 "an MSR that cannot be loaded is exit 34 " \
			 "(SDM 3C 27.4)"); \
		CHECK_COUNT(try_.qualification, (number), \
			    "the qualification is the entry's number, " \
			    "from 1 (SDM 3C 27.8)"); \
	} while (0)

static void fill_list(void)
{
	for (u64 i = 0; i < ARRAY_SIZE(list); i++) {
		list[i].msr = MSR_LSTAR;
		list[i].reserved = 0;
		list[i].value = 0;
	}
}

TEST(bad_msr_list_is_exit_34)
{
	CHECK_DONE(service(SERVICE_POINT, FIELD_ENTRY_LOAD, (u64)list));
	fill_list();
	list[0].msr = MSR_FS_BASE;
	CHECK_LIST(1);
	fill_list();
	list[1].reserved = 1;
	CHECK_LIST(2);
	fill_list();
	list[2].value = 1ull << 62; /* not canonical */
	CHECK_LIST(3);
}

TEST(failed_entry_leaves_the_guest_as_it_was)
{
	u64 before, after;

	asm volatile("mov %%rsp, %0" : "=r"(before));
	CHECK_REFUSED(FIELD_RFLAGS, 0, EXIT_ENTRY_GUEST_STATE, 0);
	asm volatile("mov %%rsp, %0" : "=r"(after));
	CHECK_EQ(before, after, "the guest goes on where it was");
}
