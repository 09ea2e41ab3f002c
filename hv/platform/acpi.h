/** @file
 * The ACPI tables, by which a kernel learns what the machine has.
 *
 *	RSDP --> RSDT, XSDT --> MADT   processors, IOAPIC, how lines are wired
 *	                    --> FADT   power management ports, reset, what is
 *	                               missing (keyboard controller, VGA)
 *	                        FADT --> DSDT   devices, \_S5; AML
 *	                             --> FACS
 *
 * They lie one behind the other, the RSDP first, where kernels look for it: on
 * a 16-byte boundary between 0xe0000 and 0xfffff.  ACPI specification 5.2.
 */
#ifndef HV_PLATFORM_ACPI_H
#define HV_PLATFORM_ACPI_H

#include "bus/types.h"

#define ACPI_SIZE_MAX 0x4000 /* all of them take less */
#define ACPI_SCI 9
#define ACPI_VIRTIO_MAX 8

/** A device that the DSDT shall name. */
struct acpi_device {
	u32 base;   /* of its registers, a guest-physical address */
	u32 length; /* bytes */
	u32 line;   /* interrupt */
};

/** What the tables shall say. */
struct acpi_plan {
	gpa_t base;	    /* where they will lie; 16-byte boundary */
	unsigned int cpus;  /* APIC IDs 0 to cpus - 1; up to 255 */
	u32 serial_mmio;    /* the second UART's registers, 0: there is none */
	u32 serial_line;
	unsigned int nvirtio;
	struct acpi_device virtio[ACPI_VIRTIO_MAX]; /* virtio-mmio */
};

/**
 * Write all tables.
 * @param plan what is there
 * @param out  what the guest will find at plan->base; must be zero
 * @param size bytes there
 * @return bytes used, 0: they did not fit
 */
size_t acpi_build(const struct acpi_plan *plan, u8 *out,
		  size_t size) __must_check;

/**
 * The AML of the DSDT alone, for acpi_build() and tests.
 * @return bytes used, 0: they did not fit
 */
size_t acpi_dsdt_write(const struct acpi_plan *plan, u8 *out,
		       size_t size) __must_check;

#endif
