// SPDX-License-Identifier: MIT
/* sources: lib/partition.c lib/crc32.c */
/* Partition tables: MBR with logical partitions, GPT with either header, and tables that lie. */
#include "unit.h"

#include <lib/crc32.h>
#include <lib/partition.h>

#define SECTORS 4096u

static uint8_t disk[SECTORS * 512];
static int fail_at;

static int read_disk(void *self, uint64_t sector, void *buf, uint32_t n)
{
	(void)self;
	if (fail_at && !--fail_at)
		return -5;
	assert_true(sector + n <= SECTORS);
	memcpy(buf, disk + sector * 512, n * 512);
	return 0;
}

static void put32(uint64_t at, uint32_t v)
{
	memcpy(disk + at, &v, 4);
}

static void put64(uint64_t at, uint64_t v)
{
	memcpy(disk + at, &v, 8);
}

static void mbr_entry(uint32_t sector, int i, uint8_t type, uint32_t start, uint32_t n)
{
	uint64_t at = sector * 512ull + 446 + i * 16;

	disk[at + 4] = type;
	put32(at + 8, start);
	put32(at + 12, n);
	disk[sector * 512ull + 510] = 0x55;
	disk[sector * 512ull + 511] = 0xaa;
}

static int scan(struct partition *p)
{
	return partition_scan(NULL, read_disk, SECTORS, 512, p);
}

static void mbr(void **state)
{
	struct partition p[PARTITIONS_MOST];

	(void)state;
	memset(disk, 0, sizeof(disk));
	assert_int_equal(scan(p), 0);
	mbr_entry(0, 0, PART_FLATFS, 64, 100);
	mbr_entry(0, 1, PART_EXTENDED, 1000, 2000);
	mbr_entry(0, 2, PART_SRFS, 200, 800);
	mbr_entry(0, 3, 0x83, 4000, 1000); /* past the end */
	mbr_entry(1000, 0, 0x83, 10, 20);
	mbr_entry(1000, 1, PART_EXTENDED_CHS, 500, 500);
	mbr_entry(1500, 0, 0x2d, 1, 2);
	mbr_entry(1500, 1, PART_EXTENDED_CHS, 500, 500); /* back to itself: the end */
	assert_int_equal(scan(p), 4);
	assert_int_equal(p[0].index, 1);
	assert_int_equal(p[0].type, PART_FLATFS);
	assert_int_equal(p[1].start, 200);
	assert_int_equal(p[1].sectors, 800);
	assert_int_equal(p[2].index, 5);
	assert_int_equal(p[2].start, 1010);
	assert_int_equal(p[3].start, 1501);
	for (int n = 1; n < 4; n++) {
		fail_at = n;
		assert_int_equal(scan(p), -5);
	}
	fail_at = 0;
}

static void gpt_header(uint64_t at, uint64_t entries)
{
	uint8_t *h = disk + at * 512;

	memcpy(h, "EFI PART", 8);
	put32(at * 512 + 12, 92);
	put64(at * 512 + 24, at);
	put64(at * 512 + 72, entries);
	put32(at * 512 + 80, 128);
	put32(at * 512 + 84, 128);
	put32(at * 512 + 88, crc32(0, disk + entries * 512, 128 * 128));
	put32(at * 512 + 16, 0);
	put32(at * 512 + 16, crc32(0, h, 92));
}

static void gpt_disk(void)
{
	uint64_t e = 2 * 512;

	memset(disk, 0, sizeof(disk));
	mbr_entry(0, 0, PART_PROTECTIVE, 1, SECTORS - 1);
	memcpy(disk + e, PART_GUID_SRFS, 16);
	put64(e + 32, 100);
	put64(e + 40, 199);
	memset(disk + e + 3 * 128, 7, 16);
	put64(e + 3 * 128 + 32, 300);
	put64(e + 3 * 128 + 40, 300);
	memcpy(disk + e + 5 * 128, PART_GUID_FLATFS, 16); /* ends before it begins */
	put64(e + 5 * 128 + 32, 500);
	put64(e + 5 * 128 + 40, 400);
	memcpy(disk + (SECTORS - 33) * 512, disk + e, 128 * 128);
	gpt_header(1, 2);
	gpt_header(SECTORS - 1, SECTORS - 33);
}

static void gpt(void **state)
{
	struct partition p[PARTITIONS_MOST];

	(void)state;
	gpt_disk();
	for (int round = 0; round < 3; round++) {
		assert_int_equal(scan(p), 2);
		assert_int_equal(p[0].type, PART_SRFS);
		assert_int_equal(p[0].index, 1);
		assert_int_equal(p[0].sectors, 100);
		assert_int_equal(p[1].index, 4);
		assert_int_equal(p[1].type, PART_LINUX);
		if (round == 0)
			disk[2 * 512 + 33] ^= 1; /* the first table is damaged, */
		else
			disk[512] ^= 1; /* then its header too */
	}
	disk[(SECTORS - 1) * 512] ^= 1;
	assert_int_equal(scan(p), 0);
}

static void anything(void **state)
{
	struct partition p[PARTITIONS_MOST];
	int n, i;

	(void)state;
	srand(4);
	for (int round = 0; round < 20000; round++) {
		if (round % 100 == 0)
			gpt_disk();
		if (round % 100 == 50)
			mbr_entry(0, 0, PART_EXTENDED, 1000, 1000);
		for (i = 0; i < 8; i++)
			disk[(rand() % 3 ? 0 : 512) + 440 + rand() % 90] = rand();
		disk[510] = 0x55;
		disk[511] = 0xaa;
		n = scan(p);
		assert_true(n >= 0 && n <= PARTITIONS_MOST);
		for (i = 0; i < n; i++)
			assert_true(p[i].start && p[i].sectors &&
				    p[i].start + p[i].sectors <= SECTORS);
	}
}

static void the_sum(void **state)
{
	(void)state;
	assert_int_equal(crc32(0, "123456789", 9), 0xcbf43926);
	assert_int_equal(crc32(crc32(0, "1234", 4), "56789", 5), 0xcbf43926);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mbr),
		cmocka_unit_test(gpt),
		cmocka_unit_test(anything),
		cmocka_unit_test(the_sum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
