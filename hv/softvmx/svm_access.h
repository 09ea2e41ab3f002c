/** @file
 * One access by the guest, from linear to host physical, as the processor
 * makes it: with every permission, flag and fault on the way.
 */
#ifndef HV_SOFTVMX_SVM_ACCESS_H
#define HV_SOFTVMX_SVM_ACCESS_H

#include "hv/softvmx/ept_walk.h"
#include "hv/softvmx/softvmx_cpu.h"

/** How an access ends. */
enum svm_access_end {
	SVM_ACCESS_DONE,  /* allowed; accessed and dirty flags are set */
	SVM_ACCESS_FAULT, /* the guest's page fault, with `error` */
	SVM_ACCESS_EPT,	  /* a violation or misconfiguration, see `ept` */
};

struct svm_access {
	/* The question. */
	gva_t linear;
	u32 error; /* PF_W, PF_U, PF_I: what is tried; then the error code */

	/* DONE: what the translation allows later accesses to do. */
	hpa_t hpa;
	bool writable, user, no_execute;

	/* DONE and EPT: the guest physical address, of the page or a table. */
	gpa_t gpa;

	/* EPT: which right was needed, for what, and what the EPT had. */
	bool table_walk;
	u32 needed; /* EPT_WALK_.. */
	struct ept_walk ept;
};

/**
 * Make an access: walk the guest's page tables and the EPT under them.
 * Nothing is read or written at the address itself.
 */
enum svm_access_end svm_access_make(struct softvmx_cpu *cpu,
				    struct svm_access *access) __must_check;

#endif
