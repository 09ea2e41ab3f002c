/** @file
 * Local APICs on a bus, a clock that is set by hand, and a host that counts
 * what it is told.
 *
 * Included by the programs that test the APIC; each has APICs of its own.
 */
#ifndef HV_PLATFORM_TEST_VLAPIC_BED_H
#define HV_PLATFORM_TEST_VLAPIC_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hv/platform/vlapic.h"

#define APICS 3
#define ENABLE BIT(8)
#define LVT(which) (VLAPIC_LVT + 16 * VLAPIC_LVT_##which)

static struct vlapic_bus bus;
static struct vlapic apic[APICS];
static u64 now, armed[APICS];
static unsigned int wakes, ends; /* of all of them */
static u8 last_end;

static inline void wake(struct vlapic *a)
{
	(void)a;
	wakes++;
}

static inline void arm(struct vlapic *a, u64 when)
{
	armed[a - apic] = when;
}

static inline void end(struct vlapic *a, u8 vector)
{
	(void)a;
	ends++;
	last_end = vector;
}

static const struct vlapic_ops ops = { wake, arm, end };

static inline void put(unsigned int n, u32 offset, u32 value)
{
	vlapic_regs_write(&apic[n], offset, value, now);
}

static inline u32 get(unsigned int n, u32 offset)
{
	return vlapic_regs_read(&apic[n], offset, 4, now);
}

/** So many as after power-up; the moment is 1000. */
static inline void begin_apics(unsigned int count)
{
	memset(&bus, 0, sizeof(bus));
	memset(apic, 0, sizeof(apic));
	now = 1000;
	wakes = ends = 0;
	for (unsigned int i = 0; i < count; i++) {
		apic[i].ops = &ops;
		apic[i].period_min = 10;
		vlapic_init(&apic[i], &bus, i);
	}
}

static inline void enable_apics(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		put(i, VLAPIC_SVR, ENABLE | 0xff);
	}
}

/** What has been met since the last time. */
static inline u32 errors(unsigned int n)
{
	put(n, VLAPIC_ESR, 0);
	return get(n, VLAPIC_ESR);
}

#endif
