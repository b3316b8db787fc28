// SPDX-License-Identifier: MIT
/* sources: fs/srfs/[!v]*.c lib/crc32.c */
/*
 * The core of srfs against a model of files in memory: random operations, remounts, crashes at
 * any write with what was not flushed lost, reordered or torn, a device that fails, a disk that
 * is full.  After each crash the volume is as after some operation not before the last commit.
 */
#include "unit.h"

#include <wherry/errors.h>

#include "../srfs/host.h"

#define BLOCKS 2048 /* 8 MiB */
#define NAMES 24
#define SIZE_MOST 60000
#define IFREG 0100000u
#define IFDIR 0040000u
#define PENDING_MOST 4096

/* ---- a disk that remembers what was not flushed ---- */

struct pending {
	uint64_t block;
	uint8_t *data;
};

struct disk {
	uint8_t *stable; /* what survives for certain */
	uint8_t *now;
	struct pending pending[PENDING_MOST];
	uint32_t npending;
	uint64_t writes, fail_at; /* the write or read that fails; 0: none */
	bool keep;		  /* remember */
	bool no_barriers;	  /* a disk that lies about flushes: the test must notice */
};

static uint32_t seed = 1;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static void remember(struct disk *d, uint64_t block, const void *data)
{
	struct pending *p = &d->pending[d->npending++];

	assert_true(d->npending < PENDING_MOST);
	p->block = block;
	p->data = malloc(SRFS_BLOCK);
	memcpy(p->data, data, SRFS_BLOCK);
}

static int disk_run(void *self, const struct srfs_io *io, uint32_t n)
{
	struct disk *d = self;
	uint32_t i, k;

	for (i = 0; i < n; i++)
		for (k = 0; k < io[i].count; k++) {
			uint8_t *buf = (uint8_t *)io[i].buf + k * SRFS_BLOCK;
			uint8_t *at = d->now + (io[i].block + k) * SRFS_BLOCK;

			assert_true(io[i].block + k < BLOCKS);
			if (++d->writes == d->fail_at)
				return W_EIO;
			if (io[i].write) {
				memcpy(at, buf, SRFS_BLOCK);
				if (d->keep)
					remember(d, io[i].block + k, buf);
			} else {
				memcpy(buf, at, SRFS_BLOCK);
			}
		}
	return 0;
}

static void settle(struct disk *d, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		memcpy(d->stable + d->pending[i].block * SRFS_BLOCK, d->pending[i].data,
		       SRFS_BLOCK);
		free(d->pending[i].data);
	}
	memmove(d->pending, d->pending + n, (d->npending - n) * sizeof(*d->pending));
	d->npending -= n;
}

static int disk_flush(void *self)
{
	struct disk *d = self;

	if (++d->writes == d->fail_at)
		return W_EIO;
	if (d->keep && !d->no_barriers)
		settle(d, d->npending);
	if (d->keep && d->npending > PENDING_MOST - 1500)
		settle(d, d->npending / 2);
	return 0;
}

/* The power fails: of what was not flushed some is there, some not, some in part. */
static void crash(struct disk *d, uint8_t *image)
{
	uint32_t i, k, mode = rnd(4), prefix = rnd(d->npending + 1);

	memcpy(image, d->stable, (size_t)BLOCKS * SRFS_BLOCK);
	for (i = 0; i < d->npending; i++) {
		uint8_t *to = image + d->pending[i].block * SRFS_BLOCK;

		if (mode == 0 ? i >= prefix : mode == 1 ? rnd(2) : 0)
			continue;
		for (k = 0; k < SRFS_BLOCK; k += 512)
			if (mode != 2 || rnd(2))
				memcpy(to + k, d->pending[i].data + k, 512);
	}
}

static struct disk disk;
static struct srfs_dev dev = {&disk, BLOCKS, disk_run, disk_flush};
static struct srfs_options options = {.now = 1000000007};

static void fresh_disk(void)
{
	if (!disk.now) {
		disk.now = malloc((size_t)BLOCKS * SRFS_BLOCK);
		disk.stable = malloc((size_t)BLOCKS * SRFS_BLOCK);
	}
	settle(&disk, disk.npending);
	disk.keep = disk.no_barriers = false;
	disk.writes = disk.fail_at = 0;
	memset(disk.now, 0xa5, (size_t)BLOCKS * SRFS_BLOCK);
	assert_int_equal(srfs_format(&dev, &options), 0);
	memcpy(disk.stable, disk.now, (size_t)BLOCKS * SRFS_BLOCK);
}

static void report(void *self, uint64_t block, const char *what)
{
	(void)self;
	print_message("block %lu: %s\n", (unsigned long)block, what);
}

/* Bits that say free where the tree has something: what is wrong most of all. */
static uint64_t wrong_bits(struct srfs *fs, const uint8_t *used)
{
	const struct srfs_ext *e = &srfs_super(fs)->ext;
	uint64_t ours = e->bitmap_blocks + 1 + e->log_blocks, i, wrong = 0;
	struct srfs_buf *b;

	for (i = 0; i < BLOCKS; i++) {
		bool mine = i >= e->bitmap_start && i < e->bitmap_start + ours;

		assert_int_equal(buf_get(fs, e->bitmap_start + i / 32768, &b), 0);
		if (used[i / 8] >> i % 8 & 1 || mine)
			wrong += !(b->data[i % 32768 / 8] >> i % 8 & 1);
		buf_put(fs, b);
	}
	return wrong;
}

static bool has_orphans(struct srfs *fs)
{
	struct srfs_buf *b;
	bool some;

	assert_int_equal(buf_get(fs, srfs_super(fs)->ext.orphans, &b), 0);
	some = ((struct srfs_orphans *)b->data)->count;
	buf_put(fs, b);
	return some;
}

/* The tree is whole, and the bitmap says what the tree says, no block more or less. */
static bool is_whole(struct srfs *fs)
{
	struct srfs_walk w = {.problem = disk.no_barriers ? NULL : report};
	const struct srfs_super *s = srfs_super(fs);
	uint64_t ours = s->ext.bitmap_blocks + 1 + s->ext.log_blocks, wrong;
	uint8_t *used;

	if (srfs_walk(fs, &w, &used))
		return false;
	wrong = w.problems + wrong_bits(fs, used);
	free(used);
	if (!has_orphans(fs))
		wrong += s->free_blocks != s->num_blocks - w.used - ours;
	return !wrong;
}

static void check_volume(struct srfs *fs)
{
	assert_true(is_whole(fs));
}

/* ---- the model: one directory of files, one below it ---- */

struct file {
	bool exists;
	uint32_t size;
	uint64_t changed; /* the operation that last wrote its bytes */
	uint8_t data[SIZE_MOST];
};

static struct file model[2][NAMES];
static struct srfs *fs;
static struct srfs_node dir[2];
static uint64_t op_count;

static void name_of(uint32_t i, char *name)
{
	sprintf(name, i % 3 ? "f%u" : "a-longer-name-for-file-%u", i);
}

static void open_dirs(void)
{
	struct srfs_id id;

	assert_int_equal(srfs_node_read(fs, SRFS_ROOT, SRFS_ROOT, &dir[0]), 0);
	if (srfs_lookup(&dir[0], "sub", 3, &id)) {
		struct srfs_new what = {.mode = IFDIR | 0755, .now = 5};

		assert_int_equal(srfs_create(&dir[0], "sub", 3, &what, &dir[1]), 0);
	} else {
		assert_int_equal(srfs_node_read(fs, id.block, id.generation, &dir[1]), 0);
	}
}

static void close_dirs(void)
{
	srfs_node_fini(&dir[0]);
	srfs_node_fini(&dir[1]);
}

static int get(uint32_t d, uint32_t i, struct srfs_node *n)
{
	struct srfs_id id;
	char name[64];
	int err;

	name_of(i, name);
	err = srfs_lookup(&dir[d], name, strlen(name), &id);
	return err ? err : srfs_node_read(fs, id.block, id.generation, n);
}

static void do_create(uint32_t d, uint32_t i)
{
	struct srfs_new what = {.mode = IFREG | 0640, .uid = 7, .now = op_count};
	struct srfs_node n;
	char name[64];

	if (model[d][i].exists)
		return;
	name_of(i, name);
	assert_int_equal(srfs_create(&dir[d], name, strlen(name), &what, &n), 0);
	srfs_node_fini(&n);
	model[d][i] = (struct file){.exists = true, .changed = op_count};
}

static void do_unlink(uint32_t d, uint32_t i)
{
	struct srfs_node n;
	char name[64];

	if (!model[d][i].exists)
		return;
	name_of(i, name);
	assert_int_equal(get(d, i, &n), 0);
	assert_int_equal(srfs_unlink(&dir[d], name, strlen(name), &n, op_count), 0);
	assert_int_equal(srfs_release(&n), 0);
	srfs_node_fini(&n);
	model[d][i].exists = false;
}

/* As the page cache does: whole pages from the model. */
static int write_pages(struct srfs_node *n, struct file *f, uint32_t first, uint32_t count)
{
	uint8_t *pages = calloc(count, SRFS_BLOCK);
	uint32_t begin = first * SRFS_BLOCK, bytes = count * SRFS_BLOCK;
	int err;

	if (begin < f->size)
		memcpy(pages, f->data + begin, f->size - begin < bytes ? f->size - begin : bytes);
	err = srfs_write(n, first, count, pages, f->size);
	free(pages);
	return err;
}

static void do_write(uint32_t d, uint32_t i)
{
	struct file *f = &model[d][i];
	uint32_t off = rnd(4) ? rnd(f->size + 1) : rnd(SIZE_MOST / 2), len = 1 + rnd(9000), k;
	uint32_t first, last;
	struct srfs_node n;

	if (!f->exists || off + len > SIZE_MOST)
		return;
	assert_int_equal(get(d, i, &n), 0);
	if (off > f->size)
		memset(f->data + f->size, 0, off - f->size);
	for (k = 0; k < len; k++)
		f->data[off + k] = rnd(256);
	if (off + len > f->size)
		f->size = off + len;
	f->changed = op_count;
	first = off / SRFS_BLOCK;
	last = (off + len - 1) / SRFS_BLOCK;
	assert_int_equal(write_pages(&n, f, first, last - first + 1), 0);
	srfs_node_fini(&n);
}

static void do_truncate(uint32_t d, uint32_t i)
{
	struct file *f = &model[d][i];
	uint32_t size = rnd(3) ? rnd(f->size + 1) : rnd(SIZE_MOST);
	struct srfs_node n;

	if (!f->exists)
		return;
	assert_int_equal(get(d, i, &n), 0);
	assert_int_equal(srfs_truncate(&n, size), 0);
	if (size > f->size)
		memset(f->data + f->size, 0, size - f->size);
	f->size = size;
	f->changed = op_count;
	srfs_node_fini(&n);
}

static void do_rename(uint32_t d, uint32_t i, uint32_t e, uint32_t j)
{
	struct srfs_node n, old;
	char from[64], to[64];
	bool replaces = model[e][j].exists;

	if (!model[d][i].exists || (d == e && i == j))
		return;
	name_of(i, from);
	name_of(j, to);
	assert_int_equal(get(d, i, &n), 0);
	if (replaces)
		assert_int_equal(get(e, j, &old), 0);
	assert_int_equal(srfs_rename(&dir[d], from, strlen(from), &n, &dir[e], to, strlen(to),
				     replaces ? &old : NULL, false, op_count),
			 0);
	if (replaces) {
		assert_int_equal(srfs_release(&old), 0);
		srfs_node_fini(&old);
	}
	srfs_node_fini(&n);
	model[e][j] = model[d][i];
	model[e][j].changed = op_count;
	model[d][i].exists = false;
}

static void one_operation(void)
{
	uint32_t d = rnd(2), i = rnd(NAMES);

	op_count++;
	switch (rnd(8)) {
	case 0:
	case 1:
		do_create(d, i);
		break;
	case 2:
		do_unlink(d, i);
		break;
	case 3:
		do_truncate(d, i);
		break;
	case 4:
		do_rename(d, i, rnd(2), rnd(NAMES));
		break;
	default:
		do_write(d, i);
	}
}

/* Are the bytes of a file in the volume those of the model? */
static bool is_same(uint32_t d, uint32_t i)
{
	struct file *f = &model[d][i];
	uint32_t pages = f->size / SRFS_BLOCK + 2, k;
	uint8_t *buf = malloc(pages * SRFS_BLOCK);
	struct srfs_node n;
	bool same = !get(d, i, &n);

	if (same) {
		same = n.attr.size == f->size && !srfs_read(&n, 0, pages, buf) &&
		       !memcmp(buf, f->data, f->size);
		for (k = f->size; k < pages * SRFS_BLOCK; k++)
			same &= !buf[k];
		srfs_node_fini(&n);
	}
	free(buf);
	return same;
}

static void compare_file(uint32_t d, uint32_t i)
{
	assert_true(is_same(d, i));
}

static void compare_all(void)
{
	struct srfs_node n;

	for (uint32_t d = 0; d < 2; d++)
		for (uint32_t i = 0; i < NAMES; i++)
			if (model[d][i].exists)
				compare_file(d, i);
			else
				assert_int_equal(get(d, i, &n), W_ENOENT);
}

static void mount_it(void)
{
	assert_int_equal(srfs_mount(&dev, &options, &fs), 0);
	open_dirs();
}

static void unmount_it(void)
{
	close_dirs();
	assert_int_equal(srfs_unmount(fs), 0);
}

/* ---- tests ---- */

static void against_the_model(void **state)
{
	(void)state;
	seed = 11;
	memset(model, 0, sizeof(model));
	fresh_disk();
	mount_it();
	for (int i = 0; i < 10000; i++) {
		one_operation();
		if (rnd(40) == 0)
			assert_int_equal(srfs_commit(fs), 0);
		if (rnd(250) == 0) {
			compare_all();
			check_volume(fs);
			unmount_it();
			mount_it();
			compare_all();
		}
	}
	compare_all();
	unmount_it();
}

/* What names and sizes there are. */
static uint64_t digest_of_model(void)
{
	uint64_t h = 1;

	for (uint32_t d = 0; d < 2; d++)
		for (uint32_t i = 0; i < NAMES; i++)
			h = (h ^ (model[d][i].exists ? model[d][i].size + 1 : 0)) *
			    0x9e3779b97f4a7c15ull;
	return h;
}

static uint64_t digest_of_volume(void)
{
	struct srfs_node n;
	uint64_t h = 1;

	for (uint32_t d = 0; d < 2; d++)
		for (uint32_t i = 0; i < NAMES; i++) {
			int err = get(d, i, &n);

			if (err && err != W_ENOENT)
				return 0;
			h = (h ^ (err ? 0 : n.attr.size + 1)) * 0x9e3779b97f4a7c15ull;
			if (!err)
				srfs_node_fini(&n);
		}
	return h;
}

#define CRASHES 400 /* rounds of them; SRFS_CRASHES in the environment: more */
#define OPS_BETWEEN 60

/* The mounted volume is as after one of the operations, and what was committed is there. */
static bool is_as_it_must_be(const uint64_t *digest, uint32_t ops, uint64_t committed)
{
	uint64_t h;
	bool good = false;

	if (!is_whole(fs))
		return false;
	open_dirs();
	h = digest_of_volume();
	for (uint32_t k = 0; k <= ops; k++)
		good |= digest[k] == h;
	for (uint32_t d = 0; d < 2; d++)
		for (uint32_t i = 0; i < NAMES; i++)
			if (good && model[d][i].exists && model[d][i].changed <= committed)
				good = is_same(d, i);
	close_dirs();
	return good;
}

/* Mount the image of a crash, beside the volume that lives on. */
static bool survives(uint8_t *image, const uint64_t *digest, uint32_t ops, uint64_t committed)
{
	struct srfs *live = fs;
	struct srfs_node live_dir[2] = {dir[0], dir[1]};
	uint8_t *now = disk.now;
	bool keep = disk.keep, good = false;

	disk.now = image;
	disk.keep = false;
	if (!srfs_mount(&dev, &options, &fs)) {
		good = is_as_it_must_be(digest, ops, committed);
		good &= !srfs_unmount(fs);
	}
	disk.now = now;
	disk.keep = keep;
	fs = live;
	dir[0] = live_dir[0];
	dir[1] = live_dir[1];
	return good;
}

static uint32_t crashes;

static int crash_rounds(int rounds)
{
	uint8_t *image = malloc((size_t)BLOCKS * SRFS_BLOCK);
	uint64_t digest[OPS_BETWEEN + 1], committed;
	int bad = 0;

	for (int round = 0; round < rounds; round++) {
		uint32_t ops = 0, n = 1 + rnd(OPS_BETWEEN - 1);

		assert_int_equal(srfs_commit(fs), 0);
		committed = op_count;
		digest[0] = digest_of_model();
		while (ops < n) {
			one_operation();
			digest[++ops] = digest_of_model();
			if (rnd(3) == 0) {
				crash(&disk, image);
				crashes++;
				bad += !survives(image, digest, ops, committed);
			}
		}
	}
	free(image);
	return bad;
}

static void through_crashes(void **state)
{
	const char *more = getenv("SRFS_CRASHES");

	(void)state;
	seed = 5;
	memset(model, 0, sizeof(model));
	fresh_disk();
	mount_it();
	disk.keep = true;
	memcpy(disk.stable, disk.now, (size_t)BLOCKS * SRFS_BLOCK);
	assert_int_equal(crash_rounds(more ? atoi(more) : CRASHES), 0);
	print_message("%u crashes\n", crashes);
	unmount_it();
}

/* The same on a disk whose flush does nothing: this test would see a broken order. */
static void a_disk_that_does_not_flush_is_noticed(void **state)
{
	(void)state;
	seed = 6;
	memset(model, 0, sizeof(model));
	fresh_disk();
	mount_it();
	disk.keep = disk.no_barriers = true;
	memcpy(disk.stable, disk.now, (size_t)BLOCKS * SRFS_BLOCK);
	assert_true(crash_rounds(30) > 0);
	disk.no_barriers = false;
	close_dirs();
	srfs_abandon(fs);
	settle(&disk, disk.npending);
}

/* The Nth request fails: an error, nothing that was committed is lost, and it mounts again. */
static void every_request_fails_once(void **state)
{
	struct srfs_new what = {.mode = IFREG | 0600, .now = 1};
	uint8_t page[SRFS_BLOCK] = "kept";
	struct srfs_node n, root;
	struct srfs_id id;
	uint64_t k, last = ~0ull;

	(void)state;
	for (k = 1; k <= last && k < 400; k++) {
		fresh_disk();
		assert_int_equal(srfs_mount(&dev, &options, &fs), 0);
		assert_int_equal(srfs_node_read(fs, 1, 1, &root), 0);
		assert_int_equal(srfs_create(&root, "kept", 4, &what, &n), 0);
		assert_int_equal(srfs_write(&n, 0, 1, page, 4), 0);
		assert_int_equal(srfs_commit(fs), 0);
		srfs_node_fini(&n);
		disk.writes = 0;
		disk.fail_at = k;
		for (int i = 0; i < 20; i++) {
			char name[16];

			sprintf(name, "n%d", i);
			if (!srfs_create(&root, name, strlen(name), &what, &n)) {
				srfs_write(&n, 2, 1, page, 3 * SRFS_BLOCK);
				srfs_truncate(&n, 100);
				srfs_node_fini(&n);
			}
			srfs_commit(fs);
		}
		srfs_node_fini(&root);
		srfs_unmount(fs);
		last = disk.writes;
		disk.fail_at = 0;
		assert_int_equal(srfs_mount(&dev, &options, &fs), 0);
		check_volume(fs);
		assert_int_equal(srfs_node_read(fs, 1, 1, &root), 0);
		assert_int_equal(srfs_lookup(&root, "kept", 4, &id), 0);
		assert_int_equal(srfs_node_read(fs, id.block, id.generation, &n), 0);
		assert_int_equal(srfs_read(&n, 0, 1, page), 0);
		assert_string_equal((char *)page, "kept");
		srfs_node_fini(&n);
		srfs_node_fini(&root);
		assert_int_equal(srfs_unmount(fs), 0);
	}
	assert_true(k > last);
}

/* Every size class of directories, there and back. */
static void large_directories(void **state)
{
	struct srfs_new what = {.mode = IFREG | 0600, .now = 1};
	uint32_t most = 1500, i;
	struct srfs_node root, n;
	struct srfs_id id;
	char name[16];

	(void)state;
	fresh_disk();
	assert_int_equal(srfs_mount(&dev, &options, &fs), 0);
	assert_int_equal(srfs_node_read(fs, 1, 1, &root), 0);
	for (i = 0; i < most; i++) {
		sprintf(name, "%u", i);
		assert_int_equal(srfs_create(&root, name, strlen(name), &what, &n), 0);
		srfs_node_fini(&n);
	}
	srfs_node_fini(&root);
	assert_int_equal(srfs_unmount(fs), 0);
	assert_int_equal(srfs_mount(&dev, &options, &fs), 0);
	assert_int_equal(srfs_node_read(fs, 1, 1, &root), 0);
	assert_int_equal(root.attr.size, most);
	for (i = 0; i < most; i++) {
		sprintf(name, "%u", i * 7 % most);
		assert_int_equal(srfs_lookup(&root, name, strlen(name), &id), 0);
		assert_int_equal(srfs_node_read(fs, id.block, id.generation, &n), 0);
		assert_int_equal(srfs_unlink(&root, name, strlen(name), &n, 2), 0);
		assert_int_equal(srfs_release(&n), 0);
		srfs_node_fini(&n);
		if (i % 100 == 0)
			check_volume(fs);
	}
	assert_int_equal(root.attr.size, 0);
	srfs_node_fini(&root);
	assert_int_equal(srfs_commit(fs), 0);
	check_volume(fs);
	assert_int_equal(srfs_unmount(fs), 0);
}

/* Link blocks come and go: more names than files, since each file takes a block. */
static void directories_with_tables(void **state)
{
	struct srfs_new what = {.mode = IFREG | 0600, .now = 1};
	uint32_t most = 7700, i;
	struct srfs_node root, n;
	char name[16];

	(void)state;
	fresh_disk();
	assert_int_equal(srfs_mount(&dev, &options, &fs), 0);
	assert_int_equal(srfs_node_read(fs, 1, 1, &root), 0);
	assert_int_equal(srfs_create(&root, "0", 1, &what, &n), 0);
	for (i = 1; i < most; i++) {
		sprintf(name, "%u", i);
		assert_int_equal(srfs_link(&root, name, strlen(name), &n, 1), 0);
		if (i % 1000 == 0 || i == 7440 || i == 7441)
			check_volume(fs);
	}
	for (i = most - 1; i; i--) {
		sprintf(name, "%u", i);
		assert_int_equal(srfs_unlink(&root, name, strlen(name), &n, 2), 0);
		if (i % 1000 == 0 || i == 7440 || i == 7441 || i == 15 || i == 14)
			check_volume(fs);
	}
	assert_int_equal(n.attr.nlink, 1);
	srfs_node_fini(&n);
	srfs_node_fini(&root);
	assert_int_equal(srfs_unmount(fs), 0);
}

/* Full: an error that changes nothing; and room again after deleting. */
static void a_full_disk(void **state)
{
	struct srfs_new what = {.mode = IFREG | 0600, .now = 1};
	uint8_t *pages = calloc(64, SRFS_BLOCK);
	struct srfs_node root, n;
	uint64_t blocks, before, after;
	uint32_t index;

	(void)state;
	fresh_disk();
	assert_int_equal(srfs_mount(&dev, &options, &fs), 0);
	assert_int_equal(srfs_node_read(fs, 1, 1, &root), 0);
	for (int round = 0; round < 5; round++) {
		srfs_space(fs, &blocks, &before);
		assert_int_equal(srfs_create(&root, "big", 3, &what, &n), 0);
		for (index = 0;; index += 64)
			if (srfs_write(&n, index, 64, pages, (index + 64ull) * SRFS_BLOCK))
				break;
		assert_int_equal(n.attr.size, index * (uint64_t)SRFS_BLOCK);
		assert_int_equal(srfs_write(&n, 0, 64, pages, n.attr.size), 0); /* in place */
		check_volume(fs);
		assert_int_equal(srfs_unlink(&root, "big", 3, &n, 2), 0);
		assert_int_equal(srfs_release(&n), 0);
		srfs_node_fini(&n);
		srfs_space(fs, &blocks, &after);
		assert_int_equal(before, after);
	}
	srfs_node_fini(&root);
	assert_int_equal(srfs_unmount(fs), 0);
	free(pages);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(against_the_model),
		cmocka_unit_test(through_crashes),
		cmocka_unit_test(a_disk_that_does_not_flush_is_noticed),
		cmocka_unit_test(every_request_fails_once),
		cmocka_unit_test(large_directories),
		cmocka_unit_test(directories_with_tables),
		cmocka_unit_test(a_full_disk),
	};

	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(disk.now);
	free(disk.stable);
	return failed;
}
