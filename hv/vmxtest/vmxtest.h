/** @file
 * The exit recorder: `vmxtest=exits` and `vmxtest=noept` on the command line.
 */
#ifndef HV_VMXTEST_VMXTEST_H
#define HV_VMXTEST_VMXTEST_H

/**
 * Run the tests of the module vmx.elf on every CPU, results and all exits on
 * COM2.  Ends the machine, status 2, when the name is not known, when there is
 * no such module, or when no test matches.
 * @param name "exits": with EPT; "noept": with shadow page tables
 */
void vmxtest_main(const char *name);

#endif
