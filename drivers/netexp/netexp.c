// SPDX-License-Identifier: MIT
/*
 * The driver's half of the network card proxy: gives the card of this process to a
 * stack in another one, by two frame rings and two events.
 */
#include <lib/frame_ring.h>
#include <rt/module.h>
#include <rt/netdev.h>

static struct net_device *card;
static struct service service;
static struct frame_ring_end rx, tx; /* rx: we produce; tx: we consume */
static struct ev_source bell_src;
static w_handle_t mem, ours, theirs; /* ours: we raise it */

static void receive(struct net_device *d, const void *frame, uint32_t len)
{
	void *room = rx.ring && len <= FRAME_RING_BYTES ? frame_ring_room(&rx) : NULL;

	(void)d;
	if (!room)
		return; /* nobody attached, or it is far behind: as a card would */
	memcpy(room, frame, len);
	frame_ring_push(&rx, len);
}

static void receive_end(struct net_device *d)
{
	(void)d;
	if (ours)
		w_event_set(ours, W_READABLE, 0);
}

static void send_all(void)
{
	const void *frame;
	uint32_t len;
	void *buf;

	while ((frame = frame_ring_next(&tx, &len))) {
		buf = len <= NETDEV_FRAME_MAX ? card->ops->tx_get(card) : NULL;
		if (len <= NETDEV_FRAME_MAX && !buf)
			break; /* tx_ready() goes on */
		if (buf) {
			memcpy(buf, frame, len);
			card->ops->tx_put(card, buf, len);
		}
		frame_ring_pop(&tx);
	}
	card->ops->tx_flush(card);
	if (frame_ring_wanted(&tx))
		w_event_set(ours, W_WRITABLE, 0);
	if (tx.broken)
		rt_log("netexp: the stack wrote an impossible index or length; detached");
}

static void tx_ready(struct net_device *d)
{
	(void)d;
	if (tx.ring)
		send_all();
}

static void bell(struct ev_source *s, uint32_t bits)
{
	(void)s;
	(void)bits;
	w_event_set(theirs, 0, W_READABLE);
	send_all();
}

static void detach(void)
{
	ev_del(&bell_src);
	if (rx.ring)
		w_as_unmap(0, (uint64_t)rx.ring, 2 * sizeof(struct frame_ring));
	if (mem)
		w_handle_close(mem);
	if (ours)
		w_handle_close(ours);
	if (theirs)
		w_handle_close(theirs);
	mem = ours = theirs = 0;
	rx = tx = (struct frame_ring_end){0};
}

static int attach(void)
{
	int64_t m = w_mem_create(2 * sizeof(struct frame_ring), 0), a = w_event_create(0),
		b = w_event_create(0);
	struct frame_ring *rings;

	if (m < 0 || a < 0 || b < 0)
		return W_ENOMEM;
	mem = m;
	ours = a;
	theirs = b;
	rings = rt_map(m, 0, 2 * sizeof(*rings), W_PROT_READ | W_PROT_WRITE | W_MAP_SHARED);
	if (!rings)
		return W_ENOMEM;
	rx.ring = &rings[0];
	tx.ring = &rings[1];
	bell_src.fn = bell;
	ev_add(&bell_src, theirs, W_READABLE);
	return 0;
}

static void call(struct service *s, struct w_msg *m)
{
	int err;

	if (m->op == W_OP_CLOSED)
		return;
	if (m->op != NETDEV_ATTACH || !card) {
		service_reply(s, m, card ? W_ENOSYS : W_ENODEV);
		return;
	}
	detach();
	err = attach();
	if (err) {
		detach();
		service_reply(s, m, err);
		return;
	}
	m->NETDEV_ATTACH_out_mac = 0;
	memcpy(&m->NETDEV_ATTACH_out_mac, card->mac, 6);
	m->nh = 3;
	m->h[0] = w_handle_dup(mem, W_ALL & ~W_MANAGE);
	m->h[1] = w_handle_dup(ours, W_ALL);
	m->h[2] = w_handle_dup(theirs, W_ALL);
	service_reply(s, m, 0);
}

static void start(void)
{
	card = netdev_take();
	if (card) {
		card->receive = receive;
		card->receive_end = receive_end;
		card->tx_ready = tx_ready;
	}
	service.call = call;
	service_start(&service, "netdev");
}

const struct module netexp_module = {"netexp", start};
