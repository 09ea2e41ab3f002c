/** @file
 * The image's own symbol table.
 *
 * tools/mksyms writes it in assembler, from a first link of the same image:
 *
 *	functions   sorted start addresses, and beside them where the name is
 *	lines       sorted addresses where another source line begins, and
 *	            beside them its file and number; line 0 ends a stretch
 *	pool        all names, each once
 *
 * Addresses are 32-bit offsets from IMAGE_BASE.  In the first link all counts
 * are 0 and every lookup answers "?".
 *
 * The image carries its own table because a crash must be told with names on
 * the machine where it happened: a student sees "looping in ept_map+0x42", not
 * a number to be looked up on another computer.
 */
#include "hv/lib/symbol.h"

#include "hv/boot/image.h"
#include "hv/lib/page.h"
#include "hv/lib/printf.h"

extern const u32 symbols_function_count, symbols_line_count;
extern const u32 symbols_function_addresses[], symbols_function_names[];
extern const u32 symbols_line_addresses[];
extern const u16 symbols_line_files[], symbols_line_numbers[];
extern const u32 symbols_file_names[];
extern const char symbols_pool[];

/** @return how many of the sorted addresses are at or below this one.  By
 * halving, since the lines of the whole image are a long list. */
static u32 count_up_to(const u32 *addresses, u32 count, u32 address)
{
	u32 low = 0;

	while (low < count) {
		u32 middle = low + (count - low) / 2;

		if (addresses[middle] <= address) {
			low = middle + 1;
		} else {
			count = middle;
		}
	}
	return low;
}

/** A line of 0 ends a stretch: assembler without line information, padding. */
static void look_up_line(u32 offset, struct symbol *symbol)
{
	u32 i = count_up_to(symbols_line_addresses, symbols_line_count, offset);

	if (i && symbols_line_numbers[i - 1]) {
		u16 file = symbols_line_files[i - 1];

		symbol->file = symbols_pool + symbols_file_names[file];
		symbol->line = symbols_line_numbers[i - 1];
	}
}

bool symbol_lookup(unsigned long address, struct symbol *symbol)
{
	u32 offset = address - IMAGE_BASE;
	u32 i;

	*symbol = (struct symbol){ .name = "?" };
	if (address < (unsigned long)image_text_start ||
	    address >= (unsigned long)image_text_end) {
		return false;
	}
	i = count_up_to(symbols_function_addresses, symbols_function_count,
			offset);
	if (!i) {
		return false;
	}
	symbol->name = symbols_pool + symbols_function_names[i - 1];
	symbol->offset = offset - symbols_function_addresses[i - 1];
	look_up_line(offset, symbol);
	return true;
}

/**
 * A return address is the instruction after a call, which may belong to the
 * next line or even the next function; the byte before it does not.
 */
void symbol_format(unsigned long address, bool is_return, char *buffer,
		   size_t size)
{
	struct symbol symbol;

	if (!symbol_lookup(address - is_return, &symbol)) {
		snprintf(buffer, size, "0x%lx (not in the image's text)",
			 address);
		return;
	}
	symbol.offset += is_return;
	if (symbol.file) {
		snprintf(buffer, size, "%s+0x%lx %s:%u", symbol.name,
			 symbol.offset, symbol.file, symbol.line);
	} else {
		snprintf(buffer, size, "%s+0x%lx", symbol.name, symbol.offset);
	}
}
