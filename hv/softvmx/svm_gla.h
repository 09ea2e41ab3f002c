/** @file
 * The guest-linear address of a nested page fault.
 */
#ifndef HV_SOFTVMX_SVM_GLA_H
#define HV_SOFTVMX_SVM_GLA_H

#include "hv/softvmx/svm_decode.h"
#include "hv/softvmx/softvmx_cpu.h"

/** What the processor was doing when the nested page fault came. */
struct svm_gla_access {
	gpa_t gpa;
	bool table_walk; /* the GPA is that of a paging-structure entry */
	bool fetch;
	const struct svm_insn *insn; /* at RIP; length 0 if unknown */
};

/**
 * Find the linear address whose translation leads to the access.
 * @param linear filled when found
 * @return whether one was found; it is then certain, not a guess
 */
bool svm_gla_find(struct softvmx_cpu *cpu, const struct svm_gla_access *access,
		  gva_t *linear);

#endif
