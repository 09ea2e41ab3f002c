/** @file
 * Result lines of the tests of VM entry, and the choice by test=GLOB.
 */
#ifndef HV_VMXTEST_ENTRY_REPORT_H
#define HV_VMXTEST_ENTRY_REPORT_H

#include "bus/types.h"

/** The opening of a run. @param tests how many results will follow */
void entry_report_begin(unsigned int tests);

/** @return whether test=GLOB chooses this name ("entry." stands before it) */
bool entry_report_chosen(const char *name);

/** @return whether test= is this name alone, without any glob */
bool entry_report_named(const char *name);

/**
 * One result on COM2.
 * @param name without "entry."
 * @param wrong NULL when it passed, else a sentence
 */
void entry_report_result(const char *name, const char *wrong);

/** A comment on COM2: the sentence of the rule that a test has broken. */
void entry_report_broken(const char *sentence);

/** A sentence for entry_report_result(), valid until the next one. */
const char *entry_report_say(const char *format, ...) __format(printf, 1, 2);

/** A part of a name and a number or another part, valid until the next one. */
const char *entry_report_name(const char *format, ...) __format(printf, 1, 2);

#endif
