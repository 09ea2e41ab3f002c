/** @file
 * #VMEXITs for port I/O: IN, OUT, INS, OUTS.
 *
 * SVM has already looked at the bitmap and tells port, size and direction in
 * EXITINFO1, and the next RIP in EXITINFO2 (APM 2 15.10.2).  The rest of what
 * VMX says (SDM 3C table 28-5) takes a look at the instruction.
 */
#include "hv/softvmx/svm_exit.h"
#include "hv/softvmx/svm_operand.h"
#include "hv/softvmx/vmcb_segments.h"
#include "hv/softvmx/vmcs_memory.h"

/* Exit qualification of an I/O instruction (SDM 3C table 28-5). */
#define IO_QUAL_IN BIT(3)
#define IO_QUAL_STRING BIT(4)
#define IO_QUAL_REP BIT(5)
#define IO_QUAL_IMMEDIATE BIT(6)

/** IN and OUT with the port in the instruction: E4 to E7. */
static bool has_immediate_port(const struct svm_insn *insn)
{
	return insn->map == INSN_MAP_ONE && insn->opcode >= 0xe4 &&
	       insn->opcode <= 0xe7;
}

/**
 * Bits of SVM's EXITINFO1 in their places in VMX's qualification. SVM has one
 * bit for each of the sizes 1, 2 and 4, which read as a number are the size.
 */
static u64 io_qualification(u64 info, const struct svm_insn *insn)
{
	u64 size = bits(info, 6, 4);
	u64 qualification = (size - 1) | bits(info, 31, 16) << 16;

	qualification |= info & SVM_IO_IN ? IO_QUAL_IN : 0;
	qualification |= info & SVM_IO_STRING ? IO_QUAL_STRING : 0;
	/* TCG tells of a REP before IN and OUT, too, where it means nothing. */
	if ((info & SVM_IO_STRING) && (info & SVM_IO_REP)) {
		qualification |= IO_QUAL_REP;
	}
	qualification |= has_immediate_port(insn) ? IO_QUAL_IMMEDIATE : 0;
	return qualification;
}

/**
 * INS and OUTS: the memory operand (SDM 3C table 28-8 and 28.2.1), and the
 * registers as they were. INS is always to ES; bits 17:15 of its information
 * are undefined, and others have its override there.
 */
static void describe_string(struct softvmx_cpu *cpu,
			    const struct svm_insn *insn,
			    bool in)
{
	int segment = in ? VMCB_ES : svm_operand_segment(insn);
	u64 offset = cpu->gpr[in ? GPR_RDI : GPR_RSI];
	u32 size = insn->address_size == 8 ? 2 : insn->address_size == 4;

	if (insn->address_size < 8) {
		offset &= BITS(8 * insn->address_size - 1, 0);
	}
	cpu->exit.info = size << 7 | (u32)svm_operand_segment(insn) << 15;
	vmcs_memory_set(cpu, GUEST_LINEAR_ADDRESS,
			offset + svm_operand_segment_base(cpu, segment));
	vmcs_memory_set(cpu, IO_RCX, cpu->gpr[GPR_RCX]);
	vmcs_memory_set(cpu, IO_RSI, cpu->gpr[GPR_RSI]);
	vmcs_memory_set(cpu, IO_RDI, cpu->gpr[GPR_RDI]);
	vmcs_memory_set(cpu, IO_RIP, cpu->guest->save.rip);
}

/*
 * EXITINFO2 has the next RIP, so this length needs no decoding; what kind of
 * port operand it was does.
 */
enum svm_exit_verdict svm_exit_io_access(struct softvmx_cpu *cpu)
{
	const struct vmcb *guest = cpu->guest;
	u64 info = guest->control.exit_info1;
	struct svm_insn insn;

	svm_decode_current(cpu, &insn);
	cpu->exit.qualification = io_qualification(info, &insn);
	if (info & SVM_IO_STRING) {
		describe_string(cpu, &insn, info & SVM_IO_IN);
	}
	insn.length = guest->control.exit_info2 - guest->save.rip;
	return svm_exit_leave_insn(cpu, EXIT_REASON_IO_INSTRUCTION, &insn);
}
