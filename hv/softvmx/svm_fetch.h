/** @file
 * Bytes of the guest's program.
 */
#ifndef HV_SOFTVMX_SVM_FETCH_H
#define HV_SOFTVMX_SVM_FETCH_H

#include "hv/softvmx/softvmx_cpu.h"

/**
 * Read bytes at a guest linear address, as far as they are mapped.
 * @param size at most 4096
 * @return how many bytes were read
 */
size_t svm_fetch_bytes(struct softvmx_cpu *cpu, gva_t linear, u8 *to,
		       size_t size);

#endif
