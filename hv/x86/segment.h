/** @file
 * Segment registers, descriptors and the table registers - SDM 3A 3.4 and 8.
 *
 * In 64-bit mode segments hold nearly nothing: CS says that code is 64-bit,
 * TR says where the stacks for interrupts are, and the bases of FS and GS are
 * MSRs.  A VM exit nevertheless reloads all of them from the VMCS, so that
 * the selectors below are what the VMCS' host-state area holds as well.
 */
#ifndef HV_X86_SEGMENT_H
#define HV_X86_SEGMENT_H

#include "bus/types.h"

/* Our selectors, the same on each CPU; each CPU has its own table. */
#define SEL_CODE64 0x08
#define SEL_DATA 0x10
#define SEL_CODE32 0x18
#define SEL_TSS 0x20 /* two entries long: 0x20 and 0x28 */
#define GDT_ENTRIES 6

/** What LGDT, LIDT, SGDT and SIDT move - SDM 3A 2.4. */
struct table_register {
	u16 limit;
	u64 base;
} __packed;

/** The 64-bit task-state segment - SDM 3A 8.7. */
struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3;
	u16 io_map_base;
} __packed;

_Static_assert(sizeof(struct tss) == 104, "SDM 3A 8.7, figure 8-11");

static inline void lgdt(const struct table_register *gdtr)
{
	asm volatile("lgdt %0" : : "m"(*gdtr) : "memory");
}

static inline void lidt(const struct table_register *idtr)
{
	asm volatile("lidt %0" : : "m"(*idtr) : "memory");
}

static inline void sgdt(struct table_register *gdtr)
{
	asm volatile("sgdt %0" : "=m"(*gdtr) : : "memory");
}

static inline void sidt(struct table_register *idtr)
{
	asm volatile("sidt %0" : "=m"(*idtr) : : "memory");
}

static inline void ltr(u16 selector)
{
	asm volatile("ltr %0" : : "r"(selector) : "memory");
}

static inline u16 str(void)
{
	u16 selector;

	asm volatile("str %0" : "=r"(selector));
	return selector;
}

static inline void lldt(u16 selector)
{
	asm volatile("lldt %0" : : "r"(selector) : "memory");
}

/** Accessors for one data segment register; GS and FS lose their base. */
#define SEGMENT_ACCESSORS(reg)                                      \
	static inline u16 read_##reg(void)                          \
	{                                                           \
		u16 selector;                                       \
                                                                    \
		asm volatile("mov %%" #reg ", %0" : "=r"(selector)); \
		return selector;                                    \
	}                                                           \
	static inline void write_##reg(u16 selector)                \
	{                                                           \
		asm volatile("mov %0, %%" #reg : : "r"(selector) : "memory"); \
	}

SEGMENT_ACCESSORS(ds)
SEGMENT_ACCESSORS(es)
SEGMENT_ACCESSORS(fs)
SEGMENT_ACCESSORS(gs)
SEGMENT_ACCESSORS(ss)

#endif
