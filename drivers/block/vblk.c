// SPDX-License-Identifier: MIT
/*
 * The virtio disk (virtio 1.2, 5.2), served raw with the fs protocol as /dev/vda.
 *
 * Every read or write runs in a fiber, so that it reads like straight code; the
 * fibers take turns at the one bounce buffer.  A request that does not start or end
 * on a sector reads the sectors around it first.
 */
#include <rt/cred.h>
#include <rt/fiber.h>
#include <rt/module.h>
#include <virtio/virtio.h>
#include <wherry/fs.h>

#define SECTOR 512ull
#define BOUNCE (64ul << 10)
#define SLOTS 4
#define REQUEST_SLOTS 3 /* header, data, status */
#define T_IN 0u
#define T_OUT 1u
#define T_FLUSH 4u
#define F_RO (1ull << 5)
#define F_FLUSH (1ull << 9)
#define S_OK 0

struct request_header {
	uint32_t type, reserved;
	uint64_t sector;
};

/* One DMA page: the header, and the status byte behind it. */
struct control {
	struct request_header h;
	volatile uint8_t status;
};

struct disk_file { /* one per open: the badge */
	uint64_t off;
	uint32_t flags;
};

struct job {
	struct w_msg m;
	struct disk_file *f;
};

struct turn {
	struct list link;
	struct fiber *fiber;
};

static struct virtio *dev;
static struct virtq queue;
static struct control *ctl;
static char *bounce;
static paddr_t ctl_pa, bounce_pa;
static uint64_t size; /* bytes; 0: no disk */
static bool read_only, can_flush;
static struct ev_source irq_src;
static struct service service;
static struct list turns = LIST_INIT(turns); /* fibers waiting for the device */
static bool busy;
static struct fiber *waiting; /* for completion */

/* ---- the device ---- */

static void take_turn(void)
{
	struct turn t = {.fiber = fiber_self()};

	if (!busy) {
		busy = true;
		return;
	}
	list_append(&turns, &t.link);
	fiber_wait(); /* end_turn() hands the device over */
}

static void end_turn(void)
{
	struct turn *t;

	if (list_is_empty(&turns)) {
		busy = false;
		return;
	}
	t = list_first(&turns, struct turn, link);
	list_del(&t->link);
	fiber_wake(t->fiber);
}

static bool bring_up(void)
{
	uint64_t got, sectors = 0;

	if (!virtio_begin(dev, F_RO | F_FLUSH, &got) || !virtq_init(&queue, dev, 0, SLOTS) ||
	    queue.size < REQUEST_SLOTS)
		return false;
	dev->ops->config(dev, 0, &sectors, 8);
	read_only = got & F_RO;
	can_flush = got & F_FLUSH;
	size = sectors < 1ull << 50 ? sectors * SECTOR : 0;
	virtio_ready(dev);
	return true;
}

static void irq_ready(struct ev_source *s, uint32_t bits)
{
	struct fiber *f;
	uint32_t len;
	int slot;

	(void)s;
	(void)bits;
	dev->ops->irq_ack(dev);
	slot = virtq_take(&queue, &len);
	if (queue.broken) {
		rt_log("vblk: the device wrote an impossible index; resetting it");
		ctl->status = 1;
		if (!bring_up())
			size = 0;
	} else if (slot < 0) {
		return;
	}
	f = waiting;
	waiting = NULL;
	if (f)
		fiber_wake(f);
}

/* One request; the caller has the turn.  0 or W_EIO. */
static int submit(uint32_t type, uint64_t sector, uint32_t bytes)
{
	int last = bytes ? 2 : 1;

	ctl->h = (struct request_header){type, 0, sector};
	ctl->status = 0xff;
	virtq_set(&queue, 0, ctl_pa, sizeof(ctl->h), VIRTQ_NEXT, 1);
	if (bytes)
		virtq_set(&queue, 1, bounce_pa, bytes,
			  VIRTQ_NEXT | (type == T_IN ? VIRTQ_WRITE : 0), 2);
	virtq_set(&queue, last, ctl_pa + offsetof(struct control, status), 1, VIRTQ_WRITE, 0);
	virtq_offer(&queue, 0);
	waiting = fiber_self();
	virtq_kick(&queue);
	fiber_wait();
	return ctl->status == S_OK ? 0 : W_EIO;
}

/* ---- requests ---- */

static void reply(struct w_msg *m, int64_t status)
{
	m->nh = 0;
	service_reply(&service, m, status);
}

/* The part of [off, off+len) that fits the bounce buffer, widened to sectors. */
static uint32_t window(uint64_t off, uint64_t len, uint64_t *first, uint32_t *skip, uint32_t *n)
{
	uint32_t span;

	*skip = off % SECTOR;
	*first = off / SECTOR;
	*n = len < BOUNCE - *skip ? len : BOUNCE - *skip;
	span = (*skip + *n + SECTOR - 1) / SECTOR * SECTOR;
	return span;
}

static void do_read(struct job *j, uint64_t off, bool own)
{
	uint32_t skip, n, span;
	uint64_t first, len = off < size ? size - off : 0;
	int err;

	if (len > j->m.out_len)
		len = j->m.out_len;
	if (!len) {
		reply(&j->m, 0);
		return;
	}
	span = window(off, len, &first, &skip, &n);
	take_turn();
	err = submit(T_IN, first, span);
	if (err)
		reply(&j->m, err);
	else if (service_reply_bytes(&service, &j->m, n, bounce + skip, n) >= 0 && own)
		j->f->off = off + n;
	end_turn();
}

static void do_write(struct job *j, uint64_t off, bool own)
{
	uint32_t skip, n, span;
	uint64_t first, len = off < size ? size - off : 0;
	int64_t err = 0;

	if (read_only || !len || !j->m.in_len) {
		reply(&j->m, read_only ? W_EROFS : j->m.in_len ? W_ENOSPC : 0);
		return;
	}
	if (len > j->m.in_len)
		len = j->m.in_len;
	span = window(off, len, &first, &skip, &n);
	take_turn();
	if (skip || span != n)
		err = submit(T_IN, first, span);
	if (!err && w_msg_copy(service.port, j->m.txn, 0, bounce + skip, n, 0) < 0)
		err = W_EFAULT;
	if (!err)
		err = submit(T_OUT, first, span);
	if (!err && can_flush)
		err = submit(T_FLUSH, 0, 0);
	end_turn();
	if (!err && own)
		j->f->off = off + n;
	reply(&j->m, err ? err : n);
}

static void run_job(void *arg)
{
	struct job *j = arg;
	uint64_t off = j->m.arg[0];
	bool own = off == FS_OWN_OFFSET;

	if (own)
		off = j->f->off;
	if (j->m.op == FS_READ)
		do_read(j, off, own);
	else
		do_write(j, off, own);
	rt_free(j);
}

static void start_job(struct w_msg *m, struct disk_file *f)
{
	struct job *j = rt_try_alloc(sizeof(*j));

	if (j) {
		j->m = *m;
		j->f = f;
		if (fiber_start(run_job, j))
			return;
		rt_free(j);
	}
	reply(m, W_ENOMEM);
}

/* The raw disk is root's, and the group disk's (base-passwd gives it 6). */
static bool permitted(const struct w_msg *m)
{
	struct proc_cred c;

	cred_ask(m->sender, &c, NULL);
	return cred_allows(&c, 0660, 0, 6, cred_open_bits(m->FS_OPEN_in_flags));
}

static void op_open(struct w_msg *m)
{
	struct disk_file *f;

	if (!permitted(m)) {
		reply(m, W_EACCES);
		return;
	}
	f = size ? rt_try_alloc(sizeof(*f)) : NULL;
	m->h[0] = f ? service_mint(&service, (uint64_t)f) : 0;
	if (!m->h[0]) {
		rt_free(f);
		reply(m, size ? W_ENOMEM : -6); /* ENXIO: no disk */
		return;
	}
	f->flags = m->FS_OPEN_in_flags;
	m->FS_OPEN_out_mode = FS_S_IFBLK | 0600;
	m->FS_OPEN_out_size = size;
	m->nh = 1;
	if (service_reply(&service, m, 0) < 0)
		w_handle_close(m->h[0]);
}

static void op_seek(struct w_msg *m, struct disk_file *f)
{
	int64_t base = m->FS_SEEK_in_whence == 0   ? 0
		       : m->FS_SEEK_in_whence == 1 ? (int64_t)f->off
						   : (int64_t)size;

	if (m->FS_SEEK_in_whence > 2 || base + (int64_t)m->FS_SEEK_in_off < 0) {
		reply(m, W_EINVAL);
		return;
	}
	f->off = base + m->FS_SEEK_in_off;
	m->FS_SEEK_out_off = f->off;
	reply(m, 0);
}

static void op_stat(struct w_msg *m)
{
	struct fs_stat st = {.ino = 6,
			     .mode = FS_S_IFBLK | 0600,
			     .nlink = 1,
			     .rdev = 254 << 8,
			     .dev = 5,
			     .size = 0};

	m->nh = 0;
	service_reply_bytes(&service, m, 0, &st, sizeof(st));
}

/* BLKGETSIZE64, BLKSSZGET (include/uapi/linux/fs.h) */
static void op_ioctl(struct w_msg *m)
{
	uint32_t sector = SECTOR;

	m->nh = 0;
	if ((uint32_t)m->FS_IOCTL_in_request == 0x80081272u)
		service_reply_bytes(&service, m, 0, &size, 8);
	else if (m->FS_IOCTL_in_request == 0x1268)
		service_reply_bytes(&service, m, 0, &sector, 4);
	else
		reply(m, W_ENOTTY);
}

static bool opened_for(const struct disk_file *f, uint32_t op)
{
	return cred_open_bits(f->flags & FS_O_ACCMODE) & (op == FS_READ ? MAY_R : MAY_W);
}

static void call(struct service *s, struct w_msg *m)
{
	struct disk_file *f = (struct disk_file *)m->badge;

	(void)s;
	if (m->op == W_OP_CLOSED)
		rt_free(f); /* its calls are over: each held the channel */
	else if (m->op == FS_OPEN && !f)
		op_open(m);
	else if (!f)
		reply(m, W_EINVAL);
	else if ((m->op == FS_READ || m->op == FS_WRITE) && !opened_for(f, m->op))
		reply(m, W_EACCES);
	else if (m->op == FS_READ || m->op == FS_WRITE)
		start_job(m, f);
	else if (m->op == FS_SEEK)
		op_seek(m, f);
	else if (m->op == FS_STAT)
		op_stat(m);
	else if (m->op == FS_IOCTL)
		op_ioctl(m);
	else
		reply(m, m->op == FS_FLAGS ? 0 : W_EINVAL);
}

static void start(void)
{
	dev = virtio_find(VIRTIO_BLK);
	if (dev) {
		ctl = dma_alloc(W_PAGE, &ctl_pa);
		bounce = dma_alloc(BOUNCE, &bounce_pa);
		if (!ctl || !bounce || !bring_up()) {
			rt_log("vblk: the disk does not work");
			size = 0;
		} else {
			irq_src.fn = irq_ready;
			ev_add(&irq_src, dev->irq, W_READABLE);
			rt_log("vblk: %lu MiB%s", size >> 20, read_only ? ", read-only" : "");
		}
	}
	service.call = call;
	service_start(&service, "block");
}

const struct module vblk_module = {"vblk", start};
