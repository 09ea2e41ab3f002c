/** @file
 * The command line, as one struct.
 *
 * Words are `key=value` or `key`, separated by spaces.  An unknown word, a
 * bad value, or a key given twice ends the machine with one sentence and
 * status 2: a typing mistake must not look like a passed run.
 */
#ifndef HV_LIB_OPTIONS_H
#define HV_LIB_OPTIONS_H

#include "bus/types.h"

#define OPTIONS_TEXT_SIZE 128
#define OPTIONS_LINE_SIZE 1024
#define OPTIONS_GENBITS_MAX 19
#define OPTIONS_MEM_MAX 3072

/** Set once by options_parse(), read by everybody. */
struct options {
	char test[OPTIONS_TEXT_SIZE];  /* glob of test names, default "*" */
	char nonce[OPTIONS_TEXT_SIZE]; /* hexadecimal digits, default "" */
	char unit[OPTIONS_TEXT_SIZE];  /* "auto", "native" or "soft" */
	char bench[OPTIONS_TEXT_SIZE]; /* row to measure, default "" */
	bool exits;	/* print every exit of every test on COM2 */
	bool ept;	/* default true */
	bool ug;	/* default true */
	bool trace;	/* dump the trace ring on COM1 after each test */
	bool list;	/* print test names only */
	bool poison;	/* poison the stack between vcpu_run() calls */
	bool stale;	/* the bus' loads are as stale as may be */
	bool selftest;	/* run the image's own tests, then end */
	char vmxtest[OPTIONS_TEXT_SIZE]; /* exits, noept or entry */
	bool vmx_check;	/* make the VM-entry checks also for native entries */
	unsigned int seed;  /* of the first random case, default 49 */
	unsigned int cases; /* how many, default 10000 */
	unsigned int watchdog; /* ticks without progress that are allowed */
	bool run;	/* a kernel, on a PC of its own (hv/machine) */
	unsigned int mem;  /* MiB that it has, default 128 */
	unsigned int cpus; /* that it has, default 1 */
	unsigned int rtc;  /* what its clock shows at first, seconds since
			    * 1970; default 1767225600, 2026-01-01, 0:00 */
	bool guestlog;	/* tell each access that no device answers */
	unsigned int genbits; /* after 2^this many changes of the slots the
			       * generation in MMIO entries comes round: 2 to
			       * OPTIONS_GENBITS_MAX, which is the default */
};

extern struct options options;

/**
 * Parse the command line into `options`; does not return on a mistake.
 * @param line all words after the image's own name
 */
void options_parse(const char *line);

/**
 * Parse without ending the machine, for tests.
 * @param message the sentence, when the result is -EINVAL
 */
int options_try(const char *line, struct options *out, char *message,
		size_t size) __must_check;

#endif
