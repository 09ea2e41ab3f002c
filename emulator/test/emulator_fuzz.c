/** @file
 * The emulator on random instructions in a random world (libFuzzer).
 *
 * tools/check/fuzz builds and runs this.  An input is a mode, flags, registers
 * that point into a small guest with RAM, a read-only page, a core device and
 * MMIO, then fifteen bytes of code, then what the VMM answers.  Nothing says
 * what should come out; instead the promises of emulator.h are checked, which
 * hold for any instruction whatever, and the sanitizers watch the rest:
 *
 *	a result of the five, with what belongs to it
 *	registers that change only when something has retired
 *	a question of 1 to 8 bytes that lie in one page, or none at all
 *	an end: no instruction asks forever
 */
#include "emulator/test/harness.h"

#include <stdlib.h>
#include <string.h>

/** More than any instruction asks: a string's batch, two pieces of 16 bytes. */
#define QUESTIONS_MAX 4096

/** What libFuzzer makes up; all of it may be anything. */
struct input {
	u8 mode; /* low two bits */
	u8 flags[2];
	u8 pointers[16]; /* one a register: what it points to */
	u8 noise[16];	 /* and how far from there */
	u8 code[INSN_MAX];
	u8 answers[8];
};

static const u64 places[] = {
	0x10000,	  0x10ffc, 0x11ff8, 0x12ff9,
	0x13000,	  0x13ffd, 0x14000, 0x20000,
	0x7ffffffffff0,   0xffff,  0,	    0xfffffffe,
	0x800000000000,	  CODE_AT, 3,	    ~0ull,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** 10000h, 11000h RAM; 12000h read-only; 13000h MMIO; 14000h core device. */
static struct world *make_world(const struct input *in)
{
	static const enum emul_mode modes[] = { MODE_64, MODE_64, MODE_32,
						MODE_16 };
	struct world *w = harness_new();
	unsigned int i;

	harness_map(w, 0x10000, RAM(1), 2);
	harness_map_readonly(w, 0x12000, RAM(3));
	harness_map(w, 0x13000, MMIO, 1);
	harness_map(w, 0x14000, MMIO + 2 * PAGE_SIZE, 1);
	w->core.base = MMIO + 2 * PAGE_SIZE;
	w->core.length = PAGE_SIZE;
	w->e.traced = false;
	w->e.mode = modes[in->mode & 3];
	w->e.stack_size = in->mode & 4 ? 4 : 2;
	w->segments[SEGMENT_DS].limit = in->mode & 8 ? 0x12fff : ~0u;
	w->segments[SEGMENT_ES].rights ^= in->mode & 16 ? RIGHTS_DOWN : 0;
	w->cpl = in->mode >> 6;
	w->e.rflags = 2 | (in->flags[0] | in->flags[1] << 8) % 0x8000;
	for (i = 0; i < 16; i++) {
		w->gpr[i] = places[in->pointers[i] % ARRAY_SIZE(places)] +
			    in->noise[i] % 16;
	}
	harness_code(w, in->code, INSN_MAX);
	return w;
}

/** What the emulator may not change before something has retired. */
struct visible {
	u64 gpr[16];
	u64 rip;
	u64 rflags;
};

static struct visible look(const struct world *w)
{
	struct visible v = { .rip = w->e.rip, .rflags = w->e.rflags };

	memcpy(v.gpr, w->gpr, sizeof(v.gpr));
	return v;
}

static void must(bool holds)
{
	if (!holds) {
		abort();
	}
}

/** The question that is due must be one. */
static void check_question(const struct world *w)
{
	struct mmio_piece piece;
	struct port_piece port;

	if (emulator_port(&w->e, &port)) {
		must(port.size == 1 || port.size == 2 || port.size == 4);
		return;
	}
	must(emulator_piece(&w->e, &piece));
	must(piece.len >= 1 && piece.len <= MMIO_PIECE_MAX);
	must(gpa_offset(piece.gpa) + piece.len <= PAGE_SIZE);
}

static void check_result(const struct world *w, enum emul_result result,
			 const struct visible *before, bool after_write)
{
	struct visible after = look(w);

	must(emulator_has_pending(&w->e) == (result == EMUL_IO_NEEDED));
	must(w->e.retired || !memcmp(before, &after, sizeof(after)));
	switch (result) {
	case EMUL_DONE:
		must(w->e.retired || after_write);
		break;
	case EMUL_FAULT:
		must(w->e.exception.vector < 32);
		break;
	case EMUL_IO_NEEDED:
		check_question(w);
		break;
	case EMUL_UNHANDLEABLE:
		must(w->e.error != NULL);
		break;
	case EMUL_RETRY:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { .mode = 0 };
	struct visible before;
	enum emul_result result;
	struct port_piece port;
	unsigned int questions;
	struct world *w;
	bool is_write;

	memcpy(&in, data, size < sizeof(in) ? size : sizeof(in));
	w = make_world(&in);
	before = look(w);
	result = emulator_run(&w->e);
	check_result(w, result, &before, false);
	for (questions = 0; result == EMUL_IO_NEEDED; questions++) {
		must(questions < QUESTIONS_MAX);
		is_write = emulator_port(&w->e, &port)
				   ? port.is_write
				   : w->e.fragments.is_write;
		before = look(w);
		result = emulator_complete(&w->e, in.answers);
		check_result(w, result, &before, is_write);
		in.answers[questions % 8] += 0x35;
	}
	return 0;
}
