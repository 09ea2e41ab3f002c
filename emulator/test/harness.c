/** @file
 * The guest of the host tests (harness.h).
 */
#include "emulator/test/harness.h"

#include <stdlib.h>

#include "bus/errno.h"
#include "bus/lab.h"
#include "emulator/decode.h"

static struct world *world_of(struct emulator *e)
{
	return container_of(e, struct world, e);
}

static enum emul_result translate(struct emulator *e, gva_t at,
				  enum emul_access kind, gpa_t *out)
{
	struct world *w = world_of(e);
	u32 error = (kind == EMUL_WRITE) << 1 | (kind == EMUL_FETCH) << 4;
	unsigned int i;

	*(kind == EMUL_FETCH ? &w->fetches : &w->walks) += 1;
	for (i = 0; i < w->mapping_count; i++) {
		struct mapping *m = &w->mappings[i];

		if (m->gva != gva_page(at).v) {
			continue;
		}
		if (kind == EMUL_WRITE && m->readonly) {
			error |= 1;
			break;
		}
		*out = gpa(m->gpa + gva_offset(at));
		return EMUL_DONE;
	}
	e->exception = (struct exception){ VECTOR_PF, true, error, at };
	return EMUL_FAULT;
}

static void *ram(struct emulator *e, gpa_t at, bool write)
{
	struct world *w = world_of(e);

	w->rams++;
	if (at.v >= RAM(RAM_PAGES) ||
	    (write && w->ram_readonly[gpa_frame(at)])) {
		return NULL;
	}
	return &w->ram[gpa_frame(at)][gpa_offset(at)];
}

static int device(struct emulator *e, struct mmio_piece *piece)
{
	struct core_device *core = &world_of(e)->core;

	if (piece->gpa.v - core->base >= core->length) {
		return -EOPNOTSUPP;
	}
	if (piece->is_write) {
		core->writes++;
		core->last = *piece;
		return 0;
	}
	core->reads++;
	core->last = *piece;
	memcpy(piece->data, &core->value, sizeof(core->value));
	return 0;
}

static unsigned int cpl(struct emulator *e)
{
	return world_of(e)->cpl;
}

static u64 control(struct emulator *e, unsigned int n)
{
	return world_of(e)->control[n];
}

static void trace(struct emulator *e, const struct mmio_trace *event)
{
	struct world *w = world_of(e);

	assert_in_range(w->trace_count, 0, TRACES_MAX - 1);
	w->traces[w->trace_count++] = *event;
}

static void get_segment(struct emulator *e, enum emul_segment which,
			struct segment_register *out)
{
	*out = world_of(e)->segments[which];
}

static void set_segment(struct emulator *e, enum emul_segment which,
			const struct segment_register *in)
{
	world_of(e)->segments[which] = *in;
	if (which == SEGMENT_SS) {
		world_of(e)->cpl = rights_dpl(in->rights);
	}
}

static void get_table(struct emulator *e, enum system_table which,
		      struct table_base *out)
{
	*out = world_of(e)->tables[which];
}

static void set_table(struct emulator *e, enum system_table which,
		      const struct table_base *in)
{
	world_of(e)->tables[which] = *in;
}

/** CR4 takes its low 24 bits only. */
static enum emul_result set_control(struct emulator *e,
				    enum system_control which, u64 value)
{
	if (which == SYSTEM_CR4 && value >> 24) {
		return context_protection(e, VECTOR_GP);
	}
	world_of(e)->control[which] = value;
	return EMUL_DONE;
}

static u64 get_debug(struct emulator *e, unsigned int which)
{
	return world_of(e)->debug[which];
}

static void set_debug(struct emulator *e, unsigned int which, u64 value)
{
	world_of(e)->debug[which] = value;
}

static bool get_msr(struct emulator *e, u32 msr, u64 *value)
{
	*value = world_of(e)->msr_value;
	return msr == HARNESS_MSR;
}

static bool set_msr(struct emulator *e, u32 msr, u64 value)
{
	if (msr == HARNESS_MSR) {
		world_of(e)->msr_value = value;
	}
	return msr == HARNESS_MSR;
}

/** Each leaf's answer is made of the leaf and subleaf. */
static void cpuid(struct emulator *e, struct cpuid_registers *registers)
{
	u32 leaf = registers->eax;

	(void)e;
	*registers = (struct cpuid_registers){ leaf + 1, leaf + 2,
					       registers->ecx + 3, leaf + 4 };
}

static u64 tsc(struct emulator *e)
{
	(void)e;
	return 0x1122334455667788;
}

static void invalidate(struct emulator *e, gva_t address)
{
	world_of(e)->invalidated = address;
}

static int port(struct emulator *e, struct port_piece *piece)
{
	struct world *w = world_of(e);

	if (!w->core_port.size || piece->port != w->core_port.port) {
		return -EOPNOTSUPP;
	}
	w->core_ports++;
	if (piece->is_write) {
		w->core_port.value = piece->value;
	} else {
		piece->value = w->core_port.value;
	}
	return 0;
}

static void get_xmm(struct emulator *e, unsigned int which,
		    struct xmm_value *out)
{
	*out = world_of(e)->xmm[which];
}

static void set_xmm(struct emulator *e, unsigned int which,
		    const struct xmm_value *in)
{
	world_of(e)->xmm[which] = *in;
}

static void x87(struct emulator *e, enum system_x87 what, u16 *word)
{
	struct world *w = world_of(e);

	if (what == SYSTEM_X87_GET_CONTROL) {
		*word = w->x87_control;
	} else if (what == SYSTEM_X87_SET_CONTROL) {
		w->x87_control = *word;
	} else if (what == SYSTEM_X87_GET_STATUS) {
		*word = w->x87_status;
	} else {
		w->x87_status = 0;
		w->x87_control = what == SYSTEM_X87_INIT ? 0x37f
							 : w->x87_control;
	}
}

static const struct system_ops system_world = {
	.get_segment = get_segment,
	.set_segment = set_segment,
	.get_table = get_table,
	.set_table = set_table,
	.set_control = set_control,
	.get_debug = get_debug,
	.set_debug = set_debug,
	.get_msr = get_msr,
	.set_msr = set_msr,
	.cpuid = cpuid,
	.tsc = tsc,
	.invalidate = invalidate,
	.port = port,
	.get_xmm = get_xmm,
	.set_xmm = set_xmm,
	.x87 = x87,
};

static const struct emul_ops ops = {
	.system = &system_world,
	.translate = translate,
	.ram = ram,
	.device = device,
	.cpl = cpl,
	.control = control,
	.trace = trace,
};

/** Flat, present, at CPL 0; protected mode with paging, or 64-bit mode. */
static void make_system(struct world *w)
{
	const u32 common = RIGHTS_S | RIGHTS_P | RIGHTS_DB | RIGHTS_G |
			   RIGHTS_ACCESSED | RIGHTS_WRITABLE;
	unsigned int i;

	for (i = 0; i <= SEGMENT_TR; i++) {
		w->segments[i] = (struct segment_register){
			.limit = ~0u,
			.rights = common,
		};
	}
	w->segments[SEGMENT_CS].rights |= RIGHTS_CODE;
	w->segments[SEGMENT_LDTR].rights = RIGHTS_UNUSABLE;
	w->segments[SEGMENT_TR].rights = RIGHTS_P | SYSTEM_TSS_BUSY;
	w->control[SYSTEM_CR0] = 0x80000011;
	w->control[SYSTEM_CR4] = 0x620; /* PAE, OSFXSR, OSXMMEXCPT */
	w->control[SYSTEM_EFER] = 0x500;
}

struct world *harness_new(void)
{
	static struct world only;
	struct world *w = &only;

	memset(w, 0, sizeof(*w));
	emulator_init(&w->e, &ops);
	w->e.gpr = w->gpr;
	w->e.rflags = 2;
	w->e.traced = true;
	make_system(w);
	harness_map(w, CODE_AT, RAM(0), 1);
	return w;
}

void harness_map(struct world *w, u64 gva, u64 gpa, unsigned int pages)
{
	unsigned int i;

	for (i = 0; i < pages; i++) {
		assert_in_range(w->mapping_count, 0, MAPPINGS_MAX - 1);
		w->mappings[w->mapping_count++] = (struct mapping){
			.gva = gva + i * PAGE_SIZE,
			.gpa = gpa + i * PAGE_SIZE,
		};
	}
}

void harness_map_readonly(struct world *w, u64 gva, u64 gpa)
{
	harness_map(w, gva, gpa, 1);
	w->mappings[w->mapping_count - 1].readonly = true;
}

struct world *harness_pages(u64 first, u64 second)
{
	struct world *w = harness_new();

	harness_map(w, AT, first, 1);
	harness_map(w, NEXT, second, 1);
	w->gpr[REG_RBX] = AT;
	return w;
}

void harness_code(struct world *w, const void *bytes, unsigned int length)
{
	memset(w->ram[0], 0xcc, 64);
	memcpy(w->ram[0], bytes, length);
	w->e.rip = CODE_AT;
}

void *harness_ram(struct world *w, u64 gpa)
{
	return &w->ram[0][0] + gpa;
}

static void expect_result(struct world *w, enum emul_result result,
			  enum emul_result expected)
{
	if (result != expected) {
		fail_msg("%s, expected %s (%s, vector %u at %llx, opcode %02x)",
			 emulator_result_name(result),
			 emulator_result_name(expected),
			 w->e.error ? w->e.error : "no error",
			 w->e.exception.vector,
			 (unsigned long long)w->e.exception.address.v,
			 w->e.insn.opcode);
	}
}

void harness_decode(struct world *w, enum emul_result expected)
{
	expect_result(w, decode_run(&w->e), expected);
}

void harness_run(struct world *w, enum emul_result expected)
{
	expect_result(w, emulator_run(&w->e), expected);
}

void harness_answer(struct world *w, u64 value, enum emul_result expected)
{
	u8 data[8];

	memcpy(data, &value, sizeof(data));
	expect_result(w, emulator_complete(&w->e, data), expected);
}

void harness_expect(struct world *w, u64 gpa, u32 len, bool is_write)
{
	struct mmio_piece piece;

	assert_true(emulator_piece(&w->e, &piece));
	assert_int_equal(piece.gpa.v, gpa);
	assert_int_equal(piece.len, len);
	assert_int_equal(piece.is_write, is_write);
}

u64 harness_data(struct world *w)
{
	struct mmio_piece piece;
	u64 value;

	assert_true(emulator_piece(&w->e, &piece));
	memcpy(&value, piece.data, sizeof(value));
	return value;
}

void harness_trace(struct world *w, unsigned int n, struct mmio_trace expected)
{
	assert_in_range(n, 0, w->trace_count - 1);
	assert_int_equal(w->traces[n].event, expected.event);
	assert_int_equal(w->traces[n].len, expected.len);
	assert_int_equal(w->traces[n].gpa.v, expected.gpa.v);
	assert_int_equal(w->traces[n].value, expected.value);
}

void harness_finish(struct world *w)
{
	u64 rip = w->e.rip;
	unsigned int rounds = 0;

	do {
		harness_run(w, EMUL_DONE);
		assert_in_range(++rounds, 1, 100);
	} while (w->e.rip == rip);
}

void lab_not_written(const char *step, const char *function,
		     const char *header)
{
	fail_msg("lab %s: %s() is not written yet (see %s)", step, function,
		 header);
	abort();
}
