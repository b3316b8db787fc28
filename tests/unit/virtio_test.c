// SPDX-License-Identifier: MIT
/* sources: drivers/virtio/virtio.c drivers/net/vnet.c rt/blk.c */
/* sources: lib/partition.c lib/crc32.c lib/fmt.c */
/*
 * The virtio drivers against a device in this process, first an honest one, then one that
 * lies in every field it may write: indices, slots, lengths, at any time.  ASan watches
 * the memory around what the device was given; a driver that was lied to resets the
 * device and works again when it is honest.
 */
#include "unit.h"

#include <sys/wait.h>
#include <unistd.h>

#include <rt/blk.h>
#include <rt/fiber.h>
#include <rt/module.h>
#include <rt/netdev.h>
#include <virtio/virtio.h>

/* Here an address is where the device finds the bytes. */
#undef w_dma_addr
#define w_dma_addr(io, va, write) ((int64_t)(va))
#include "../../drivers/block/vblk.c"

#define BUF 2048
#define SECTORS 2048

extern const struct module vnet_module;

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
static uint32_t header = 12; /* of a frame */
static uint8_t disk[SECTORS * 512];
static uint64_t capacity_now = SECTORS;
static int torn; /* reads of the capacity that fall between its bytes */

static uint64_t features(struct virtio *v)
{
	return (v->legacy ? 0xffffffffu : ~0ull) &
	       ~(1ull << 5); /* no MAC of its own, or for a disk: not read-only */
}

static void set_features(struct virtio *v, uint64_t f)
{
	assert_int_equal(f >> 32, !v->legacy); /* VERSION_1 */
}

static uint32_t get_status(struct virtio *v)
{
	(void)v;
	return status;
}

static void set_status(struct virtio *v, uint32_t s)
{
	assert_true(!v->legacy || !(s & VIRTIO_FEATURES_OK));
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
	if (v->legacy) { /* it is told where the descriptors are, and knows the rest */
		avail = desc + size * 16;
		used = (avail + 6 + 2 * size + 4095) & ~4095ull;
	}
	queues[q] = (struct queue){(void *)desc, (void *)avail, (void *)used, size, 0, 0};
}

static bool config_told; /* by the next interrupt */

static bool irq_ack(struct virtio *v)
{
	bool told = config_told;

	(void)v;
	config_told = false;
	return told;
}

static w_handle_t config_irq(struct virtio *v)
{
	(void)v;
	return 0;
}

static void notify(struct virtio *v, int q)
{
	(void)v;
	(void)q;
}

static void config(struct virtio *v, uint32_t off, void *buf, uint32_t len)
{
	(void)v;
	(void)off;
	memcpy(buf, &capacity_now, len);
	if (torn) /* half of it was read before it changed */
		((uint8_t *)buf)[1] ^= torn--;
}

static const struct virtio_ops ops = {features,	 set_features, get_status, set_status, queue_max,
				      queue_set, notify,       config,	   irq_ack,    config_irq};

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
static uint32_t received_len, received;
static uint8_t received_frame[BUF];
static int found; /* devices: a second disk is not there */
static struct list tasks;

void *dma_alloc(uint64_t len, paddr_t *pa)
{
	void *p = NULL;

	assert_int_equal(posix_memalign(&p, 4096, len), 0);
	memset(p, 0, len);
	allocations++;
	*pa = (paddr_t)p;
	return p;
}

struct virtio *virtio_pci_find(uint32_t type)
{
	if (type == VIRTIO_BLK && found++)
		return NULL;
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

void rt_die(const char *f, ...)
{
	print_error("%s\n", f);
	abort();
}

uint64_t rt_now(void)
{
	return 1;
}

void ev_del(struct ev_source *src)
{
	(void)src;
}

void ev_task_add(struct ev_task *t)
{
	if (!tasks.next)
		list_init(&tasks);
	if (!t->link.next || !list_is_linked(&t->link))
		list_append(&tasks, &t->link);
}

static void run_tasks(void)
{
	struct ev_task *t;

	while (tasks.next && !list_is_empty(&tasks)) {
		t = list_first(&tasks, struct ev_task, link);
		list_del(&t->link);
		t->fn(t);
	}
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
	run_tasks();
	while (!woken) {
		disk_turn();
		run_tasks();
	}
}

/* ---- the card ---- */

static void on_frame(struct net_device *d, const void *frame, uint32_t len)
{
	(void)d;
	assert_in_range(len, 1, BUF - header);
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
	memcpy((char *)queues[0].desc[slot].addr + header, frame, len);
	complete(&queues[0], slot, len + header);
	return true;
}

/* The device sends what we gave it; the last one's bytes. */
static uint32_t drain(void *frame)
{
	uint32_t len = 0;
	int slot;

	while ((slot = next_slot(&queues[1])) >= 0) {
		assert_in_range(slot, 0, queues[1].size - 1);
		len = queues[1].desc[slot].len - header;
		memcpy(frame, (char *)queues[1].desc[slot].addr + header, len);
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

static uint64_t done_out_of_order;

static void do_request(struct queue *q, uint32_t head)
{
	struct virtq_desc *d = &q->desc[head];
	uint32_t type = *(uint32_t *)d->addr, slot;
	uint64_t at = ((uint64_t *)d->addr)[1] * 512;

	for (slot = d->next;; slot = d->next) {
		d = &q->desc[slot];
		if (!(d->flags & VIRTQ_NEXT))
			break;
		assert_true(at + d->len <= sizeof(disk));
		if (type == 0)
			memcpy((void *)d->addr, disk + at, d->len);
		else if (type == 1)
			memcpy(disk + at, (void *)d->addr, d->len);
		at += d->len;
	}
	*(uint8_t *)d->addr = lying() ? rand() : 0;
}

/* It takes what it was offered, does it, and says so in another order. */
static void disk_turn(void)
{
	struct queue *q = &queues[0];
	int head[16], n = 0, i;

	while (n < 16 && (head[n] = next_slot(q)) >= 0)
		n++;
	for (i = n - 1; i >= 0; i--) {
		do_request(q, head[i]);
		complete(q, head[i], 1);
		done_out_of_order += n > 1;
	}
	sources[1]->fn(sources[1], W_READABLE);
	run_tasks();
	if (!n && !woken) { /* it said nothing; a lie may have been in the way */
		q->used[1] += 20000;
		sources[1]->fn(sources[1], W_READABLE);
	}
}

static int rounds(struct blk *b, int count, bool honest)
{
	static uint8_t buf[SECTORS * 512], want[SECTORS * 512];
	int i, err, failed = 0;

	for (i = 0; i < count; i++) {
		uint32_t sector = rand() % SECTORS, n = (1 + rand() % (SECTORS - sector)) * 512;

		if (rand() % 3) {
			memcpy(want, disk + sector * 512, n);
			err = blk_read(b, sector, buf, n);
			assert_true(err || !honest || !memcmp(buf, want, n));
		} else {
			memset(buf, rand(), n);
			err = blk_write(b, sector, buf, n);
			assert_true(err || !honest || !memcmp(disk + sector * 512, buf, n));
		}
		assert_true(!err || err == W_EIO || err == W_EOPNOTSUPP);
		assert_true(!err || !honest);
		failed += err != 0;
	}
	return failed;
}

static void an_honest_disk(void **state)
{
	struct blk *b;
	uint8_t buf[512];

	(void)state;
	lies = 0;
	fewest_slots = 1024;
	memset(queues, 0, sizeof(queues));
	vblk_module.start();
	b = blk_find("vda");
	assert_non_null(b);
	assert_int_equal(b->sectors, SECTORS);
	assert_int_equal(rounds(b, 2000, true), 0);
	assert_true(done_out_of_order > 0);
	assert_int_equal(blk_flush(b), 0);
	assert_int_equal(blk_discard(b, 0, 8), 0);
	assert_int_equal(blk_read(b, SECTORS, buf, 512), W_ENOSPC);
	assert_int_equal(b->stats.in_flight, 0);
}

static uint32_t told;

static void resized(struct blk *b)
{
	(void)b;
	told++;
}

static void config_interrupt(uint64_t sectors, int half_read)
{
	capacity_now = sectors;
	torn = half_read;
	config_told = true;
	sources[1]->fn(sources[1], W_READABLE);
}

static void a_disk_that_changes_its_size(void **state)
{
	struct blk *b = blk_find("vda");
	uint8_t buf[512];

	(void)state;
	blk_watch(resized);
	config_interrupt(SECTORS, 0);
	assert_int_equal(told, 0);
	config_interrupt(SECTORS / 2, 3);
	assert_int_equal(b->sectors, SECTORS / 2);
	assert_int_equal(blk_read(b, SECTORS / 2, buf, 512), W_ENOSPC);
	config_interrupt(~0ull, 0); /* more than there can be: nothing */
	assert_int_equal(b->sectors, 0);
	config_interrupt(SECTORS, 1);
	assert_int_equal(b->sectors, SECTORS);
	assert_int_equal(told, 3);
	assert_int_equal(blk_read(b, SECTORS - 1, buf, 512), 0);
}

static void a_disk_that_lies(void **state)
{
	struct blk *b = blk_find("vda");
	uint32_t had = allocations, before = resets;
	int failed;

	(void)state;
	lies = 10;
	srand(2);
	failed = rounds(b, 8000, false);
	assert_true(failed > 100 && resets > before + 100);
	assert_int_equal(allocations, had); /* a reset costs no memory */
	assert_int_equal(b->stats.in_flight, 0);
	lies = 0;
	queues[0].used[1] += 20000; /* the last lie: then it resets */
	sources[1]->fn(sources[1], W_READABLE);
	run_tasks();
	assert_int_equal(rounds(b, 1000, true), 0);
	lies = 100; /* a queue that no request fits: the disk is given up */
	fewest_slots = 0;
	srand(5);
	while (b->ops)
		rounds(b, 1, false);
	assert_int_equal(rounds(b, 10, false), 10);
	assert_int_equal(b->stats.in_flight, 0);
}

/* ---- both of virtio 0.9, in a process of their own: drivers keep what they find ---- */

static void legacy_devices(void)
{
	struct blk *b;

	fake.legacy = true;
	header = 10;
	vnet_module.start();
	card->receive = on_frame;
	card_works();
	memset(queues, 0, sizeof(queues));
	fewest_slots = 1024;
	vblk_module.start();
	b = blk_find("vda");
	assert_non_null(b);
	assert_int_equal(rounds(b, 500, true), 0);
	lies = 10;
	rounds(b, 500, false);
	lies = 0;
	queues[0].used[1] += 20000;
	sources[1]->fn(sources[1], W_READABLE);
	run_tasks();
	assert_int_equal(rounds(b, 500, true), 0);
}

static void legacy_devices_work(void **state)
{
	int how = 0;
	pid_t p = fork();

	(void)state;
	if (!p) {
		legacy_devices();
		_exit(0);
	}
	assert_int_equal(waitpid(p, &how, 0), p);
	assert_int_equal(how, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(legacy_devices_work),
		cmocka_unit_test(an_honest_card),
		cmocka_unit_test(a_card_that_lies),
		cmocka_unit_test(an_honest_disk),
		cmocka_unit_test(a_disk_that_changes_its_size),
		cmocka_unit_test(a_disk_that_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
