/** @file
 * The cursor's slow parts: the next page, and values of several bytes.
 *
 * memory_fetch_first() has brought fifteen bytes, or what there is up to the
 * end of the page.  The next page is looked at only when the decoder asks for
 * a byte that lies there.
 */
#include "emulator/cursor.h"

#include "emulator/memory.h"

enum emul_result cursor_fetch(struct emulator *e, unsigned int end)
{
	unsigned int wanted = end > INSN_MAX ? INSN_MAX : end;
	enum emul_result result;

	while (e->insn.fetched < wanted) {
		result = memory_fetch_more(e);
		if (result) {
			return result;
		}
	}
	return end > INSN_MAX ? context_protection(e, VECTOR_GP) : EMUL_DONE;
}

enum emul_result cursor_take_signed(struct emulator *e, unsigned int size,
				    u64 *value)
{
	enum emul_result result = cursor_need(e, size);
	unsigned int shift = 64 - 8 * size;
	u64 raw = 0;

	if (result) {
		return result;
	}
	memory_copy(&raw, &e->insn.bytes[e->insn.length], size);
	e->insn.length += size;
	*value = (u64)((s64)(raw << shift) >> shift);
	return EMUL_DONE;
}
