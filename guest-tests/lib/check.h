/** @file
 * Checks: each names the rule that it checks.
 *
 * A rule is a whole sentence about the hypervisor with the place where it is
 * written, e.g. "a store to a read-only slot leaves as one MMIO write (spec
 * 1.4)".  It is what a student reads when the check fails, beside what was seen
 * and what was expected.  The first check that fails ends the test: what comes
 * after it would only be consequences.
 */
#ifndef GUEST_TESTS_LIB_CHECK_H
#define GUEST_TESTS_LIB_CHECK_H

#include "hv/vmm/hypercall.h"

/** Where a check stands, and how to print its values. */
struct check_place {
	const char *rule;
	const char *file;
	u32 line;
	u32 format; /* enum hypercall_format */
};

/** Compare; ends the test when they differ.  Use the macros below. */
void check_equal(const struct check_place *place, u64 seen, u64 expected);

/** The same for strings. */
void check_text(const struct check_place *place, const char *seen,
		const char *expected);

/** @return how many checks have been made so far */
u64 check_count(void);

/** Tell the VMM how the VM has to end now. @param gpa ~0: anywhere
 * @param ept_exits EPT exits that it may take, exactly; ~0: any number */
void check_stop(const struct check_place *place, enum hypercall_stop stop,
		u64 gpa, u64 ept_exits);

#define CHECK_PLACE(rule, format) \
	(&(const struct check_place){ (rule), __FILE__, __LINE__, (format) })

/** Values: printed in hexadecimal. */
#define CHECK_EQ(seen, expected, rule) \
	check_equal(CHECK_PLACE(rule, FORMAT_HEX), (u64)(seen), (u64)(expected))

/** Numbers of things. */
#define CHECK_COUNT(seen, expected, rule) \
	check_equal(CHECK_PLACE(rule, FORMAT_DECIMAL), (u64)(seen), \
		    (u64)(expected))

/** Numbers of VM exits. */
#define CHECK_EXITS(seen, expected, rule) \
	check_equal(CHECK_PLACE(rule, FORMAT_EXITS), (u64)(seen), \
		    (u64)(expected))

/** Something that must be so, and something that must not. */
#define CHECK_TRUE(condition, rule) \
	check_equal(CHECK_PLACE(rule, FORMAT_BOOL), !!(condition), 1)
#define CHECK_FALSE(condition, rule) \
	check_equal(CHECK_PLACE(rule, FORMAT_BOOL), !!(condition), 0)

/** A hypercall that the test needs and that must not be refused. */
#define CHECK_DONE(call) \
	check_equal(CHECK_PLACE("the hypercall \"" #call "\" is carried out", \
				FORMAT_DECIMAL), (u64)(call), 0)

/** The next thing the guest does ends the VM in this way, after exactly this
 * many EPT exits; there is no check behind it. */
#define CHECK_STOP(stop, gpa, ept_exits, rule) \
	check_stop(CHECK_PLACE(rule, FORMAT_EXITS), (stop), (gpa), (ept_exits))

#endif
