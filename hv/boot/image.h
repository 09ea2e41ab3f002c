/** @file
 * Where the image's parts begin and end, as hv/boot/link.ld lays them out.
 */
#ifndef HV_BOOT_IMAGE_H
#define HV_BOOT_IMAGE_H

extern char image_start[];    /* first byte, virtual */
extern char image_text_start[], image_text_end[];
extern char image_rodata_start[], image_rodata_end[];
extern char image_data_start[], image_end[]; /* .data and .bss */

#endif
