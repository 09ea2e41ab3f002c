/** @file
 * fw_cfg's items.
 *
 * Selecting a key rewinds it, and each read of the data port gives the next
 * byte; so an item is no more than bytes and a size, found anew at each read.
 * Items are made once, by fw_cfg_init(), and never change: the lock is for the
 * key and the place, which two vCPUs would else tear apart between the two
 * ports.
 *
 * The directory is the one item that is big-endian, and counts its files: it
 * has one, the memory map, by whose name kernels and firmware look for it.
 *
 *	OUT 0x510, 0x19		key = 0x19, offset = 0
 *	IN 0x511		directory[0]
 *	IN 0x511		directory[1] ...
 *
 * There is no length: who reads knows how long an item is, or reads it from the
 * directory.  Behind an item's end, and of a key that is unknown, come zeroes.
 */
#include "hv/platform/fw_cfg.h"

#define KEY_SIGNATURE 0x00
#define KEY_FEATURES 0x01
#define KEY_MEMORY 0x03
#define KEY_CPUS 0x05
#define KEY_CPUS_MAX 0x0f
#define KEY_DIRECTORY 0x19
#define KEY_E820 0x20

/** An item's bytes. */
struct item {
	const void *bytes;
	size_t size;
};

/**
 * Items are the guest's to read only; in QEMU some could be written once.
 * Features: bit 0 says these two ports, bit 1 would be DMA.
 */
static struct item find(const struct fw_cfg *fw_cfg)
{
	static const u8 features[4] = { 1 };

	switch (fw_cfg->key) {
	case KEY_SIGNATURE:
		return (struct item){ "QEMU", 4 };
	case KEY_FEATURES:
		return (struct item){ features, sizeof(features) };
	case KEY_MEMORY:
		return (struct item){ fw_cfg->memory, sizeof(fw_cfg->memory) };
	case KEY_CPUS:
	case KEY_CPUS_MAX:
		return (struct item){ fw_cfg->cpus, sizeof(fw_cfg->cpus) };
	case KEY_DIRECTORY:
		return (struct item){ fw_cfg->directory,
				      sizeof(fw_cfg->directory) };
	case KEY_E820:
		return (struct item){
			fw_cfg->range,
			fw_cfg->nranges * sizeof(fw_cfg->range[0])
		};
	default:
		return (struct item){ NULL, 0 };
	}
}

/** The offset stops at the end, so that it can never wrap. */
static u8 read_byte(struct fw_cfg *fw_cfg)
{
	struct item item = find(fw_cfg);
	const u8 *bytes = item.bytes;

	return fw_cfg->offset < item.size ? bytes[fw_cfg->offset++] : 0;
}

/*
 * The selector is 16 bits wide at 0x510, so its second byte lies where the data
 * port is: which of the two is meant is said by where the access begins.
 */
int fw_cfg_access(void *opaque, struct bus_access *access)
{
	struct fw_cfg *fw_cfg = opaque;
	bool is_selector = access->address.v == FW_CFG_PORT;

	spinlock_lock(&fw_cfg->lock);
	if (!access->is_write) {
		access->value = is_selector ? 0 : read_byte(fw_cfg);
	} else if (is_selector) {
		fw_cfg->key = (u16)access->value;
		fw_cfg->offset = 0;
	}
	spinlock_unlock(&fw_cfg->lock);
	return 0;
}

static void put_big(u8 *at, u32 value, unsigned int bytes)
{
	while (bytes--) {
		at[bytes] = (u8)value;
		value >>= 8;
	}
}

/** One file: size, key, two bytes of nothing, a name of 56 bytes. */
static void fill_directory(struct fw_cfg *fw_cfg)
{
	static const char name[] = "etc/e820";
	size_t size = fw_cfg->nranges * sizeof(fw_cfg->range[0]);

	put_big(fw_cfg->directory, 1, 4);
	put_big(fw_cfg->directory + 4, (u32)size, 4);
	put_big(fw_cfg->directory + 8, KEY_E820, 2);
	memcpy(fw_cfg->directory + 12, name, sizeof(name));
}

void fw_cfg_init(struct fw_cfg *fw_cfg, const struct fw_cfg_plan *plan)
{
	*fw_cfg = (struct fw_cfg){ .nranges = plan->nranges };
	memcpy(fw_cfg->memory, &plan->memory, sizeof(fw_cfg->memory));
	memcpy(fw_cfg->cpus, &plan->cpus, sizeof(fw_cfg->cpus));
	memcpy(fw_cfg->range, plan->range, sizeof(fw_cfg->range));
	fill_directory(fw_cfg);
}
