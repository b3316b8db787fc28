// SPDX-License-Identifier: MIT
/*
 * The virtio network card (virtio 1.2, 5.1): one receive and one transmit queue,
 * no offloads.  Every buffer is 2 KiB of one DMA block; a frame is copied once on
 * its way in and once on its way out.
 */
#include <rt/module.h>
#include <rt/netdev.h>
#include <virtio/virtio.h>

#define RING CONFIG_VIRTIO_NET_RING
#define BUF 2048
#define HEADER 12	 /* struct virtio_net_hdr_v1 */
#define HEADER_LEGACY 10 /* struct virtio_net_hdr */
#define F_MAC (1ull << 5)

static struct virtio *dev;
static struct virtq rx, tx;
static uint32_t header; /* bytes before each frame */
static char *rx_mem, *tx_mem;
static paddr_t rx_pa, tx_pa;
static uint16_t tx_free[RING];
static uint32_t tx_nfree;
static bool tx_starved;
static struct ev_source irq_src;
static struct net_device netdev;

static bool bring_up(void);

static void failed(const char *what)
{
	rt_log("vnet: %s; resetting the device", what);
	if (!bring_up())
		rt_log("vnet: the device does not come back");
}

static void reclaim(void)
{
	uint32_t len;
	int slot;

	while ((slot = virtq_take(&tx, &len)) >= 0)
		if (tx_nfree < tx.size)
			tx_free[tx_nfree++] = slot;
}

static void *tx_get(struct net_device *d)
{
	(void)d;
	if (!tx_nfree)
		reclaim();
	if (!tx_nfree) { /* ask to be told, then look again: it may have happened meanwhile */
		virtq_interrupts(&tx, true);
		reclaim();
	}
	if (!tx_nfree) {
		tx_starved = true;
		return NULL;
	}
	return tx_mem + tx_free[tx_nfree - 1] * BUF + header;
}

static void tx_put(struct net_device *d, void *buf, uint32_t len)
{
	uint16_t slot = tx_free[--tx_nfree];

	(void)d;
	(void)buf;
	virtq_set(&tx, slot, tx_pa + slot * BUF, header + len, 0, 0);
	virtq_offer(&tx, slot);
}

static void tx_flush(struct net_device *d)
{
	(void)d;
	virtq_kick(&tx);
}

static const struct net_device_ops netdev_ops = {tx_get, tx_put, tx_flush};

static void give_rx(uint16_t slot)
{
	virtq_set(&rx, slot, rx_pa + slot * BUF, BUF, VIRTQ_WRITE, 0);
	virtq_offer(&rx, slot);
}

static void irq_ready(struct ev_source *s, uint32_t bits)
{
	uint32_t len;
	int slot;

	(void)s;
	(void)bits;
	dev->ops->irq_ack(dev);
	while ((slot = virtq_take(&rx, &len)) >= 0) {
		if (len > BUF) {
			rx.broken = true;
			break;
		}
		if (len > header && netdev.receive)
			netdev.receive(&netdev, rx_mem + slot * BUF + header, len - header);
		give_rx(slot);
	}
	virtq_kick(&rx);
	if (netdev.receive_end)
		netdev.receive_end(&netdev);
	if (tx_starved) {
		reclaim();
		if (tx_nfree && netdev.tx_ready) {
			tx_starved = false;
			virtq_interrupts(&tx, false);
			netdev.tx_ready(&netdev);
		}
	}
	if (rx.broken || tx.broken)
		failed("the device wrote an impossible index or length");
}

static bool bring_up(void)
{
	uint64_t got;
	uint32_t i;
	/* A legacy device may insist on a descriptor of its own for the header: then it says so by
	 * not offering this. */
	uint64_t layout = dev->legacy ? VIRTIO_F_ANY_LAYOUT : 0;

	if (!virtio_begin(dev, F_MAC | layout, &got) || (got & layout) != layout ||
	    !virtq_init(&rx, dev, 0, RING) || !virtq_init(&tx, dev, 1, RING))
		return false;
	if (got & F_MAC)
		dev->ops->config(dev, 0, netdev.mac, 6);
	else
		memcpy(netdev.mac, "\x02WHRRY", 6);
	tx_nfree = 0;
	for (i = 0; i < tx.size; i++)
		tx_free[tx_nfree++] = i;
	virtq_interrupts(&tx, false);
	virtio_ready(dev);
	for (i = 0; i < rx.size; i++)
		give_rx(i);
	virtq_kick(&rx);
	return true;
}

static void start(void)
{
	dev = virtio_find(VIRTIO_NET);
	if (!dev) {
		rt_log("vnet: no network card");
		return;
	}
	header = dev->legacy ? HEADER_LEGACY : HEADER;
	rx_mem = dma_alloc(RING * BUF, &rx_pa);
	tx_mem = dma_alloc(RING * BUF, &tx_pa);
	if (!rx_mem || !tx_mem || !bring_up()) {
		rt_log("vnet: the card does not work; no network");
		return;
	}
	netdev.ops = &netdev_ops;
	irq_src.fn = irq_ready;
	ev_add(&irq_src, dev->irq, W_READABLE);
	netdev_provide(&netdev);
}

const struct module vnet_module = {"vnet", start};
