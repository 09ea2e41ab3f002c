/** @file
 * Writing coreboot's table: a header, and one record, the memory's.
 *
 *	"LBIO" | header's size | its sum | table's size | its sum | records
 *	record: tag 1, its size, then 20 bytes a range
 *
 * Both sums must be right, or the table is passed over.  The header's own is
 * computed last, over a header whose sum field is still 0, as the reader does.
 */
#include "hv/platform/coreboot.h"

#define SIGNATURE 0x4f49424cu /* LBIO */
#define TAG_MEMORY 1

/* Packed: as it stands in memory, whatever the compiler would like. */
struct header {
	u32 signature;
	u32 header_bytes;
	u32 header_checksum;
	u32 table_bytes;
	u32 table_checksum;
	u32 table_entries;
} __packed;

struct memory_record {
	u32 tag;
	u32 size;
	struct {
		u64 start, size;
		u32 type;
	} __packed range[COREBOOT_RANGES];
} __packed;

/**
 * The Internet checksum, RFC 1071: the sum of 16-bit words, in which what runs
 * over the top is added at the bottom again, inverted.
 */
static u32 checksum(const void *bytes, u32 length)
{
	const u8 *b = bytes;
	u32 sum = 0;

	for (u32 i = 0; i < length; i++) {
		sum += i & 1 ? (u32)b[i] << 8 : b[i];
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return ~sum & 0xffff;
}

/* Put together here and copied in one piece: `out` need not be aligned. */
void coreboot_write(u8 *out, const struct coreboot_range *range,
		    unsigned int count)
{
	struct memory_record memory = {
		.tag = TAG_MEMORY,
		.size = 8 + count * sizeof(memory.range[0]),
	};
	struct header header = {
		.signature = SIGNATURE,
		.header_bytes = sizeof(header),
		.table_bytes = memory.size,
		.table_entries = 1,
	};

	for (unsigned int i = 0; i < count; i++) {
		memory.range[i].start = range[i].start;
		memory.range[i].size = range[i].size;
		memory.range[i].type = range[i].type;
	}
	header.table_checksum = checksum(&memory, memory.size);
	header.header_checksum = checksum(&header, sizeof(header));
	memcpy(out, &header, sizeof(header));
	memcpy(out + sizeof(header), &memory, memory.size);
}
