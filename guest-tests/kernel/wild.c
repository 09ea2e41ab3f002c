/** @file
 * A driver from hell.
 *
 * The queues' places are random: memory, behind memory, over its end, at the
 * end of all addresses.  So are descriptors, lengths, and what comes next, and
 * the index runs ahead.  Where a device might write there is free memory of
 * the kernel's; all else that it is given is none.  In the end the disk is
 * reset and has to answer as if nothing had been.
 */
#include "guest-tests/kernel/wild.h"

#include "guest-tests/kernel/ports.h"

#define VIRTIO 0xfe200000u
#define VIRTIO_END 0xfe200800u
#define DISK 0xfe200200u
#define DISK_END 0xfe200400u
#define IOAPIC 0xfec00000u
#define IOAPIC_DATA 0xfec00010u
#define IOAPIC_MASKED BIT(16)
#define SERIAL 0x3f8
#define SERIAL_MMIO 0xfe030000u
#define PIC_MASKS 0x21
#define QUEUE_NUM 0x38
#define QUEUE_READY 0x44
#define QUEUE_NOTIFY 0x50
#define STATUS 0x70
#define QUEUE_DESC 0x80
#define QUEUE_DRIVER 0x90
#define QUEUE_DEVICE 0xa0

#define FREE 0x2000000u /* 32 MiB, and as much behind it */
#define FREE_SIZE 0x1000000u
#define MEMORY_END 0x8000000u
#define QUEUE_SIZE 8
#define ROUNDS 400
#define PORTS 0x10000u
#define DENSE 0x1000u /* above, there is nobody */

static u32 state = 49;

/** xorshift32 (Marsaglia 2003). */
static u32 any(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

/* Ports -------------------------------------------------------------------- */

static bool is_left_out(u32 port)
{
	return port == 0x64 || port == 0x92 || port == 0xcf9 ||
	       (port >= 0xf4 && port < 0xf8) ||
	       (port >= 0x600 && port < 0x610) ||
	       (port >= SERIAL && port < SERIAL + 8);
}

/** Some of a wide access's bytes may be of a port that is left out. */
static bool is_left_out_with(u32 port, u32 bytes)
{
	bool is = false;

	for (u32 i = 0; i < bytes; i++) {
		is |= is_left_out(port + i);
	}
	return is;
}

static void out_all(u32 port)
{
	if (!is_left_out(port)) {
		out((u16)port, (u8)any());
	}
	if (!is_left_out_with(port, 2)) {
		asm volatile("outw %w0, %w1" : : "a"(any()), "d"(port));
	}
	if (!is_left_out_with(port, 4)) {
		out_long((u16)port, any());
	}
}

static void try_ports(void)
{
	u32 value;

	for (u32 port = 0; port < PORTS; port += port < DENSE ? 1 : 61) {
		in((u16)port);
		in_long((u16)port);
		asm volatile("inw %w1, %w0" : "=a"(value) : "d"(port));
		out_all(port);
	}
	out(PIC_MASKS, 0xff);
	out(PIC_MASKS + 0x80, 0xff);
}

/* MMIO --------------------------------------------------------------------- */

static void access(u32 place)
{
	volatile u8 *at = (volatile u8 *)place;
	u32 value = any();

	switch (any() >> 16 & 7) {
	case 0:
		*at = (u8)value;
		break;
	case 1:
		*(volatile u16 *)at = (u16)value;
		break;
	case 2:
	case 3:
		*(volatile u32 *)at = value;
		break;
	case 4:
		value = *at;
		break;
	case 5:
		value = *(volatile u16 *)at;
		break;
	default:
		value = *(volatile u32 *)at;
	}
}

static void try_places(u32 from, u32 to, u32 times)
{
	for (u32 i = 0; i < times; i++) {
		access(from + any() % (to - from));
	}
}

/** Every line stays masked, or it would be delivered in some mode or other. */
static void try_ioapic(void)
{
	for (u32 index = 0; index < 256; index++) {
		*(volatile u32 *)IOAPIC = index;
		*(volatile u32 *)IOAPIC_DATA = any() | IOAPIC_MASKED;
		*(volatile u32 *)IOAPIC = index | any() << 8;
		(void)*(volatile u32 *)(IOAPIC_DATA + (any() & 7));
	}
}

/* Queues ------------------------------------------------------------------- */

struct descriptor {
	u64 address;
	u32 length;
	u16 flags, next;
};

static void store(u32 offset, u32 value)
{
	*(volatile u32 *)(DISK + offset) = value;
}

static u64 wild_place(void)
{
	u32 low = any();

	switch (any() >> 20 & 7) {
	case 0:
		return MEMORY_END - (low & 0xff0);
	case 1:
		return ~0ull - (low & 0xfff);
	case 2:
		return (u64)any() << 32 | low;
	case 3:
		return VIRTIO + (low & 0xffc);
	default:
		return FREE + (low & (FREE_SIZE - 16));
	}
}

static u32 wild_length(void)
{
	static const u32 lengths[] = { 0, 1, 16, 512, 513, 1024, ~0u, 1u << 31,
				       0x1000000, 48 };

	return lengths[(any() >> 8) % ARRAY_SIZE(lengths)];
}

static void place_queue(u32 offset, u64 place)
{
	store(offset, (u32)place);
	store(offset + 4, (u32)(place >> 32));
}

/** Whatever lies at a place of the free memory. */
static void write_descriptors(u64 place)
{
	struct descriptor *table = (struct descriptor *)(u32)place;

	for (u32 i = 0; i < QUEUE_SIZE; i++) {
		table[i] = (struct descriptor){
			wild_place(), wild_length(), (u16)(any() >> 12 & 7),
			(u16)(any() >> 12 & (any() & 64 ? 0xffff : 7))
		};
	}
}

/** The ring of what is available: flags, index, heads. */
static void write_ring(u64 place)
{
	u16 *ring = (u16 *)(u32)place;

	ring[1] += (u16)(any() & 15 ? 1 : any() >> 8);
	for (u32 i = 0; i < QUEUE_SIZE; i++) {
		ring[2 + i] = (u16)(any() & 31 ? i : any() >> 8);
	}
}

static bool is_free(u64 place)
{
	return place >= FREE && place < FREE + FREE_SIZE;
}

static void try_queue(void)
{
	u64 table = wild_place() & ~15ull, ring = wild_place() & ~1ull;

	store(STATUS, 0);
	store(STATUS, 11);
	store(0x24, 1);
	store(0x20, 1);
	store(QUEUE_NUM, any() & 32 ? QUEUE_SIZE : any());
	place_queue(QUEUE_DESC, table);
	place_queue(QUEUE_DRIVER, ring);
	place_queue(QUEUE_DEVICE, wild_place() & ~3ull);
	store(QUEUE_READY, 1);
	store(STATUS, 15);
	for (u32 i = 0; i < 4; i++) {
		if (is_free(table)) {
			write_descriptors(table);
		}
		if (is_free(ring)) {
			write_ring(ring);
		}
		store(QUEUE_NOTIFY, i ? 0 : any());
	}
}

void wild_do(const struct chips_console *console)
{
	try_ports();
	console->say("kernel: every port has been tried\n");
	try_places(VIRTIO, VIRTIO_END, 20000);
	try_places(SERIAL_MMIO, SERIAL_MMIO + 0x2000, 2000);
	try_ioapic();
	console->say("kernel: every place has been tried\n");
	for (u32 i = 0; i < ROUNDS; i++) {
		try_queue();
		try_places(DISK, DISK_END, 4);
	}
	store(STATUS, 0);
	console->say("kernel: wild queues have been tried\n");
}
