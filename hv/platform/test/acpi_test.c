/** @file
 * The ACPI tables, read as a kernel reads them; and ACPI's ports.
 *
 * links: hv/platform/acpi.c hv/platform/acpi_dsdt.c hv/platform/aml.c
 * links: hv/platform/pm.c hv/platform/test/spinlock.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hv/platform/acpi.h"
#include "hv/platform/aml.h"
#include "hv/platform/pm.h"

#define BASE 0xe0000ull

static u8 memory[ACPI_SIZE_MAX];
static size_t used;

static const struct acpi_plan plan = {
	.base = { BASE },
	.cpus = 3,
	.serial_mmio = 0xfe030000,
	.serial_line = 3,
	.nvirtio = 1,
	.virtio = { { 0xfe200000, 0x200, 16 } },
};

static int begin(void **state)
{
	(void)state;
	memset(memory, 0, sizeof(memory));
	used = acpi_build(&plan, memory, sizeof(memory));
	assert_true(used > 0 && used < sizeof(memory));
	return 0;
}

static u64 number(const u8 *at, unsigned int bytes)
{
	u64 value = 0;

	for (unsigned int i = 0; i < bytes; i++) {
		value |= (u64)at[i] << 8 * i;
	}
	return value;
}

static u8 sum(const u8 *bytes, size_t count)
{
	u8 result = 0;

	while (count--) {
		result = (u8)(result + *bytes++);
	}
	return result;
}

/** A table by its address, whole and with a good sum. */
static const u8 *table_at(u64 address, const char *signature)
{
	const u8 *table = memory + (address - BASE);
	u64 length;

	assert_true(address >= BASE && address + 36 <= BASE + used);
	assert_memory_equal(table, signature, 4);
	length = number(table + 4, 4);
	assert_true(address + length <= BASE + used);
	assert_int_equal(sum(table, length), 0);
	return table;
}

/** By the list of tables. */
static const u8 *find(const char *signature)
{
	const u8 *xsdt = table_at(number(memory + 24, 8), "XSDT");
	const u8 *rsdt = table_at(number(memory + 16, 4), "RSDT");
	u64 count = (number(xsdt + 4, 4) - 36) / 8;

	assert_int_equal((number(rsdt + 4, 4) - 36) / 4, count);
	for (u64 i = 0; i < count; i++) {
		u64 address = number(xsdt + 36 + 8 * i, 8);

		assert_int_equal(number(rsdt + 36 + 4 * i, 4), address);
		if (!memcmp(memory + (address - BASE), signature, 4)) {
			return table_at(address, signature);
		}
	}
	return NULL;
}

static void the_root_is_found(void **state)
{
	(void)state;
	assert_memory_equal(memory, "RSD PTR ", 8);
	assert_int_equal(sum(memory, 20), 0);
	assert_int_equal(sum(memory, 36), 0);
	assert_int_equal(memory[15], 2);
	assert_int_equal(number(memory + 20, 4), 36);
}

static void the_madt_names_processors_and_wires(void **state)
{
	const u8 *madt = find("APIC");
	const u8 *end = madt + number(madt + 4, 4);
	unsigned int seen[5] = { 0 };

	(void)state;
	assert_int_equal(number(madt + 36, 4), 0xfee00000);
	for (const u8 *at = madt + 44; at < end; at += at[1]) {
		assert_true(at[0] < 5 && at[1] >= 6);
		switch (at[0]) {
		case 0:
			assert_int_equal(at[3], seen[0]);
			assert_int_equal(number(at + 4, 4), 1);
			break;
		case 1:
			assert_int_equal(number(at + 4, 4), 0xfec00000);
			break;
		case 2:
			assert_int_equal(number(at + 4, 4),
					 at[3] ? at[3] : 2);
			break;
		default:
			assert_int_equal(at[5], 1);
			break;
		}
		seen[at[0]]++;
	}
	assert_int_equal(seen[0], 3);
	assert_int_equal(seen[1], 1);
	assert_int_equal(seen[2], 2);
	assert_int_equal(seen[4], 1);
}

static void the_fadt_leads_to_ports_and_tables(void **state)
{
	const u8 *fadt = find("FACP");
	const u8 *facs = memory + (number(fadt + 36, 4) - BASE);

	(void)state;
	assert_int_equal(number(fadt + 4, 4), 244);
	assert_int_equal(number(fadt + 46, 2), ACPI_SCI);
	assert_int_equal(number(fadt + 56, 4), 0x600);
	assert_int_equal(number(fadt + 64, 4), 0x604);
	assert_int_equal(number(fadt + 76, 4), 0x608);
	assert_int_equal(number(fadt + 88, 4), 0x04000204);
	assert_int_equal(fadt[108], 0x32);
	assert_int_equal(number(fadt + 109, 2) & 2, 0); /* no 8042 */
	assert_int_equal(number(fadt + 116, 4), 0x01000801);
	assert_int_equal(number(fadt + 120, 8), 0xcf9);
	assert_int_equal(fadt[128], 6);
	assert_int_equal(number(fadt + 132, 8), number(fadt + 36, 4));
	assert_int_equal(number(fadt + 140, 8), number(fadt + 40, 4));
	assert_int_equal(number(fadt + 148, 4), 0x03002001);
	assert_int_equal(number(fadt + 152, 8), 0x600);
	assert_int_equal(number(fadt + 176, 8), 0x604);
	assert_int_equal(number(fadt + 212, 8), 0x608);
	table_at(number(fadt + 40, 4), "DSDT");
	assert_memory_equal(facs, "FACS", 4);
	assert_int_equal(number(fadt + 36, 4) % 64, 0);
}

/** What an assembler's user would have written by hand. */
static void the_dsdt_begins_with_power_off(void **state)
{
	static const u8 s5[] = { 0x08, '_',  'S',  '5',	 '_',  0x12, 0x48,
				 0x00, 0x04, 0x0a, 0x05, 0x00, 0x00, 0x00,
				 0x10 };
	const u8 *dsdt = table_at(number(find("FACP") + 40, 4), "DSDT");
	u64 length = number(dsdt + 4, 4);

	(void)state;
	assert_memory_equal(dsdt + 36, s5, sizeof(s5));
	/* The scope that follows reaches to the table's end. */
	assert_int_equal((dsdt[51] & 15) | dsdt[52] << 4, length - 51);
	assert_int_equal(dsdt[51] >> 4, 4);
}

/** Is that in the DSDT, in the part that begins with a device's name? */
static bool has(const char *name, const void *wanted, size_t length)
{
	const u8 *dsdt = table_at(number(find("FACP") + 40, 4), "DSDT");
	const u8 *end = dsdt + number(dsdt + 4, 4), *at = dsdt + 36;

	while (at < end - 4 && memcmp(at, name, 4)) {
		at++;
	}
	/* No device takes more than that. */
	end = end - at > 64 ? at + 64 : end;
	for (; at + length <= end; at++) {
		if (!memcmp(at, wanted, length)) {
			return true;
		}
	}
	return false;
}

/** ACPI 6.4.3.6: extended interrupt; 6.4.3.4: a fixed range of memory. */
static void check_device(const char *name, u32 line, bool level)
{
	const u8 interrupt[] = { 0x89, 6, 0, level ? 1 : 3, 1, (u8)line,
				 0, 0, 0 };

	assert_true(has(name, interrupt, sizeof(interrupt)));
}

static void check_memory(const char *name, u32 base, u32 length)
{
	u8 range[12] = { 0x86, 9, 0, 1 };

	memcpy(range + 4, &base, 4);
	memcpy(range + 8, &length, 4);
	assert_true(has(name, range, sizeof(range)));
}

static void each_device_has_its_registers_and_its_line(void **state)
{
	(void)state;
	check_device("COM1", 4, false);
	check_device("COM2", plan.serial_line, false);
	check_memory("COM2", plan.serial_mmio, 8);
	check_device("RTC0", 8, false);
	assert_true(plan.nvirtio > 0);
	for (unsigned int i = 0; i < plan.nvirtio; i++) {
		char name[] = { 'V', 'I', 'O', (char)('0' + i), 0 };

		check_device(name, plan.virtio[i].line, true);
		check_memory(name, plan.virtio[i].base, plan.virtio[i].length);
	}
}

static void assembled_names_and_numbers(void **state)
{
	static const u8 wanted[] = {
		0x5b, 0x82, 0x46, 0x04, 'D',  'E',  'V',  '0',	/* device */
		0x08, '_',  'H',  'I',	'D',  0x0c, 0x41, 0xd0, /* PNP0501 */
		0x05, 0x01, 0x01, 0x0b, 0x34, 0x12, 0x0d, 'h',
		'i',  0x00, 0x11, 0x4d, 0x02, 0x0b, 0x28, 0x00, /* buffer */
		0x47, 0x01, 0xf8, 0x03, 0xf8, 0x03, 0x01, 0x08,
		0x86, 0x09, 0x00, 0x01, 0x00, 0x00, 0x03, 0xfe, /* memory */
		0x08, 0x00, 0x00, 0x00, 0x89, 0x06, 0x00, 0x03,
		0x01, 0x04, 0x00, 0x00, 0x00, 0x89, 0x06, 0x00,
		0x01, 0x01, 0x10, 0x00, 0x00, 0x00, 0x79, 0x00,
	};
	u8 bytes[sizeof(wanted)];
	struct aml aml = { .bytes = bytes, .size = sizeof(bytes) };

	(void)state;
	aml_device(&aml, "DEV0");
	aml_name(&aml, "_HID");
	aml_eisa_id(&aml, "PNP0501");
	aml_integer(&aml, 1);
	aml_integer(&aml, 0x1234);
	aml_string(&aml, "hi");
	aml_resources(&aml);
	aml_ports(&aml, 0x3f8, 8);
	aml_memory(&aml, 0xfe030000, 8);
	aml_interrupt(&aml, 4, false);
	aml_interrupt(&aml, 16, true);
	aml_resources_end(&aml);
	aml_end(&aml);
	assert_false(aml.full);
	assert_int_equal(aml.used, sizeof(wanted));
	assert_memory_equal(bytes, wanted, sizeof(wanted));
	aml_integer(&aml, 0);
	assert_true(aml.full);
}

static void too_little_room_is_told(void **state)
{
	(void)state;
	for (size_t size = 0; size < used; size++) {
		u8 *small = malloc(size + 1);

		assert_int_equal(acpi_build(&plan, small, size), 0);
		free(small);
	}
	assert_int_equal(acpi_build(&plan, memory, used), used);
}

/* Ports -------------------------------------------------------------------- */

#define HZ (4ull * PM_HZ)

static struct pm pm;
static u64 now;
static bool sci;
static unsigned int offs;

static void see_line(void *data, unsigned int line, bool high)
{
	(void)data;
	assert_int_equal(line, ACPI_SCI);
	sci = high;
}

static void see_off(void *data)
{
	(void)data;
	offs++;
}

static u64 port(u64 offset, u32 length, s64 value)
{
	struct bus_access a = { .offset = offset, .length = length,
				.is_write = value >= 0, .value = (u64)value };

	pm_access(&pm, &a, now);
	return a.value;
}

static int begin_pm(void **state)
{
	struct irq_line line = { see_line, NULL, ACPI_SCI };

	(void)state;
	now = 777;
	sci = false;
	offs = 0;
	pm_init(&pm, HZ, now, line);
	pm.power_off = see_off;
	return 0;
}

static void it_powers_off(void **state)
{
	(void)state;
	assert_int_equal(port(4, 2, -1), 1);
	port(4, 2, 5 << 10);
	assert_int_equal(offs, 0);
	assert_int_equal(port(4, 2, -1), 5 << 10 | 1);
	port(4, 2, 3 << 10 | 1 << 13);
	assert_int_equal(offs, 0);
	port(4, 2, 5 << 10 | 1 << 13);
	assert_int_equal(offs, 1);
	port(4, 1, 0);
	port(5, 1, 0x34);
	assert_int_equal(offs, 2);
}

static void its_timer_runs(void **state)
{
	(void)state;
	now += 4 * 1000;
	assert_int_equal(port(8, 4, -1), 1000);
	assert_int_equal(port(9, 1, -1), 1000 >> 8);
	port(8, 4, 5);
	assert_int_equal(port(8, 4, -1), 1000);
	assert_true(pm_deadline(&pm) == CLOCK_NEVER);
	port(2, 2, 1);
	now = pm_deadline(&pm);
	assert_true(now == 777 + 4 * BIT(31));
	pm_advance(&pm, now - 1);
	assert_false(sci);
	pm_advance(&pm, now);
	assert_true(sci);
	assert_int_equal(port(0, 4, -1), 0x10001);
	port(0, 2, 1);
	assert_false(sci);
	now += 4 * BIT(31);
	assert_int_equal(port(0, 2, -1), 1);
	assert_true(sci);
	port(2, 1, 0);
	assert_false(sci);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_root_is_found, begin),
		cmocka_unit_test_setup(the_madt_names_processors_and_wires,
				       begin),
		cmocka_unit_test_setup(the_fadt_leads_to_ports_and_tables,
				       begin),
		cmocka_unit_test_setup(the_dsdt_begins_with_power_off, begin),
		cmocka_unit_test_setup(
			each_device_has_its_registers_and_its_line, begin),
		cmocka_unit_test(assembled_names_and_numbers),
		cmocka_unit_test_setup(too_little_room_is_told, begin),
		cmocka_unit_test_setup(it_powers_off, begin_pm),
		cmocka_unit_test_setup(its_timer_runs, begin_pm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
