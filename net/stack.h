/* SPDX-License-Identifier: MIT */
/* The network stack: lwIP on the network card and on loopback. */
#pragma once

void stack_start(void);
void stack_poll(void);	  /* after using lwIP: run loopback, flush, program timers */
void stack_deliver(void); /* what is for this machine itself, at once */
