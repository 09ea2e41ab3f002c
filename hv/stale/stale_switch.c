/** @file
 * A jump at the beginning of a function, as live patching has it.
 *
 * A test of a flag at each barrier would cost two instructions on each access
 * of each guest, for ever.  So nothing in the plain copy knows of the other
 * one: while the shim is on, the first five bytes of each of its functions are
 * a jump to the function of the same name in the other copy.
 *
 *	bus_dispatch:   e9 rel32  ------>  stale_bus_dispatch:  ...
 *
 * Functions begin at multiples of 16 (hv/build.mk), so that five bytes are
 * there even in an empty one.  The text is written through the direct map, as
 * it is read-only where it runs.  A processor may have fetched the old bytes
 * ahead: each executes a serializing instruction, CPUID, before it comes back
 * here (SDM 3A 9.1.3, cross-modifying code).
 */
#include "hv/stale/stale_switch.h"

#include "hv/lib/page.h"
#include "hv/lib/panic.h"
#include "hv/x86/cpu.h"
#include "hv/x86/cpuid.h"

#define JUMP 0xe9
#define JUMP_SIZE 5
/** The bus has a dozen functions. */
#define MOST 64

/** One function in both copies; written by hv/build.mk, by name. */
struct pair {
	u8 *plain;
	const u8 *stale;
};

extern const struct pair stale_pairs[];
extern const struct pair stale_pairs_end[];

static u8 saved[MOST][JUMP_SIZE];
static bool is_on;

static void serialize(void *unused)
{
	(void)unused;
	(void)cpuid(0, 0);
}

/** @return whether all others were idle */
static bool serialize_all(void)
{
	for (unsigned int i = 0; i < cpu_count(); i++) {
		if (cpu_run_on(i, serialize, NULL)) {
			return false;
		}
	}
	return true;
}

static void write_jump(u8 *text, const struct pair *pair)
{
	s32 distance = (s32)(pair->stale - (pair->plain + JUMP_SIZE));

	text[0] = JUMP;
	memcpy(text + 1, &distance, sizeof(distance));
}

/** The first bytes are kept, as no two functions begin alike. */
static void set(unsigned int i, bool stale)
{
	const struct pair *pair = &stale_pairs[i];
	u8 *text = hpa_to_virt(virt_to_hpa(pair->plain));

	if (stale) {
		memcpy(saved[i], text, JUMP_SIZE);
		write_jump(text, pair);
	} else {
		memcpy(text, saved[i], JUMP_SIZE);
	}
}

bool stale_switch(bool stale)
{
	unsigned int count = (unsigned int)(stale_pairs_end - stale_pairs);

	panic_unless(count && count <= MOST);
	if (stale == is_on || !serialize_all()) {
		return stale == is_on;
	}
	for (unsigned int i = 0; i < count; i++) {
		set(i, stale);
	}
	is_on = stale;
	return serialize_all();
}
