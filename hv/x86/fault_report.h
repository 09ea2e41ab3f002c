/** @file
 * The readable report of an exception in the hypervisor.
 */
#ifndef HV_X86_FAULT_REPORT_H
#define HV_X86_FAULT_REPORT_H

#include "bus/types.h"

struct trap_frame;

/**
 * Have a function asked first what an address is, by whoever has guard pages of
 * his own.
 * @param fn fills the buffer and returns true if it knows; NULL: none any more
 */
void fault_report_ask(bool (*fn)(unsigned long address, char *buffer,
				 size_t size));

/**
 * One sentence about the exception: name, decoded error code, address.
 * @param address CR2 as it was when the exception arrived
 */
void fault_report_summary(const struct trap_frame *frame,
			  unsigned long address, char *buffer, size_t size);

/** Print the whole report on COM1: summary, registers, code, backtrace. */
void fault_report_print(const struct trap_frame *frame, unsigned long address);

#endif
