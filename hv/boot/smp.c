/** @file
 * Starting the other CPUs: INIT, SIPI, SIPI - SDM 3A 9.4.4.
 *
 * There is no list of CPUs to go by: ACPI's tables are missing when Bochs
 * starts us without a BIOS.  So the start-up message goes to all of them at
 * once, each counts itself in (smp_arrived) and queues at a gate (smp_gate),
 * and CPU 0 waits until those who came have all gone through.
 *
 *	AP    trampoline -> boot_ap_start: arrived++, wait at the gate
 *	      -> boot_ap_high: takes number and stack -> smp_ap_main: tables,
 *	      APIC, online; opens the gate for the next -> cpu_park
 *
 * How long to wait for the first to come?  QEMU says in CMOS register 0x5f
 * how many there are, so that a starved machine loses none.  Where that is 0
 * or does not come true, a settling time (SDM: 10 ms and more) decides.
 */
#include "hv/boot/smp.h"

#include "bus/access.h"
#include "hv/boot/paging.h"
#include "hv/lib/page.h"
#include "hv/lib/printf.h"
#include "hv/x86/cpu.h"
#include "hv/x86/cr.h"
#include "hv/x86/io.h"
#include "hv/x86/lapic.h"

#define TRAMPOLINE 0x8000
#define CMOS_INDEX 0x70
#define CMOS_DATA 0x71
#define CMOS_MORE_CPUS 0x5f /* QEMU: number of CPUs - 1 */
#define SETTLE_US 10000
#define PATIENCE_US 5000000

/* Shared with entry.S. */
u32 smp_arrived;
u32 smp_gate;
u32 smp_next_id = 1;
const u32 smp_limit = CPU_MAX;

extern const char trampoline_start[], trampoline_end[];

__noreturn void smp_ap_main(unsigned int id);

/**
 * What a started CPU does first in C, alone behind the gate. The gate (entry.S)
 * lets one CPU through at a time, since all of them begin with the same stack
 * and the same `smp_next_id`. It is opened by the release at the end, when what
 * the next one reads is written.
 */
void smp_ap_main(unsigned int id)
{
	paging_load();
	cpu_init(id);
	if (lapic_init()) {
		printf("exit49: CPU %u has no usable local APIC\n", id);
	}
	cpu_get(id)->apic_id = lapic_id();
	cpu_set_online(id);
	smp_next_id = id + 1;
	smp_store_release(&smp_gate, 0);
	cpu_park();
}

/** 0xff is what a bus without CMOS reads as. */
static unsigned int expected_others(void)
{
	u8 more;

	outb(CMOS_INDEX, CMOS_MORE_CPUS);
	more = inb(CMOS_DATA);
	return more == 0xff ? 0 : more;
}

/** Let time pass until all expected CPUs have counted themselves in. */
static void wait_for_arrivals(void)
{
	unsigned int expected = expected_others();
	u32 waited = 0;

	while (waited < (expected ? PATIENCE_US : SETTLE_US)) {
		if (expected && READ_ONCE(smp_arrived) >= expected) {
			return;
		}
		lapic_delay_us(1000);
		waited += 1000;
	}
}

/** Wait until those who arrived are through the gate. */
static void wait_for_gate(void)
{
	unsigned int others;

	do {
		cpu_relax();
		others = READ_ONCE(smp_arrived);
		if (others > CPU_MAX - 1) {
			others = CPU_MAX - 1;
		}
	} while (cpu_count() - 1 < others);
}

/* The start-up message carries a page number below 1 MiB, so the trampoline is
 * copied there; firmware has no use for that page any more. */
void smp_start(void)
{
	memcpy(hpa_to_virt(hpa(TRAMPOLINE)), trampoline_start,
	       trampoline_end - trampoline_start);
	lapic_start_others(hpa(TRAMPOLINE));
	wait_for_arrivals();
	wait_for_gate();
	if (smp_arrived > CPU_MAX - 1) {
		printf("exit49: %u CPUs, of which %d are used\n",
		       smp_arrived + 1, CPU_MAX);
	}
}
