/** @file
 * The processor beyond its general registers, as the emulator asks for it.
 *
 * Segments, control and debug registers, MSRs, ports, CPUID, XMM: nearly no
 * access to a device needs any of it, so none of it is copied into struct
 * emulator before a pass.  An instruction that does need it asks through
 * these operations.
 *
 * The getters have no effect.  The setters act at once, before the
 * instruction retires; so an instruction calls them last, when nothing in it
 * can fault or wait for the VMM any more, and set_control(), which may
 * refuse, first of them.
 */
#ifndef EMULATOR_SYSTEM_H
#define EMULATOR_SYSTEM_H

#include "emulator/emul_types.h"

/* A segment's access rights, laid out as in a descriptor's second half from
 * bit 8 on and in the VMCS (SDM 3A 3.4.5, 3C 25.4.1). */
#define RIGHTS_ACCESSED BIT(0)
#define RIGHTS_WRITABLE BIT(1) /* of data; of code: readable */
#define RIGHTS_DOWN BIT(2)     /* of data: expand-down; of code: conforming */
#define RIGHTS_CODE BIT(3)
#define RIGHTS_TYPE BITS(3, 0)
#define RIGHTS_S BIT(4) /* code or data, else a system segment */
#define RIGHTS_P BIT(7)
#define RIGHTS_L BIT(13)
#define RIGHTS_DB BIT(14)
#define RIGHTS_G BIT(15)
#define RIGHTS_UNUSABLE BIT(16)

/** Types of system segments (SDM 3A table 3-2). */
enum system_type {
	SYSTEM_TSS_16 = 1,
	SYSTEM_LDT = 2,
	SYSTEM_TSS_16_BUSY = 3,
	SYSTEM_TSS = 9,
	SYSTEM_TSS_BUSY = 11,
};

/** The privilege level in a segment's rights, 0 to 3. */
static inline unsigned int rights_dpl(u32 rights)
{
	return (rights >> 5) & 3;
}

/** A segment register: what the guest sees, and what is hidden behind it. */
struct segment_register {
	gva_t base;
	u32 limit; /* the last valid offset, in bytes */
	u32 rights;
	u16 selector;
};

/** GDTR and IDTR. */
enum system_table { SYSTEM_GDT, SYSTEM_IDT };

struct table_base {
	gva_t base;
	u16 limit;
};

/** Control registers by their numbers, and EFER. */
enum system_control {
	SYSTEM_CR0 = 0,
	SYSTEM_CR2 = 2,
	SYSTEM_CR3 = 3,
	SYSTEM_CR4 = 4,
	SYSTEM_CR8 = 8,
	SYSTEM_EFER = 16,
};

/** The bits of them that instructions look at (SDM 3A 2.5, 2.2.1). */
#define CONTROL_CR0_PE BIT(0)
#define CONTROL_CR0_MP BIT(1)
#define CONTROL_CR0_EM BIT(2)
#define CONTROL_CR0_TS BIT(3)
#define CONTROL_CR4_VME BIT(0)
#define CONTROL_CR4_PVI BIT(1)
#define CONTROL_CR4_TSD BIT(2)
#define CONTROL_CR4_DE BIT(3)
#define CONTROL_CR4_PCE BIT(8)
#define CONTROL_CR4_OSFXSR BIT(9)
#define CONTROL_CR4_UMIP BIT(11)
#define CONTROL_EFER_LMA BIT(10)

/** EAX, EBX, ECX, EDX in CPUID's order. */
struct cpuid_registers {
	u32 eax;
	u32 ebx;
	u32 ecx;
	u32 edx;
};

/** One access to a port: a question, as struct mmio_piece is one. */
struct port_piece {
	u16 port;
	u8 size; /* 1, 2 or 4 bytes */
	bool is_write;
	u32 value; /* of a write; a read's answer */
};

/** What can be done to the x87 FPU. */
enum system_x87 {
	SYSTEM_X87_INIT,  /* as after a reset */
	SYSTEM_X87_CLEAR, /* no exception is pending */
	SYSTEM_X87_GET_CONTROL,
	SYSTEM_X87_SET_CONTROL, /* nothing that is pending is not masked */
	SYSTEM_X87_GET_STATUS,
};

/** Sixteen bytes of an XMM register, the low half first. */
struct xmm_value {
	u64 half[2];
};

struct system_ops {
	/** Read and write a segment register; SEGMENT_LDTR, SEGMENT_TR too. */
	void (*get_segment)(struct emulator *e, enum emul_segment which,
			    struct segment_register *out);
	void (*set_segment)(struct emulator *e, enum emul_segment which,
			    const struct segment_register *in);

	/** Read and write GDTR or IDTR. */
	void (*get_table)(struct emulator *e, enum system_table which,
			  struct table_base *out);
	void (*set_table)(struct emulator *e, enum system_table which,
			  const struct table_base *in);

	/**
	 * MOV to a control register that exists; not EFER.
	 * @return EMUL_DONE, or EMUL_FAULT with #GP(0) in e->exception and
	 *         nothing changed
	 */
	enum emul_result (*set_control)(struct emulator *e,
					enum system_control which, u64 value);

	/** Debug registers 0 to 3, 6, 7.  Setting drops reserved bits. */
	u64 (*get_debug)(struct emulator *e, unsigned int which);
	void (*set_debug)(struct emulator *e, unsigned int which, u64 value);

	/** RDMSR, WRMSR.  @return false: the guest has no such MSR, or it does
	 * not take this value */
	bool (*get_msr)(struct emulator *e, u32 msr, u64 *value);
	bool (*set_msr)(struct emulator *e, u32 msr, u64 value);

	/** CPUID.  @param registers EAX and ECX say which leaf; is filled */
	void (*cpuid)(struct emulator *e, struct cpuid_registers *registers);

	/** The guest's time stamp counter. */
	u64 (*tsc)(struct emulator *e);

	/** INVLPG. */
	void (*invalidate)(struct emulator *e, gva_t address);

	/**
	 * Offer an access to the devices in the core.
	 * @return 0 when one took it (a read's value is in piece->value), else
	 *         -EOPNOTSUPP: the VMM will be asked
	 */
	int (*port)(struct emulator *e, struct port_piece *piece);

	/** XMM0 to XMM15. */
	void (*get_xmm)(struct emulator *e, unsigned int which,
			struct xmm_value *out);
	void (*set_xmm)(struct emulator *e, unsigned int which,
			const struct xmm_value *in);

	/** The x87 FPU.  @param word control or status word, or NULL */
	void (*x87)(struct emulator *e, enum system_x87 what, u16 *word);
};

#endif
