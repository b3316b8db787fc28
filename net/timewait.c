// SPDX-License-Identifier: MIT
/*
 * All wait equally long, so they end in the order in which they began: a ring, in which
 * the oldest stands first.  One that was made to wait anew goes to the back when its turn comes.
 */
#include "timewait.h"

#include <lib/string.h>
#include <stddef.h>

enum { FIN = 0x01, SYN = 0x02, RST = 0x04 }; /* RFC 9293, 3.1 */

static struct timewait ring[TIMEWAIT_MAX];
static uint32_t chains[TIMEWAIT_MAX]; /* index + 1 of the first, or 0 */
static uint32_t oldest, used;	      /* slots from oldest on; some may be empty */
static uint64_t secret;

uint32_t timewait_count;

void timewait_init(uint64_t key)
{
	memset(ring, 0, sizeof(ring));
	memset(chains, 0, sizeof(chains));
	oldest = used = timewait_count = 0;
	secret = key | 1;
}

/* Without the local address, for timewait_has_pair(). */
static uint32_t *chain_of(uint32_t remote_ip, uint32_t ports)
{
	uint64_t h = ((uint64_t)remote_ip << 32 | ports) * secret;

	h = (h ^ h >> 32) * secret;
	return &chains[(h >> 32) * TIMEWAIT_MAX >> 32];
}

static void insert(uint32_t i)
{
	struct timewait *tw = &ring[i];
	uint32_t *head = chain_of(tw->remote_ip, tw->ports);

	tw->next = *head;
	*head = i + 1;
	timewait_count++;
}

static void forget(struct timewait *tw)
{
	uint32_t *p = chain_of(tw->remote_ip, tw->ports);

	while (&ring[*p - 1] != tw)
		p = &ring[*p - 1].next;
	*p = tw->next;
	tw->ports = 0;
	timewait_count--;
}

static uint32_t slot(uint32_t n)
{
	return (oldest + n) % TIMEWAIT_MAX;
}

static void drop_oldest(void)
{
	if (ring[oldest].ports)
		forget(&ring[oldest]);
	oldest = slot(1);
	used--;
}

static void append(const struct timewait *tw)
{
	uint32_t back = slot(used++);

	ring[back] = *tw;
	insert(back);
}

static void move_to_back(void)
{
	struct timewait tw = ring[oldest];

	drop_oldest();
	append(&tw);
}

/* At most two of the oldest: no one call has to do the work of many. */
static void expire(uint64_t now)
{
	const struct timewait *tw;
	int n;

	for (n = 0; n < 2 && used; n++) {
		tw = &ring[oldest];
		if (!tw->ports || timewait_is_over(tw, now))
			drop_oldest();
		else if (used > 1 && tw->until > ring[slot(1)].until)
			move_to_back();
	}
}

void timewait_add(const struct timewait *tw, uint64_t now)
{
	struct timewait *was = timewait_find(tw->local_ip, tw->remote_ip, tw->ports);
	struct timewait waits = *tw;

	if (was)
		forget(was);
	expire(now);
	if (used == TIMEWAIT_MAX)
		drop_oldest();
	waits.until = now + TIMEWAIT_MS;
	append(&waits);
}

struct timewait *timewait_find(uint32_t local_ip, uint32_t remote_ip, uint32_t ports)
{
	uint32_t i = *chain_of(remote_ip, ports);
	struct timewait *tw;

	for (; i; i = tw->next) {
		tw = &ring[i - 1];
		if (tw->ports == ports && tw->remote_ip == remote_ip && tw->local_ip == local_ip)
			return tw;
	}
	return NULL;
}

enum timewait_act timewait_segment(struct timewait *tw, uint8_t flags, uint32_t seq, uint32_t len,
				   uint64_t now)
{
	if (flags & RST) /* RFC 1337: it would end the wait early */
		return TIMEWAIT_DROP;
	/* RFC 1122, 4.2.2.13: beyond what the old connection has had it opens a new one */
	if ((flags & SYN) && (int32_t)(seq - tw->rcv_nxt) > 0) {
		forget(tw);
		return TIMEWAIT_OPEN;
	}
	if (flags & FIN)
		tw->until = now + TIMEWAIT_MS;
	return len ? TIMEWAIT_ACK : TIMEWAIT_DROP;
}

bool timewait_has_pair(uint32_t remote_ip, uint32_t ports, uint64_t now)
{
	uint32_t i = *chain_of(remote_ip, ports);
	struct timewait *tw;

	for (; i; i = tw->next) {
		tw = &ring[i - 1];
		if (tw->ports == ports && tw->remote_ip == remote_ip && !timewait_is_over(tw, now))
			return true;
	}
	return false;
}

bool timewait_has_port(uint16_t local_port, uint64_t now)
{
	uint32_t n, port = timewait_ports(local_port, 0);
	struct timewait *tw;

	for (n = 0; timewait_count && n < used; n++) {
		tw = &ring[slot(n)];
		if (tw->ports && (tw->ports & 0xffff0000) == port && !timewait_is_over(tw, now))
			return true;
	}
	return false;
}
