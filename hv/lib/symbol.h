/** @file
 * The image's own symbol table: address to function, file and line.
 *
 * tools/mksyms makes the table after a first link; see there for its form.
 */
#ifndef HV_LIB_SYMBOL_H
#define HV_LIB_SYMBOL_H

#include "bus/types.h"

struct symbol {
	const char *name;     /* never NULL; "?" when unknown */
	unsigned long offset; /* of the address within the function */
	const char *file;     /* relative to the repository, NULL if unknown */
	unsigned int line;    /* 0 if unknown */
};

/**
 * Look an address up.
 * @param address host virtual address in the image's text
 * @return whether a function was found
 */
bool symbol_lookup(unsigned long address, struct symbol *symbol);

/**
 * Format an address as "ept_walk+0x12 mmu/ept.c:88".
 * @param is_return it is a return address: the line is the call's
 */
void symbol_format(unsigned long address, bool is_return, char *buffer,
		   size_t size);

#endif
