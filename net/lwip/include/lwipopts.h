/* SPDX-License-Identifier: MIT */
/* lwIP's options, derived from Kconfig.  Raw API, no threads, our allocator. */
#pragma once

#include <wherry/config.h>

/* #if cannot use IS_ENABLED(): an unset option is simply not defined. */
#ifdef CONFIG_NET_DHCP
#define PP_DHCP 1
#else
#define PP_DHCP 0
#endif
#ifdef CONFIG_TCP_SACK
#define PP_SACK 1
#else
#define PP_SACK 0
#endif
#ifdef CONFIG_TCP_TIMESTAMPS
#define PP_TIMESTAMPS 1
#else
#define PP_TIMESTAMPS 0
#endif

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_RAW 0
#define LWIP_ICMP 1
#define LWIP_DNS 0
#define LWIP_DHCP PP_DHCP
#define DHCP_DOES_ARP_CHECK 0 /* clouds' gateways answer for every address, the leased one too */
#define LWIP_NETIF_STATUS_CALLBACK 1
#define LWIP_NETIF_LOOPBACK 1
#define LWIP_HAVE_LOOPIF 1
#define LWIP_LOOPBACK_MAX_PBUFS 64
#define LWIP_STATS 0
#define LWIP_TIMERS 1
#define TCP_TMR_INTERVAL 50

#define MEM_LIBC_MALLOC 1
#define MEMP_MEM_MALLOC 1
#define mem_clib_malloc rt_alloc_raw
#define mem_clib_free rt_free
#define mem_clib_calloc lwip_calloc
#define MEM_ALIGNMENT 8

#define TCP_MSS CONFIG_TCP_MSS
#define TCP_SND_BUF CONFIG_TCP_SND_BUF
#define TCP_SND_QUEUELEN (4 * TCP_SND_BUF / TCP_MSS + 8)
#define TCP_SNDLOWAT (TCP_SND_BUF / 2)
#define LWIP_WND_SCALE (CONFIG_TCP_WND > 65535)
#define TCP_RCV_SCALE 4
#define TCP_WND CONFIG_TCP_WND
#define LWIP_TCP_SACK_OUT PP_SACK
#define LWIP_TCP_TIMESTAMPS PP_TIMESTAMPS
#define LWIP_TCP_KEEPALIVE 1
#define TCP_LISTEN_BACKLOG 1
#define SO_REUSE 1
#define MEMP_NUM_TCP_PCB CONFIG_TCP_MAX_CONNECTIONS
#define PBUF_POOL_BUFSIZE 1536
#define LWIP_CHKSUM_ALGORITHM 3
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1 /* none on the loopback interface: stack_start() */
#define TCP_QUEUE_OOSEQ 1
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1
#define LWIP_HOOK_FILENAME <tcp_hooks.h>
