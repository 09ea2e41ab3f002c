/** @file
 * Words for events: interruption information (SDM 3C 25.8.3, 25.9.2) and the
 * vectors of exceptions.
 */
#ifndef GUEST_TESTS_VMX_EVENT_H
#define GUEST_TESTS_VMX_EVENT_H

#include "guest-tests/vmx/vmx.h"

#define VALID BIT(31)
#define HAS_ERROR BIT(11)
#define EXTERNAL (0 << 8)
#define NMI_TYPE (2 << 8)
#define HARD (3 << 8)
#define SOFT_INTERRUPT (4 << 8)
#define PRIVILEGED (5 << 8)
#define SOFT (6 << 8)

#define DE 0
#define DB 1
#define NMI 2
#define BP 3
#define OF 4
#define UD 6
#define NM 7
#define DF 8
#define TS 10
#define NP 11
#define SS 12
#define GP 13
#define PF 14
#define AC 17

/** Exceptions that shall exit; #PF stays as it is, shadow paging needs it. */
#define INTERCEPT(vectors) \
	VMWRITE(FIELD_EXCEPTION_BITMAP, \
		(vectors) | \
		(service(SERVICE_VMREAD, FIELD_EXCEPTION_BITMAP, 0) & BIT(PF)))
#define INTERCEPT_NOT(vectors) \
	VMWRITE(FIELD_EXCEPTION_BITMAP, \
		service(SERVICE_VMREAD, FIELD_EXCEPTION_BITMAP, 0) & \
		~(u64)(vectors))

#endif
