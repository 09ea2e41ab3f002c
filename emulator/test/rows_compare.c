/** @file
 * Both processors on the same instruction, and all that they leave behind.
 */
#include "emulator/test/rows.h"

#include <stdio.h>

#include "emulator/flags.h"

u64 rows_code_at(const struct rows *r, u64 address)
{
	return r->mode == MODE_16 ? address - NATIVE_CODE_BASE : address;
}

static void fail_bytes(const struct native_state *s, const char *what,
		       u64 ours, u64 theirs)
{
	char text[3 * 16 + 1] = "";
	unsigned int i;

	for (i = 0; i < s->length; i++) {
		snprintf(&text[3 * i], 4, "%02x ", s->bytes[i]);
	}
	fail_msg("%u-bit code, %s: %s %llx, the processor says %llx",
		 8 * s->mode, text, what, (unsigned long long)ours,
		 (unsigned long long)theirs);
}

/** The vector of the fault that emulation ended in, or NATIVE_NO_FAULT. */
static int emulate(struct rows *r, const struct native_state *input)
{
	struct world *w = r->w;
	u64 rip = rows_code_at(r, NATIVE_CODE);
	enum emul_result result;

	memcpy(harness_ram(w, RAM(ROWS_DATA_PAGE)), native_data(),
	       2 * PAGE_SIZE);
	memcpy(w->gpr, input->gpr, sizeof(w->gpr));
	memcpy(w->xmm, input->xmm, sizeof(w->xmm));
	memcpy(&w->ram[0][NATIVE_CODE & ~PAGE_MASK], input->bytes,
	       input->length);
	w->e.rip = rip;
	w->e.rflags = input->rflags | 0x202 | r->kept;
	do {
		result = emulator_run(&w->e);
		if (result == EMUL_FAULT) {
			return w->e.exception.vector;
		}
		if (result != EMUL_DONE) {
			fail_bytes(input, w->e.error ? w->e.error : "result",
				   result, EMUL_DONE);
		}
	} while (w->e.rip == rip);
	return NATIVE_NO_FAULT;
}

static void compare_registers(struct rows *r, const struct native_state *native)
{
	u64 mask = r->mode == MODE_64 ? ~0ull : ~0u;
	unsigned int i;

	for (i = 0; i < (r->mode == MODE_64 ? 16 : 8); i++) {
		if ((r->w->gpr[i] ^ native->gpr[i]) & mask) {
			fail_bytes(native, "register", r->w->gpr[i],
				   native->gpr[i]);
		}
	}
}

static void compare_xmm(struct rows *r, const struct native_state *native)
{
	unsigned int count = r->mode == MODE_64 ? 16 : 8;

	if (memcmp(r->w->xmm, native->xmm, count * sizeof(native->xmm[0]))) {
		fail_bytes(native, "an XMM register differs", 0, 0);
	}
}

static void compare_rip(struct rows *r, const struct native_state *native)
{
	u64 rip = NATIVE_CODE;

	if (native->vector == NATIVE_NO_FAULT) {
		rip = native->landed ? NATIVE_LANDING
				     : NATIVE_CODE + native->length;
	}
	if (r->w->e.rip != rows_code_at(r, rip)) {
		fail_bytes(native, "RIP", r->w->e.rip, rows_code_at(r, rip));
	}
}

void rows_compare(struct rows *r, const struct native_state *input,
		  u64 undefined)
{
	u64 checked = FLAGS_STATUS | RFLAGS_DF | RFLAGS_RF | RFLAGS_ID;
	struct native_state native = *input;
	int vector;

	native.mode = r->mode;
	vector = emulate(r, &native);
	native_run(&native);
	r->compared++;
	if (vector != native.vector) {
		fail_bytes(&native, "vector", vector, native.vector);
	}
	if (vector >= VECTOR_SS && vector <= VECTOR_GP &&
	    r->w->e.exception.error_code != native.error_code) {
		fail_bytes(&native, "error code",
			   r->w->e.exception.error_code, native.error_code);
	}
	compare_registers(r, &native);
	compare_xmm(r, &native);
	compare_rip(r, &native);
	if (vector == NATIVE_NO_FAULT &&
	    ((r->w->e.rflags ^ native.rflags) & checked & ~undefined)) {
		fail_bytes(&native, "RFLAGS", r->w->e.rflags, native.rflags);
	}
	if ((r->w->e.rflags & ROWS_KEPT) != r->kept) {
		fail_bytes(&native, "flags of the system", r->w->e.rflags,
			   r->kept);
	}
	if (memcmp(harness_ram(r->w, RAM(ROWS_DATA_PAGE)), native_data(),
		   2 * PAGE_SIZE)) {
		fail_bytes(&native, "memory differs", 0, 0);
	}
}
