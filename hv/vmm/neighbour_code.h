/** @file
 * The numbers of the neighbour's program, for its two forms.
 */
#ifndef HV_VMM_NEIGHBOUR_CODE_H
#define HV_VMM_NEIGHBOUR_CODE_H

/** The sequence: x = x * FACTOR + ADDEND (Knuth's MMIX), from FIRST on. */
#define NEIGHBOUR_FIRST 49
#define NEIGHBOUR_FACTOR 6364136223846793005
#define NEIGHBOUR_ADDEND 1442695041

/** Its words lie here; the sequence's highest bits say which one is next. */
#define NEIGHBOUR_WORDS_AT 0x300000
#define NEIGHBOUR_WORDS 8192
#define NEIGHBOUR_SHIFT 51

/** Steps between two exits. */
#define NEIGHBOUR_STEPS 2000

#endif
