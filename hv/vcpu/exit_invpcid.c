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

static u8 take(struct invpcid *insn)
{
	return insn->at < insn->size ? insn->bytes[insn->at++] : 0;
}

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

/** A base register whose default segment is SS. */
static void use_stack(struct invpcid *insn, unsigned int base)
{
	if ((base == GPR_RSP || base == GPR_RBP) &&
	    insn->segment == SEGMENT_DS) {
		insn->segment = SEGMENT_SS;
	}
}

/** SIB: base + index * scale. @return that sum; mod may become 2 */
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

/** ModRM and all that follows. @return false: not a memory operand */
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

static enum exit_action refuse(struct vcpu *vcpu)
{
	events_inject_gp(vcpu);
	return EXIT_RESUME;
}

/** The descriptor's address, or false: #GP(0) (SDM 2A INVPCID). */
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
