// SPDX-License-Identifier: MIT
/* sources: drivers/virtio/virtio.c drivers/net/vnet.c drivers/block/vblk.c rt/cred.c */
/*
 * The virtio drivers against a device in this process, first an honest one, then one that
 * lies in every field it may write: indices, slots, lengths, at any time.  ASan watches
 * the memory around what the device was given; a driver that was lied to resets the
 * device and works again when it is honest.
 */
#include "unit.h"

#include <rt/fiber.h>
#include <rt/module.h>
#include <rt/netdev.h>
#include <virtio/virtio.h>
#include <wherry/fs.h>

#define BUF 2048
#define HEADER 12
#define SECTORS 256

extern const struct module vnet_module, vblk_module;

/* ---- the device ---- */

struct queue {
	struct virtq_desc *desc;
	volatile uint16_t *avail, *used;
	uint32_t size;
	uint16_t taken, done; /* of avail, of used */
};

static struct queue queues[2];
static struct virtio fake;
static uint32_t status, resets, allocations;
static int lies; /* percent */
static uint32_t fewest_slots = 1;
static uint8_t disk[SECTORS * 512];

static uint64_t features(struct virtio *v)
{
	(void)v;
	return ~0ull & ~(1ull << 5); /* no MAC of its own, or for a disk: not read-only */
}

static void set_features(struct virtio *v, uint64_t f)
{
	(void)v;
	assert_true(f & VIRTIO_F_VERSION_1);
}

static uint32_t get_status(struct virtio *v)
{
	(void)v;
	return status;
}

static void set_status(struct virtio *v, uint32_t s)
{
	(void)v;
	status = s;
	if (!s) {
		memset(queues, 0, sizeof(queues));
		resets++;
	}
}

static uint32_t queue_max(struct virtio *v, int q)
{
	(void)v;
	(void)q;
	return lies && rand() % 4 == 0 ? fewest_slots + rand() % 100 : 1024;
}

static void queue_set(struct virtio *v, int q, uint32_t size, paddr_t desc, paddr_t avail,
		      paddr_t used)
{
	(void)v;
	queues[q] = (struct queue){(void *)desc, (void *)avail, (void *)used, size, 0, 0};
}

static void nothing(struct virtio *v)
{
	(void)v;
}

static void notify(struct virtio *v, int q)
{
	(void)v;
	(void)q;
}

static void config(struct virtio *v, uint32_t off, void *buf, uint32_t len)
{
	uint64_t sectors = SECTORS;

	(void)v;
	(void)off;
	memcpy(buf, &sectors, len);
}

static const struct virtio_ops ops = {features,	 set_features, get_status, set_status, queue_max,
				      queue_set, notify,       config,	   nothing};

static bool lying(void)
{
	return rand() % 100 < lies;
}

static int next_slot(struct queue *q)
{
	if (!q->desc || q->avail[1] == q->taken)
		return -1;
	return q->avail[2 + q->taken++ % q->size];
}

static void complete(struct queue *q, uint32_t slot, uint32_t len)
{
	volatile uint32_t *ring = (volatile uint32_t *)(q->used + 2);

	if (!q->desc)
		return;
	if (lying())
		slot = rand() % 3 ? slot + (uint32_t)rand() % 600 : (uint32_t)rand() * 2u;
	if (lying())
		len = rand() % 2 ? (uint32_t)rand() % 5000 : (uint32_t)rand() * 2u;
	ring[q->done % q->size * 2] = slot;
	ring[q->done % q->size * 2 + 1] = len;
	q->done++;
	if (lying())
		q->done += rand() % 2 ? rand() % 3 : rand();
	q->used[1] = q->done;
	if (lying())
		q->used[0] = rand();
}

/* ---- what the drivers call ---- */

static struct ev_source *sources[2]; /* the card's, the disk's */
static int nsources;
static struct net_device *card;
static struct service *block;
static uint32_t received_len, received, answered_len;
static int64_t answered;
static uint8_t received_frame[BUF], answered_bytes[64 << 10];

void *dma_alloc(uint64_t len, paddr_t *pa)
{
	void *p = calloc(1, len);

	allocations++;
	*pa = (paddr_t)p;
	return p;
}

struct virtio *virtio_pci_find(uint32_t type)
{
	(void)type;
	fake.ops = &ops;
	return &fake;
}

struct virtio *virtio_mmio_find(uint32_t type)
{
	(void)type;
	return NULL;
}

void rt_log(const char *f, ...)
{
	(void)f;
}

w_handle_t rt_lookup(const char *name)
{
	assert_string_equal(name, "proc");
	return 1;
}

/* procd: whoever calls is root. */
int64_t rt_call(w_handle_t ch, struct w_msg *m)
{
	(void)ch;
	memset((void *)m->out, 0, m->out_len);
	return 0;
}

void *rt_try_alloc(size_t n)
{
	return calloc(1, n);
}

void rt_free(void *p)
{
	free(p);
}

void ev_add(struct ev_source *s, w_handle_t h, uint32_t mask)
{
	(void)h;
	(void)mask;
	sources[nsources++] = s;
}

void netdev_provide(struct net_device *d)
{
	card = d;
}

void service_start(struct service *s, const char *name)
{
	(void)name;
	block = s;
}

w_handle_t service_mint(struct service *s, uint64_t badge)
{
	(void)s;
	return badge != 0;
}

int64_t service_reply_bytes(struct service *s, struct w_msg *m, int32_t st, const void *p,
			    uint32_t len)
{
	(void)s;
	(void)m;
	answered = st;
	answered_len = len;
	if (len)
		memcpy(answered_bytes, p, len);
	return 0;
}

int64_t service_reply(struct service *s, struct w_msg *m, int32_t st)
{
	return service_reply_bytes(s, m, st, NULL, 0);
}

/* A fiber is a call here: the device works while it waits. */
static void disk_turn(void);

struct fiber *fiber_start(void (*fn)(void *), void *arg)
{
	fn(arg);
	return (struct fiber *)1;
}

struct fiber *fiber_self(void)
{
	return (struct fiber *)1;
}

static bool woken;

void fiber_wake(struct fiber *f)
{
	(void)f;
	woken = true;
}

void fiber_wait(void)
{
	woken = false;
	while (!woken)
		disk_turn();
}

/* ---- the card ---- */

static void on_frame(struct net_device *d, const void *frame, uint32_t len)
{
	(void)d;
	assert_in_range(len, 1, BUF - HEADER);
	memcpy(received_frame, frame, len);
	received_len = len;
	received++;
}

static void card_interrupt(void)
{
	sources[0]->fn(sources[0], W_READABLE);
}

/* The device sends a frame to us; false: there is no buffer. */
static bool inject(const void *frame, uint32_t len)
{
	int slot = next_slot(&queues[0]);

	if (slot < 0)
		return false;
	assert_in_range(slot, 0, queues[0].size - 1);
	memcpy((char *)queues[0].desc[slot].addr + HEADER, frame, len);
	complete(&queues[0], slot, len + HEADER);
	return true;
}

/* The device sends what we gave it; the last one's bytes. */
static uint32_t drain(void *frame)
{
	uint32_t len = 0;
	int slot;

	while ((slot = next_slot(&queues[1])) >= 0) {
		assert_in_range(slot, 0, queues[1].size - 1);
		len = queues[1].desc[slot].len - HEADER;
		memcpy(frame, (char *)queues[1].desc[slot].addr + HEADER, len);
		complete(&queues[1], slot, 0);
	}
	return len;
}

static void card_works(void)
{
	char frame[1514], got[BUF];
	uint32_t i, before;
	char *buf;

	for (i = 0; i < 2000; i++) {
		memset(frame, i, sizeof(frame));
		before = received;
		assert_true(inject(frame, 60 + i % 1400));
		card_interrupt();
		assert_int_equal(received, before + 1);
		assert_int_equal(received_len, 60 + i % 1400);
		assert_memory_equal(received_frame, frame, received_len);
		buf = card->ops->tx_get(card);
		assert_non_null(buf);
		memset(buf, ~i, 100);
		card->ops->tx_put(card, buf, 100);
		card->ops->tx_flush(card);
		assert_int_equal(drain(got), 100);
		assert_memory_equal(got, buf, 100);
	}
}

static void an_honest_card(void **state)
{
	(void)state;
	vnet_module.start();
	card->receive = on_frame;
	card_works();
}

static void a_card_that_lies(void **state)
{
	uint32_t before = resets, i, n, had = allocations;
	char frame[1514] = {0}, got[BUF], *buf;

	(void)state;
	srand(1);
	lies = 10;
	for (i = 0; i < 100000; i++) {
		inject(frame, sizeof(frame));
		for (n = rand() % 4; n; n--) {
			buf = card->ops->tx_get(card);
			if (!buf)
				break;
			memset(buf, 1, NETDEV_FRAME_MAX);
			card->ops->tx_put(card, buf, NETDEV_FRAME_MAX);
		}
		card->ops->tx_flush(card);
		drain(got);
		if (rand() % 3 == 0)
			card_interrupt();
	}
	assert_true(resets > before + 100);
	assert_int_equal(allocations, had); /* a reset costs no memory */
	lies = 0;
	queues[0].used[1] += 20000; /* the last lie: then it resets */
	before = resets;
	card_interrupt();
	assert_true(resets > before);
	card_works();
}

/* ---- the disk ---- */

static void disk_turn(void)
{
	struct queue *q = &queues[0];
	int head = next_slot(q), slot;
	struct virtq_desc *d;
	uint64_t sector = 0;

	if (head < 0) { /* it said nothing; a lie may have been in the way */
		sources[1]->fn(sources[1], W_READABLE);
		if (!woken)
			q->used[1] += 20000;
		return;
	}
	for (slot = head;; slot = d->next) {
		d = &q->desc[slot];
		if (slot == head)
			sector = ((uint64_t *)d->addr)[1];
		else if (d->len > 1)
			memcpy((void *)d->addr, disk + sector * 512, d->len);
		else
			*(uint8_t *)d->addr = lying() ? rand() : 0;
		if (!(d->flags & VIRTQ_NEXT))
			break;
	}
	complete(q, head, 1);
	sources[1]->fn(sources[1], W_READABLE);
}

static int64_t disk_read(uint64_t badge, uint64_t off, uint32_t len)
{
	struct w_msg m = {.op = FS_READ, .badge = badge, .out_len = len};

	m.FS_READ_in_off = off;
	answered = -1;
	block->call(block, &m);
	return answered;
}

static void the_disk(void **state)
{
	uint32_t i, off, len, had, before, n;
	static uint64_t file[4]; /* struct disk_file is smaller */
	int64_t got;

	(void)state;
	for (i = 0; i < sizeof(disk); i++)
		disk[i] = i * 7 + i / 512;
	lies = 0;
	fewest_slots = 4;
	vblk_module.start();
	had = allocations;
	srand(2);
	for (lies = 0, n = 0; n < 3; n++, lies = n == 1 ? 10 : 0) {
		before = resets;
		for (i = 0; i < 20000; i++) {
			off = rand() % sizeof(disk);
			len = 1 + rand() % 5000;
			got = disk_read((uint64_t)file, off, len);
			if (got < 0 && lies)
				continue;
			len = len < sizeof(disk) - off ? len : sizeof(disk) - off;
			assert_int_equal(got, len);
			assert_int_equal(answered_len, len);
			if (!lies)
				assert_memory_equal(answered_bytes, disk + off, len);
		}
		if (lies)
			assert_true(resets > before);
		if (n == 1) { /* the lies that are left in the queue are the last */
			lies = 0;
			queues[0].used[1] += 20000;
			sources[1]->fn(sources[1], W_READABLE);
		}
	}
	assert_int_equal(allocations, had);
	lies = 100; /* a queue that no request fits: the disk is given up */
	fewest_slots = 0;
	srand(5);
	for (i = 0; i < 1000 && answered != 0; i++)
		disk_read((uint64_t)file, 0, 512);
	assert_int_equal(disk_read((uint64_t)file, 0, 512), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_honest_card),
		cmocka_unit_test(a_card_that_lies),
		cmocka_unit_test(the_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
