// SPDX-License-Identifier: MIT
#include <lib/crc32.h>

#define POLYNOMIAL 0xedb88320u /* IEEE 802.3, bits reversed */

/* Eight bytes a turn: table[k] is what a byte does that k others follow. */
static uint32_t table[8][256];

static void make_table(void)
{
	uint32_t i, k, c;

	for (i = 0; i < 256; i++) {
		c = i;
		for (k = 0; k < 8; k++)
			c = c & 1 ? c >> 1 ^ POLYNOMIAL : c >> 1;
		table[0][i] = c;
	}
	for (k = 1; k < 8; k++)
		for (i = 0; i < 256; i++)
			table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 255];
}

static uint32_t eight(uint32_t c, const uint8_t *p)
{
	c ^= p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
	return table[7][c & 255] ^ table[6][c >> 8 & 255] ^ table[5][c >> 16 & 255] ^
	       table[4][c >> 24] ^ table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^
	       table[0][p[7]];
}

uint32_t crc32(uint32_t before, const void *data, size_t n)
{
	const uint8_t *p = data;
	uint32_t c = ~before;

	if (!table[0][1])
		make_table();
	for (; n >= 8; n -= 8, p += 8)
		c = eight(c, p);
	while (n--)
		c = table[0][(c ^ *p++) & 255] ^ c >> 8;
	return ~c;
}
