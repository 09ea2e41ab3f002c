/** @file
 * Sixteen bytes: more than one piece a page.
 *
 * Nobody is asked for more than 8 bytes at a time.  The core's devices take
 * from the front, piece by piece; at the first refusal the rest of the page is
 * the VMM's, and no device of the core is asked behind it.
 */
#include "guest-tests/lab4/lab4.h"

#define PATTERN DEVICE_PATTERN_GPA
#define LAST(page, n) ((page) + PAGE_SIZE - (n))

/** Two made devices' pages. */
#define NEAR DEVICE_FREE_GPA
#define FAR (DEVICE_FREE_GPA + 0x40000000ull)

struct wide {
	u64 low, high;
};

static const struct wide value = { VALUE, 0xffeeddccbbaa0099ull };

/* MOVDQU xmm, m   F3 0F 6F /r; MOVDQU m, xmm   F3 0F 7F /r */
static struct wide wide_read(u64 from)
{
	struct wide to;

	asm volatile("movdqu (%1), %%xmm1\n\tmovdqu %%xmm1, (%0)"
		     :
		     : "r"(&to), "b"(from)
		     : "memory");
	return to;
}

static void wide_write(u64 to, const struct wide *from)
{
	asm volatile("movdqu (%0), %%xmm1\n\tmovdqu %%xmm1, (%1)"
		     :
		     : "r"(from), "b"(to)
		     : "memory");
}

/** Bytes first to first + bytes - 1 of the sixteen. */
static u64 part(unsigned int first, unsigned int bytes)
{
	u64 data = 0;

	memcpy(&data, (const u8 *)&value + first, bytes);
	return data;
}

static void check_read(struct wide seen, u64 low, u64 high, const char *rule)
{
	struct check_place place = { rule, __FILE__, __LINE__, FORMAT_HEX };

	check_equal(&place, seen.low, low);
	check_equal(&place, seen.high, high);
}

TEST(sixteen_bytes_leave_in_two_pieces)
{
	u64 at = PATTERN + 0x10;

	lab4_begin();
	check_read(wide_read(at), lab4_pattern(at, 8), lab4_pattern(at + 8, 8),
		   "both halves of a 16-byte load are their pieces' answers");
	CHECK_LEFT(0, LOAD(at, 8, lab4_pattern(at, 8)),
		   "a piece has at most 8 bytes (spec 4.5-6)");
	CHECK_LEFT(1, LOAD(at + 8, 8, lab4_pattern(at + 8, 8)),
		   "the second piece has its own address (spec 4.5-6)");
	CHECK_LEAVES(2, "16 bytes are two exits (spec 4.5-6)");

	lab4_begin();
	wide_write(at, &value);
	CHECK_LEFT(0, STORE(at, 8, value.low),
		   "the lower eight bytes leave first (spec 4.1)");
	CHECK_LEFT(1, STORE(at + 8, 8, value.high),
		   "the second piece has the upper eight bytes (spec 4.1)");
	CHECK_LEAVES(2, "16 bytes are two exits (spec 4.5-6)");
}

/** Four, eight, four, whatever the two pages are. */
TEST(sixteen_bytes_over_two_pages)
{
	u64 middle = lab4_window(NOBODY_FAR, NOBODY_NEAR);

	lab4_begin();
	wide_write(middle - 4, &value);
	CHECK_LEFT(0, STORE(LAST(NOBODY_FAR, 4), 4, part(0, 4)),
		   "the first page's part leaves first (spec 4.5-7)");
	CHECK_LEFT(1, STORE(NOBODY_NEAR, 8, part(4, 8)),
		   "the second page's part leaves in pieces of 8 (spec 4.5-7)");
	CHECK_LEFT(2, STORE(NOBODY_NEAR + 8, 4, part(12, 4)),
		   "and the remainder (spec 4.5-7)");
	CHECK_LEAVES(3, "4, 8 and 4 bytes (spec 4.5-7)");

	middle = lab4_window(lab4_ram_gpa(0), NOBODY_NEAR);
	lab4_begin();
	wide_write(middle - 4, &value);
	CHECK_EQ(*(u32 *)&lab4_ram[0][PAGE_SIZE - 4], part(0, 4),
		 "RAM has its part (spec 4.5-7)");
	CHECK_LEFT(0, STORE(NOBODY_NEAR, 8, part(4, 8)),
		   "RAM first: 8 and 4 leave (spec 4.5-7)");
	CHECK_LEFT(1, STORE(NOBODY_NEAR + 8, 4, part(12, 4)),
		   "RAM first: 8 and 4 leave (spec 4.5-7)");

	middle = lab4_window(NOBODY_NEAR, lab4_ram_gpa(1));
	lab4_begin();
	wide_write(middle - 4, &value);
	CHECK_EQ(*(u64 *)lab4_ram[1], part(4, 8), "RAM has its part");
	CHECK_EQ(*(u32 *)&lab4_ram[1][8], part(12, 4), "RAM has all its part");
	CHECK_LEAVES(1, "RAM second: 4 bytes leave (spec 4.5-7)");
	CHECK_LEFT(0, STORE(LAST(NOBODY_NEAR, 4), 4, part(0, 4)),
		   "RAM second: 4 bytes leave (spec 4.5-7)");
}

static u64 pieces(u64 bytes)
{
	return (bytes + 7) / 8;
}

/** Storage far apart: what is stored over it is what is loaded. */
TEST(every_split_of_sixteen_bytes)
{
	u64 near = device_make(DEVICE_MIRROR, DEVICE_OUTSIDE, NEAR, 4096);
	u64 far = device_make(DEVICE_MIRROR, DEVICE_OUTSIDE, FAR, 4096);
	u64 middle = lab4_window(FAR, NEAR);

	for (u64 n = 1; n < 16; n++) {
		device_fill(near, 0xee);
		device_fill(far, 0xee);
		lab4_begin();
		wide_write(middle - n, &value);
		CHECK_LEAVES(pieces(n) + pieces(16 - n),
			     "each page's part leaves in as many pieces as it "
			     "needs (spec 4.2)");
		check_read(wide_read(middle - n), value.low, value.high,
			   "what was stored in pieces is loaded in pieces");
		CHECK_EQ(mmio_read1(FAR + PAGE_SIZE - n - 1), 0xee,
			 "the byte before is untouched");
		CHECK_EQ(mmio_read1(NEAR + 16 - n), 0xee,
			 "the byte behind is untouched");
	}
}

/** A device of 8 bytes in the core, and nobody behind it. */
TEST(core_device_takes_the_front)
{
	u64 core = device_make(DEVICE_MIRROR, DEVICE_IN_CORE, NEAR + 0x100, 8);

	lab4_begin();
	wide_write(NEAR + 0x100, &value);
	CHECK_EQ(device_log(core, 0).value, value.low,
		 "a device of the core gets the piece that it takes");
	CHECK_LEAVES(1, "only what the core refuses leaves (spec 4.5-8)");
	CHECK_LEFT(0, STORE(NEAR + 0x108, 8, value.high),
		   "the rest leaves with its own address and bytes (spec "
		   "4.5-8)");

	lab4_begin();
	check_read(wide_read(NEAR + 0x100), value.low, ~0ull,
		   "the core's bytes stay in front of the VMM's answer (spec "
		   "4.5-8)");
	CHECK_LEFT(0, LOAD(NEAR + 0x108, 8, ~0ull),
		   "only the rest of a load leaves (spec 4.5-8)");
	CHECK_COUNT(device_accesses(core), 2, "the device was asked once each");
}

/** The same device behind 8 bytes of nobody's. */
TEST(behind_a_refusal_no_device_is_asked)
{
	u64 core = device_make(DEVICE_MIRROR, DEVICE_IN_CORE, NEAR + 0x108, 8);

	lab4_begin();
	wide_write(NEAR + 0x100, &value);
	CHECK_COUNT(device_accesses(core), 0,
		    "behind a refusal no device of the core is asked (spec "
		    "4.5-9)");
	CHECK_LEFT(0, STORE(NEAR + 0x100, 8, value.low),
		   "both pieces go to the VMM (spec 4.5-9)");
	CHECK_LEFT(1, STORE(NEAR + 0x108, 8, value.high),
		   "both pieces go to the VMM (spec 4.5-9)");
	lab4_begin();
	check_read(wide_read(NEAR + 0x100), ~0ull, ~0ull,
		   "both answers are the VMM's (spec 4.5-9)");
	CHECK_LEAVES(2, "both pieces go to the VMM (spec 4.5-9)");
	CHECK_COUNT(device_accesses(core), 0,
		    "behind a refusal no device of the core is asked");
}

/**
 * 5 bytes on one page, 11 on the other: the core's devices know 1, 2, 4 and 8.
 * Of the second page's part they take the 8 and refuse the 3.
 */
TEST(refusal_in_the_middle_of_a_page)
{
	u64 first = device_make(DEVICE_MIRROR, DEVICE_IN_CORE, FAR, 4096);
	u64 second = device_make(DEVICE_MIRROR, DEVICE_IN_CORE, NEAR, 4096);
	u64 middle = lab4_window(FAR, NEAR);

	lab4_begin();
	wide_write(middle - 5, &value);
	CHECK_COUNT(device_accesses(first), 0,
		    "a width that a device has not is refused whole");
	CHECK_EQ(device_log(second, 0).value, part(5, 8),
		 "the second page's device is asked although the first page "
		 "waits (spec 4.2)");
	CHECK_COUNT(device_accesses(second), 1, "it takes the front");
	CHECK_LEFT(0, STORE(LAST(FAR, 5), 5, part(0, 5)),
		   "the first page's part leaves whole");
	CHECK_LEFT(1, STORE(NEAR + 8, 3, part(13, 3)),
		   "of the second page's part only the rest leaves");
	CHECK_LEAVES(2, "what the core took does not leave");
}

TEST(trace_of_sixteen_bytes)
{
	u64 at = PATTERN + 0x20;

	lab4_begin();
	wide_read(at);
	CHECK_EVENTS("a fragment of 16 bytes is unsatisfied once, read once, "
		     "at its beginning (spec 5-7, 5-16)",
		     UNSATISFIED(16, at), READ(16, at, lab4_pattern(at, 8)));
	wide_write(at, &value);
	CHECK_EVENTS("a chunk of 16 bytes is one write (spec 5)",
		     WRITE(16, at, value.low));

	device_make(DEVICE_MIRROR, DEVICE_IN_CORE, NEAR + 0x100, 8);
	mmio_write8(NEAR + 0x100, VALUE);
	lab4_begin();
	wide_read(NEAR + 0x100);
	CHECK_EVENTS("what the core gives is read, the rest unsatisfied (spec "
		     "5-5)",
		     READ(8, NEAR + 0x100, VALUE), UNSATISFIED(8, NEAR + 0x108),
		     READ(8, NEAR + 0x108, ~0ull));

	lab4_window(NOBODY_FAR, PATTERN);
	lab4_begin();
	wide_write(PAGES_FREE_GVA + PAGE_SIZE - 5, &value);
	CHECK_EVENTS("each chunk is one write, whole (spec 5-9)",
		     WRITE(5, LAST(NOBODY_FAR, 5), part(0, 5)),
		     WRITE(11, PATTERN, part(5, 8)));
}

/** Three pieces, each of which the vCPU may leave its home in. */
TEST(sixteen_bytes_survive_the_middle)
{
	u64 near = device_make(DEVICE_MIRROR, DEVICE_OUTSIDE, NEAR, 4096);
	u64 far = device_make(DEVICE_MIRROR, DEVICE_OUTSIDE, FAR, 4096);
	u64 middle = lab4_window(FAR, NEAR);

	for (u32 piece = 1; piece <= 3; piece++) {
		device_fill(near, 0);
		device_fill(far, 0);
		lab4_begin();
		lab4_hook(IO_HOOK_SCRIBBLE, piece);
		lab4_hook(IO_HOOK_MOVE, piece);
		wide_write(middle - 4, &value);
		lab4_hook(IO_HOOK_SCRIBBLE, piece);
		lab4_hook(IO_HOOK_MOVE, piece);
		check_read(wide_read(middle - 4), value.low, value.high,
			   "16 bytes arrive whole, whatever happens between "
			   "their pieces (spec 10.9)");
		CHECK_LEAVES(6, "each piece leaves once");
		CHECK_COUNT(lab4_middle().moves, 2, "the vCPU has moved");
	}
}
