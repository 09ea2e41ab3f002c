/** @file
 * The cases behind selftest_run().
 *
 * Each returns NULL when it passed, else a sentence (without quotes) that
 * stays valid until the next case.
 */
#ifndef HV_LIB_SELFTEST_CASES_H
#define HV_LIB_SELFTEST_CASES_H

/* selftest_text.c: formatting, strings, options */
const char *selftest_printf_numbers(void);
const char *selftest_printf_strings(void);
const char *selftest_string_memory(void);
const char *selftest_string_glob(void);
const char *selftest_options(void);

/* selftest_page.c: the page allocator */
const char *selftest_page_basic(void);
const char *selftest_page_contig(void);
const char *selftest_page_owner(void);
const char *selftest_page_exhaustion(void);
const char *selftest_page_injection(void);
const char *selftest_page_double_free(void);

/* selftest_crash.c: what a crash leaves behind */
const char *selftest_msr_safe(void);
const char *selftest_symbol(void);
const char *selftest_recovery_normal(void);
const char *selftest_recovery_panic(void);
const char *selftest_recovery_step(void);
const char *selftest_recovery_locks(void);
const char *selftest_recovery_flag(void);

/* selftest_fault.c: exceptions, and what is said of them */
const char *selftest_fault_null(void);
const char *selftest_fault_call(void);
const char *selftest_fault_text(void);
const char *selftest_fault_data(void);
const char *selftest_fault_low(void);
const char *selftest_fault_canonical(void);
const char *selftest_fault_ud(void);
const char *selftest_fault_nmi(void);
const char *selftest_fault_stack(void);

/* selftest_timer.c: queues of deadlines */
const char *selftest_timers_order(void);
const char *selftest_timers_cancel(void);
const char *selftest_timers_of_cpus(void);
const char *selftest_timers_scale(void);

/* selftest_cpu.c: the watchdog and the other CPUs */
const char *selftest_timer(void);
const char *selftest_watchdog_loop(void);
const char *selftest_watchdog_deadlock(void);
const char *selftest_watchdog_lock(void);
const char *selftest_watchdog_guest(void);
const char *selftest_watchdog_livelock(void);
const char *selftest_watchdog_progress(void);
const char *selftest_cpus_run(void);
const char *selftest_cpus_recover(void);

#endif
