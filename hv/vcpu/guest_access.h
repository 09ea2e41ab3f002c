/** @file
 * Guest memory by linear address, for exits that move data themselves.
 */
#ifndef HV_VCPU_GUEST_ACCESS_H
#define HV_VCPU_GUEST_ACCESS_H

#include "bus/types.h"

struct vcpu;
struct exception;

enum guest_access_result {
	GUEST_ACCESS_OK,
	GUEST_ACCESS_FAULT,  /* inject the exception; nothing was touched */
	GUEST_ACCESS_NO_RAM, /* no memory there: device, read-only, no slot */
};

/** What is to be moved. */
struct guest_access {
	gva_t address; /* linear */
	void *buffer;  /* ours */
	u8 size;       /* bytes, 1 to 8; may cross a page boundary */
	bool write;    /* into the guest */
};

/**
 * Check and move, at the guest's current privilege level.
 * @param dry only check
 * @param e   the page fault, when the result is FAULT
 * Inside a read section.
 */
enum guest_access_result guest_access_move(struct vcpu *vcpu,
					   const struct guest_access *a,
					   bool dry,
					   struct exception *e) __must_check;

#endif
