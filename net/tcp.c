// SPDX-License-Identifier: MIT
#include "tcp.h"

#include "lwip/include/tcp_hooks.h"
#include "timewait.h"

#include <lib/siphash.h>
#include <lwip/inet_chksum.h>
#include <lwip/ip4.h>
#include <lwip/priv/tcp_priv.h>
#include <rt/rt.h>

/* A connection that a SYN has opened anew begins beyond the old one's window: RFC 1122,
 * 4.2.2.13. */
#define REOPEN_GAP 65537u

#define LOCAL_PORT_FIRST 32768 /* as Linux: ip_local_port_range */
#define LOCAL_PORT_LAST 60999

static uint64_t isn_key[2];
static struct timewait reopened;
static uint16_t next_port;
static void (*tell_owner)(void *arg);

static uint64_t now_ms(void)
{
	return rt_now() / 1000000;
}

void tcp_start(void)
{
	uint64_t r[4];

	w_sys_random(r, sizeof(r));
	isn_key[0] = r[0];
	isn_key[1] = r[1];
	timewait_init(r[2]);
	next_port = LOCAL_PORT_FIRST + r[3] % (LOCAL_PORT_LAST - LOCAL_PORT_FIRST + 1);
}

/* RFC 6528: a clock of 4 us, and an offset of each pair of ends that is secret. */
uint32_t hook_tcp_isn(const ip_addr_t *local, uint16_t local_port, const ip_addr_t *remote,
		      uint16_t remote_port)
{
	uint64_t words[2] = {(uint64_t)ip_addr_get_ip4_u32(local) << 32 |
				     ip_addr_get_ip4_u32(remote),
			     timewait_ports(local_port, remote_port)};

	if (reopened.ports == words[1] && reopened.remote_ip == (uint32_t)words[0] &&
	    reopened.local_ip == words[0] >> 32) {
		reopened.ports = 0;
		return reopened.snd_nxt + REOPEN_GAP;
	}
	return siphash(isn_key, words, 2) + rt_now() / 4000;
}

/* ---- TIME-WAIT ---- */

void tcp_on_timewait(void (*fn)(void *arg))
{
	tell_owner = fn;
}

void tcp_collect(void)
{
	struct tcp_pcb *pcb, *next;

	for (pcb = tcp_tw_pcbs; pcb; pcb = next) {
		struct timewait tw = {.local_ip = ip_addr_get_ip4_u32(&pcb->local_ip),
				      .remote_ip = ip_addr_get_ip4_u32(&pcb->remote_ip),
				      .ports = timewait_ports(pcb->local_port, pcb->remote_port),
				      .snd_nxt = pcb->snd_nxt,
				      .rcv_nxt = pcb->rcv_nxt};

		next = pcb->next;
		if (pcb->callback_arg)
			tell_owner(pcb->callback_arg);
		timewait_add(&tw, now_ms());
		tcp_abort(pcb); /* in this state it only frees */
	}
}

static void acknowledge(const struct timewait *tw)
{
	struct pbuf *p = pbuf_alloc(PBUF_IP, TCP_HLEN, PBUF_RAM);
	ip4_addr_t local = {tw->local_ip}, remote = {tw->remote_ip};
	struct tcp_hdr *h;

	if (!p)
		return; /* the peer asks again */
	h = p->payload;
	h->src = tw->ports >> 16;
	h->dest = tw->ports;
	h->seqno = lwip_htonl(tw->snd_nxt);
	h->ackno = lwip_htonl(tw->rcv_nxt);
	TCPH_HDRLEN_FLAGS_SET(h, TCP_HLEN / 4, TCP_ACK);
	h->wnd = lwip_htons(TCP_WND < 65535 ? TCP_WND : 65535);
	h->chksum = h->urgp = 0;
	h->chksum = inet_chksum_pseudo(p, IP_PROTO_TCP, p->tot_len, &local, &remote);
	ip4_output(p, &local, &remote, TCP_TTL, 0, IP_PROTO_TCP);
	pbuf_free(p);
}

/*
 * The TCP header of a whole, sound segment, and the number of its bytes with SYN and FIN; NULL:
 * it is not one.  Only for what is for a connection here: lwIP checks all others.
 */
static const struct tcp_hdr *sound_segment(struct pbuf *p, struct netif *in, uint32_t *len)
{
	const struct ip_hdr *ip = p->payload;
	const struct tcp_hdr *h = (const void *)(ip + 1);
	uint16_t total = lwip_ntohs(IPH_LEN(ip)), headers = IP_HLEN + TCPH_HDRLEN_BYTES(h);
	ip4_addr_t src = {ip->src.addr}, dst = {ip->dest.addr};
	uint16_t sum = 0;

	if (total > p->tot_len || total < headers || headers < IP_HLEN + TCP_HLEN ||
	    IPH_OFFSET(ip) & PP_HTONS(IP_OFFMASK | IP_MF))
		return NULL;
	if (in->chksum_flags & NETIF_CHECKSUM_CHECK_IP && inet_chksum(ip, IP_HLEN))
		return NULL;
	pbuf_realloc(p, total); /* off with an Ethernet frame's padding */
	if (in->chksum_flags & NETIF_CHECKSUM_CHECK_TCP) {
		pbuf_remove_header(p, IP_HLEN);
		sum = inet_chksum_pseudo(p, IP_PROTO_TCP, p->tot_len, &src, &dst);
		pbuf_add_header(p, IP_HLEN);
	}
	*len = total - headers + !!(TCPH_FLAGS(h) & TCP_SYN) + !!(TCPH_FLAGS(h) & TCP_FIN);
	return sum ? NULL : h;
}

static __attribute__((noinline)) int for_timewait(struct timewait *tw, struct pbuf *p,
						  struct netif *in)
{
	struct timewait was = *tw;
	const struct tcp_hdr *h;
	uint64_t now = now_ms();
	uint32_t len;

	h = timewait_is_over(tw, now) ? NULL : sound_segment(p, in, &len);
	if (!h)
		return 0;
	switch (timewait_segment(tw, TCPH_FLAGS(h), lwip_ntohl(h->seqno), len, now)) {
	case TIMEWAIT_OPEN:
		reopened = was;
		return 0;
	case TIMEWAIT_ACK:
		acknowledge(&was);
		break;
	case TIMEWAIT_DROP:
		break;
	}
	pbuf_free(p);
	return 1;
}

/* Every packet passes here, hence the split. */
int hook_ip4_input(struct pbuf *p, struct netif *in)
{
	const struct ip_hdr *ip = p->payload;
	const struct tcp_hdr *h = (const void *)(ip + 1);
	struct timewait *tw;

	/* IP options, or a part of a datagram: lwIP will find no connection */
	if (p->len < IP_HLEN + TCP_HLEN || IPH_PROTO(ip) != IP_PROTO_TCP || ip->_v_hl != 0x45)
		return 0;
	tw = timewait_find(ip->dest.addr, ip->src.addr, (uint32_t)h->dest << 16 | h->src);
	return tw ? for_timewait(tw, p, in) : 0;
}

/* ---- ports ---- */

bool tcp_port_lingers(uint16_t port, const ip_addr_t *remote, uint16_t remote_port)
{
	if (!remote)
		return timewait_has_port(port, now_ms());
	return timewait_has_pair(ip_addr_get_ip4_u32(remote), timewait_ports(port, remote_port),
				 now_ms());
}

err_t tcp_bind_free(struct tcp_pcb *pcb, const ip_addr_t *ip, const ip_addr_t *remote,
		    uint16_t remote_port)
{
	int left;
	err_t err = ERR_USE;
	uint16_t port;

	for (left = LOCAL_PORT_LAST - LOCAL_PORT_FIRST + 1; left && err == ERR_USE; left--) {
		port = next_port;
		next_port = port == LOCAL_PORT_LAST ? LOCAL_PORT_FIRST : port + 1;
		if (!tcp_port_lingers(port, remote, remote_port))
			err = tcp_bind(pcb, ip, port);
	}
	return err;
}
