// SPDX-License-Identifier: MIT
#include <lib/partition.h>
#include <rt/blk.h>
#include <rt/fiber.h>

#define PIECES_MOST 16 /* of one blk_read or blk_write in flight at once */
#define WATCHERS 4

static struct list devices = LIST_INIT(devices);
static void (*watchers[WATCHERS])(struct blk *b);

/* ---- ends of requests: told from the loop, never inside blk_begin() ---- */

static struct list ended = LIST_INIT(ended);

static void tell_ended(struct ev_task *t)
{
	struct blk_req *rq;

	(void)t;
	while (!list_is_empty(&ended)) {
		rq = list_first(&ended, struct blk_req, link);
		list_del(&rq->link);
		rq->done(rq);
	}
}

static struct ev_task telling = {.fn = tell_ended};

static void end_later(struct blk_req *rq, int status)
{
	rq->status = status;
	list_append(&ended, &rq->link);
	ev_task_add(&telling);
}

static void show(struct blk *b)
{
	if (b->shown)
		*b->shown = b->stats;
}

static void count_begun(struct blk *b, uint64_t now)
{
	struct disk_stats *s = &b->stats;

	if (!s->in_flight++)
		s->busy_since = now;
	show(b);
}

static void count_kind(struct disk_stats *s, const struct blk_req *rq, uint64_t ns)
{
	switch (rq->op) {
	case BLK_READ:
		s->reads++;
		s->read_sectors += rq->sectors;
		s->read_ns += ns;
		break;
	case BLK_WRITE:
	case BLK_WRITE_ZEROES:
		s->writes++;
		s->write_sectors += rq->sectors;
		s->write_ns += ns;
		break;
	case BLK_DISCARD:
		s->discards++;
		s->discard_sectors += rq->sectors;
		s->discard_ns += ns;
		break;
	case BLK_FLUSH:
		s->flushes++;
		s->flush_ns += ns;
		break;
	}
}

static void count(struct blk *b, const struct blk_req *rq)
{
	struct disk_stats *s = &b->stats;
	uint64_t now = rt_now();

	if (!--s->in_flight)
		s->busy_ns += now - s->busy_since;
	if (rq->status)
		s->errors++;
	else
		count_kind(s, rq, now - rq->began_ns);
	show(b);
}

void blk_done(struct blk_req *rq, int status)
{
	rq->status = status;
	count(rq->blk, rq);
	if (rq->part)
		count(rq->part, rq);
	end_later(rq, status);
}

/* ---- beginning ---- */

static bool writes(const struct blk_req *rq)
{
	return rq->op != BLK_READ && rq->op != BLK_FLUSH;
}

static int check(const struct blk *b, const struct blk_req *rq)
{
	uint64_t bytes = 0, per = b->block_size / BLK_SECTOR;
	uint32_t i;

	if (!b->ops)
		return W_EIO;
	if (b->read_only && writes(rq))
		return W_EROFS;
	if (rq->op == BLK_FLUSH)
		return 0;
	if (rq->sector > b->sectors || rq->sectors > b->sectors - rq->sector)
		return W_ENOSPC;
	if (b->whole && b->start + rq->sector + rq->sectors > b->whole->sectors)
		return W_EIO; /* the disk has shrunk since its table was read */
	if (rq->nseg > BLK_SEGMENTS || !rq->sectors || rq->sector % per || rq->sectors % per ||
	    (rq->op <= BLK_WRITE && rq->sectors > b->most_sectors))
		return W_EINVAL;
	if ((rq->op == BLK_DISCARD && !b->can_discard) ||
	    (rq->op == BLK_WRITE_ZEROES && !b->can_zero))
		return W_EOPNOTSUPP;
	for (i = 0; i < rq->nseg; i++)
		bytes += rq->seg[i].len;
	return rq->op > BLK_WRITE || bytes == rq->sectors * BLK_SECTOR ? 0 : W_EINVAL;
}

void blk_begin(struct blk *b, struct blk_req *rq)
{
	int err = check(b, rq);

	if (err) {
		end_later(rq, err);
		return;
	}
	rq->part = NULL;
	rq->began_ns = rt_now();
	if (b->whole) {
		rq->part = b;
		count_begun(b, rq->began_ns);
		rq->sector += rq->op == BLK_FLUSH ? 0 : b->start;
		b = b->whole;
	}
	rq->blk = b;
	count_begun(b, rq->began_ns);
	b->ops->begin(b, rq);
}

/* ---- waiting ---- */

struct wait {
	struct fiber *fiber;
	uint32_t left;
	int err;
};

static void one_done(struct blk_req *rq)
{
	struct wait *w = rq->own;

	if (rq->status && !w->err)
		w->err = rq->status;
	if (!--w->left)
		fiber_wake(w->fiber);
}

int blk_run(struct blk *b, struct blk_req *rq, uint32_t n)
{
	struct wait w = {.fiber = fiber_self(), .left = n};
	uint32_t i;

	for (i = 0; i < n; i++) {
		rq[i].own = &w;
		rq[i].done = one_done;
		blk_begin(b, &rq[i]);
	}
	while (w.left)
		fiber_wait();
	return w.err;
}

static int run_simple(struct blk *b, enum blk_op op, uint64_t sector, uint64_t sectors)
{
	struct blk_req rq = {.op = op, .sector = sector, .sectors = sectors};

	return blk_run(b, &rq, 1);
}

int blk_flush(struct blk *b)
{
	return run_simple(b, BLK_FLUSH, 0, 0);
}

int blk_discard(struct blk *b, uint64_t sector, uint64_t sectors)
{
	return run_simple(b, BLK_DISCARD, sector, sectors);
}

int blk_write_zeroes(struct blk *b, uint64_t sector, uint64_t sectors)
{
	return run_simple(b, BLK_WRITE_ZEROES, sector, sectors);
}

/* Whole blocks, in pieces that the device takes, several at once. */
static int transfer(struct blk *b, enum blk_op op, uint64_t sector, char *buf, uint64_t n)
{
	struct blk_req rq[PIECES_MOST];
	struct blk_seg seg[PIECES_MOST];
	uint64_t piece, most = (uint64_t)b->most_sectors * BLK_SECTOR;
	uint32_t k;
	int err = 0;

	while (n && !err) {
		for (k = 0; k < PIECES_MOST && n; k++, n -= piece) {
			piece = n < most ? n : most;
			seg[k] = (struct blk_seg){.va = buf, .len = piece};
			rq[k] = (struct blk_req){.op = op,
						 .sector = sector,
						 .sectors = piece / BLK_SECTOR,
						 .seg = &seg[k],
						 .nseg = 1};
			sector += piece / BLK_SECTOR;
			buf += piece;
		}
		err = blk_run(b, rq, k);
	}
	return err;
}

int blk_read(struct blk *b, uint64_t sector, void *buf, uint64_t n)
{
	return transfer(b, BLK_READ, sector, buf, n);
}

int blk_write(struct blk *b, uint64_t sector, const void *buf, uint64_t n)
{
	return transfer(b, BLK_WRITE, sector, (char *)buf, n);
}

/* ---- the devices there are ---- */

struct blk *blk_next(struct blk *b)
{
	struct list *l = b ? b->link.next : devices.next;

	return l == &devices ? NULL : list_entry(l, struct blk, link);
}

struct blk *blk_find(const char *name)
{
	struct blk *b;

	for (b = blk_next(NULL); b; b = blk_next(b))
		if (!strcmp(b->name, name))
			return b;
	return NULL;
}

struct blk *blk_by_rdev(uint32_t rdev)
{
	struct blk *b;

	for (b = blk_next(NULL); b; b = blk_next(b))
		if (b->rdev == rdev)
			return b;
	return NULL;
}

static bool overlaps(const struct blk *a, const struct blk *b)
{
	return a == b || a->whole == b || b->whole == a;
}

int blk_claim(struct blk *b, const void *who)
{
	struct blk *other;

	for (other = blk_next(NULL); other; other = blk_next(other))
		if (overlaps(other, b) && other->claimed_by && other->claimed_by != who)
			return W_EBUSY;
	b->claimed_by = who;
	return 0;
}

void blk_release(struct blk *b, const void *who)
{
	if (b->claimed_by == who)
		b->claimed_by = NULL;
}

void blk_watch(void (*fn)(struct blk *b))
{
	int i;

	for (i = 0; i < WATCHERS; i++)
		if (!watchers[i]) {
			watchers[i] = fn;
			return;
		}
	rt_die("too many who watch block devices");
}

static void tell(struct blk *b)
{
	int i;

	for (i = 0; i < WATCHERS && watchers[i]; i++)
		watchers[i](b);
}

/* ---- partitions ---- */

static int read_table(void *disk, uint64_t sector, void *buf, uint32_t n)
{
	return blk_read(disk, sector, buf, (uint64_t)n * BLK_SECTOR);
}

static void add_partition(struct blk *disk, const struct partition *p)
{
	struct blk *b = rt_try_alloc(sizeof(*b));

	if (!b)
		return;
	*b = *disk;
	memset(&b->stats, 0, sizeof(b->stats));
	b->shown = NULL;
	fmt(b->name, sizeof(b->name), "%s%u", disk->name, p->index);
	b->claimed_by = NULL;
	b->rdev = disk->rdev + p->index;
	b->whole = disk;
	b->start = p->start;
	b->sectors = p->sectors;
	b->part_type = p->type;
	b->part_index = p->index;
	list_append(&devices, &b->link);
	tell(b);
}

static void drop_partitions(struct blk *disk)
{
	struct list *l, *tmp;
	struct blk *b;

	list_for_each_safe (l, tmp, &devices) {
		b = list_entry(l, struct blk, link);
		if (b->whole != disk)
			continue;
		list_del(&b->link); /* who still uses it gets errors: it is not freed */
		b->ops = NULL;
		tell(b);
	}
}

int blk_reread(struct blk *disk)
{
	struct partition p[PARTITIONS_MOST];
	struct blk *b;
	int n, i;

	for (b = blk_next(NULL); b; b = blk_next(b))
		if (b->whole == disk && b->claimed_by)
			return W_EBUSY;
	n = partition_scan(disk, read_table, disk->sectors, disk->block_size, p);
	if (n < 0)
		return n;
	drop_partitions(disk);
	for (i = 0; i < n; i++)
		add_partition(disk, &p[i]);
	return 0;
}

/* Disks found at the start: their tables are read before anybody looks for a partition. */
static uint32_t scanning;
static struct fiber *who_waits;

static void scan(void *arg)
{
	struct blk *b = arg;
	int err = blk_reread(b);

	if (err)
		rt_log("%s: its partition table cannot be read: error %d", b->name, -err);
	if (!--scanning && who_waits) {
		fiber_wake(who_waits);
		who_waits = NULL;
	}
}

void blk_settle(void)
{
	while (scanning) {
		who_waits = fiber_self();
		fiber_wait();
	}
}

void blk_add(struct blk *b)
{
	list_append(&devices, &b->link);
	tell(b);
	scanning++;
	if (!fiber_start(scan, b))
		scanning--;
}

void blk_gone(struct blk *b)
{
	drop_partitions(b);
	b->ops = NULL;
	tell(b);
}

void blk_resized(struct blk *b, uint64_t sectors)
{
	b->sectors = sectors;
	tell(b);
}
