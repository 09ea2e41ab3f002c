/** @file
 * The words of the emulator: results, faults, accesses, pieces.
 *
 * They stand apart from emulator.h because everything in this folder speaks
 * them, the two lab headers included, and emulator.h itself is built from
 * those.  Outside this folder include emulator.h.
 */
#ifndef EMULATOR_EMUL_TYPES_H
#define EMULATOR_EMUL_TYPES_H

#include "bus/types.h"
#include "emulator/mmio_piece.h"

struct emulator;

/**
 * How a pass over an instruction, or one step of it, ended.
 *
 * EMUL_DONE must be zero: the code tests `if (result)` for "stop here".
 */
enum emul_result {
	EMUL_DONE,	/* finished */
	EMUL_FAULT,	/* e->exception is to be injected, RIP has not moved */
	EMUL_IO_NEEDED, /* the VMM must answer, then emulator_complete() */
	EMUL_UNHANDLEABLE, /* not supported: e->error says why; stop the VM */
	EMUL_RETRY, /* resume the guest, which executes the instruction again */
};

/** Vectors of exceptions that an instruction can meet (SDM 3A 6.15). */
enum emul_vector {
	VECTOR_DE = 0,
	VECTOR_DB = 1,
	VECTOR_BP = 3,
	VECTOR_OF = 4,
	VECTOR_BR = 5,
	VECTOR_UD = 6,
	VECTOR_NM = 7,
	VECTOR_TS = 10,
	VECTOR_NP = 11,
	VECTOR_SS = 12,
	VECTOR_GP = 13,
	VECTOR_PF = 14,
	VECTOR_MF = 16,
	VECTOR_AC = 17,
};

/** The guest's mistake, to be injected. */
struct exception {
	u8 vector;
	bool has_error_code;
	u32 error_code;
	gva_t address; /* CR2, only for VECTOR_PF */
};

/** Why memory is touched; what translation checks permissions for. */
enum emul_access {
	EMUL_READ,
	EMUL_WRITE, /* also the read half of a read-modify-write (spec 3.5) */
	EMUL_FETCH,
	/* at CPL 0 whatever the CPL is: descriptors, TSS (SDM 3A 4.6.1) */
	EMUL_SYSTEM_READ,
	EMUL_SYSTEM_WRITE,
	EMUL_ACCESS_COUNT,
};

/** One access to guest memory, as the instruction makes it. */
struct mem_access {
	gva_t address; /* linear: the segment's base is in it */
	u16 size; /* bytes, 1 to MEM_ACCESS_MAX; may cross one page boundary */
	u8 kind;  /* enum emul_access */
};

#define MEM_ACCESS_MAX 32

/** The sixteen segment:offset prefixes boil down to these (SDM 2A 2.1.1). */
enum emul_segment {
	SEGMENT_ES,
	SEGMENT_CS,
	SEGMENT_SS,
	SEGMENT_DS,
	SEGMENT_FS,
	SEGMENT_GS,
	SEGMENT_LDTR, /* these two no prefix names */
	SEGMENT_TR,
};

/** What a kvm_mmio trace event says (spec 10.10). */
enum mmio_event {
	MMIO_READ_UNSATISFIED, /* a chunk was refused; value is 0 */
	MMIO_READ,	       /* a device or the VMM gave the value */
	MMIO_WRITE, /* a chunk is offered to devices, with its value */
};

/** One kvm_mmio trace event. */
struct mmio_trace {
	enum mmio_event event;
	u32 len;   /* bytes of the chunk, piece or fragment it speaks of */
	gpa_t gpa; /* of the first of these bytes */
	u64 value; /* the first up to 8 of them, little endian */
};

#endif
