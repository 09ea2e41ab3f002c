/** @file
 * hv_main(): the hypervisor's life in one list.
 *
 * entry.S calls it on CPU 0 with a stack and the boot page tables.  The order
 * is the order of needs: first what a fault report takes, then memory, then
 * interrupts, then the other CPUs.  When it is done, everything below runs
 * with interrupts on, and the machine ends when the test driver returns.
 */
#include "hv/boot/main.h"

#include "hv/boot/multiboot.h"
#include "hv/boot/paging.h"
#include "hv/boot/smp.h"
#include "hv/lib/options.h"
#include "hv/lib/page.h"
#include "hv/lib/selftest.h"
#include "hv/lib/string.h"
#include "hv/lib/timer.h"
#include "hv/lib/watchdog.h"
#include "hv/machine/guest.h"
#include "hv/vmm/driver.h"
#include "hv/vmxtest/vmxtest.h"
#include "hv/vmxtest/entry_test.h"
#include "hv/x86/cpu.h"
#include "hv/x86/cr.h"
#include "hv/x86/desc.h"
#include "hv/x86/irq.h"
#include "hv/x86/lapic.h"
#include "hv/x86/machine.h"
#include "hv/x86/uart.h"

void hv_main(u32 magic, u32 info)
{
	uart_init();	   /* from here on we can speak */
	desc_init_idt();   /* one IDT for all CPUs */
	cpu_init(0);	   /* this_cpu(), GDT, TSS: faults are readable */
	paging_init();	   /* the tables that the machine keeps */
	paging_load();	   /* the identity map is gone: NULL faults */
	multiboot_init(magic, hpa(info)); /* copy what the loader left */
	options_parse(multiboot_command_line()); /* or end with a sentence */
	page_init();	   /* RAM that nobody needs can be given out */
	irq_init();	   /* silence the 8259s */
	if (lapic_init()) {
		machine_bail_out("this machine has no usable local APIC "
				 "(exit49 needs xAPIC mode)");
	}
	lapic_calibrate(); /* how fast its timer and the TSC count */
	timer_start();	   /* from here on timers can be set */
	/* How patient we are; more so with an entry's cost tenfold. */
	watchdog_init(options.watchdog * (options.vmx_check ? 4 : 1));
	smp_start();	   /* the other CPUs, parked in cpu_park() */
	irq_enable();	   /* from here on an endless loop is interrupted */
	watchdog_start();
	if (options.selftest) {
		selftest_run(); /* the image's own tests */
	} else if (strcmp(options.vmxtest, "entry") == 0) {
		entry_test_run(); /* the checks of VM entry */
	} else if (options.vmxtest[0]) {
		vmxtest_main(options.vmxtest); /* the VMX unit's exits */
	} else if (options.run) {
		guest_main(); /* a kernel, on a PC of its own */
	} else {
		driver_main();	/* the guests' tests */
	}
	machine_exit(MACHINE_RAN);
}
