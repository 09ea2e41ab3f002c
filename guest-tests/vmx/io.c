/** @file
 * Ports: IN, OUT, INS, OUTS by bitmap or always (SDM 3C table 28-5).
 *
 *	31:16 port   6 immediate   5 REP   4 string   3 IN   2:0 bytes - 1
 *
 * A string instruction also says where its memory is: guest-linear address,
 * segment and address size.
 */
#include "guest-tests/vmx/vmx.h"

#define IN BIT(3)
#define STRING BIT(4)
#define REP BIT(5)
#define IMMEDIATE BIT(6)
#define BYTES(n) ((n) - 1)
#define PORT(n) ((u64)(n) << 16)

#define ADDRESS_SIZE BITS(9, 7)
#define ADDRESS_32 (1u << 7)
#define ADDRESS_64 (2u << 7)
#define SEGMENT(n) ((u32)(n) << 15)
#define SEGMENT_MASK BITS(17, 15)
#define ES 0
#define CS 1
#define DS 3
#define FS 4

static u8 buffer[64] __aligned(16);

TEST(in_and_out_tell_port_and_size)
{
	u32 a = 0;

	PROVOKE("in $0x80, %%al" : "+a"(a) : : "cc");
	CHECK_EXIT(EXIT_IO, 2, PORT(0x80) | IMMEDIATE | IN | BYTES(1));
	CHECK_EQ(a, GIVEN_LOW, "the rig's IN arrives in the guest");
	PROVOKE("out %%eax, $0x81" : : "a"(a) : "cc");
	CHECK_EXIT(EXIT_IO, 2, PORT(0x81) | IMMEDIATE | BYTES(4));
	PROVOKE("out %%ax, $0xff" : : "a"(a) : "cc");
	CHECK_EXIT(EXIT_IO, 3, PORT(0xff) | IMMEDIATE | BYTES(2));
	PROVOKE("in %%dx, %%ax" : "+a"(a) : "d"(0x1234) : "cc");
	CHECK_EXIT(EXIT_IO, 2, PORT(0x1234) | IN | BYTES(2));
	PROVOKE("out %%al, %%dx" : : "a"(a), "d"(0xffff) : "cc");
	CHECK_EXIT(EXIT_IO, 1, PORT(0xffff) | BYTES(1));
	PROVOKE(".byte 0x48; in %%dx, %%eax" : "+a"(a) : "d"(0x3f8) : "cc");
	CHECK_EXIT(EXIT_IO, 2, PORT(0x3f8) | IN | BYTES(4));
}

TEST(string_io_tells_its_memory)
{
	PROVOKE("outsb" : : "d"(0x3f0), "S"(buffer) : "cc", "memory");
	CHECK_EXIT_INFO(EXIT_IO, 1, PORT(0x3f0) | STRING | BYTES(1),
			ADDRESS_SIZE | SEGMENT_MASK, ADDRESS_64 | SEGMENT(DS));
	CHECK_EQ(exit_before(0).gla, (u64)buffer, "the address is RSI");
	PROVOKE("rep insw" : : "d"(0x3f0), "D"(buffer), "c"(3)
		: "cc", "memory");
	CHECK_EXIT_INFO(EXIT_IO, 3, PORT(0x3f0) | STRING | REP | IN | BYTES(2),
			ADDRESS_SIZE, ADDRESS_64);
	CHECK_EQ(exit_before(0).gla, (u64)buffer, "the address is RDI");
	PROVOKE("addr32 outsl" : : "d"(0x3f0), "S"((u64)buffer | 7ull << 32)
		: "cc", "memory");
	CHECK_EXIT_INFO(EXIT_IO, 2, PORT(0x3f0) | STRING | BYTES(4),
			ADDRESS_SIZE | SEGMENT_MASK, ADDRESS_32 | SEGMENT(DS));
	CHECK_EQ(exit_before(0).gla, (u64)buffer, "cut to the address size");
	PROVOKE("repne; outsb" : : "d"(0x3f0), "S"(buffer), "c"(1)
		: "cc", "memory");
	CHECK_EXIT(EXIT_IO, 2, PORT(0x3f0) | STRING | REP | BYTES(1));
}

TEST(string_io_tells_its_segment)
{
	VMWRITE(0x680e, 0x1000); /* GUEST_FS_BASE */
	PROVOKE("outsb %%fs:(%%rsi), %%dx" : : "d"(0x3f0), "S"(buffer)
		: "cc", "memory");
	CHECK_EXIT_INFO(EXIT_IO, 2, PORT(0x3f0) | STRING | BYTES(1),
			ADDRESS_SIZE | SEGMENT_MASK, ADDRESS_64 | SEGMENT(FS));
	CHECK_EQ(exit_before(0).gla, (u64)buffer + 0x1000,
		 "the segment's base is added");
	PROVOKE("outsl %%cs:(%%rsi), %%dx" : : "d"(0x3f0), "S"(buffer)
		: "cc", "memory");
	CHECK_EXIT_INFO(EXIT_IO, 2, PORT(0x3f0) | STRING | BYTES(4),
			ADDRESS_SIZE | SEGMENT_MASK, ADDRESS_64 | SEGMENT(DS));
}

/** Whether this exits the SDM does not say; what it does to RCX it does. */
TEST(rep_with_a_count_of_0_does_nothing)
{
	u64 count = 0;

	PROVOKE("rep outsb" : "+c"(count) : "d"(0x3f0), "S"(buffer)
		: "cc", "memory");
	CHECK_EQ(count, 0, "a REP that has nothing to do does nothing");
}

static u8 bitmap[2][4096] __aligned(4096);

/** Bitmaps that the CPU uses are not for its guest to change (SDM 3C 25.11.4):
 * a change counts from the next VM entry, which is the one after this. */
static void use_bitmaps(void)
{
	CHECK_DONE(service(SERVICE_POINT, FIELD_IO_BITMAP_A, (u64)bitmap[0]));
	CHECK_DONE(service(SERVICE_POINT, FIELD_IO_BITMAP_B, (u64)bitmap[1]));
}

TEST(bitmap_decides_by_every_port_of_the_access)
{
	struct services_exit exit;
	u32 a = 0;

	/* Ports that nobody listens to, so that reading does no harm. */
	bitmap[0][0x1f0 / 8] = BIT(3);
	use_bitmaps();
	PROVOKE("in %%dx, %%ax" : "+a"(a) : "d"(0x1f0) : "cc");
	CHECK_EQ(service(SERVICE_EXIT, vmcall_address(&exit), 0), -ENOENT,
		 "a port whose bit is 0 does not exit");
	a = 0;
	PROVOKE("in %%dx, %%eax" : "+a"(a) : "d"(0x1f0) : "cc");
	CHECK_EXIT(EXIT_IO, 1, PORT(0x1f0) | IN | BYTES(4));
	bitmap[1][0x7ff] = BIT(7);
	use_bitmaps();
	PROVOKE("in %%dx, %%al" : "+a"(a) : "d"(0xbfff) : "cc");
	CHECK_EXIT(EXIT_IO, 1, PORT(0xbfff) | IN | BYTES(1));
}

TEST(access_that_wraps_behind_the_last_port_exits)
{
	u32 a = 0;

	use_bitmaps();
	PROVOKE("in %%dx, %%ax" : "+a"(a) : "d"(0xffff) : "cc");
	CHECK_EXIT(EXIT_IO, 2, PORT(0xffff) | IN | BYTES(2));
}

TEST(unconditional_exiting_needs_no_bitmap)
{
	u32 a = 0;

	CHECK_DONE(service3(SERVICE_CONTROL, FIELD_CPU, CPU_UNCONDITIONAL_IO,
			    CPU_IO_BITMAPS));
	PROVOKE("in $0x90, %%al" : "+a"(a) : : "cc");
	CHECK_EXIT(EXIT_IO, 2, PORT(0x90) | IMMEDIATE | IN | BYTES(1));
}
