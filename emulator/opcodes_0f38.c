/** @file
 * The opcode map after 0F 38 (SDM 2D A.3, tables A-4).
 *
 * Of this map only what has to do with general registers is supported; the
 * rest is vector arithmetic, which nobody applies to a device.
 */
#include "emulator/opcodes_maps.h"

const struct opcode opcodes_0f38[256] = {
	[0x2a] = PREFIX(0F38_2A),             /* MOVNTDQA */
	[0xf0] = PREFIX(0F38_F0),             /* MOVBE, CRC32 */
	[0xf1] = PREFIX(0F38_F1),             /* MOVBE, CRC32 */
	[0xf6] = PREFIX(0F38_F6),             /* ADCX, ADOX */
};
