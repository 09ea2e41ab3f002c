/** @file
 * A guest's last words, which it cannot say itself.
 *
 * Whoever has started it wants to know how it has ended, where it stood then,
 * and what it did last.  People read that on COM1:
 *
 *	exit49: vCPU 0 stands at rip 0x20104c; its last exits, the last one
 *		first: IO_INSTRUCTION, EPT_MISCONFIG
 *	exit49: the guest has powered off (powered-off).
 *
 * before which a crash is told with all registers; and COM2 has one line for
 * tools/exit49/guest.py, which makes the command's exit status of it:
 *
 *	# guest: end=crashed code=0: triple fault: ...
 */
#ifndef HV_MACHINE_GUEST_END_H
#define HV_MACHINE_GUEST_END_H

struct pc;

/** Tell how it has ended.  On CPU 0; all vCPUs have left, VMX is still on. */
void guest_end_tell(const struct pc *pc);

#endif
