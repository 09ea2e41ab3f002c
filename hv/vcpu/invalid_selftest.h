/** @file
 * Tests of the emulation loop from the VMM's side, for vcpu_selftest.c.
 */
#ifndef HV_VCPU_INVALID_SELFTEST_H
#define HV_VCPU_INVALID_SELFTEST_H

/** HLT ends the call, an interrupt the waiting. @return as in struct
 * vcpu_selftest_case: NULL, or what is wrong */
const char *invalid_selftest_halt(void);
/** An interrupt comes within one section. @return as above */
const char *invalid_selftest_latency(void);
/** A signal before each call does not stop the guest. @return as above */
const char *invalid_selftest_storm(void);
/** No exception can be set in protected mode. @return as above */
const char *invalid_selftest_exception(void);
/** STI holds off what comes through a gate, too. @return as above */
const char *invalid_selftest_shadow(void);
/** A code breakpoint comes once. @return as above */
const char *invalid_selftest_breakpoint(void);
/** Which states are invalid. @return as above */
const char *invalid_selftest_predicate(void);

#endif
