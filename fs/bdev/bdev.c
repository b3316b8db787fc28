// SPDX-License-Identifier: MIT
#include <fs/bdev.h>
#include <fs/file_system.h>
#include <lib/string.h>
#include <rt/blk.h>
#include <rt/fiber.h>

#define PAGE_SECTORS (W_PAGE / BLK_SECTOR)

/* include/uapi/linux/fs.h and hdreg.h */
enum {
	HDIO_GETGEO = 0x0301,
	BLKROGET = 0x125e,
	BLKRRPART = 0x125f,
	BLKGETSIZE = 0x1260,
	BLKFLSBUF = 0x1261,
	BLKSSZGET = 0x1268,
	BLKBSZGET = 0x80081270,
	BLKGETSIZE64 = 0x80081272,
	BLKDISCARD = 0x1277,
	BLKIOMIN = 0x1278,
	BLKIOOPT = 0x1279,
	BLKALIGNOFF = 0x127a,
	BLKPBSZGET = 0x127b,
	BLKZEROOUT = 0x127f,
};

static struct super_block bdevs;
static const struct inode_ops bdev_ops;

static struct blk *blk_of(const struct inode *i)
{
	return i->own;
}

/* ---- pages; the last one of a device may be cut off ---- */

static uint64_t bytes_of(uint64_t size, uint64_t index, uint32_t n)
{
	uint64_t off = index * W_PAGE, all = (uint64_t)n * W_PAGE;

	return off >= size ? 0 : size - off < all ? size - off : all;
}

static uint64_t size_of(const struct blk *b)
{
	return b->sectors * BLK_SECTOR;
}

static int read_pages(struct inode *i, uint64_t index, uint32_t n, void *to)
{
	uint64_t bytes = bytes_of(size_of(blk_of(i)), index, n);

	memset((char *)to + bytes, 0, (uint64_t)n * W_PAGE - bytes);
	return bytes ? blk_read(blk_of(i), index * PAGE_SECTORS, to, bytes) : 0;
}

static int write_pages(struct inode *i, uint64_t index, uint32_t n, const void *from)
{
	uint64_t size = size_of(blk_of(i)), bytes;

	/* what was cached while the device had another size: only what is in both */
	bytes = bytes_of(size < i->size ? size : i->size, index, n);
	return bytes ? blk_write(blk_of(i), index * PAGE_SECTORS, from, bytes) : 0;
}

static int fsync(struct inode *i, bool data_only)
{
	(void)data_only;
	return blk_flush(blk_of(i));
}

/* A device does not grow by writing. */
static int reserve(struct inode *i, uint64_t off, uint64_t len)
{
	return off + len > size_of(blk_of(i)) ? W_ENOSPC : 0;
}

static int setattr(struct inode *i, uint32_t what, const struct attr *a)
{
	(void)i;
	(void)a;
	return what & ATTR_SIZE ? W_EINVAL : 0; /* its times are nobody's */
}

/* ---- ioctl ---- */

static int64_t put(void *out, uint64_t value, uint32_t len)
{
	memcpy(out, &value, len);
	return len;
}

/* discard and zeroing: first byte, count of bytes */
static int range(struct blk *b, uint32_t request, const void *in, size_t n)
{
	uint64_t r[2];

	if (n < sizeof(r))
		return W_EINVAL;
	memcpy(r, in, sizeof(r));
	if (r[0] % BLK_SECTOR || r[1] % BLK_SECTOR)
		return W_EINVAL;
	return request == BLKDISCARD ? blk_discard(b, r[0] / BLK_SECTOR, r[1] / BLK_SECTOR)
				     : blk_write_zeroes(b, r[0] / BLK_SECTOR, r[1] / BLK_SECTOR);
}

/* Cylinders, heads and sectors as Linux invents them for virtio disks. */
static int64_t geometry(const struct blk *b, void *out)
{
	struct {
		uint8_t heads, sectors;
		uint16_t cylinders;
		uint64_t start;
	} g = {64, 32, b->sectors >> 11, b->start};

	memcpy(out, &g, sizeof(g));
	return sizeof(g);
}

static int64_t ioctl(struct inode *i, uint32_t request, const void *in, size_t n_in, void *out,
		     size_t room)
{
	struct blk *b = blk_of(i);

	if (room < 16)
		return W_EINVAL;
	switch (request) {
	case BLKGETSIZE64:
		return put(out, size_of(b), 8);
	case BLKGETSIZE:
		return put(out, b->sectors, 8);
	case BLKSSZGET:
	case BLKPBSZGET:
	case BLKIOMIN:
		return put(out, b->block_size, 4);
	case BLKBSZGET:
		return put(out, W_PAGE, 4);
	case BLKIOOPT:
	case BLKALIGNOFF:
		return put(out, 0, 4);
	case HDIO_GETGEO:
		return geometry(b, out);
	case BLKROGET:
		return put(out, b->read_only, 4);
	case BLKFLSBUF:
		return blk_flush(b);
	case BLKRRPART:
		return b->whole ? W_EINVAL : blk_reread(b);
	case BLKDISCARD:
	case BLKZEROOUT:
		return range(b, request, in, n_in);
	}
	return W_ENOTTY;
}

static const struct inode_ops bdev_ops = {.setattr = setattr,
					  .fsync = fsync,
					  .read_pages = read_pages,
					  .write_pages = write_pages,
					  .reserve = reserve,
					  .ioctl = ioctl};

/* ---- the set of them ---- */

static void evict(struct inode *i)
{
	(void)i;
}

static int sync_all(struct super_block *sb)
{
	(void)sb;
	return 0;
}

static const struct super_ops super = {.evict = evict, .sync = sync_all};
static const struct file_system kind = {.name = "bdev"};

/* The device has another size: so has its inode, now or, where that cannot be, when it is
 * opened the next time. */
static void follow_size(void *arg)
{
	struct blk *b = arg;
	struct inode *i = inode_find(&bdevs, b->rdev);

	if (!i)
		return;
	if (i->own == b && b->ops && i->size != size_of(b))
		inode_resized(i, size_of(b));
	inode_put(i);
}

static void changed(struct blk *b)
{
	if (b->ops)
		fiber_start(follow_size, b);
}

struct inode *bdev_inode(uint32_t rdev)
{
	struct blk *b = blk_by_rdev(rdev);
	struct inode *i;

	if (!bdevs.kind) {
		bdevs.kind = &kind;
		bdevs.ops = &super;
		list_init(&bdevs.inodes);
		blk_watch(changed);
	}
	if (!b || !b->ops)
		return NULL;
	follow_size(b);
	i = inode_find(&bdevs, rdev);
	if (i)
		return i;
	i = inode_new(&bdevs, rdev, &bdev_ops);
	if (!i)
		return NULL;
	i->mode = FS_S_IFBLK | 0600;
	i->nlink = 1;
	i->rdev = rdev;
	i->size = size_of(b);
	i->own = b;
	return i;
}

void bdev_sync_all(void)
{
	struct blk *b;

	pages_sync(&bdevs);
	for (b = blk_next(NULL); b; b = blk_next(b))
		if (!b->whole && b->ops && !b->read_only)
			blk_flush(b);
}
