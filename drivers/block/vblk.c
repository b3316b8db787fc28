// SPDX-License-Identifier: MIT
/*
 * virtio disks (virtio 1.2, 5.2) as block devices vda, vdb ... (rt/blk.h).
 *
 * A request is a chain of descriptors: header, the pages of its buffers where they lie, status.
 * Many are with the device at once; what finds no room in the queue waits in order.  The
 * device is not trusted: it may name only what it was given, else it is reset and all that
 * it had ends with W_EIO.
 *
 * One queue: this server has one thread, and a second queue would only be looked at twice.
 */
#include <rt/blk.h>
#include <rt/ev.h>
#include <rt/module.h>
#include <virtio/virtio.h>

#define DISKS 8
#define MAJOR_VIRTBLK 254 /* Linux gives it out from here down */
#define MINORS 16	  /* of a disk: itself and its partitions */
#define SLOTS 128
#define PAGES_MOST 32 /* of one request: 128 KiB */
/* Runs of memory: buffers need not begin on a page, so each may touch one more. */
#define RUNS_MOST (PAGES_MOST + BLK_SEGMENTS + 1)
#define T_IN 0u
#define T_OUT 1u
#define T_FLUSH 4u
#define T_DISCARD 11u
#define T_WRITE_ZEROES 13u
#define F_RO (1ull << 5)
#define F_BLK_SIZE (1ull << 6)
#define F_FLUSH (1ull << 9)
#define F_DISCARD (1ull << 13)
#define F_WRITE_ZEROES (1ull << 14)
#define AT_CAPACITY 0
#define AT_BLK_SIZE 20
#define S_OK 0
#define S_UNSUPPORTED 2
#define S_NONE 0xff /* nothing has been written yet */

struct header {
	uint32_t type, reserved;
	uint64_t sector;
};

struct range { /* of discard and write zeroes */
	uint64_t sector;
	uint32_t sectors, flags;
};

/* In DMA memory, one for each slot that may be a chain's first. */
struct control {
	struct header h;
	struct range range;
	volatile uint8_t status;
	uint8_t pad[31];
};

struct disk {
	struct blk blk;
	struct virtio *dev;
	struct virtq queue;
	struct control *ctl; /* SLOTS of them */
	paddr_t ctl_pa;
	struct ev_source irq, config_irq;
	struct list waiting;	   /* struct blk_req without room in the queue */
	struct blk_req *at[SLOTS]; /* by the first slot of its chain; NULL: none begins there */
	uint16_t next_of[SLOTS];   /* the chains, as we made them */
	uint16_t length[SLOTS];	   /* of the chain that begins there */
	uint16_t free[SLOTS], nfree;
	bool can_flush;
};

struct run { /* of physical memory */
	paddr_t pa;
	uint32_t len;
};

/* ---- chains ---- */

static void give_back(struct disk *d, uint16_t first)
{
	uint16_t slot = first, n = d->length[first];

	for (; n; n--, slot = d->next_of[slot])
		d->free[d->nfree++] = slot;
	d->at[first] = NULL;
}

/* Where the buffers lie, neighbours as one; the count, or W_EFAULT. */
static int find_runs(const struct blk_req *rq, struct run *run)
{
	const struct blk_seg *s = rq->seg;
	uint64_t va, left, len;
	int64_t pa;
	int n = 0;

	for (; s < rq->seg + rq->nseg; s++)
		for (va = (uint64_t)s->va, left = s->len; left; va += len, left -= len) {
			len = W_PAGE - va % W_PAGE < left ? W_PAGE - va % W_PAGE : left;
			pa = w_dma_addr(W_H_IOROOT, va, rq->op == BLK_READ);
			if (pa < 0)
				return W_EFAULT;
			if (n && run[n - 1].pa + run[n - 1].len == (paddr_t)pa) {
				run[n - 1].len += len;
				continue;
			}
			if (n == RUNS_MOST)
				return W_EINVAL;
			run[n++] = (struct run){pa, len};
		}
	return n;
}

static uint32_t type_of(enum blk_op op)
{
	static const uint32_t types[] = {[BLK_READ] = T_IN,
					 [BLK_WRITE] = T_OUT,
					 [BLK_FLUSH] = T_FLUSH,
					 [BLK_DISCARD] = T_DISCARD,
					 [BLK_WRITE_ZEROES] = T_WRITE_ZEROES};

	return types[op];
}

static void set_header(struct control *c, const struct blk_req *rq)
{
	bool ranged = rq->op >= BLK_DISCARD;

	c->h = (struct header){type_of(rq->op), 0, ranged ? 0 : rq->sector};
	c->range = (struct range){rq->sector, rq->sectors, 0};
	c->status = S_NONE;
}

/* The chain of a request whose buffers are the runs; there is room. */
static void offer(struct disk *d, struct blk_req *rq, const struct run *run, uint32_t n)
{
	uint16_t slot[RUNS_MOST + 2], k, count = n + 2, first;
	paddr_t ctl;

	for (k = 0; k < count; k++)
		slot[k] = d->free[--d->nfree];
	first = slot[0];
	ctl = d->ctl_pa + first * sizeof(struct control);
	set_header(&d->ctl[first], rq);
	virtq_set(&d->queue, first, ctl, sizeof(struct header), VIRTQ_NEXT, slot[1]);
	for (k = 0; k < n; k++)
		virtq_set(&d->queue, slot[k + 1], run[k].pa, run[k].len,
			  VIRTQ_NEXT | (rq->op == BLK_READ ? VIRTQ_WRITE : 0), slot[k + 2]);
	virtq_set(&d->queue, slot[count - 1], ctl + offsetof(struct control, status), 1,
		  VIRTQ_WRITE, 0);
	for (k = 0; k + 1 < count; k++)
		d->next_of[slot[k]] = slot[k + 1];
	d->length[first] = count;
	d->at[first] = rq;
	virtq_offer(&d->queue, first);
}

/* false: no room now. */
static bool try_begin(struct disk *d, struct blk_req *rq)
{
	struct run run[RUNS_MOST];
	int n;

	if (d->nfree < RUNS_MOST + 2)
		return false;
	n = find_runs(rq, run);
	if (rq->op >= BLK_DISCARD) {
		run[0] = (struct run){0, sizeof(struct range)};
		n = 1;
	}
	if (n < 0) {
		blk_done(rq, n);
		return true;
	}
	if (rq->op >= BLK_DISCARD) /* the range lies in the control of the chain's first slot */
		run[0].pa = d->ctl_pa + d->free[d->nfree - 1] * sizeof(struct control) +
			    offsetof(struct control, range);
	offer(d, rq, run, n);
	return true;
}

static void begin(struct blk *b, struct blk_req *rq)
{
	struct disk *d = b->self;

	if (rq->op == BLK_FLUSH && !d->can_flush) { /* the device has no cache to flush */
		blk_done(rq, 0);
		return;
	}
	if (!list_is_empty(&d->waiting) || !try_begin(d, rq)) {
		list_append(&d->waiting, &rq->link);
		return;
	}
	virtq_kick(&d->queue);
}

static const struct blk_ops disk_ops = {begin};

/* ---- the device's side ---- */

static bool bring_up(struct disk *d, uint64_t *got)
{
	uint16_t i;

	if (!virtio_begin(d->dev, F_RO | F_BLK_SIZE | F_FLUSH | F_DISCARD | F_WRITE_ZEROES, got) ||
	    !virtq_init(&d->queue, d->dev, 0, SLOTS) || d->queue.size < RUNS_MOST + 2)
		return false;
	d->nfree = 0;
	for (i = 0; i < d->queue.size; i++)
		d->free[d->nfree++] = i;
	virtio_ready(d->dev);
	return true;
}

static void fail_all(struct disk *d)
{
	struct blk_req *rq;
	uint16_t i;

	for (i = 0; i < SLOTS; i++)
		if (d->at[i]) {
			blk_done(d->at[i], W_EIO);
			d->at[i] = NULL;
		}
	while (!list_is_empty(&d->waiting)) {
		rq = list_first(&d->waiting, struct blk_req, link);
		list_del(&rq->link);
		blk_done(rq, W_EIO);
	}
}

static void reset(struct disk *d)
{
	uint64_t got;
	bool up;

	rt_log("%s: the device named what it was not given; resetting it", d->blk.name);
	up = bring_up(d, &got);
	fail_all(d);
	if (up)
		return;
	rt_log("%s: it does not come back", d->blk.name);
	ev_del(&d->irq);
	blk_gone(&d->blk);
}

/* The device writes it in one step, we read it in eight: until it is the same twice. */
static uint64_t capacity(struct disk *d)
{
	uint64_t was, sectors = ~0ull;
	int tries = 0;

	do {
		was = sectors;
		d->dev->ops->config(d->dev, AT_CAPACITY, &sectors, 8);
	} while (sectors != was && ++tries < 10);
	return sectors < 1ull << 54 ? sectors & ~(d->blk.block_size / BLK_SECTOR - 1ull) : 0;
}

static void config_changed(struct disk *d)
{
	uint64_t sectors = capacity(d);

	if (sectors == d->blk.sectors || !d->blk.ops)
		return;
	rt_log("%s: now %lu MiB", d->blk.name, sectors >> 11);
	blk_resized(&d->blk, sectors);
}

static void config_ready(struct ev_source *s, uint32_t bits)
{
	(void)bits;
	w_irq_ack(s->h);
	config_changed(container_of(s, struct disk, config_irq));
}

static int error_of(uint8_t status)
{
	return status == S_OK ? 0 : status == S_UNSUPPORTED ? W_EOPNOTSUPP : W_EIO;
}

static void begin_waiting(struct disk *d)
{
	struct blk_req *rq;

	while (!list_is_empty(&d->waiting)) {
		rq = list_first(&d->waiting, struct blk_req, link);
		if (d->nfree < RUNS_MOST + 2)
			return;
		list_del(&rq->link);
		try_begin(d, rq);
	}
}

static void irq_ready(struct ev_source *s, uint32_t bits)
{
	struct disk *d = container_of(s, struct disk, irq);
	struct blk_req *rq;
	uint32_t len;
	int slot;

	(void)bits;
	if (d->dev->ops->irq_ack(d->dev))
		config_changed(d);
	while ((slot = virtq_take(&d->queue, &len)) >= 0) {
		rq = d->at[slot];
		if (!rq) {
			d->queue.broken = true;
			break;
		}
		give_back(d, slot);
		blk_done(rq, error_of(d->ctl[slot].status));
	}
	if (d->queue.broken) {
		reset(d);
		return;
	}
	begin_waiting(d);
	virtq_kick(&d->queue);
}

/* ---- start ---- */

static void describe(struct disk *d, uint64_t got, uint32_t n)
{
	struct blk *b = &d->blk;
	uint32_t size = BLK_SECTOR;

	if (got & F_BLK_SIZE)
		d->dev->ops->config(d->dev, AT_BLK_SIZE, &size, 4);
	fmt(b->name, sizeof(b->name), "vd%c", 'a' + n);
	b->ops = &disk_ops;
	b->self = d;
	b->rdev = MAJOR_VIRTBLK << 8 | n * MINORS;
	b->block_size = size == 4096 ? 4096 : BLK_SECTOR;
	b->sectors = capacity(d);
	b->most_sectors = PAGES_MOST * (W_PAGE / BLK_SECTOR);
	b->read_only = got & F_RO;
	b->can_discard = got & F_DISCARD;
	b->can_zero = got & F_WRITE_ZEROES;
	d->can_flush = got & F_FLUSH;
}

static bool add_disk(uint32_t n)
{
	struct virtio *dev = virtio_find(VIRTIO_BLK);
	struct disk *d = dev ? rt_try_alloc(sizeof(*d)) : NULL;
	w_handle_t config;
	uint64_t got;

	if (!d)
		return false;
	d->dev = dev;
	config = dev->ops->config_irq(dev);
	list_init(&d->waiting);
	d->ctl = dma_alloc(SLOTS * sizeof(struct control), &d->ctl_pa);
	if (!d->ctl || !bring_up(d, &got)) {
		rt_log("vblk: disk %u does not work", n);
		return true;
	}
	describe(d, got, n);
	d->irq.fn = irq_ready;
	ev_add(&d->irq, dev->irq, W_READABLE);
	d->config_irq.fn = config_ready;
	if (config)
		ev_add(&d->config_irq, config, W_READABLE);
	rt_log("%s: %lu MiB%s", d->blk.name, d->blk.sectors >> 11,
	       d->blk.read_only ? ", read-only" : "");
	blk_add(&d->blk);
	return true;
}

static void start(void)
{
	uint32_t n;

	for (n = 0; n < DISKS && add_disk(n); n++)
		;
}

const struct module vblk_module = {"vblk", start};
