/** @file
 * The ways in which a kernel can end, good and bad.
 */
#ifndef GUEST_TESTS_KERNEL_ENDS_H
#define GUEST_TESTS_KERNEL_ENDS_H

/**
 * End as the command line wants it:
 *
 *	exit=N		by the exit port with code N (the default, with 0)
 *	triple, hang	a triple fault; a loop with interrupts off
 *	halt		HLT with interrupts off
 *	reset=8042, reset=92, reset=cf9		the ways to reset a PC
 *	second=triple, second=hang, second=exit	the second processor does it
 *			(and exits only after two seconds), this one halts
 *
 * @param line the command line
 * Returns where HLT is what is left to do.
 */
void ends_take(const char *line);

/** Where the word ends with which a part of the line begins, or NULL. */
const char *ends_find(const char *line, const char *word);

#endif
