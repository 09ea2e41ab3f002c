/** @file
 * The names of bits, by their number; NULL for a bit that is reserved.
 */
#ifndef HV_SOFTVMX_ENTRY_CHECKS_NAMES_H
#define HV_SOFTVMX_ENTRY_CHECKS_NAMES_H

/* VM-execution controls: pin-based, primary, secondary, tertiary. */
extern const char *const entry_checks_names_pin[64];
extern const char *const entry_checks_names_cpu[64];
extern const char *const entry_checks_names_cpu2[64];
extern const char *const entry_checks_names_cpu3[64];

/* VM-exit controls, primary and secondary, and VM-entry controls. */
extern const char *const entry_checks_names_exit[64];
extern const char *const entry_checks_names_exit2[64];
extern const char *const entry_checks_names_entry[64];

/* Registers. */
extern const char *const entry_checks_names_cr0[64];
extern const char *const entry_checks_names_cr4[64];
extern const char *const entry_checks_names_efer[64];

#endif
