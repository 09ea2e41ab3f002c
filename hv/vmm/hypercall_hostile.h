/** @file
 * Hypercalls: what only hostile tests may ask for (TEST_HOSTILE).
 *
 * They show that a secret would be found and that harm would be noticed.
 */
#ifndef HV_VMM_HYPERCALL_HOSTILE_H
#define HV_VMM_HYPERCALL_HOSTILE_H

/** What HYPERCALL_SECRET does. */
enum hypercall_secret {
	SECRET_COMPLEMENT, /* -> the secret with all bits inverted, so that the
			    * guest can know it when it sees it */
	SECRET_BETRAY,	   /* writes it to the beginning of the backing RAM */
	SECRET_HARM,	   /* rsi: enum hypercall_harm; the VM beside this one
			    * is harmed, to show that it is noticed */
};

/** What is done to it. */
enum hypercall_harm {
	HARM_NONE,
	HARM_MEMORY,	/* one word of its memory changes */
	HARM_PROGRAM,	/* ... one byte of its program, which has run */
	HARM_REGISTERS, /* one bit of a register */
	HARM_END,	/* it halts */
	HARM_HANG,	/* it goes on but never exits again */
	HARM_COUNT,
};

#endif
