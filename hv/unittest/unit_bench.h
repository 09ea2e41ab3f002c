/** @file
 * What the soft unit costs (`bench=softvmx`).
 */
#ifndef HV_UNITTEST_UNIT_BENCH_H
#define HV_UNITTEST_UNIT_BENCH_H

/**
 * Measure, and write the figures to COM2 as comment lines.  The VMX unit is on;
 * no vCPU exists.
 */
void unit_bench_run(void);

#endif
