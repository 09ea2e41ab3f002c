/** @file
 * The words that every part of exit49 shares.
 *
 * Three kinds of address meet on the way of a memory access, and mixing two
 * of them up is the classic bug of a hypervisor.  Each is therefore a struct
 * of its own: a function that wants a guest physical address cannot be handed
 * a guest virtual one, because that does not compile.
 *
 *	gva_t   what the guest's instruction names (we mean the *linear*
 *	        address, segment base included, as the SDM's "guest-linear")
 *	gpa_t   what the guest's page tables make of it
 *	hpa_t   what the EPT makes of that: a place in the machine's memory
 *
 * The number inside is `.v`; arithmetic goes through the helpers below, so
 * that the kind survives it.
 *
 * This header stands in bus/ because bus/ is the lowest folder: everybody
 * may include it, and it includes nothing of ours.
 */
#ifndef BUS_TYPES_H
#define BUS_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

/** A guest virtual (linear) address. */
typedef struct {
	u64 v;
} gva_t;

/** A guest physical address. */
typedef struct {
	u64 v;
} gpa_t;

/** A host physical address. */
typedef struct {
	u64 v;
} hpa_t;

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096ull
#define PAGE_MASK (~(PAGE_SIZE - 1))

/** The n-th bit, as the SDM counts them. */
#define BIT(n) (1ull << (n))

/** A mask with bits hi..lo set, both included: BITS(6, 3) is 0x78. */
#define BITS(hi, lo) ((~0ull >> (63 - (hi))) & (~0ull << (lo)))

/** The value that stands in bits hi..lo of x. */
static inline u64 bits(u64 x, unsigned int hi, unsigned int lo)
{
	return (x & BITS(hi, lo)) >> lo;
}

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/** The struct of the given type whose member is what ptr points to. */
#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr) - offsetof(type, member)))

/** A result that must be looked at: ignoring it does not compile. */
#define __must_check __attribute__((warn_unused_result))
#define __packed __attribute__((packed))
#define __aligned(n) __attribute__((aligned(n)))
#define __noreturn __attribute__((noreturn))
#define __noinline __attribute__((noinline))
#define __force_inline inline __attribute__((always_inline))
#define __format(archetype, string, first) \
	__attribute__((format(archetype, string, first)))

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/*
 * The only part of the C library that the hypervisor has.  On the host the
 * same prototypes are glibc's, in the image they are hv/lib/string.c.
 */
void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);

static inline gva_t gva(u64 v)
{
	return (gva_t){ v };
}

static inline gpa_t gpa(u64 v)
{
	return (gpa_t){ v };
}

static inline hpa_t hpa(u64 v)
{
	return (hpa_t){ v };
}

static inline gva_t gva_add(gva_t a, u64 n)
{
	return gva(a.v + n);
}

static inline gpa_t gpa_add(gpa_t a, u64 n)
{
	return gpa(a.v + n);
}

static inline hpa_t hpa_add(hpa_t a, u64 n)
{
	return hpa(a.v + n);
}

/** The address of the 4 KiB page that a lies in. */
static inline gva_t gva_page(gva_t a)
{
	return gva(a.v & PAGE_MASK);
}

static inline gpa_t gpa_page(gpa_t a)
{
	return gpa(a.v & PAGE_MASK);
}

static inline hpa_t hpa_page(hpa_t a)
{
	return hpa(a.v & PAGE_MASK);
}

/** The offset of a within its 4 KiB page, 0 to 4095. */
static inline unsigned int gva_offset(gva_t a)
{
	return a.v & ~PAGE_MASK;
}

static inline unsigned int gpa_offset(gpa_t a)
{
	return a.v & ~PAGE_MASK;
}

/** The guest frame number: the page's address without its offset bits. */
static inline u64 gpa_frame(gpa_t a)
{
	return a.v >> PAGE_SHIFT;
}

#endif
