/** @file
 * The parts of the ELF64 format that a guest program uses.
 *
 * Names and layout are those of the System V ABI, chapters 4 and 5: the file
 * opens with an ELF header, which points at a table of program headers, each
 * of which describes a piece of the file and where in memory it belongs.
 */
#ifndef HV_VMM_ELF_H
#define HV_VMM_ELF_H

#include "bus/types.h"

#define ELF_MAGIC 0x464c457fu /* "\x7f" "ELF" */
#define ELFCLASS64 2
#define ELFDATA2LSB 1
#define ET_EXEC 2
#define EM_X86_64 62
#define PT_LOAD 1

struct elf64_header {
	u32 magic;
	u8 class; /* ELFCLASS64 */
	u8 data;  /* ELFDATA2LSB */
	u8 ident_rest[10];
	u16 type;    /* ET_EXEC */
	u16 machine; /* EM_X86_64 */
	u32 version;
	u64 entry; /* a virtual address */
	u64 phoff; /* of the program headers in the file */
	u64 shoff;
	u32 flags;
	u16 ehsize;
	u16 phentsize; /* bytes of one program header */
	u16 phnum;     /* how many there are */
	u16 shentsize;
	u16 shnum;
	u16 shstrndx;
};

struct elf64_phdr {
	u32 type; /* PT_LOAD, PT_TEST_RECORDS */
	u32 flags;
	u64 offset; /* in the file */
	u64 vaddr;
	u64 paddr;  /* where in guest-physical memory */
	u64 filesz; /* bytes in the file */
	u64 memsz;  /* bytes in memory; the rest is zero */
	u64 align;
};

_Static_assert(sizeof(struct elf64_header) == 64, "System V ABI, figure 4-3");
_Static_assert(sizeof(struct elf64_phdr) == 56, "System V ABI, figure 5-1");

#endif
