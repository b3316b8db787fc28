// SPDX-License-Identifier: MIT
#include <lib/crc32.h>
#include <lib/partition.h>
#include <lib/string.h>

#define SECTOR 512
#define MBR_TABLE 446
#define MBR_ENTRY 16
#define GPT_ENTRIES 128
#define GPT_ENTRY 128
#define LOGICAL_FIRST 5

struct scan {
	void *disk;
	partition_read read;
	uint64_t sectors;
	uint32_t per_block; /* sectors in a block of the disk */
	struct partition *out;
	int n;
	uint8_t buf[8 * SECTOR];
};

static uint32_t u32(const uint8_t *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t u64(const uint8_t *p)
{
	return u32(p) | (uint64_t)u32(p + 4) << 32;
}

/* In blocks of the disk, as tables count. */
static void add(struct scan *s, uint8_t index, uint8_t type, uint64_t start, uint64_t blocks,
		bool bootable)
{
	uint64_t most = s->sectors / s->per_block;

	if (s->n == PARTITIONS_MOST || !type || !start || !blocks || start >= most ||
	    blocks > most - start)
		return;
	s->out[s->n++] = (struct partition){.start = start * s->per_block,
					    .sectors = blocks * s->per_block,
					    .index = index,
					    .type = type,
					    .bootable = bootable};
}

static int read_block(struct scan *s, uint64_t block)
{
	if (block >= s->sectors / s->per_block)
		return 0; /* what is in buf by chance is checked like the rest */
	return s->read(s->disk, block * s->per_block, s->buf, s->per_block);
}

/* ---- MBR ---- */

static bool is_extended(uint8_t type)
{
	return type == PART_EXTENDED || type == PART_EXTENDED_CHS;
}

static bool has_signature(const uint8_t *sector)
{
	return sector[510] == 0x55 && sector[511] == 0xaa;
}

/* The chain of logical partitions: each table has one and says where the next table is, from
 * the beginning of the extended partition on.  It only goes forward, so it ends. */
static int scan_logical(struct scan *s, uint64_t extended)
{
	uint64_t at = extended, next = 0;
	uint8_t *e = s->buf + MBR_TABLE, index = LOGICAL_FIRST;
	int err;

	for (; index < LOGICAL_FIRST + PARTITIONS_MOST; index++) {
		memset(s->buf, 0, SECTOR);
		err = read_block(s, at);
		if (err || !has_signature(s->buf))
			return err;
		add(s, index, e[4], at + u32(e + 8), u32(e + 12), e[0] & 0x80);
		if (!is_extended(e[MBR_ENTRY + 4]) || u32(e + MBR_ENTRY + 8) <= next)
			return 0;
		next = u32(e + MBR_ENTRY + 8);
		at = extended + next;
	}
	return 0;
}

static int scan_mbr(struct scan *s)
{
	uint8_t table[4 * MBR_ENTRY], *e;
	int i, err = 0;

	memcpy(table, s->buf + MBR_TABLE, sizeof(table));
	for (i = 0; i < 4; i++) {
		e = table + i * MBR_ENTRY;
		if (!is_extended(e[4]))
			add(s, i + 1, e[4], u32(e + 8), u32(e + 12), e[0] & 0x80);
	}
	for (i = 0; i < 4 && !err; i++) {
		e = table + i * MBR_ENTRY;
		if (is_extended(e[4]) && u32(e + 8))
			err = scan_logical(s, u32(e + 8));
	}
	return err;
}

/* ---- GPT ---- */

static uint8_t gpt_type(const uint8_t *guid)
{
	static const uint8_t unused[16];
	static const uint8_t esp[16] = {0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
					0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b};

	if (!memcmp(guid, unused, 16))
		return PART_NONE;
	if (!memcmp(guid, PART_GUID_FLATFS, 16))
		return PART_FLATFS;
	if (!memcmp(guid, PART_GUID_SRFS, 16))
		return PART_SRFS;
	return memcmp(guid, esp, 16) ? PART_LINUX : PART_ESP;
}

/* The header is in buf; *crc and *at: of and where its entries are. */
static bool gpt_header(struct scan *s, uint64_t self, uint64_t *at, uint32_t *crc)
{
	uint8_t *h = s->buf;
	uint32_t size = u32(h + 12), own = u32(h + 16);

	if (memcmp(h, "EFI PART", 8) || size < 92 || size > SECTOR || u64(h + 24) != self ||
	    u32(h + 80) != GPT_ENTRIES || u32(h + 84) != GPT_ENTRY)
		return false;
	memset(h + 16, 0, 4);
	if (crc32(0, h, size) != own)
		return false;
	*at = u64(h + 72);
	*crc = u32(h + 88);
	return true;
}

static void add_gpt(struct scan *s, const uint8_t *e, uint8_t index)
{
	uint64_t first = u64(e + 32), last = u64(e + 40);

	if (last >= first)
		add(s, index, gpt_type(e), first, last - first + 1, u64(e + 48) & 4);
}

/* The entries, 16 KiB of them: once for the sum, and when that is right once more. */
static int gpt_entries(struct scan *s, uint64_t at, uint32_t crc, bool *good)
{
	uint32_t block = s->per_block * SECTOR, blocks = GPT_ENTRIES * GPT_ENTRY / block, i, k,
		 sum = 0;
	int err;

	*good = at < s->sectors && at + blocks <= s->sectors / s->per_block;
	for (i = 0; i < 2 * blocks && *good; i++) {
		err = read_block(s, at + i % blocks);
		if (err)
			return err;
		if (i < blocks)
			sum = crc32(sum, s->buf, block);
		if (i == blocks - 1)
			*good = sum == crc;
		for (k = 0; i >= blocks && k < block / GPT_ENTRY; k++)
			add_gpt(s, s->buf + k * GPT_ENTRY,
				(i - blocks) * (block / GPT_ENTRY) + k + 1);
	}
	return 0;
}

/* The first header, or where that is damaged the one at the end. */
static int scan_gpt(struct scan *s)
{
	uint64_t where[2] = {1, s->sectors / s->per_block - 1}, at;
	bool good = false;
	uint32_t crc;
	int i, err;

	for (i = 0; i < 2 && !good; i++) {
		err = read_block(s, where[i]);
		if (err)
			return err;
		if (!gpt_header(s, where[i], &at, &crc))
			continue;
		err = gpt_entries(s, at, crc, &good);
		if (err)
			return err;
	}
	return 0;
}

int partition_scan(void *disk, partition_read read, uint64_t sectors, uint32_t block,
		   struct partition *out)
{
	struct scan s = {.disk = disk,
			 .read = read,
			 .sectors = sectors,
			 .per_block = block / SECTOR,
			 .out = out};
	int err;

	if (sectors < 4 * s.per_block)
		return 0;
	err = read_block(&s, 0);
	if (err || !has_signature(s.buf))
		return err;
	err = s.buf[MBR_TABLE + 4] == PART_PROTECTIVE ? scan_gpt(&s) : scan_mbr(&s);
	return err ? err : s.n;
}
