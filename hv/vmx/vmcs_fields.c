/** @file
 * The names of the VMCS fields.
 *
 * Made from the list in the header.  The table is in the list's order, which
 * is that of SDM 3D appendix B; a search is fast enough for what it is used
 * for: naming a field in a panic, and walking over all of them in a test.
 */
#include "hv/vmx/vmcs_fields.h"

struct vmcs_field_name {
	u32 field;
	const char *name;
};

static const struct vmcs_field_name field_names[] = {
#define VMCS_NAME(name, width, area, index) {name, #name},
	VMCS_FIELDS(VMCS_NAME)
#undef VMCS_NAME
};

const char *vmcs_fields_name(u32 field)
{
	for (size_t i = 0; i < ARRAY_SIZE(field_names); i++) {
		if (field_names[i].field == field) {
			return field_names[i].name;
		}
	}
	return "unknown field";
}

size_t vmcs_fields_count(void)
{
	return ARRAY_SIZE(field_names);
}

u32 vmcs_fields_at(size_t i)
{
	return i < ARRAY_SIZE(field_names) ? field_names[i].field : ~0u;
}
