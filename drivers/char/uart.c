// SPDX-License-Identifier: MIT
/* The console's line: a 16550 at COM1 (PC16550D data sheet). */
#include "terminal.h"

#define COM1 0x3f8
#define COM1_IRQ 4
enum { RBR = 0, THR = 0, IER = 1, IIR = 2, FCR = 2, LCR = 3, MCR = 4, LSR = 5 };
#define LSR_DATA 1
#define LSR_THRE 0x20

static struct ev_source irq_src;
static struct ev_task first_look;
static w_handle_t uart, irq;
static struct terminal *line;

static int reg_in(int r)
{
	return w_ioport_in(uart, r, 1);
}

static void uart_output(struct tty *t, const char *p, size_t n)
{
	size_t i;
	int spins;

	(void)t;
	for (i = 0; i < n; i++) {
		/* 16 bytes fit once the holding register is empty */
		for (spins = 0; i % 16 == 0 && !(reg_in(LSR) & LSR_THRE) && spins < 100000; spins++)
			;
		w_ioport_out(uart, THR, 1, (uint8_t)p[i]);
	}
}

static void uart_ready(struct ev_source *s, uint32_t bits)
{
	(void)s;
	(void)bits;
	reg_in(IIR);
	w_irq_ack(irq);
	while (reg_in(LSR) & LSR_DATA)
		tty_receive(&line->tty, reg_in(RBR));
	terminal_changed(line);
}

static void look(struct ev_task *t)
{
	(void)t;
	uart_ready(&irq_src, 0); /* what came before we listened */
}

void uart_start(struct terminal *t)
{
	struct w_msi unused;
	int64_t p = w_ioport_create(W_H_IOROOT, COM1, 8);
	int64_t i = w_irq_create(W_H_IOROOT, W_IRQ_GSI, COM1_IRQ, &unused);

	if (p < 0 || i < 0)
		rt_die("console: no serial port: errors %ld %ld", p, i);
	uart = p;
	irq = i;
	line = t;
	t->tty.output = uart_output;
	w_ioport_out(uart, LCR, 1, 3);	  /* 8n1 */
	w_ioport_out(uart, FCR, 1, 0xc7); /* FIFOs on, cleared */
	w_ioport_out(uart, MCR, 1, 0x0b); /* DTR, RTS, OUT2: interrupts reach the PIC */
	w_ioport_out(uart, IER, 1, 1);	  /* received data */
	irq_src.fn = uart_ready;
	ev_add(&irq_src, irq, W_READABLE);
	list_init(&first_look.link);
	first_look.fn = look;
	ev_task_add(&first_look);
}
