/** @file
 * The guest of the tests of gates (gates.h).
 */
#include "emulator/test/gates.h"

static const u64 gdt[] = {
	[CODE_0 / 8] = 0x00cf9b000000ffff,
	[DATA_0 / 8] = 0x00cf93000000ffff,
	[CODE_3 / 8] = 0x00cffb000000ffff,
	[DATA_3 / 8] = 0x00cff3000000ffff,
	[CONFORMING / 8] = 0x00cf9f000000ffff,
	[ABSENT_CODE / 8] = 0x00cf1b000000ffff,
	[SHORT_CODE / 8] = 0x00409b00000000ff,
	[ABSENT_DATA / 8] = 0x00cf13000000ffff,
	[SMALL_DATA / 8] = 0x004093009000000f,
	[CODE_64 / 8] = 0x00af9b000000ffff,
	[TSS / 8] = 0x0000890000000067,
};

u64 gates_make(u32 offset, u16 selector, u8 rights)
{
	return (offset & 0xffff) | (u64)selector << 16 | (u64)rights << 40 |
	       (u64)(offset >> 16) << 48;
}

void gates_set(struct world *w, u8 vector, u16 selector, u8 rights)
{
	u64 *idt = harness_ram(w, IDT_PAGE);

	idt[vector] = gates_make(HANDLER, selector, rights);
}

void gates_segment(struct world *w, enum emul_segment which, u16 selector,
		   unsigned int dpl)
{
	w->segments[which].selector = selector | dpl;
	w->segments[which].rights &= ~(3u << 5);
	w->segments[which].rights |= dpl << 5;
}

static void make_tables(struct world *w)
{
	u32 *tss = harness_ram(w, TSS_PAGE);

	harness_map(w, TABLES, GDT_PAGE, 3);
	harness_map(w, STACK, STACK_PAGE, 1);
	harness_map(w, INNER, INNER_PAGE, 1);
	memcpy(harness_ram(w, GDT_PAGE), gdt, sizeof(gdt));
	w->tables[SYSTEM_GDT] =
		(struct table_base){ gva(TABLES), sizeof(gdt) - 1 };
	w->tables[SYSTEM_IDT] =
		(struct table_base){ gva(TABLES + PAGE_SIZE), 0x1ff };
	w->segments[SEGMENT_TR].base = gva(TABLES + 2 * PAGE_SIZE);
	w->segments[SEGMENT_TR].limit = 0x67;
	w->segments[SEGMENT_TR].selector = TSS;
	tss[1] = INNER_TOP;
	tss[2] = DATA_0;
}

struct world *gates_world(unsigned int cpl)
{
	u16 code = cpl ? CODE_3 : CODE_0, data = cpl ? DATA_3 : DATA_0;
	struct world *w = harness_new();

	make_tables(w);
	w->e.mode = MODE_32;
	w->e.stack_size = 4;
	w->control[SYSTEM_CR0] = 0x11;
	w->control[SYSTEM_EFER] = 0;
	w->gpr[REG_RSP] = STACK_TOP;
	w->cpl = cpl;
	gates_segment(w, SEGMENT_CS, code, cpl);
	gates_segment(w, SEGMENT_SS, data, cpl);
	gates_segment(w, SEGMENT_DS, data, cpl);
	gates_segment(w, SEGMENT_ES, data, cpl);
	gates_set(w, VECTOR, CODE_0, INTERRUPT_32 | DPL_3);
	CODE(w, 0xcd, VECTOR);
	return w;
}

void gates_expect(const struct world *w, u8 vector, u32 error_code)
{
	assert_int_equal(w->e.exception.vector, vector);
	assert_int_equal(w->e.exception.error_code, error_code);
	assert_int_equal(w->e.rip, CODE_AT);
}

u64 gates_value(struct world *w, u64 page, unsigned int n, unsigned int size)
{
	u64 value = 0;

	memcpy(&value, harness_ram(w, page + 0x800 - (u64)size * n), size);
	return value;
}
