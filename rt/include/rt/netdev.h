/* SPDX-License-Identifier: MIT */
/*
 * A network card, as the stack sees it.  The provider registers one; the stack
 * takes it and sets receive().  The same structure serves a driver in this
 * process and the proxy of one elsewhere.
 *
 *	buf = dev->ops->tx_get(dev)	room for one frame, or NULL: try after
 *					the next tx_ready()
 *	dev->ops->tx_put(dev, buf, len)	the frame is the device's
 *	dev->ops->tx_flush(dev)		once after a batch
 *
 * receive() borrows the frame until it returns.
 */
#pragma once

#include <rt/rt.h>

#define NETDEV_FRAME_MAX 1518

struct net_device;

struct net_device_ops {
	void *(*tx_get)(struct net_device *d);
	void (*tx_put)(struct net_device *d, void *buf, uint32_t len);
	void (*tx_flush)(struct net_device *d);
};

struct net_device {
	const struct net_device_ops *ops;
	uint8_t mac[6];
	void (*receive)(struct net_device *d, const void *frame, uint32_t len);
	void (*receive_end)(struct net_device *d); /* after a batch of receive() */
	void (*tx_ready)(struct net_device *d);	   /* room again after tx_get() failed */
};

/* Called by the provider's start(); the stack's netdev_take() finds it. */
void netdev_provide(struct net_device *d);
struct net_device *netdev_take(void); /* NULL: no card */
