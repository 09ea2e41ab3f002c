/** @file
 * Tables with their headers, checksums and pointers to each other.
 *
 * All are written through one cursor, lowest first; a table that points to
 * another is written after it, except for the RSDP, for which room is left.
 *
 * A field is put by value and width, in the order of the specification's table,
 * rather than through a struct: the tables are full of holes and of addresses
 * that are aligned to nothing, and like this each line can be held against the
 * text.  What the reader must know besides is in the flags: this machine has no
 * SMM, no 8042 for ACPI's purposes, no VGA, no MSIs and only one sleep state,
 * "off".
 *
 * Why there are tables at all: a PC cannot be explored by looking.  Reading an
 * address where nothing is may mean anything, and how a line is wired cannot be
 * seen from its chip.  Firmware knows, and writes it down.
 *
 *	kernel: "RSD PTR " found --> sum is 0? --> XSDT (or RSDT) --> each table
 *		by its four letters --> sum is 0? --> its fields
 *
 * A wrong checksum makes a kernel ignore the table without much ado; so sums
 * are computed last, when nothing changes any more.
 */
#include "hv/platform/acpi.h"

#include "bus/types.h"
#include "hv/platform/ioapic.h"
#include "hv/platform/pm.h"
#include "hv/platform/rtc.h"

#define RSDP_SIZE 36
#define RSDP_SIZE_1 20 /* of ACPI 1.0, with a checksum of its own */
#define HEADER_SIZE 36
#define FACS_SIZE 64
#define LAPIC_GPA 0xfee00000u

#define RESET_PORT 0xcf9
#define RESET_VALUE 6

/* Fields of the FADT (5.2.9): boot architecture, flags. */
#define BOOT_LEGACY_DEVICES BIT(0) /* and bit 1, the 8042, is clear */
#define BOOT_NO_VGA BIT(2)
#define BOOT_NO_MSI BIT(3)
#define FLAG_WBINVD BIT(0)
#define FLAG_C1 BIT(2)
#define FLAG_NO_POWER_BUTTON BIT(4)
#define FLAG_NO_SLEEP_BUTTON BIT(5)
#define FLAG_NO_RTC_WAKE BIT(6)
#define FLAG_TIMER_32 BIT(8)
#define FLAG_RESET BIT(10)

/* Kinds of entries in the MADT (5.2.12). */
#define MADT_LAPIC 0
#define MADT_IOAPIC 1
#define MADT_OVERRIDE 2
#define MADT_LAPIC_NMI 4
#define WIRED_AS_BUS 0
#define WIRED_LEVEL_HIGH 0xd

/* Running out of room is noted (full) and asked for once, in acpi_build(). */
struct cursor {
	u8 *out;
	size_t size, used;
	u64 base;
	bool full;
	size_t table; /* where the open table begins */
};

/** Little-endian; all or nothing. */
static void put(struct cursor *c, u64 value, unsigned int bytes)
{
	if (c->size - c->used < bytes) {
		c->full = true;
		return;
	}
	for (unsigned int i = 0; i < bytes; i++) {
		c->out[c->used++] = (u8)(value >> 8 * i);
	}
}

static void put_text(struct cursor *c, const char *text)
{
	for (; *text; text++) {
		put(c, (u8)*text, 1);
	}
}

static void put_zeroes(struct cursor *c, size_t count)
{
	while (count--) {
		put(c, 0, 1);
	}
}

/**
 * A port as ACPI's generic address structure (5.2.3.2): kind of space, width
 * and offset in bits, access size (1 byte, 2 word, 3 dword), address.  Port 0
 * stands for "there is none", which is twelve zeroes.
 */
static void put_port(struct cursor *c, u16 port, u8 bytes)
{
	put(c, port ? 1 : 0, 1); /* system I/O */
	put(c, bytes * 8u, 1);
	put(c, 0, 1);
	put(c, bytes == 1 ? 1 : bytes == 2 ? 2 : bytes == 4 ? 3 : 0, 1);
	put(c, port, 8);
}

static void align(struct cursor *c)
{
	while (c->used % 16 && !c->full) {
		put(c, 0, 1);
	}
}

/**
 * All tables but two begin with the same 36 bytes (5.2.6): signature, length,
 * revision, checksum, and who has made it.
 * @return the address of the table that begins here
 */
static u64 begin(struct cursor *c, const char *signature, u8 revision)
{
	align(c);
	c->table = c->used;
	put_text(c, signature);
	put(c, 0, 4); /* length: end() knows */
	put(c, revision, 1);
	put(c, 0, 1); /* checksum, likewise */
	put_text(c, "EXIT49");
	put_text(c, "EXIT49PC");
	put(c, 1, 4);
	put_text(c, "EX49");
	put(c, 1, 4);
	return c->base + c->table;
}

/** What makes the sum of all bytes 0. */
static u8 checksum(const u8 *bytes, size_t count)
{
	u8 sum = 0;

	while (count--) {
		sum = (u8)(sum + *bytes++);
	}
	return (u8)-sum;
}

/** Close it: now its length is known, and with that its sum. */
static void end(struct cursor *c)
{
	u8 *table = c->out + c->table;
	u32 length = (u32)(c->used - c->table);

	if (c->full) {
		return;
	}
	memcpy(table + 4, &length, 4);
	table[9] = checksum(table, length);
}

/**
 * The rule is that ISA's line n is the IOAPIC's pin n, an edge, active high.
 * What differs is told by an override.  Flags: polarity in bits 1 and 0 (01
 * high, 11 low), trigger in bits 3 and 2 (01 edge, 11 level); 00 is as the bus
 * has it.
 */
static void put_override(struct cursor *c, u8 line, u8 pin, u16 flags)
{
	put(c, MADT_OVERRIDE, 1);
	put(c, 10, 1);
	put(c, 0, 1); /* ISA */
	put(c, line, 1);
	put(c, pin, 4);
	put(c, flags, 2);
}

/**
 * By this table a kernel finds its processors: those that are not listed are
 * never started.  Two lines differ from the rule: the timer comes at pin 2, and
 * the SCI is a level.
 */
static u64 write_madt(struct cursor *c, const struct acpi_plan *plan)
{
	u64 address = begin(c, "APIC", 3);

	put(c, LAPIC_GPA, 4);
	put(c, 1, 4); /* there are 8259s as well */
	for (unsigned int i = 0; i < plan->cpus; i++) {
		put(c, MADT_LAPIC, 1);
		put(c, 8, 1);
		put(c, i, 1);
		put(c, i, 1);
		put(c, 1, 4); /* enabled */
	}
	put(c, MADT_IOAPIC, 1);
	put(c, 12, 1);
	put(c, 0, 2); /* ID 0 */
	put(c, IOAPIC_GPA, 4);
	put(c, 0, 4); /* its pin 0 is line 0 */
	put_override(c, 0, 2, WIRED_AS_BUS);
	put_override(c, ACPI_SCI, ACPI_SCI, WIRED_LEVEL_HIGH);
	put(c, MADT_LAPIC_NMI, 1);
	put(c, 6, 1);
	put(c, 0xff, 1); /* every processor: LINT1 */
	put(c, WIRED_AS_BUS, 2);
	put(c, 1, 1);
	end(c);
	return address;
}

/** Where the FADT's two addresses lead. */
struct targets {
	u64 facs, dsdt;
};

/** 32-bit fields of ACPI 1.0; the X_ fields of fadt_wide() go before them. */
static void fadt_ports(struct cursor *c)
{
	put(c, PM_EVENT_PORT, 4);
	put(c, 0, 4);
	put(c, PM_CONTROL_PORT, 4);
	put(c, 0, 8);
	put(c, PM_TIMER_PORT, 4);
	put(c, 0, 8); /* no GPEs */
	put(c, 4, 1); /* lengths, in that order */
	put(c, 2, 1);
	put(c, 0, 1);
	put(c, 4, 1);
	put(c, 0, 4);
	put(c, 0xffff, 2); /* no C2 */
	put(c, 0xffff, 2); /* no C3 */
	put(c, 0, 4);
	put(c, 0, 4);
	put(c, RTC_CENTURY, 1);
}

/**
 * The same as 64-bit addresses.  Both forms are filled and must agree: which
 * one a kernel reads depends on its age.
 */
static void fadt_wide(struct cursor *c, const struct targets *targets)
{
	put(c, targets->facs, 8);
	put(c, targets->dsdt, 8);
	put_port(c, PM_EVENT_PORT, 4);
	put_port(c, 0, 0);
	put_port(c, PM_CONTROL_PORT, 2);
	put_port(c, 0, 0);
	put_port(c, 0, 0);
	put_port(c, PM_TIMER_PORT, 4);
	put_port(c, 0, 0);
	put_port(c, 0, 0);
}

/**
 * What is fixed, and where.  No SMI command means that there is no legacy mode
 * to be switched off: ACPI is on from the beginning (SCI_EN in pm.c).
 */
static u64 write_fadt(struct cursor *c, const struct targets *targets)
{
	u64 address = begin(c, "FACP", 3);

	put(c, targets->facs, 4);
	put(c, targets->dsdt, 4);
	put(c, 0, 2);
	put(c, ACPI_SCI, 2);
	put(c, 0, 8); /* no SMIs: always in ACPI mode */
	fadt_ports(c);
	put(c, BOOT_LEGACY_DEVICES | BOOT_NO_VGA | BOOT_NO_MSI, 2);
	put(c, 0, 1);
	put(c, FLAG_WBINVD | FLAG_C1 | FLAG_NO_POWER_BUTTON |
		       FLAG_NO_SLEEP_BUTTON | FLAG_NO_RTC_WAKE |
		       FLAG_TIMER_32 | FLAG_RESET, 4);
	put_port(c, RESET_PORT, 1);
	put(c, RESET_VALUE, 1);
	put_zeroes(c, 3);
	fadt_wide(c, targets);
	end(c);
	return address;
}

/**
 * Shared memory of kernel and firmware, for waking up and for a global lock.
 * Nobody uses it here, but the FADT must point to one.  It has another header
 * than the rest, no checksum, and lies at a multiple of 64.
 */
static u64 write_facs(struct cursor *c)
{
	size_t begins;

	while (c->used % 64 && !c->full) {
		put(c, 0, 1);
	}
	begins = c->used;
	put_text(c, "FACS");
	put(c, FACS_SIZE, 4);
	put_zeroes(c, 24);
	put(c, 1, 1); /* version */
	put_zeroes(c, FACS_SIZE - 33);
	return c->base + begins;
}

/** Its contents are AML, which has a writer of its own (aml.c). */
static u64 write_dsdt(struct cursor *c, const struct acpi_plan *plan)
{
	u64 address = begin(c, "DSDT", 2);
	size_t length = c->full ? 0
				: acpi_dsdt_write(plan, c->out + c->used,
						  c->size - c->used);

	c->full |= !length;
	c->used += length;
	end(c);
	return address;
}

/**
 * The list of tables, with addresses of so many bytes: 4 in the RSDT, 8 in the
 * XSDT.  The DSDT is not in it; only the FADT leads there.
 */
static u64 write_list(struct cursor *c, const u64 tables[2],
		      unsigned int bytes)
{
	u64 address = begin(c, bytes == 4 ? "RSDT" : "XSDT", 1);

	put(c, tables[0], bytes);
	put(c, tables[1], bytes);
	end(c);
	return address;
}

/**
 * Two sums: of the first 20 bytes, which are all of it in ACPI 1.0, and of all
 * 36.  The first must stand before the second is computed.
 */
static void write_rsdp(struct cursor *c, u64 rsdt, u64 xsdt)
{
	u8 *rsdp = c->out;

	c->used = 0;
	put_text(c, "RSD PTR ");
	put(c, 0, 1);
	put_text(c, "EXIT49");
	put(c, 2, 1);
	put(c, rsdt, 4);
	put(c, RSDP_SIZE, 4);
	put(c, xsdt, 8);
	put(c, 0, 4);
	rsdp[8] = checksum(rsdp, RSDP_SIZE_1);
	rsdp[32] = checksum(rsdp, RSDP_SIZE);
}

size_t acpi_build(const struct acpi_plan *plan, u8 *out, size_t size)
{
	struct cursor c = { .out = out, .size = size, .base = plan->base.v };
	struct targets targets;
	u64 tables[2], rsdt, xsdt;
	size_t used;

	put_zeroes(&c, RSDP_SIZE);
	targets.facs = write_facs(&c);
	targets.dsdt = write_dsdt(&c, plan);
	tables[0] = write_fadt(&c, &targets);
	tables[1] = write_madt(&c, plan);
	rsdt = write_list(&c, tables, 4);
	xsdt = write_list(&c, tables, 8);
	used = c.used;
	if (c.full) {
		return 0;
	}
	write_rsdp(&c, rsdt, xsdt);
	return used;
}
