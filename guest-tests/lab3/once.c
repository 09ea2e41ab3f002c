/** @file
 * Each device is asked once, in the order of the instruction.
 *
 * The devices keep the count.  An instruction with two operands in devices is
 * run three times; what it has read before must not be read again.
 */
#include "guest-tests/lab3/lab3.h"

static void movsb(u64 *from, u64 *to)
{
	asm volatile("movsb" : "+S"(*from), "+D"(*to) : : "memory");
}

/** CMPSL. @return RFLAGS */
static u64 cmpsl(u64 from, u64 to)
{
	u64 flags;

	asm volatile("cmpsl\n\t"
		     "pushfq\n\t"
		     "popq %0"
		     : "=r"(flags), "+S"(from), "+D"(to)
		     :
		     : "memory", "cc");
	return flags;
}

TEST(movs_from_fifo_pops_once)
{
	u64 fifo = device_make(DEVICE_FIFO, DEVICE_OUTSIDE, HERE, PAGE_SIZE);
	u64 sink = device_make(DEVICE_MIRROR, DEVICE_OUTSIDE, THERE, PAGE_SIZE);
	u64 from = HERE, to = THERE;

	device_fill(fifo, 0x5a);
	device_fill(fifo, 0xa5);
	device_clear_exits();
	movsb(&from, &to);
	CHECK_EXITS(device_clear_exits(), 2,
		    "MOVSB from device to device is one read exit and one "
		    "write exit (spec 3.10-1)");
	CHECK_COUNT(vmcall_device(fifo, DEVICE_READS), 1,
		    "MOVSB from a FIFO pops it once (spec 3.10-1)");
	CHECK_COUNT(vmcall_device(sink, DEVICE_WRITES), 1,
		    "MOVSB pushes its byte once (spec 3.10-1)");
	CHECK_EQ(device_log(sink, 0).value, 0x5a,
		 "MOVSB pushes the byte that it has popped (spec 3.10-1)");
	CHECK_EQ(from, HERE + 1, "MOVSB moves RSI on by one");
	CHECK_EQ(to, THERE + 1, "MOVSB moves RDI on by one");
	CHECK_EQ(mmio_read1(HERE), 0xa5,
		 "the next instruction gets the next byte of the FIFO");
}

/** Two answers from outside: which of them is which? */
TEST(cmps_asks_each_device_once)
{
	u64 left = device_make(DEVICE_FIFO, DEVICE_OUTSIDE, HERE, PAGE_SIZE);
	u64 right = device_make(DEVICE_FIFO, DEVICE_OUTSIDE, THERE, PAGE_SIZE);
	u64 flags;

	device_fill(left, 0x10000007);
	device_fill(left, 0x20000009);
	device_fill(right, 0x10000008);
	device_fill(right, 0x20000009);
	flags = cmpsl(HERE, THERE);
	CHECK_COUNT(vmcall_device(left, DEVICE_READS), 1,
		    "CMPS pops the FIFO at RSI once (spec 3.10-3)");
	CHECK_COUNT(vmcall_device(right, DEVICE_READS), 1,
		    "CMPS pops the FIFO at RDI once (spec 3.10-3)");
	CHECK_COUNT(device_log(left, 0).order, 0,
		    "CMPS asks the device at RSI first (spec 3.10-3)");
	CHECK_EQ(flags & (FLAG_CF | FLAG_ZF), FLAG_CF,
		 "CMPS compares the value at RSI with the one at RDI: 7 is "
		 "below 8 (spec 3.4)");
	CHECK_EQ(cmpsl(HERE, THERE) & (FLAG_CF | FLAG_ZF), FLAG_ZF,
		 "CMPS of two equal values sets ZF (spec 3.4)");
}

/** One operand in the core, the other outside; and the other way round. */
TEST(core_device_is_not_asked_again)
{
	u64 core = device_make(DEVICE_STREAM, DEVICE_IN_CORE, HERE, PAGE_SIZE);
	u64 vmm = device_make(DEVICE_FIFO, DEVICE_OUTSIDE, THERE, PAGE_SIZE);
	u64 first = (u32)hypercall_stream(0), second = (u32)hypercall_stream(1);

	device_fill(vmm, first);
	device_fill(vmm, second);
	CHECK_EQ(cmpsl(HERE, THERE) & FLAG_ZF, FLAG_ZF,
		 "a value from a device in the core is kept while the VMM is "
		 "asked (spec 3.2)");
	CHECK_COUNT(vmcall_device(core, DEVICE_READS), 1,
		    "a device in the core is not asked again in the second "
		    "pass (spec 3.2)");
	CHECK_EQ(cmpsl(THERE, HERE) & FLAG_ZF, FLAG_ZF,
		 "a value from the VMM is kept while a device in the core is "
		 "asked (spec 3.2)");
	CHECK_COUNT(vmcall_device(core, DEVICE_READS), 2,
		    "a device in the core is asked once by each instruction");
	CHECK_COUNT(vmcall_device(vmm, DEVICE_READS), 2,
		    "a device outside is asked once by each instruction");
}

/** A register that changes when it is read, and a read-modify-write. */
TEST(add_to_memory_is_one_read_one_write)
{
	u64 latch = device_make(DEVICE_LATCH, DEVICE_OUTSIDE, HERE, 8);
	u64 flags;

	device_fill(latch, 0x7fffffff);
	device_clear_exits();
	asm volatile("addl %2, (%1)\n\t"
		     "pushfq\n\t"
		     "popq %0"
		     : "=r"(flags)
		     : "b"(HERE), "r"(1)
		     : "memory", "cc");
	CHECK_EXITS(device_clear_exits(), 2,
		    "ADD to a device is one read exit and one write exit (spec "
		    "3.10-4)");
	CHECK_FALSE(device_log(latch, 0).is_write,
		    "ADD to a device reads first (spec 3.10-4)");
	CHECK_EQ(device_log(latch, 1).value, 0x80000000,
		 "ADD writes the sum of what it has read (spec 3.10-4)");
	CHECK_TRUE(device_log(latch, 1).is_write,
		   "ADD to a device writes at last (spec 3.10-4)");
	CHECK_EQ(flags & (FLAG_OF | FLAG_SF | FLAG_ZF | FLAG_CF),
		 FLAG_OF | FLAG_SF,
		 "ADD sets the flags by the value that it has read (spec "
		 "3.10-4)");
}

/** A device in the core must not be told from one outside. */
static void check_locked(u64 device)
{
	u64 flags;
	u32 eax = 1;

	device_fill(device, 7);
	asm volatile("lock cmpxchgl %3, (%2)\n\t"
		     "pushfq\n\t"
		     "popq %0"
		     : "=r"(flags), "+a"(eax)
		     : "b"(HERE), "r"(2)
		     : "memory", "cc");
	CHECK_COUNT(device_accesses(device), 2,
		    "LOCK CMPXCHG on a device is one read and one write (spec "
		    "3.10-11)");
	CHECK_EQ(device_log(device, 1).value, 7,
		 "LOCK CMPXCHG that finds another value writes the old one "
		 "back (spec 3.6)");
	CHECK_EQ(eax, 7, "LOCK CMPXCHG gives what it has found");
	CHECK_EQ(flags & FLAG_ZF, 0,
		 "LOCK CMPXCHG that finds another value clears ZF (spec "
		 "3.10-11)");

	device_fill(device, 40);
	eax = 2;
	asm volatile("lock xaddl %0, (%1)"
		     : "+a"(eax)
		     : "b"(HERE)
		     : "memory", "cc");
	CHECK_EQ(eax, 40, "LOCK XADD gives the value that it has read once "
		 "(spec 3.10-12)");
	CHECK_EQ(device_log(device, 3).value, 42,
		 "LOCK XADD writes the sum (spec 3.10-12)");
	CHECK_COUNT(device_accesses(device), 4,
		    "LOCK XADD on a device is one read and one write (spec "
		    "3.10-12)");
}

TEST(locked_operations_read_once_and_write_once)
{
	check_locked(device_make(DEVICE_LATCH, DEVICE_OUTSIDE, HERE, 8));
}

TEST(locked_operations_in_the_core_do_the_same)
{
	check_locked(device_make(DEVICE_LATCH, DEVICE_IN_CORE, HERE, 8));
}

/** The processor reports one address; the other operand has the same offset. */
TEST(operands_at_one_offset_keep_apart)
{
	static u8 page[PAGE_SIZE] __aligned(PAGE_SIZE);
	u64 mirror = device_make(DEVICE_MIRROR, DEVICE_OUTSIDE, HERE,
				 PAGE_SIZE);
	u64 from = (u64)page + 0x123, to = HERE + 0x123;

	page[0x123] = 0x77;
	movsb(&from, &to);
	CHECK_EQ(device_log(mirror, 0).value, 0x77,
		 "MOVS to a device takes its byte from RAM, though both lie at "
		 "the same offset of their pages (spec 3.10-26)");
	device_fill(mirror, 0x11);
	from = HERE + 0x123;
	to = (u64)page + 0x123;
	movsb(&from, &to);
	CHECK_EQ(page[0x123], 0x11,
		 "MOVS from a device puts its byte into RAM, though both lie "
		 "at the same offset of their pages (spec 3.10-26)");
	CHECK_COUNT(device_accesses(mirror), 2,
		    "each MOVS asks the device once");
}
