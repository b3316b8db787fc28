// SPDX-License-Identifier: MIT
/*
 * lwIP between a struct net_device and the event loop: frames in and out,
 * timers, addresses.
 */
#include "stack.h"

#include "tcp.h"

#include <lwip/dhcp.h>
#include <lwip/etharp.h>
#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/sys.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>
#include <rt/ev.h>
#include <rt/netdev.h>

static struct netif card;
static struct net_device *dev;
static struct ev_timer timer;
static struct ev_task poll_task;

/* ---- what lwIP asks of its host ---- */

u32_t sys_now(void)
{
	return rt_now() / 1000000;
}

void net_assert(const char *what)
{
	static uint64_t last;

	if (rt_now() - last < 1000000000ull)
		return;
	last = rt_now();
	rt_log("net: lwIP: %s", what);
}

uint32_t net_random(void)
{
	static uint32_t pool[16];
	static int left;

	if (!left) {
		w_sys_random(pool, sizeof(pool));
		left = 16;
	}
	return pool[--left];
}

void *lwip_calloc(size_t n, size_t size)
{
	return size && n > ~0ul / size ? NULL : rt_try_alloc(n * size);
}

int atoi(const char *s)
{
	return strtoul_at(&s, 10);
}

/* ---- frames ---- */

static err_t link_output(struct netif *n, struct pbuf *p)
{
	char *buf;

	(void)n;
	if (p->tot_len > NETDEV_FRAME_MAX)
		return ERR_BUF;
	buf = dev->ops->tx_get(dev);
	if (!buf)
		return ERR_MEM; /* the segment stays queued; tx_ready() tries again */
	pbuf_copy_partial(p, buf, p->tot_len, 0);
	dev->ops->tx_put(dev, buf, p->tot_len);
	ev_task_add(&poll_task);
	return ERR_OK;
}

/*
 * lwIP looks for link-local addresses on the cable.  Who has a network of its own address only,
 * as clouds lease them, finds there but the gateway, and the cloud's services behind it.
 */
static err_t card_output(struct netif *n, struct pbuf *p, const ip4_addr_t *to)
{
	bool alone = ip4_addr_get_u32(netif_ip4_netmask(n)) == ~0u;

	if (alone && ip4_addr_islinklocal(to) && !ip4_addr_isany_val(*netif_ip4_gw(n)))
		to = netif_ip4_gw(n);
	return etharp_output(n, p, to);
}

static void receive(struct net_device *d, const void *frame, uint32_t len)
{
	struct pbuf *p;

	(void)d;
	if (len > NETDEV_FRAME_MAX)
		return;
	p = pbuf_alloc(PBUF_RAW, len, PBUF_RAM);
	if (!p)
		return;
	pbuf_take(p, frame, len);
	if (card.input(p, &card) != ERR_OK)
		pbuf_free(p);
}

static void receive_end(struct net_device *d)
{
	(void)d;
	ev_task_add(&poll_task);
}

static void tx_ready(struct net_device *d)
{
	struct tcp_pcb *pcb;

	(void)d;
	for (pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
		tcp_output(pcb);
	ev_task_add(&poll_task);
}

static err_t card_init(struct netif *n)
{
	n->name[0] = 'e';
	n->name[1] = 'n';
	n->mtu = 1500;
	n->hwaddr_len = 6;
	memcpy(n->hwaddr, dev->mac, 6);
	n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_LINK_UP;
	n->output = card_output;
	n->linkoutput = link_output;
	return ERR_OK;
}

/* ---- timers ---- */

static void run(void)
{
	u32_t ms;

	netif_poll_all();
	tcp_collect();
	if (dev)
		dev->ops->tx_flush(dev);
	ms = sys_timeouts_sleeptime();
	ev_timer_set(&timer, ms == SYS_TIMEOUTS_SLEEPTIME_INFINITE
				     ? 0
				     : rt_now() + (ms ? ms * 1000000ull : 100000));
}

static void timer_fired(struct ev_timer *t)
{
	(void)t;
	sys_check_timeouts();
	run();
}

static void poll_run(struct ev_task *t)
{
	(void)t;
	run();
}

void stack_poll(void)
{
	ev_task_add(&poll_task);
}

void stack_deliver(void)
{
	netif_poll_all();
}

/* ---- addresses ---- */

static void announce(struct netif *n)
{
	const uint8_t *a = (const uint8_t *)&n->ip_addr;

	if (!ip4_addr_isany_val(*netif_ip4_addr(n)))
		rt_log("net: %c%c0 has address %u.%u.%u.%u", n->name[0], n->name[1], a[0], a[1],
		       a[2], a[3]);
}

/* ADDRESS[/BITS][,GATEWAY] */
static bool parse_static(const char *s, ip4_addr_t *ip, ip4_addr_t *mask, ip4_addr_t *gw)
{
	char part[20];
	uint32_t bits = 24;
	size_t n;

	for (n = 0; n < sizeof(part) - 1 && s[n] && s[n] != '/' && s[n] != ','; n++)
		part[n] = s[n];
	part[n] = 0;
	if (!ip4addr_aton(part, ip))
		return false;
	s += n;
	if (*s == '/') {
		s++;
		bits = strtoul_at(&s, 10);
		if (bits > 32)
			return false;
	}
	ip4_addr_set_u32(mask, lwip_htonl(bits ? ~0u << (32 - bits) : 0));
	ip4_addr_set_zero(gw);
	return *s != ',' || ip4addr_aton(s + 1, gw);
}

#ifdef CONFIG_NET_STATIC
#define DEFAULT_ADDRESS CONFIG_NET_ADDRESS
#else
#define DEFAULT_ADDRESS ""
#endif

static void configure(void)
{
	char opt[64] = DEFAULT_ADDRESS;
	ip4_addr_t ip, mask, gw;
	bool have;

	rt_option("ip", opt, sizeof(opt));
	have = *opt && strcmp(opt, "dhcp");
	if (have && parse_static(opt, &ip, &mask, &gw)) {
		netif_set_addr(&card, &ip, &mask, &gw);
		return;
	}
	if (have)
		rt_log("net: '%s' is not ADDRESS/BITS,GATEWAY", opt);
#if LWIP_DHCP
	dhcp_start(&card);
#else
	rt_log("net: no address: NET_DHCP is not configured");
#endif
}

void stack_start(void)
{
	ip4_addr_t any = {0};

	timer.fn = timer_fired;
	poll_task.fn = poll_run;
	list_init(&poll_task.link);
	lwip_init();
	tcp_start();
	NETIF_SET_CHECKSUM_CTRL(netif_find("lo0"), NETIF_CHECKSUM_DISABLE_ALL);
	dev = netdev_take();
	if (dev) {
		netif_add(&card, &any, &any, &any, NULL, card_init, ethernet_input);
		netif_set_status_callback(&card, announce);
		netif_set_default(&card);
		netif_set_up(&card);
		dev->receive = receive;
		dev->receive_end = receive_end;
		dev->tx_ready = tx_ready;
		configure();
	}
	stack_poll();
}
