/** @file
 * The guest's services, by a table from number to function.
 *
 * Nothing the guest says is believed: an address that is not in its RAM, a
 * field that is none, is refused with a negative errno, and the test goes on.
 */
#include "hv/vmxtest/rig.h"

#include "hv/lib/printf.h"
#include "hv/lib/string.h"
#include "hv/vmm/hypercall.h"
#include "hv/vmx/exit_reasons.h"
#include "hv/x86/cpu.h"
#include "hv/x86/lapic.h"

/** Arguments in the order rdi, rsi, rdx, r10. */
typedef s64 (*service_fn_t)(struct rig *rig, const u64 *args);

/** Copy a string of the guest's, at most VERDICT_TEXT bytes. */
static void read_text(const struct rig *rig, u64 address, char *to)
{
	const char *from = rig_memory(rig, address, HYPERCALL_TEXT_SIZE);

	if (!from) {
		from = "(a string outside of the guest's memory)";
	}
	snprintf(to, VERDICT_TEXT, "%.*s", HYPERCALL_TEXT_SIZE - 1, from);
}

/** HYPERCALL_END: a test that has checked nothing has not passed. */
static s64 end(struct rig *rig, const u64 *args)
{
	rig->verdict.checks = args[0];
	if (args[0]) {
		verdict_stop(&rig->verdict, VERDICT_PASSED, "passed");
	} else {
		verdict_stop(&rig->verdict, VERDICT_UNFINISHED,
			     "the test ended without a single check");
	}
	return 0;
}

/** Numbers are printed as numbers, strings as strings. */
static void format(const struct rig *rig, char *to, u64 value, u32 how)
{
	if (how == FORMAT_TEXT) {
		read_text(rig, value, to);
	} else {
		snprintf(to, VERDICT_TEXT,
			 how == FORMAT_HEX ? "0x%llx" : "%llu",
			 (unsigned long long)value);
	}
}

/** HYPERCALL_FAIL: the first check that fails ends the test. */
static s64 fail(struct rig *rig, const u64 *args)
{
	const struct hypercall_check *check =
		rig_memory(rig, args[0], sizeof(*check));
	struct verdict *verdict = &rig->verdict;
	char file[VERDICT_TEXT];

	if (!check) {
		return -EFAULT;
	}
	read_text(rig, check->rule, verdict->rule);
	read_text(rig, check->file, file);
	snprintf(verdict->at, VERDICT_TEXT, "%s:%u", file, check->line);
	format(rig, verdict->seen, check->seen, check->format);
	format(rig, verdict->expected, check->expected, check->format);
	verdict_stop(verdict, VERDICT_CHECK, "seen %s, expected %s",
		     verdict->seen, verdict->expected);
	return 0;
}

/** HYPERCALL_PRINT: for people, on COM1. */
static s64 print(struct rig *rig, const u64 *args)
{
	char text[VERDICT_TEXT];

	read_text(rig, args[0], text);
	printf("%s: %s\n", rig->plan.test.name, text);
	return 0;
}

/** For the exit's own sake. */
static s64 nothing(struct rig *rig, const u64 *args)
{
	(void)rig;
	(void)args;
	return 0;
}

static s64 leave_mode(struct rig *rig, const u64 *args)
{
	(void)args;
	return rig_mode_leave(rig);
}

/** The n-th last that was no VMCALL and not the rig's own affair. */
static s64 give_exit(struct rig *rig, const u64 *args)
{
	struct services_exit *out = rig_memory(rig, args[0], sizeof(*out));
	u64 n = args[1];

	if (!out) {
		return -EFAULT;
	}
	for (size_t i = rig->count; i-- > 0;) {
		const struct services_exit *exit = &rig->exits[i];

		if (exit->reason == EXIT_REASON_VMCALL || exit->silent) {
			continue;
		}
		if (!n--) {
			memcpy(out, exit, sizeof(*out));
			return 0;
		}
	}
	return -ENOENT;
}

/** Any number is taken for a field: VMfail is the guest's answer, no panic. */
static s64 read_field(struct rig *rig, const u64 *args)
{
	u64 value = 0;

	(void)rig;
	return vmx_unit->vmread(args[0], &value) ? -EINVAL : (s64)value;
}

static s64 write_field(struct rig *rig, const u64 *args)
{
	(void)rig;
	return vmx_unit->vmwrite(args[0], args[1]) ? -EINVAL : 0;
}

/** The field gets an address which the guest never sees: it would differ from
 * machine to machine, and end up in the records. */
static s64 point(struct rig *rig, const u64 *args)
{
	void *memory = rig_memory(rig, args[1], PAGE_SIZE);

	if (!memory) {
		return -EFAULT;
	}
	return vmx_unit->vmwrite(args[0], virt_to_hpa(memory).v) ? -EINVAL : 0;
}

static s64 control(struct rig *rig, const u64 *args)
{
	(void)rig;
	return rig_vmcs_control(args[0], args[1], args[2]);
}

static s64 write_ept(struct rig *rig, const u64 *args)
{
	const struct services_ept *change =
		rig_memory(rig, args[0], sizeof(*change));

	return change ? rig_ept_write(rig, change) : -EFAULT;
}

static s64 read_ept(struct rig *rig, const u64 *args)
{
	if (!rig->plan.ept || args[1] < 1 || args[1] > 4) {
		return -EINVAL;
	}
	return (s64)rig_ept_read(rig, args[0], args[1]);
}

static s64 use_space(struct rig *rig, const u64 *args)
{
	int error;

	if (!rig->plan.ept || args[0] >= RIG_SPACES) {
		return -EINVAL;
	}
	error = rig_ept_select(rig, args[0]);
	if (!error) {
		vmwrite(EPT_POINTER, rig_ept_pointer(rig, args[0]) | args[1]);
	}
	return error;
}

/** INVEPT of any type; a bad one is refused by the unit. */
static s64 invalidate_ept(struct rig *rig, const u64 *args)
{
	if (args[1] >= RIG_SPACES || !rig->epts[args[1]]) {
		return -EINVAL;
	}
	return vmx_unit->invept(args[0], rig_ept_pointer(rig, args[1])) ?
		       -EINVAL : 0;
}

static s64 invalidate_vpid(struct rig *rig, const u64 *args)
{
	(void)rig;
	return vmx_unit->invvpid(args[0], args[1], gva(args[2])) ? -EINVAL : 0;
}

/** Interrupts are off: it stays pending until the guest is entered. */
static s64 interrupt(struct rig *rig, const u64 *args)
{
	(void)rig;
	if (args[0] < 32 || args[0] > 0xdf) {
		return -EINVAL;
	}
	vmwrite(GUEST_ACTIVITY_STATE, args[1]);
	vmwrite(GUEST_INTERRUPTIBILITY_STATE, args[2]);
	lapic_send_ipi(this_cpu()->apic_id, args[0]);
	return 0;
}

static s64 enter_mode(struct rig *rig, const u64 *args)
{
	const struct services_mode *mode =
		rig_memory(rig, args[0], sizeof(*mode));

	return mode ? rig_mode_enter(rig, mode) : -EFAULT;
}

static s64 try_entry(struct rig *rig, const u64 *args)
{
	struct services_try *try = rig_memory(rig, args[0], sizeof(*try));

	return try ? rig_try_begin(rig, try) : -EFAULT;
}

/** The test cannot be made here; that is told, and has to be allowed. */
static s64 skip(struct rig *rig, const u64 *args)
{
	rig->skipped = true;
	verdict_stop(&rig->verdict, VERDICT_PASSED, "skipped");
	read_text(rig, args[0], rig->verdict.message);
	return 0;
}

#define ROW(number, function) [(number) - SERVICE_FIRST] = (function)

static const service_fn_t services[] = {
	ROW(SERVICE_NOTHING, nothing),
	ROW(SERVICE_RETURN, leave_mode),
	ROW(SERVICE_EXIT, give_exit),
	ROW(SERVICE_VMREAD, read_field),
	ROW(SERVICE_VMWRITE, write_field),
	ROW(SERVICE_POINT, point),
	ROW(SERVICE_CONTROL, control),
	ROW(SERVICE_EPT, write_ept),
	ROW(SERVICE_EPT_READ, read_ept),
	ROW(SERVICE_SPACE, use_space),
	ROW(SERVICE_INVEPT, invalidate_ept),
	ROW(SERVICE_INVVPID, invalidate_vpid),
	ROW(SERVICE_INTERRUPT, interrupt),
	ROW(SERVICE_MODE, enter_mode),
	ROW(SERVICE_TRY, try_entry),
	ROW(SERVICE_SKIP, skip),
};

_Static_assert(ARRAY_SIZE(services) == SERVICE_END_OF_NUMBERS - SERVICE_FIRST,
	       "each service has its row");

/** By number; NULL for one without a meaning. */
static service_fn_t find(u64 number)
{
	switch (number) {
	case HYPERCALL_END:
		return end;
	case HYPERCALL_FAIL:
		return fail;
	case HYPERCALL_PRINT:
		return print;
	default:
		number -= SERVICE_FIRST;
		return number < ARRAY_SIZE(services) ? services[number] : NULL;
	}
}

/* Code in 16 and 32 bits has set EAX only, hence the cast of the number. */
void rig_service_call(struct rig *rig)
{
	u64 *gpr = rig->gpr;
	const u64 args[] = { gpr[GPR_RDI], gpr[GPR_RSI], gpr[GPR_RDX],
			     gpr[GPR_R10] };
	service_fn_t service = find((u32)gpr[GPR_RAX]);
	s64 result = service ? service(rig, args) : -EINVAL;

	gpr[GPR_RAX] = (u64)result;
}
