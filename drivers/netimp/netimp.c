// SPDX-License-Identifier: MIT
/* The stack's half of the network card proxy: a card whose driver is elsewhere. */
#include <lib/frame_ring.h>
#include <rt/module.h>
#include <rt/netdev.h>

static struct net_device card;
static struct frame_ring_end rx, tx; /* rx: we consume; tx: we produce */
static struct ev_source bell_src;
static w_handle_t theirs, ours; /* ours: we raise it */

static void *tx_get(struct net_device *d)
{
	(void)d;
	return frame_ring_room(&tx);
}

static void tx_put(struct net_device *d, void *buf, uint32_t len)
{
	(void)d;
	(void)buf;
	frame_ring_push(&tx, len);
}

static void tx_flush(struct net_device *d)
{
	static uint32_t told;

	(void)d;
	if (told == tx.mine)
		return;
	told = tx.mine;
	w_event_set(ours, W_READABLE, 0);
}

static const struct net_device_ops ops = {tx_get, tx_put, tx_flush};

static void bell(struct ev_source *s, uint32_t bits)
{
	const void *frame;
	uint32_t len;

	(void)s;
	w_event_set(theirs, 0, W_READABLE | W_WRITABLE);
	while ((frame = frame_ring_next(&rx, &len))) {
		if (card.receive)
			card.receive(&card, frame, len);
		frame_ring_pop(&rx);
	}
	if (rx.broken)
		rt_log("netimp: the driver wrote an impossible index or length");
	if (card.receive_end)
		card.receive_end(&card);
	if (bits & W_WRITABLE && card.tx_ready)
		card.tx_ready(&card);
}

static void start(void)
{
	struct w_msg m = {.op = NETDEV_ATTACH};
	struct frame_ring *rings;

	if (rt_call(rt_lookup("netdev"), &m) < 0 || m.nh != 3)
		return; /* the driver has said why there is no card */
	rings = rt_map(m.h[0], 0, 2 * sizeof(*rings), W_PROT_READ | W_PROT_WRITE | W_MAP_SHARED);
	if (!rings)
		rt_die("netimp: cannot map the rings");
	rx.ring = &rings[0];
	tx.ring = &rings[1];
	theirs = m.h[1];
	ours = m.h[2];
	memcpy(card.mac, &m.NETDEV_ATTACH_out_mac, 6);
	card.ops = &ops;
	bell_src.fn = bell;
	ev_add(&bell_src, theirs, W_READABLE | W_WRITABLE);
	netdev_provide(&card);
}

const struct module netimp_module = {"netimp", start};
