/** @file
 * Whether the guest's page tables permit an access (SDM 3A 4.6, 4.7).
 */
#ifndef HV_SOFTVMX_SVM_ACCESS_CHECK_H
#define HV_SOFTVMX_SVM_ACCESS_CHECK_H

#include "hv/softvmx/svm_access.h"
#include "hv/softvmx/svm_walk.h"

/**
 * Judge an access by the entries that a walk has used.
 * @param access `error` says what is tried; writable, user and no_execute are
 *	filled with the rights of the page
 * @param walk   as svm_walk_translate() has left it, paging being on
 * @return true if it is permitted; false for a page fault, whose error code is
 *	then in access->error
 */
bool svm_access_check(const struct softvmx_cpu *cpu, struct svm_access *access,
		      const struct svm_walk *walk) __must_check;

/** PAE's topmost entries have neither rights nor an accessed flag (SDM 3A 4.4).
 * @param i which entry of the walk, 0 for the topmost */
bool svm_access_check_is_pdpte(const struct svm_walk *walk, unsigned int i);

#endif
