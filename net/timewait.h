/* SPDX-License-Identifier: MIT */
/*
 * Connections in TIME-WAIT (RFC 9293, 3.6.1): what this side still has to know of a
 * connection that it closed first, for two maximum segment lifetimes.
 *
 * A client that opens many short connections, or a server that closes them, has hundreds at
 * any moment.  Kept as lwIP keeps them, each is a whole pcb in one list that every SYN
 * and every connect() walks; here it is 32 bytes and found by hash.
 *
 * There are at most TIMEWAIT_MAX; one more takes the place of the oldest.  Addresses are in
 * network order, sequence numbers and single ports in the host's, times in milliseconds
 * of any clock that goes on.  No locks: the stack has one thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define TIMEWAIT_MAX CONFIG_TCP_MAX_CONNECTIONS
#define TIMEWAIT_MS 60000u /* as Linux; RFC 9293's two minutes would be twice 2 */

struct timewait {
	uint32_t local_ip, remote_ip;
	uint32_t ports; /* as a segment from the remote end begins; 0: this is no connection */
	uint32_t snd_nxt, rcv_nxt;
	uint32_t next;	/* in its chain: index + 1, or 0 */
	uint64_t until; /* ms */
};

/* What becomes of a segment. */
enum timewait_act {
	TIMEWAIT_DROP,
	TIMEWAIT_ACK, /* and answer that rcv_nxt is expected */
	TIMEWAIT_OPEN /* it opens a new connection between the same ports: the entry is gone */
};

extern uint32_t timewait_count;

void timewait_init(uint64_t key); /* random: who connects shall not choose the chains */
void timewait_add(const struct timewait *tw, uint64_t now); /* until, next: of no account */
/* NULL: none.  It may be over: timewait_is_over(). */
struct timewait *timewait_find(uint32_t local_ip, uint32_t remote_ip, uint32_t ports);
/* len: bytes, SYN and FIN counted.  flags: as in the header. */
enum timewait_act timewait_segment(struct timewait *tw, uint8_t flags, uint32_t seq, uint32_t len,
				   uint64_t now);

static inline uint32_t timewait_ports(uint16_t local, uint16_t remote)
{
	return (uint32_t)__builtin_bswap16(local) << 16 | __builtin_bswap16(remote);
}

static inline bool timewait_is_over(const struct timewait *tw, uint64_t now)
{
	return tw->until <= now;
}

/* Has some connection these ports, and that remote address?  This local port? */
bool timewait_has_pair(uint32_t remote_ip, uint32_t ports, uint64_t now);
bool timewait_has_port(uint16_t local_port, uint64_t now);
