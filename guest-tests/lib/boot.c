/** @file
 * The main program of every guest: one test, then the end.
 *
 * Which test is the VMM's choice; the boot page holds the address of its
 * function.  Coming to the end is a hypercall as well: a guest that just halts
 * has not finished.
 */
#include "guest-tests/lib/boot.h"

#include "guest-tests/lib/check.h"
#include "guest-tests/lib/trap.h"
#include "guest-tests/lib/vmcall.h"

static const struct boot_info *boot_page;

const struct boot_info *boot_info(void)
{
	return boot_page;
}

__noreturn void boot_main(const struct boot_info *info)
{
	boot_page = info;
	trap_init();
	if (info->magic == BOOT_MAGIC) {
		((void (*)(void))info->function)();
	}
	vmcall1(HYPERCALL_END, check_count());
	for (;;) {
		asm volatile("hlt");
	}
}
