/* SPDX-License-Identifier: MIT */
/*
 * TCP where lwIP's own would be weak: first sequence numbers that nobody foretells, local
 * ports, and connections in TIME-WAIT kept apart (timewait.h).
 */
#pragma once

#include <lwip/tcp.h>
#include <stdbool.h>

void tcp_start(void);
/* Take from lwIP the connections that have come to TIME-WAIT.  Whoever tcp_arg() names is
 * told before, with that: its pcb goes. */
void tcp_collect(void);
void tcp_on_timewait(void (*fn)(void *arg));

/*
 * Bind pcb to ip and a local port that nothing else has; with remote, one from which no
 * connection in TIME-WAIT has gone there.  ERR_USE: all are taken.
 */
err_t tcp_bind_free(struct tcp_pcb *pcb, const ip_addr_t *ip, const ip_addr_t *remote,
		    uint16_t remote_port);
/* Is a connection from this port (with remote: to there) in TIME-WAIT? */
bool tcp_port_lingers(uint16_t port, const ip_addr_t *remote, uint16_t remote_port);
