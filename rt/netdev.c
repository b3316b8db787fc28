// SPDX-License-Identifier: MIT
#include <rt/netdev.h>

static struct net_device *device;

void netdev_provide(struct net_device *d)
{
	device = d;
}

struct net_device *netdev_take(void)
{
	return device;
}
