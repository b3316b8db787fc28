/* SPDX-License-Identifier: MIT */
/* What lwIP asks net/tcp.c while it works: LWIP_HOOK_FILENAME. */
#pragma once

#include <lwip/ip_addr.h>

struct netif;
struct pbuf;

extern uint32_t timewait_count; /* net/timewait.h */

/* 1: the packet was for a connection in TIME-WAIT, and is freed. */
int hook_ip4_input(struct pbuf *p, struct netif *in);
/* The first sequence number of a connection. */
uint32_t hook_tcp_isn(const ip_addr_t *local, uint16_t local_port, const ip_addr_t *remote,
		      uint16_t remote_port);

#define LWIP_HOOK_IP4_INPUT(p, in) (timewait_count && hook_ip4_input(p, in))
#define LWIP_HOOK_TCP_ISN hook_tcp_isn
