/** @file
 * The DSDT: devices that cannot be found by looking.
 *
 * No code, only data: each device with its ID, which drivers know, and its
 * resources.
 *
 *	\_S5          Package { 5, 0, 0, 0 }: what to write to switch it off
 *	\_SB.COM1     PNP0501, a 16550A at port 0x3f8, line 4
 *	\_SB.COM2     PNP0501, by memory
 *	\_SB.RTC0     PNP0B00, the clock
 *	\_SB.VIOn     LNRO0005, virtio by memory
 *
 * A kernel has an interpreter for AML and builds a tree of names of it.  For
 * each device it asks _HID ("which driver?"), _UID ("which of several?") and
 * _CRS ("where are its registers, which line?").  Here the answers are
 * constants; on real machines they may be methods, that is code.
 *
 * COM1 would be found without it, by tradition; COM2 by memory and the virtio
 * devices would not.
 */
#include "hv/platform/acpi.h"
#include "hv/platform/aml.h"
#include "hv/platform/pm.h"
#include "hv/platform/rtc.h"

/**
 * The first element is SLP_TYP for PM1a_CNT, the second for PM1b, which is not
 * there; the others are reserved.
 */
static void sleep_state(struct aml *aml)
{
	aml_name(aml, "_S5_");
	aml_package(aml, 4);
	aml_integer(aml, PM_SLEEP_OFF);
	aml_integer(aml, 0);
	aml_integer(aml, 0);
	aml_integer(aml, 0);
	aml_end(aml);
}

/** Open a device up to its resources. */
static void begin(struct aml *aml, const char *name, const char *eisa, u32 uid)
{
	aml_device(aml, name);
	aml_name(aml, "_HID");
	if (eisa) {
		aml_eisa_id(aml, eisa);
	} else {
		aml_string(aml, "LNRO0005");
	}
	aml_name(aml, "_UID");
	aml_integer(aml, uid);
	aml_name(aml, "_CRS");
	aml_resources(aml);
}

static void end(struct aml *aml)
{
	aml_resources_end(aml);
	aml_end(aml);
}

/** Edges: the UART's line falls and rises for each new reason (serial.c). */
static void serial_ports(struct aml *aml, const struct acpi_plan *plan)
{
	begin(aml, "COM1", "PNP0501", 1);
	aml_ports(aml, 0x3f8, 8);
	aml_interrupt(aml, 4, false);
	end(aml);
	if (plan->serial_mmio) {
		begin(aml, "COM2", "PNP0501", 2);
		aml_memory(aml, plan->serial_mmio, 8);
		aml_interrupt(aml, plan->serial_line, false);
		end(aml);
	}
}

/** Levels, as InterruptStatus makes them; one digit is enough for the name. */
static void virtio(struct aml *aml, const struct acpi_plan *plan)
{
	for (unsigned int i = 0; i < plan->nvirtio; i++) {
		const struct acpi_device *device = &plan->virtio[i];
		char name[] = "VIO0";

		name[3] = (char)('0' + i);
		begin(aml, name, NULL, i);
		aml_memory(aml, device->base, device->length);
		aml_interrupt(aml, device->line, true);
		end(aml);
	}
}

size_t acpi_dsdt_write(const struct acpi_plan *plan, u8 *out, size_t size)
{
	struct aml aml = { .bytes = out, .size = size };

	sleep_state(&aml);
	aml_scope(&aml, "_SB_");
	serial_ports(&aml, plan);
	begin(&aml, "RTC0", "PNP0B00", 0);
	aml_ports(&aml, RTC_PORT, 2);
	aml_interrupt(&aml, 8, false);
	end(&aml);
	virtio(&aml, plan);
	aml_end(&aml);
	return aml.full ? 0 : aml.used;
}
