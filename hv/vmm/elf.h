/** @file
 * The parts of the ELF format that guest programs and kernels use.
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
#define EM_386 3
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

/** The same for 32-bit files, which are kernels only. */
struct elf32_header {
	u8 ident[16];
	u16 type;
	u16 machine; /* EM_386 */
	u32 version;
	u32 entry;
	u32 phoff;
	u32 shoff;
	u32 flags;
	u16 ehsize;
	u16 phentsize;
	u16 phnum;
	u16 shentsize;
	u16 shnum;
	u16 shstrndx;
};

struct elf32_phdr {
	u32 type;
	u32 offset;
	u32 vaddr;
	u32 paddr;
	u32 filesz;
	u32 memsz;
	u32 flags;
	u32 align;
};

_Static_assert(sizeof(struct elf32_header) == 52, "System V ABI, figure 4-3");
_Static_assert(sizeof(struct elf32_phdr) == 32, "System V ABI, figure 5-1");
_Static_assert(sizeof(struct elf64_header) == 64, "System V ABI, figure 4-3");
_Static_assert(sizeof(struct elf64_phdr) == 56, "System V ABI, figure 5-1");

#endif
