/** @file
 * INVPCID for guests without EPT.
 *
 * Such a guest's PCIDs are ours: the real CR4.PCIDE is 0, and a processor need
 * not have any.  So the control "enable INVPCID" stays off, the instruction is
 * #UD everywhere alike, and that exits.  What the guest meant is found in its
 * code (SDM 2A INVPCID):
 *
 *	[26 2E 36 3E 64 65 67]* 66 [REX] 0F 38 82 /r   INVPCID reg, m128
 *
 * Addresses of 16 bits are not known here; they are #UD.
 *
 * A PCID is a tag on translations: a kernel that gives each process its own
 * need not flush when it switches between them, and INVPCID drops some by tag,
 * by address or all (bits 11:0 of the descriptor's first half are the PCID, its
 * second half is the address).  Here those translations are shadow tables.
 *
 *	#UD exits --> exit_invpcid_is_here()   are these its bytes?
 *	              no: the #UD is the guest's own (exit_misc.c)
 *	          --> exit_invpcid_handle()    decode again, check, read the
 *	                                       descriptor, tell the shadow, step
 */
#include "hv/vcpu/exit.h"

#include "bus/errno.h"
#include "emulator/emulator.h"
#include "hv/vcpu/events.h"
#include "hv/vcpu/guest_access.h"
#include "hv/vcpu/guest_mode.h"
#include "hv/vcpu/vcpu_paging.h"
#include "hv/vcpu/read_section.h"
#include "hv/vcpu/step.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vmx/vmx_controls.h"

#define REX_B BIT(0)
#define REX_X BIT(1)
#define REX_R BIT(2)

/** One INVPCID; its bytes are read while there are any. */
struct invpcid {
	u8 bytes[INSN_MAX];
	unsigned int size; /* how many there are */
	unsigned int at;   /* the next one */
	bool long_code;	   /* 64-bit: CS.L */
	bool operand_size_prefix;
	bool address_size_prefix;
	u8 segment; /* enum emul_segment */
	u8 rex;
	u8 type;    /* register: what is to be done */
	u64 offset; /* of the descriptor, in its segment */
};

/**
 * Code may end at a page that is not there.  What lies behind its end reads as
 * 0 and is not counted; decode() sees at the end that bytes were missing.
 */
static u8 take(struct invpcid *insn)
{
	return insn->at < insn->size ? insn->bytes[insn->at++] : 0;
}

/**
 * By ModRM's mod: 0 none, 1 a signed byte, 2 four bytes, little-endian and
 * signed.  A mod of 0 with an absolute or RIP-relative address has been made a
 * 2 by then.
 */
static s64 take_displacement(struct invpcid *insn, unsigned int mod)
{
	u32 value = 0;

	if (mod == 1) {
		return (s8)take(insn);
	}
	for (unsigned int i = 0; mod == 2 && i < 4; i++) {
		value |= (u32)take(insn) << 8 * i;
	}
	return (s32)value;
}

/* Decoding ----------------------------------------------------------------- */

/**
 * Prefixes of segments: the last one counts.  In the first four, bits 4:3 are
 * the number which the segment has elsewhere; FS and GS came later.  66 is no
 * prefix of a size here but a part of the opcode.
 */
static bool take_prefix(struct invpcid *insn, u8 byte)
{
	switch (byte) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
		insn->segment = byte >> 3 & 3; /* ES, CS, SS, DS */
		return true;
	case 0x64:
	case 0x65:
		insn->segment = SEGMENT_FS + (byte - 0x64);
		return true;
	case 0x66:
		insn->operand_size_prefix = true;
		return true;
	case 0x67:
		insn->address_size_prefix = true;
		return true;
	default:
		return false;
	}
}

/**
 * Prefixes in any order, then REX, which must be the last of them (SDM 2A
 * 2.2.1), then 0F 38 82.  In 32-bit code 40 to 4F are INC and DEC, so there is
 * no REX.  REX.W changes nothing: the register is 64 bits wide there anyway.
 */
static bool take_opcode(struct invpcid *insn)
{
	u8 byte = take(insn);

	while (take_prefix(insn, byte)) {
		byte = take(insn);
	}
	if (insn->long_code && (byte & 0xf0) == 0x40) {
		insn->rex = byte;
		byte = take(insn);
	}
	return insn->operand_size_prefix && byte == 0x0f &&
	       take(insn) == 0x38 && take(insn) == 0x82;
}

static u64 gpr_of(const struct vcpu *vcpu, unsigned int n)
{
	return n == GPR_RSP ? vmread(GUEST_RSP) : vcpu->gpr[n];
}

/** A base register whose default segment is SS: RSP and RBP, unless a prefix
 * has named another one.  R12 and R13, which have the same low bits, use DS. */
static void use_stack(struct invpcid *insn, unsigned int base)
{
	if ((base == GPR_RSP || base == GPR_RBP) &&
	    insn->segment == SEGMENT_DS) {
		insn->segment = SEGMENT_SS;
	}
}

/**
 * SIB: base + index * scale. @return that sum; mod may become 2
 *
 *	7    6 5      3 2     0
 *	[scale][ index ][ base ]   scale is a shift, 0 to 3
 *
 * Two of its codes mean "none": index 4, not 12, since RSP cannot be one; and
 * base 5 with mod 0, 13 as well, where four bytes of displacement stand
 * instead.
 */
static u64 take_sib(const struct vcpu *vcpu, struct invpcid *insn,
		    unsigned int *mod)
{
	u8 sib = take(insn);
	unsigned int base = (sib & 7) | (insn->rex & REX_B ? 8 : 0);
	unsigned int index = (sib >> 3 & 7) | (insn->rex & REX_X ? 8 : 0);
	u64 sum = 0;

	if (index != GPR_RSP) {
		sum = gpr_of(vcpu, index) << (sib >> 6);
	}
	if ((sib & 7) == 5 && *mod == 0) {
		*mod = 2;
		return sum;
	}
	use_stack(insn, base);
	return sum + gpr_of(vcpu, base);
}

/**
 * ModRM and all that follows. @return false: not a memory operand
 *
 *	mod 3         a register: INVPCID has no such form, #UD
 *	rm 4          a SIB byte follows
 *	rm 5, mod 0   four bytes: relative to the *next* instruction in 64-bit
 *	              code, absolute elsewhere
 *	else          a base register
 *
 * The displacement is the last thing in the instruction, so that when it has
 * been taken, "at" is the length and RIP + "at" the next one.
 */
static bool take_operands(const struct vcpu *vcpu, struct invpcid *insn)
{
	u8 modrm = take(insn);
	unsigned int mod = modrm >> 6, rm = modrm & 7;
	unsigned int base = rm | (insn->rex & REX_B ? 8 : 0);
	bool relative = false;
	u64 sum = 0;

	insn->type = (modrm >> 3 & 7) | (insn->rex & REX_R ? 8 : 0);
	if (mod == 3) {
		return false;
	}
	if (rm == 4) {
		sum = take_sib(vcpu, insn, &mod);
	} else if (rm == 5 && mod == 0) {
		relative = insn->long_code;
		mod = 2;
	} else {
		use_stack(insn, base);
		sum = gpr_of(vcpu, base);
	}
	sum += take_displacement(insn, mod);
	insn->offset = sum + (relative ? vcpu->rip + insn->at : 0);
	return true;
}

/** Without 64-bit code and 67h, offsets have 32 bits; of 16 none is known. */
static bool cut_offset(struct invpcid *insn, u64 cs)
{
	bool narrow = insn->address_size_prefix;

	if (insn->long_code && !narrow) {
		return true;
	}
	insn->offset = (u32)insn->offset;
	return insn->long_code || narrow != ((cs & SEG_AR_DB) != 0);
}

/**
 * Read up to 15 bytes at RIP and see whether they are an INVPCID.
 *
 * CS' base is 0 in 64-bit code.  Another CPU of the guest may change the code
 * between #UD and here; then something else stands here, and it is as if the
 * change had come a little earlier.
 */
static bool decode(struct vcpu *vcpu, struct invpcid *insn)
{
	u64 cs = vmread(GUEST_CS_AR_BYTES);

	*insn = (struct invpcid){.segment = SEGMENT_DS};
	insn->long_code = cs & SEG_AR_L;
	insn->size = vcpu_peek(vcpu, gva(vmread(GUEST_CS_BASE) + vcpu->rip),
			       insn->bytes, sizeof(insn->bytes));
	return take_opcode(insn) && take_operands(vcpu, insn) &&
	       cut_offset(insn, cs) && insn->at <= insn->size;
}

bool exit_invpcid_is_here(struct vcpu *vcpu)
{
	struct invpcid insn;

	return !vcpu->vm->with_ept && decode(vcpu, &insn);
}

/* Executing ---------------------------------------------------------------- */

/**
 * #GP(0): not at CPL 0, a bad address, a type or a PCID that does not exist.
 */
static enum exit_action refuse(struct vcpu *vcpu)
{
	events_inject_gp(vcpu);
	return EXIT_RESUME;
}

/**
 * The descriptor's address, or false: #GP(0) (SDM 2A INVPCID).
 *
 * It has 16 bytes, and the first and the last must be where an operand may be:
 * in 64-bit code canonical, that is bits 63:47 are all alike; elsewhere inside
 * the segment.  In 64-bit code all bases but those of FS and GS are taken for
 * 0.  The VMCS has the six segments' fields two apart, ES first.
 */
static bool find_descriptor(const struct invpcid *insn, gva_t *out)
{
	unsigned int field = 2 * insn->segment;
	u64 base = vmread(GUEST_ES_BASE + field);
	u64 linear = insn->offset + base;

	if (insn->long_code) {
		linear = insn->segment < SEGMENT_FS ? insn->offset : linear;
		*out = gva(linear);
		return (u64)((s64)(linear << 16) >> 16) == linear &&
		       (u64)((s64)((linear + 15) << 16) >> 16) == linear + 15;
	}
	*out = gva((u32)linear);
	return !(vmread(GUEST_ES_AR_BYTES + field) & SEG_AR_UNUSABLE) &&
	       insn->offset + 15 <= vmread(GUEST_ES_LIMIT + field);
}

/** Two reads of 8 bytes, as one access of 16 is not known here; they may lie on
 * two pages.  Each may be a page fault of the guest's, which is then given to
 * it.  The slots must stay meanwhile, hence the read section. */
static enum guest_access_result read_descriptor(struct vcpu *vcpu, gva_t at,
						u64 to[2], struct exception *e)
{
	struct guest_access access = {at, &to[0], 8, false};
	enum guest_access_result result;

	read_section_begin(vcpu);
	result = guest_access_move(vcpu, &access, false, e);
	if (result == GUEST_ACCESS_OK) {
		access.address = gva_add(at, 8);
		access.buffer = &to[1];
		result = guest_access_move(vcpu, &access, false, e);
	}
	read_section_end(vcpu);
	return result;
}

/**
 * Nothing may have been invalidated when it faults; so the descriptor is read
 * first, checked by the shadow, and only then is anything dropped.  The exit
 * was one of a fault and has given no length: it is the number of bytes taken.
 */
static enum exit_action carry_out(struct vcpu *vcpu,
				  const struct invpcid *insn, gva_t at)
{
	u64 type = gpr_of(vcpu, insn->type);
	struct exception e;
	u64 descriptor[2];

	switch (read_descriptor(vcpu, at, descriptor, &e)) {
	case GUEST_ACCESS_OK:
		break;
	case GUEST_ACCESS_FAULT:
		return events_inject(vcpu, &e) ? EXIT_RESUME :
						 exit_stop_shutdown(vcpu);
	case GUEST_ACCESS_NO_RAM:
		return exit_stop(vcpu, VCPU_INTERNAL_EMULATION, gpa(~0ull),
				 "the descriptor of INVPCID is not in memory");
	}
	if (vcpu_paging_invpcid(vcpu, insn->long_code ? type : (u32)type,
			   descriptor)) {
		return refuse(vcpu);
	}
	step_by(vcpu, insn->at);
	return EXIT_RESUME;
}

enum exit_action exit_invpcid_handle(struct vcpu *vcpu)
{
	struct invpcid insn;
	gva_t at;

	if (!decode(vcpu, &insn) || guest_mode_cpl() != 0 ||
	    !find_descriptor(&insn, &at)) {
		return refuse(vcpu);
	}
	return carry_out(vcpu, &insn, at);
}
