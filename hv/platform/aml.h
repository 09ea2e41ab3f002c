/** @file
 * A small assembler for AML, the byte code of ACPI's tables.
 *
 * The DSDT describes devices in a language of nested blocks.  Each block says
 * its length before its contents; here a block is opened, filled and closed,
 * and the length is written when it is closed:
 *
 *	aml_device(aml, "COM1")		5b 82 LL LL 'C' 'O' 'M' '1'
 *	  aml_name(aml, "_UID")			08 '_' 'U' 'I' 'D'
 *	  aml_integer(aml, 1)			01
 *	aml_end(aml)
 *
 * Running out of room is noted, not reported at each call: ask at the end.
 * ACPI specification, chapter 20 (AML) and 6.4 (resource descriptors).
 */
#ifndef HV_PLATFORM_AML_H
#define HV_PLATFORM_AML_H

#include "bus/types.h"

#define AML_DEPTH 8

struct aml {
	u8 *bytes;
	size_t size; /* of bytes */
	size_t used; /* so far */
	bool full;   /* something did not fit, or a block is too long */
	unsigned int depth;
	size_t open[AML_DEPTH]; /* where the lengths of open blocks stand */
	size_t buffer; /* where the open buffer's contents begin */
};

/* Blocks; each ends by aml_end(). ------------------------------------------ */

/** Things that exist elsewhere. @param name four characters, "_SB_" */
void aml_scope(struct aml *aml, const char *name);
void aml_device(struct aml *aml, const char *name);

/** A package of so many elements, which follow. */
void aml_package(struct aml *aml, u8 count);

/** Close the block that was opened last. */
void aml_end(struct aml *aml);

/* What stands in blocks ---------------------------------------------------- */

/** A name for the object that follows. @param name four characters */
void aml_name(struct aml *aml, const char *name);

/** An integer, in its shortest form. */
void aml_integer(struct aml *aml, u32 value);

/** A string. */
void aml_string(struct aml *aml, const char *text);

/** An EISA ID as an integer. @param id three capitals, four hex digits */
void aml_eisa_id(struct aml *aml, const char *id);

/* Resources ---------------------------------------------------------------- */

/** Open a buffer of resource descriptors. */
void aml_resources(struct aml *aml);

/** Close it. */
void aml_resources_end(struct aml *aml);

/** Ports, decoded with 16 bits. */
void aml_ports(struct aml *aml, u16 base, u8 count);

/** Memory that can be written, at a fixed address. */
void aml_memory(struct aml *aml, u32 base, u32 bytes);

/** A line of the IOAPIC, active high. @param level else edge-triggered */
void aml_interrupt(struct aml *aml, u32 line, bool level);

#endif
