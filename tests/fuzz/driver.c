// SPDX-License-Identifier: MIT
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 88172645463325252ull;

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static size_t mutate(uint8_t *b, size_t n, size_t max)
{
	static const uint64_t odd[] = {0, 1, ~0ull, 1ull << 63, 0x7fffffff, 0x80000000, 4096, 7};
	int k;

	for (k = rnd() % 4; k >= 0; k--) {
		size_t at = n ? rnd() % n : 0;

		switch (rnd() % 5) {
		case 0:
			if (n)
				b[at] = rnd();
			break;
		case 1:
			if (n)
				b[at] ^= 1 << rnd() % 8;
			break;
		case 2:
			if (n >= 8)
				memcpy(b + at / 8 * 8 % (n - 7), &odd[rnd() % 8], 8);
			break;
		case 3:
			n = at;
			break;
		case 4:
			if (n < max)
				b[n++] = rnd();
			break;
		}
	}
	return n;
}

int main(int argc, char **argv)
{
	long runs = argc > 1 ? atol(argv[1]) : 100000, i;
	const size_t max = 16384;
	size_t n, len;
	int seeds = 0;

	while (fuzz_seed(seeds, &n))
		seeds++;
	for (i = 0; i < runs; i++) {
		const uint8_t *s = fuzz_seed(rnd() % seeds, &n);
		uint8_t *b = malloc(max), *exact;

		memcpy(b, s, n);
		len = mutate(b, n, max);
		exact = malloc(len ? len : 1); /* so that one byte too far is seen */
		memcpy(exact, b, len);
		free(b);
		LLVMFuzzerTestOneInput(exact, len);
		free(exact);
	}
	printf("%ld inputs\n", runs);
	return 0;
}
