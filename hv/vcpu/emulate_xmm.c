/** @file
 * The guest's XMM registers, and its x87 FPU.
 *
 * The hypervisor is compiled without them, and a VM exit leaves them alone: so
 * what the guest had in them still is in them, and they change hands only
 * when vCPUs take turns (vcpu_load.c).  An instruction names its register, it
 * does not take its number from another one; hence sixteen moves each way.
 *
 * It follows that no code of the hypervisor may ever touch them, a compiler's
 * idea of a quick memcpy() included (-mgeneral-regs-only): it would
 * change a guest's number, and nobody would find out when.
 */
#include "hv/vcpu/emulate_xmm.h"

/* MOVUPS and not MOVAPS: the value need not stand at a multiple of 16. */
#define MOVE_OUT(n)                                           \
	case n:                                               \
		asm volatile("movups %%xmm" #n ", %0" : "=m"(*out)); \
		break

#define MOVE_IN(n)                                          \
	case n:                                             \
		asm volatile("movups %0, %%xmm" #n : : "m"(*in)); \
		break

#define SIXTEEN(move)                                                       \
	move(0); move(1); move(2); move(3); move(4); move(5); move(6);      \
	move(7); move(8); move(9); move(10); move(11); move(12); move(13);  \
	move(14); move(15)

void emulate_xmm_get(unsigned int which, struct xmm_value *out)
{
	switch (which) {
		SIXTEEN(MOVE_OUT);
	}
}

void emulate_xmm_set(unsigned int which, const struct xmm_value *in)
{
	switch (which) {
		SIXTEEN(MOVE_IN);
	}
}

/** None of these waits for a pending exception, but FLDCW: the emulator has
 * looked that there is none. */
void emulate_xmm_x87(enum system_x87 what, u16 *word)
{
	switch (what) {
	case SYSTEM_X87_INIT:
		asm volatile("fninit");
		break;
	case SYSTEM_X87_CLEAR:
		asm volatile("fnclex");
		break;
	case SYSTEM_X87_GET_CONTROL:
		asm volatile("fnstcw %0" : "=m"(*word));
		break;
	case SYSTEM_X87_SET_CONTROL:
		asm volatile("fldcw %0" : : "m"(*word));
		break;
	case SYSTEM_X87_GET_STATUS:
		asm volatile("fnstsw %0" : "=m"(*word));
		break;
	}
}
