/** @file
 * One request at a time, and its end is waited for in the used ring.
 *
 *	header (what, which sector) | data | status byte
 *
 * as three descriptors of the queue's, or of a table of their own.  Virtio 1.1:
 * 3.1.1 how a driver begins, 4.2 the registers, 5.2 the disk.
 */
#include "guest-tests/kernel/disk.h"

#define DISK 0xfe200200u
#define DEVICE_FEATURES 0x10
#define DEVICE_FEATURES_SEL 0x14
#define DRIVER_FEATURES 0x20
#define DRIVER_FEATURES_SEL 0x24
#define QUEUE_NUM 0x38
#define QUEUE_READY 0x44
#define QUEUE_NOTIFY 0x50
#define INTERRUPT_STATUS 0x60
#define INTERRUPT_ACK 0x64
#define STATUS 0x70
#define QUEUE_DESC 0x80
#define QUEUE_DRIVER 0x90
#define QUEUE_DEVICE 0xa0
#define CAPACITY 0x100

#define INDIRECT_FEATURE BIT(28) /* of the low half */
#define VERSION_1 1		 /* of the high half */
#define NEXT 1
#define WRITE 2
#define INDIRECT 4

enum { READ_SECTOR, WRITE_SECTOR };

#define QUEUE_SIZE 8
#define SECTOR 512
#define PATIENCE 1000000

struct descriptor {
	u64 address;
	u32 length;
	u16 flags, next;
};

static struct descriptor table[QUEUE_SIZE], own_table[3];
static volatile struct {
	u16 flags, index, head[QUEUE_SIZE];
} available;
static volatile struct {
	u16 flags, index;
	struct {
		u32 head, length;
	} element[QUEUE_SIZE];
} used __attribute__((aligned(4)));
static u8 data[2 * SECTOR];

static u32 load(u32 offset)
{
	return *(volatile u32 *)(DISK + offset);
}

static void store(u32 offset, u32 value)
{
	*(volatile u32 *)(DISK + offset) = value;
}

static void place(u32 offset, volatile void *where)
{
	store(offset, (u32)where);
	store(offset + 4, 0);
}

/** @return whether device and driver agree */
static bool begin(void)
{
	store(STATUS, 0);
	store(STATUS, 1);
	store(STATUS, 3);
	store(DEVICE_FEATURES_SEL, 0);
	store(DRIVER_FEATURES_SEL, 0);
	store(DRIVER_FEATURES, load(DEVICE_FEATURES) & INDIRECT_FEATURE);
	store(DRIVER_FEATURES_SEL, 1);
	store(DRIVER_FEATURES, VERSION_1);
	store(STATUS, 11);
	store(QUEUE_NUM, QUEUE_SIZE);
	place(QUEUE_DESC, table);
	place(QUEUE_DRIVER, &available);
	place(QUEUE_DEVICE, &used);
	store(QUEUE_READY, 1);
	store(STATUS, 15);
	return load(STATUS) == 15 && load(QUEUE_READY) == 1;
}

/** The head is lent, and comes back. @return whether it has */
static bool exchange(void)
{
	u16 index = available.index;

	available.head[index % QUEUE_SIZE] = 0;
	asm volatile("" : : : "memory");
	available.index = ++index;
	asm volatile("" : : : "memory");
	store(QUEUE_NOTIFY, 0);
	for (u32 i = 0; i < PATIENCE && used.index != index; i++) {
	}
	return used.index == index && load(INTERRUPT_STATUS) == 1;
}

/** @return the status, 0 is good; 0xee: there was none */
static u8 request(u32 what, u64 sector, u32 bytes, bool indirect)
{
	struct descriptor *chain = indirect ? own_table : table;
	const u16 direction = what == WRITE_SECTOR ? NEXT : NEXT | WRITE;
	static volatile u8 status;
	static struct {
		u32 what, reserved;
		u64 sector;
	} header;

	status = 0xee;
	header.what = what;
	header.sector = sector;
	chain[0] = (struct descriptor){(u32)&header, 16, NEXT, 1};
	chain[1] = (struct descriptor){(u32)data, bytes, direction, 2};
	chain[2] = (struct descriptor){(u32)&status, 1, WRITE, 0};
	if (indirect) {
		table[0] = (struct descriptor){(u32)own_table, 48, INDIRECT, 0};
	}
	if (!exchange()) {
		return 0xee;
	}
	store(INTERRUPT_ACK, 1);
	return status;
}

static u32 sum(void)
{
	u32 total = 0;

	for (u32 i = 0; i < sizeof(data); i++) {
		total += data[i];
	}
	return total;
}

static void fill(u8 byte)
{
	for (u32 i = 0; i < sizeof(data); i++) {
		data[i] = byte;
	}
}

/** @return whether what is written is there, and stays beside what is not */
static bool keeps(void)
{
	fill(0x49);
	if (request(WRITE_SECTOR, 2, SECTOR, true)) {
		return false;
	}
	fill(0);
	return !request(READ_SECTOR, 2, SECTOR, false) &&
	       sum() == 0x49 * SECTOR;
}

void disk_try(const struct chips_console *console)
{
	u32 sectors, first;

	if (!begin()) {
		console->say("kernel: there is NO disk\n");
		return;
	}
	sectors = load(CAPACITY);
	if (request(READ_SECTOR, 0, sizeof(data), false)) {
		console->say("kernel: the disk is NOT read\n");
	}
	first = sum();
	fill(0);
	if (request(READ_SECTOR, 0, sizeof(data), true) || sum() != first) {
		console->say("kernel: a table of its own is NOT taken\n");
	}
	if (!keeps()) {
		console->say("kernel: what is written is NOT kept\n");
	}
	if (request(READ_SECTOR, sectors - 1, sizeof(data), false) != 1) {
		console->say("kernel: what is NOT there is not refused\n");
	}
	console->say("kernel: disk sectors ");
	console->say_hex(sectors);
	console->say(" sum ");
	console->say_hex(first);
	console->say(" status ");
	console->say_hex(load(STATUS));
	console->say("\n");
}
