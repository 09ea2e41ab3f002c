/** @file
 * One case, both ways.
 *
 *	PLACE ---> a page of RAM     the processor executes the instruction
 *	PLACE ---> a mirror's page   it exits, and the emulator does
 *
 * The linear address is the same: only the page table entry changes in
 * between.  So registers, flags, memory and the bytes of the instruction must
 * be equal to the last bit, save the flags that the row leaves undefined.
 *
 * A case is made from its seed alone.  When it fails, the message has the
 * seed, and the console what was there before and after.
 */
#include "guest-tests/diff/both.h"

#include "guest-tests/diff/diff.h"
#include "guest-tests/lib/device.h"
#include "guest-tests/lib/test.h"
#include "guest-tests/lib/text.h"

/** Below 2 GiB, so that every form of address can reach it. */
#define PLACE 0x60000000ull

/** Where in a window the stack pointer is (place.c). */
#define STACK_OFFSET 320

/** POPF may load these: no TF, no IF. */
#define POPF 0x9d
#define POPF_FLAGS 0x7cd5ull

/** All that a run leaves behind. */
struct outcome {
	struct state state;
	u8 memory[WINDOW_BYTES] __aligned(8);
	u8 other[WINDOW_BYTES];
	u64 vector; /* TRAP_NONE: no exception */
};

static u8 ram_page[PAGE_SIZE] __aligned(4096);
static u8 other_page[PAGE_SIZE] __aligned(4096);
static u8 code[64] __aligned(64);
static u64 mirror;

static struct form form;
static struct state before;
static u8 memory_before[WINDOW_BYTES] __aligned(8);
static u8 other_before[WINDOW_BYTES] __aligned(8);
static unsigned int length;
static struct outcome native, emulated;
static struct outcome *running;

void both_begin(void)
{
	pages_split(gva(PLACE));
	mirror = device_make(DEVICE_MIRROR, DEVICE_IN_CORE, PLACE, PAGE_SIZE);
}

/** Eight bytes at a time: this is done ten times a case. */
static void copy(void *to, const void *from, unsigned int bytes)
{
	u64 count = bytes / 8;

	asm volatile("rep movsq"
		     : "+D"(to), "+S"(from), "+c"(count)
		     :
		     : "memory");
}

static bool differ(const void *a, const void *b, unsigned int bytes)
{
	const u64 *x = a, *y = b;
	u64 different = 0;

	for (unsigned int i = 0; i < bytes / 8; i++) {
		different |= x[i] ^ y[i];
	}
	return different;
}

/** JMP through the eight bytes behind it, to the epilogue. */
static void add_exit(u8 *at)
{
	static const u8 jmp[6] = { 0xff, 0x25 };
	u64 to = (u64)run_once_end;

	memcpy(at, jmp, sizeof(jmp));
	memcpy(at + sizeof(jmp), &to, sizeof(to));
}

/** Bytes at random, or all the same, so that comparisons find equality. */
static void fill_windows(struct random *random, struct state *state)
{
	u64 byte = (random_next(random) >> 24 & 0xff) * 0x0101010101010101ull;
	bool same = random_below(random, 5) == 0;

	for (unsigned int i = 0; i < WINDOW_BYTES; i += 8) {
		u64 a = same ? byte : random_next(random);
		u64 b = same ? byte : random_next(random);

		*(u64 *)(memory_before + i) = a;
		*(u64 *)(other_before + i) = b;
	}
	if (same && form.base != 0 && form.index != 0 &&
	    !(form.row->marks & ROW_BITS)) {
		state->gpr[0] = byte;
	}
}

/** Addresses and flags where the instruction will take them from. */
static void place_values(void)
{
	u8 *stack = (form.stack_there ? memory_before : other_before) +
		    STACK_OFFSET;
	u64 landing = (u64)code + length;

	if (form.row->flow == FLOW_TO_OPERAND) {
		memcpy(memory_before + form.offset, &landing, 8);
	}
	if (form.row->flow == FLOW_RETURN) {
		memcpy(stack, &landing, 8);
	}
	if (form.row->map == 0 && form.row->opcode == POPF) {
		*(u64 *)stack = (*(u64 *)stack & POPF_FLAGS) | BIT(1);
	}
}

static void make_case(u64 seed)
{
	struct place place = { PLACE, (u64)other_page, code };
	struct random random = { seed * 0xbf58476d1ce4e5b9ull | 1 };

	form_choose(seed, &form, &before);
	random_next(&random);
	fill_windows(&random, &before);
	length = place_form(&form, &place, &before);
	add_exit(code + length);
	place_values();
}

static void execute(void)
{
	run_once(&running->state, code);
}

/** Run the code; the memory behind PLACE has been chosen. */
static void run(struct outcome *out)
{
	struct trap trap;

	copy(&out->state, &before, sizeof(before));
	running = out;
	copy(other_page, other_before, WINDOW_BYTES);
	trap_catch(execute, &trap);
	out->vector = trap.vector;
	copy(out->other, other_page, WINDOW_BYTES);
}

static void run_native(void)
{
	pages_map(gva(PLACE), gpa((u64)ram_page), PAGES_WRITE);
	copy(ram_page, memory_before, WINDOW_BYTES);
	run(&native);
	copy(native.memory, ram_page, WINDOW_BYTES);
}

static void run_emulated(void)
{
	pages_map(gva(PLACE), gpa(PLACE), PAGES_WRITE);
	device_put(mirror, memory_before, WINDOW_BYTES);
	run(&emulated);
	device_get(mirror, emulated.memory, WINDOW_BYTES);
}

static void add_bytes(struct text *text)
{
	for (unsigned int i = 0; i < length; i++) {
		static const char digits[] = "0123456789abcdef";
		char byte[4] = { digits[code[i] >> 4], digits[code[i] & 15],
				 ' ', 0 };

		text_add(text, byte);
	}
}

static void print_pair(const char *name, u64 number, const u64 values[3])
{
	struct text text = { .length = 0 };

	text_add(&text, name);
	text_add_decimal(&text, number);
	for (unsigned int i = 0; i < 3; i++) {
		text_add(&text, i == 0 ? ": before " : i == 1 ? ", native "
							      : ", emulated ");
		text_add_hex(&text, values[i]);
	}
	text_add(&text, "\n");
	text_print(&text);
}

/** For people, on the console: registers, and memory where it differs. */
static void print_all(void)
{
	u64 flags[3] = { before.rflags, native.state.rflags,
			 emulated.state.rflags };

	for (unsigned int i = 0; i < 16; i++) {
		u64 values[3] = { before.gpr[i], native.state.gpr[i],
				  emulated.state.gpr[i] };

		print_pair("register ", i, values);
	}
	print_pair("rflags ", 0, flags);
	for (unsigned int i = 0; i < WINDOW_BYTES; i += 8) {
		u64 values[3];

		memcpy(&values[0], memory_before + i, 8);
		memcpy(&values[1], native.memory + i, 8);
		memcpy(&values[2], emulated.memory + i, 8);
		if (values[0] != values[1] || values[1] != values[2]) {
			print_pair("memory at ", PLACE + i, values);
		}
	}
}

/** BSF and BSR of 0: the destination is undefined (SDM 2A BSF). */
static bool is_undefined(void)
{
	const struct row *row = form.row;

	return row->map == 1 && (row->opcode | 1) == 0xbd &&
	       row->mandatory != 0xf3 && (native.state.rflags & BIT(6));
}

/** What differs, in words; NULL: nothing. */
static const char *difference(void)
{
	u64 flags = (native.state.rflags ^ emulated.state.rflags) &
		    ~(u64)form.row->undefined;

	if (native.vector != emulated.vector) {
		return "exception";
	}
	if (differ(native.memory, emulated.memory, WINDOW_BYTES)) {
		return "memory";
	}
	if (native.vector != TRAP_NONE) {
		return NULL; /* QEMU: RF is missing in the RFLAGS pushed */
	}
	if (differ(native.other, emulated.other, WINDOW_BYTES)) {
		return "other memory";
	}
	if (differ(native.state.gpr, emulated.state.gpr, sizeof(before.gpr)) &&
	    !is_undefined()) {
		return "register";
	}
	if (differ(native.state.xmm, emulated.state.xmm, sizeof(before.xmm))) {
		return "XMM register";
	}
	return flags ? "RFLAGS" : NULL;
}

void both_run(u64 seed)
{
	struct text text = { .length = 0 };
	const char *what;

	make_case(seed);
	run_native();
	if (native.vector == TRAP_UD) {
		return; /* this machine's processor has no such instruction */
	}
	run_emulated();
	what = difference();
	if (!what) {
		return;
	}
	print_all();
	add_bytes(&text);
	text_add(&text, ": another ");
	text_add(&text, what);
	text_add(&text, ", seed=");
	text_add_decimal(&text, seed);
	text_add(&text, " cases=2");
	check_text(CHECK_PLACE("an instruction does on a device what it does "
			       "on memory (spec 3)",
			       FORMAT_TEXT),
		   text.buffer, "no difference");
}
