/** @file
 * Questions whose answer nothing else depends on.
 *
 * A machine that answered them wrongly would boot all the same: a kernel that
 * reads its memory map from the loader has no need of fw_cfg's, and one that
 * makes no hypercall never learns what an unknown one gives.  So both are asked
 * here.
 *
 *	VMCALL with a number that nobody knows		-1000 (KVM_ENOSYS)
 *	fw_cfg 0x00, 0x03, 0x05				"QEMU", RAM, CPUs
 *	fw_cfg 0x19, 0x20				"etc/e820", the map
 */
#include "guest-tests/kernel/questions.h"

#include "guest-tests/kernel/ports.h"

#define SELECTOR 0x510
#define DATA 0x511
#define KEY_SIGNATURE 0x00
#define KEY_MEMORY 0x03
#define KEY_CPUS 0x05
#define KEY_DIRECTORY 0x19

#define NO_SUCH_CALL (-1000)
#define MIB 0x100000u
/** Base, length and type of a range, in multiboot's map and in the file. */
#define RANGE_BYTES 20
#define SIZE_BYTES 4

static s32 hypercall(u32 number)
{
	s32 answer;

	asm volatile("vmcall" : "=a"(answer) : "a"(number) : "memory");
	return answer;
}

static void select(u16 key)
{
	asm volatile("outw %0, %1" : : "a"(key), "Nd"((u16)SELECTOR));
}

/** The next bytes of the item, the first one in the highest place. */
static u32 big(unsigned int bytes)
{
	u32 value = 0;

	while (bytes--) {
		value = value << 8 | in(DATA);
	}
	return value;
}

/** The same, lowest first. */
static u32 little(unsigned int bytes)
{
	u32 value = 0;

	for (unsigned int i = 0; i < bytes; i++) {
		value |= (u32)in(DATA) << 8 * i;
	}
	return value;
}

static bool says_the_same(const u8 *text)
{
	while (*text) {
		if (in(DATA) != *text++) {
			return false;
		}
	}
	return in(DATA) == 0;
}

/** @return the key of the one file that there is, 0: it is not as it must be */
static u16 find_map(const struct questions_map *map)
{
	u32 count = map->length / (SIZE_BYTES + RANGE_BYTES);
	u32 files, size;
	u16 key;

	select(KEY_DIRECTORY);
	files = big(4);
	size = big(4);
	key = (u16)big(2);
	if (files != 1 || size != count * RANGE_BYTES || big(2)) {
		return 0;
	}
	return says_the_same((const u8 *)"etc/e820") ? key : 0;
}

static bool map_is_right(const struct questions_map *map)
{
	u16 key = find_map(map);

	if (!key) {
		return false;
	}
	select(key);
	for (u32 i = 0; i < map->length; i++) {
		/* The file has no sizes in front of its ranges. */
		if (i % (SIZE_BYTES + RANGE_BYTES) >= SIZE_BYTES &&
		    in(DATA) != map->entries[i]) {
			return false;
		}
	}
	return in(DATA) == 0;
}

/** The last range is RAM from 1 MiB on: its end is how much there is. */
static bool memory_is_right(const struct questions_map *map)
{
	const u8 *last = map->entries + map->length - RANGE_BYTES;
	u32 length;

	__builtin_memcpy(&length, last + sizeof(u64), sizeof(length));
	select(KEY_MEMORY);
	return little(4) == length + MIB && little(4) == 0;
}

static bool fw_cfg_is_right(const struct questions_map *map)
{
	select(KEY_SIGNATURE);
	if (!says_the_same((const u8 *)"QEMU")) {
		return false;
	}
	select(KEY_CPUS);
	return little(2) == 1 && memory_is_right(map) && map_is_right(map);
}

void questions_ask(const struct chips_console *console,
		   const struct questions_map *map)
{
	console->say(hypercall(5) == NO_SUCH_CALL
			     ? "kernel: hypercalls are right\n"
			     : "kernel: hypercalls are WRONG\n");
	console->say(fw_cfg_is_right(map) ? "kernel: fw_cfg is right\n"
					  : "kernel: fw_cfg is WRONG\n");
}
