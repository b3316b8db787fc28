// SPDX-License-Identifier: MIT
/*
 * mkdisk OUT STAGE1 STAGE2 KERNEL ARCHIVE SRFS-MIB: a raw disk with an MBR
 * (Documentation/design/disk.md).
 *
 *	sector 0	first stage and partition table
 *	1 .. 16		second stage
 *	2048 ..		partition 1 (type 0x2c): boot header sector, kernel, archive
 *	at a whole MiB	partition 2 (type 0x2d), SRFS-MIB large: srfs; nothing is in it yet
 */
#include <lib/partition.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTOR 512
#define ALIGN 2048 /* sectors: 1 MiB */
#define PART_START ALIGN

struct blob {
	char *data;
	uint32_t len;
};

static void fail(const char *what, const char *which)
{
	fprintf(stderr, "mkdisk: error: %s: %s\n", which, what);
	exit(1);
}

static struct blob slurp(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct blob b;
	long n;

	if (!f || fseek(f, 0, SEEK_END) || (n = ftell(f)) < 0)
		fail("cannot read", path);
	rewind(f);
	b.len = n;
	b.data = malloc(n + 1);
	if (!b.data || fread(b.data, 1, n, f) != (size_t)n)
		fail("cannot read", path);
	fclose(f);
	return b;
}

static uint32_t sectors(uint32_t bytes)
{
	return (bytes + SECTOR - 1) / SECTOR;
}

static void put(FILE *f, uint32_t sector, const void *data, uint32_t len)
{
	if (fseek(f, (long)sector * SECTOR, SEEK_SET) || fwrite(data, 1, len, f) != len)
		fail("cannot write", "output");
}

static uint32_t align(uint32_t sector)
{
	return (sector + ALIGN - 1) & ~(ALIGN - 1u);
}

static void entry(uint8_t *mbr, int n, uint8_t type, bool active, uint32_t start, uint32_t count)
{
	uint8_t *e = mbr + 446 + n * 16;

	e[0] = active ? 0x80 : 0;
	e[4] = type;
	memcpy(e + 8, &start, 4);
	memcpy(e + 12, &count, 4);
}

int main(int argc, char **argv)
{
	uint8_t mbr[SECTOR] = {0}, head[SECTOR] = {0};
	struct blob s1, s2, k, a;
	uint32_t h[4], total, srfs, end;
	FILE *f;

	if (argc != 7) {
		fprintf(stderr, "usage: mkdisk OUT STAGE1 STAGE2 KERNEL ARCHIVE SRFS-MIB\n");
		return 2;
	}
	s1 = slurp(argv[2]);
	s2 = slurp(argv[3]);
	k = slurp(argv[4]);
	a = slurp(argv[5]);
	if (s1.len > 440 || s2.len > 16 * SECTOR)
		fail("too large", "boot stage");
	h[0] = 1;
	h[1] = k.len;
	h[2] = 1 + sectors(k.len);
	h[3] = a.len;
	total = 1 + sectors(k.len) + sectors(a.len);
	memcpy(head, "WHERRYBT", 8);
	memcpy(head + 8, h, sizeof(h));
	memcpy(mbr, s1.data, s1.len);
	end = align(PART_START + total);
	srfs = strtoul(argv[6], NULL, 10);
	entry(mbr, 0, PART_FLATFS, true, PART_START, total);
	if (srfs)
		entry(mbr, 1, PART_SRFS, false, end, srfs * ALIGN);
	mbr[510] = 0x55;
	mbr[511] = 0xaa;
	f = fopen(argv[1], "wb");
	if (!f)
		fail("cannot create", argv[1]);
	put(f, 0, mbr, SECTOR);
	put(f, 1, s2.data, s2.len);
	put(f, PART_START, head, SECTOR);
	put(f, PART_START + h[0], k.data, k.len);
	put(f, PART_START + h[2], a.data, a.len);
	/* whole mebibytes: some firmware refuses odd sizes */
	memset(head, 0, sizeof(head));
	put(f, end + srfs * ALIGN - 1, head, SECTOR);
	if (fclose(f))
		fail("cannot write", argv[1]);
	return 0;
}
