/** @file
 * The emulator on random instructions in a random world (libFuzzer).
 *
 * tools/check/fuzz builds and runs this.  An input is a mode, flags, registers
 * that point into a small guest with RAM, a read-only page, a core device and
 * MMIO, then fifteen bytes of code, then what the VMM answers; a GDT of random
 * descriptors, real or protected mode, the conditions of SSE.  Nothing says
 * what should come out; instead the promises of emulator.h are checked, which
 * hold for any instruction whatever, and the sanitizers watch the rest:
 *
 *	a result of the five, with what belongs to it
 *	registers that change only when something has retired, segments,
 *	tables, control and XMM registers too
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
	u8 system;    /* see make_system() */
	u8 types[16]; /* bits 47:40 of the GDT's descriptors */
};

static const u64 places[] = {
	0x10000,	  0x10ffc, 0x11ff8, 0x12ff9,
	0x13000,	  0x13ffd, 0x14000, 0x20000,
	0x7ffffffffff0,   0xffff,  0,	    0xfffffffe,
	0x800000000000,	  CODE_AT, 3,	    ~0ull,
	0x08,		  0x18,	   0x30,    0x58,
	0x60,		  0x70,	   0x300,   0x10800,
};

/** Where the GDT is; the TSS and its bitmap are RAM as well. */
#define GDT 0x11000ull
#define TSS 0x10400ull

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Descriptors with a byte of the input each; the rest makes sense. */
static void make_tables(struct world *w, const struct input *in)
{
	u64 *gdt = harness_ram(w, RAM(2));
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(in->types); i++) {
		gdt[i] = 0x000f00000000ffffull | (u64)in->types[i] << 40 |
			 (u64)(in->noise[i] & 0xf0) << 48;
	}
	w->tables[SYSTEM_GDT] = (struct table_base){
		in->system & 64 ? gva(0x13000) : gva(GDT),
		sizeof(in->types) * 8 - 1,
	};
	w->tables[SYSTEM_IDT] = (struct table_base){ gva(GDT), 0x1ff };
	w->segments[SEGMENT_TR].base = gva(TSS);
	w->segments[SEGMENT_TR].limit = in->system & 16 ? 0x67 : 0x3ff;
}

static void make_system(struct world *w, const struct input *in)
{
	make_tables(w, in);
	if (in->system & 1 && w->e.mode != MODE_64) {
		w->control[SYSTEM_CR0] = 0x10;
		w->cpl = 0;
	}
	w->control[SYSTEM_CR0] |= in->system & 2 ? CONTROL_CR0_TS : 0;
	w->control[SYSTEM_CR0] |= in->system & 4 ? CONTROL_CR0_EM : 0;
	if (in->system & 8 || w->e.mode != MODE_64) {
		w->segments[SEGMENT_LDTR] = w->segments[SEGMENT_DS];
		w->segments[SEGMENT_LDTR].base = gva(GDT);
	}
	if (in->system & 32 && w->e.mode == MODE_16) {
		w->e.rflags |= RFLAGS_VM;
		w->cpl = 3;
	}
	if (w->e.mode != MODE_64) {
		w->control[SYSTEM_EFER] = in->system & 128 ? 0x500 : 0;
	}
}

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
	make_system(w, in);
	harness_code(w, in->code, INSN_MAX);
	return w;
}

/** What the emulator may not change before something has retired. */
struct visible {
	u64 gpr[16];
	u64 rip;
	u64 rflags;
	struct segment_register segments[SEGMENT_TR + 1];
	struct table_base tables[2];
	u64 control[SYSTEM_EFER + 1];
	u64 debug[8];
	struct xmm_value xmm[16];
};

static struct visible look(const struct world *w)
{
	struct visible v;

	memset(&v, 0, sizeof(v)); /* compared as bytes */
	v.rip = w->e.rip;
	v.rflags = w->e.rflags;
	memcpy(v.gpr, w->gpr, sizeof(v.gpr));
	memcpy(v.segments, w->segments, sizeof(v.segments));
	memcpy(v.tables, w->tables, sizeof(v.tables));
	memcpy(v.control, w->control, sizeof(v.control));
	memcpy(v.debug, w->debug, sizeof(v.debug));
	memcpy(v.xmm, w->xmm, sizeof(v.xmm));
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
