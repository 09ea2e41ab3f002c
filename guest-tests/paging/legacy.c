/** @file
 * Guests that are not in long mode: memory and a device in each of their modes.
 *
 * The tables map the first 8 MiB onto themselves in large pages, and a page of
 * memory and one of a device somewhere else in small ones.
 */
#include "guest-tests/paging/visit.h"

#include "guest-tests/lib/test.h"

#define CR0_PE BIT(0)
#define CR0_WP BIT(16)
#define CR0_PG BIT(31)
#define CR4_PSE BIT(4)
#define CR4_PAE BIT(5)

#define PRESENT BIT(0)
#define WRITE BIT(1)
#define ACCESSED BIT(5)
#define DIRTY BIT(6)
#define LARGE BIT(7)

/** Where the small pages are, as the 32-bit code names them. */
#define MEMORY_AT 0x30005000u
#define DEVICE_AT 0x30006000u

#define DEVICE DEVICE_PATTERN_GPA

static u32 memory[1024] __aligned(4096);
static struct visit visit;

/** What the device gives. */
static u32 pattern(u64 address)
{
	u32 value = 0;

	for (int i = 3; i >= 0; i--) {
		value = value << 8 | hypercall_pattern(address + (u64)i);
	}
	return value;
}

/** Read the device and write memory, at these addresses. */
static void go(u32 device, u32 ram)
{
	visit.load_at = device + 8;
	visit.store_at = ram + 16;
	for (u32 i = 1; i <= 3; i++) {
		visit.loaded = 0;
		visit.store = 0x49004900 + i;
		visit_run(&visit);
		CHECK_EQ(visit.loaded, pattern(DEVICE + 8),
			 "a load from a device gives the device's value, "
			 "whatever the paging mode");
		CHECK_EQ(visit.stored, 0x49004900 + i,
			 "a store to memory is read back, whatever the paging "
			 "mode");
		CHECK_EQ(memory[4], 0x49004900 + i,
			 "and it is in the memory that the tables name");
	}
}

TEST(protected_mode_without_paging)
{
	visit.cr0 = CR0_PE;
	go((u32)DEVICE, (u32)(u64)memory);
}

static u32 directory[1024] __aligned(4096);
static u32 table[1024] __aligned(4096);

static void check_bits(u64 memory_entry, u64 device_entry)
{
	CHECK_EQ(memory_entry & (ACCESSED | DIRTY), ACCESSED | DIRTY,
		 "a store sets the accessed and the dirty bit (SDM 3A 4.8)");
	CHECK_EQ(device_entry & (ACCESSED | DIRTY), ACCESSED,
		 "a load sets the accessed bit and not the dirty one (SDM 3A "
		 "4.8)");
}

TEST(paging_of_32_bits)
{
	directory[0] = PRESENT | WRITE | LARGE;
	directory[1] = 1u << 22 | PRESENT | WRITE | LARGE;
	directory[MEMORY_AT >> 22] = (u32)(u64)table | PRESENT | WRITE;
	table[MEMORY_AT >> 12 & 1023] = (u32)(u64)memory | PRESENT | WRITE;
	table[DEVICE_AT >> 12 & 1023] = (u32)DEVICE | PRESENT | WRITE;
	visit.cr0 = CR0_PE | CR0_PG | CR0_WP;
	visit.cr3 = (u32)(u64)directory;
	visit.cr4 = CR4_PSE;
	go(DEVICE_AT, MEMORY_AT);
	check_bits(table[MEMORY_AT >> 12 & 1023],
		   table[DEVICE_AT >> 12 & 1023]);
	CHECK_EQ(directory[0] & DIRTY, DIRTY,
		 "the dirty bit of a page of 4 MiB is set (SDM 3A 4.8)");
}

static u64 pointers[4] __aligned(4096);
static u64 pae_directory[512] __aligned(4096);
static u64 pae_table[512] __aligned(4096);

TEST(paging_of_pae)
{
	pointers[0] = (u64)pae_directory | PRESENT;
	for (u64 i = 0; i < 4; i++) {
		pae_directory[i] = i << 21 | PRESENT | WRITE | LARGE;
	}
	pae_directory[MEMORY_AT >> 21] = (u64)pae_table | PRESENT | WRITE;
	pae_table[MEMORY_AT >> 12 & 511] = (u64)memory | PRESENT | WRITE;
	pae_table[DEVICE_AT >> 12 & 511] = DEVICE | PRESENT | WRITE;
	visit.cr0 = CR0_PE | CR0_PG | CR0_WP;
	visit.cr3 = (u32)(u64)pointers;
	visit.cr4 = CR4_PAE;
	go(DEVICE_AT, MEMORY_AT);
	check_bits(pae_table[MEMORY_AT >> 12 & 511],
		   pae_table[DEVICE_AT >> 12 & 511]);
}

/**
 * The same number is a device's address without paging and memory's with it:
 * what was found out in one mode must not be believed in the other (spec
 * 2.4-9).
 */
TEST(paging_off_and_on_again)
{
	const u64 at = DEVICE;

	paging_of_pae();
	pae_directory[at >> 21 & 511] = 0;
	pointers[at >> 30] = (u64)pae_directory | PRESENT;
	pae_directory[at >> 21 & 511] = (u64)pae_table | PRESENT | WRITE;
	pae_table[at >> 12 & 511] = (u64)memory | PRESENT | WRITE;
	memory[2] = 0x12345678;
	for (unsigned int i = 0; i < 3; i++) {
		visit.cr0 = CR0_PE;
		visit.load_at = (u32)at + 8;
		visit.store_at = (u32)(u64)memory + 64;
		visit_run(&visit);
		CHECK_EQ(visit.loaded, pattern(DEVICE + 8),
			 "with paging off the address is the device's (spec "
			 "2.4-9)");
		visit.cr0 = CR0_PE | CR0_PG;
		visit_run(&visit);
		CHECK_EQ(visit.loaded, 0x12345678,
			 "with paging on the same address is memory (spec "
			 "2.4-9)");
	}
}
