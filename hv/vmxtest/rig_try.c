/** @file
 * One VM entry with other values in a few fields: does it fail as it must?
 *
 * A broken VMCS can only be tried from outside.  The guest says which fields
 * shall hold what; the rig puts that in, enters, notes how it went (VMfail, a
 * failed entry's exit, or an entry after all), and puts the fields back, so
 * that the guest can go on and look at the result.
 */
#include "hv/vmxtest/rig.h"

#include "hv/vmx/exit_reasons.h"

static void swap_fields(struct rig *rig, const u64 *values)
{
	for (u32 i = 0; i < rig->trying->count; i++) {
		u32 field = rig->trying->field[i];

		rig->tried[i] = vmread(field);
		vmwrite(field, values[i]);
	}
}

int rig_try_begin(struct rig *rig, struct services_try *try)
{
	u64 value;

	if (try->count > TRY_FIELDS || rig->trying) {
		return -EINVAL;
	}
	for (u32 i = 0; i < try->count; i++) {
		if (vmx_unit->vmread(try->field[i], &value) ||
		    vmx_unit->vmwrite(try->field[i], value)) {
			return -EINVAL;
		}
	}
	rig->trying = try;
	swap_fields(rig, try->value);
	return 0;
}

void rig_try_end(struct rig *rig, u64 fail)
{
	struct services_try *try = rig->trying;
	u64 own[TRY_FIELDS];

	try->fail = fail;
	try->reason = 0;
	try->qualification = 0;
	if (!fail && (vmread(EXIT_REASON) & EXIT_REASON_ENTRY_FAILURE)) {
		try->reason = vmread(EXIT_REASON);
		try->qualification = vmread(EXIT_QUALIFICATION);
	}
	memcpy(own, rig->tried, sizeof(own));
	swap_fields(rig, own);
	rig->trying = NULL;
}
