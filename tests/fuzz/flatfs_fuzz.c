// SPDX-License-Identifier: MIT
/* sources: lib/flatfs.c */
#include "fuzz.h"

#include <lib/flatfs.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct flatfs_file f;
	struct flatfs fs;
	volatile uint8_t sum = 0;
	uint64_t i;

	if (flatfs_open(&fs, data, size))
		return 0;
	flatfs_check(&fs);
	flatfs_begin(&f);
	while (flatfs_next(&fs, &f)) {
		for (i = 0; i < f.name_len; i++)
			sum += f.name[i];
		for (i = 0; i < f.len; i++)
			sum += fs.base[f.off + i];
	}
	flatfs_find(&fs, "sbin/init", &f);
	return 0;
}

const uint8_t *fuzz_seed(int n, size_t *size)
{
	static uint64_t img[20];

	if (n)
		return NULL;
	memcpy(img, (uint64_t[]){FLATFS_MAGIC, 1, 152, 2, 72, 4, 76, 3, 80, 0, 120, 9, 129, 8, 0},
	       120);
	memcpy((char *)img + 72, "/a/bxyz", 7);
	img[10] = 120;
	img[11] = 9;
	img[12] = 129;
	img[13] = 8;
	img[14] = 0;
	memcpy((char *)img + 120, "sbin/init12345678", 17);
	*size = 152;
	return (const uint8_t *)img;
}
