// SPDX-License-Identifier: MIT
/* Interrupts and I/O ports, handed to ring 3. */
#include <arch/cpu.h>
#include <kernel/irq.h>
#include <kernel/page.h>
#include <kernel/protos.h>
#include <kernel/thread.h>

BKL_BEGIN

static struct irq *by_vector[256];

struct ioport {
	struct object obj;
	uint32_t first, count; /* [c] */
};

struct ioroot {
	struct object obj;
};

static void irq_destroy(struct object *o)
{
	struct irq *i = container_of(o, struct irq, obj);

	if (i->gsi >= 0)
		ioapic_mask(i->gsi, true);
	by_vector[i->vector] = NULL;
	kfree(i);
}

static const struct object_ops irq_ops = {.destroy = irq_destroy};

void irq_fire(uint32_t vector)
{
	struct irq *i = by_vector[vector];

	if (!i)
		return;
	i->count++;
	if (i->level)
		ioapic_mask(i->gsi, true);
	obj_signal(&i->obj, W_READABLE, 0);
}

static uint32_t free_vector(void)
{
	uint32_t v;

	for (v = VEC_IRQ_FIRST; v <= VEC_IRQ_LAST; v++)
		if (!by_vector[v])
			return v;
	return 0;
}

static bool gsi_in_use(int gsi)
{
	int v;

	for (v = VEC_IRQ_FIRST; v <= VEC_IRQ_LAST; v++)
		if (by_vector[v] && by_vector[v]->gsi == gsi)
			return true;
	return false;
}

int64_t sys_irq_create(struct ioroot *io, uint32_t kind, uint32_t n, uaddr_t out)
{
	struct w_msi msi = {0};
	uint32_t v = free_vector();
	struct irq *i;
	int err = 0;

	(void)io;
	if ((kind & 0xff) != W_IRQ_GSI && kind != W_IRQ_MSI)
		return W_EINVAL;
	if (!v || ((kind & 0xff) == W_IRQ_GSI && gsi_in_use(n)))
		return W_EBUSY;
	i = kzalloc(sizeof(*i));
	if (!i)
		return W_ENOMEM;
	i->vector = v;
	i->gsi = kind == W_IRQ_MSI ? -1 : (int)n;
	i->level = kind & W_IRQ_LEVEL;
	obj_init(&i->obj, W_T_IRQ, &irq_ops);
	by_vector[v] = i;
	if (i->gsi >= 0)
		err = ioapic_bind(n, v, i->level);
	if (kind == W_IRQ_MSI) { /* Intel SDM vol. 3, 11.11 */
		msi.addr = 0xfee00000ull | cpus[0].apic_id << 12;
		msi.data = v;
		err = copy_out(thread_self()->proc->as, out, &msi, sizeof(msi));
	}
	if (err) {
		i->gsi = -1;
		obj_put(&i->obj);
		return err;
	}
	return handle_new(&i->obj, W_ALL);
}

int64_t sys_irq_ack(struct irq *i)
{
	obj_signal(&i->obj, 0, W_READABLE);
	if (i->level)
		ioapic_mask(i->gsi, false);
	return 0;
}

static void small_destroy(struct object *o)
{
	kfree(o);
}

static const struct object_ops small_ops = {.destroy = small_destroy};

struct object *ioroot_new(void)
{
	struct ioroot *r = kzalloc(sizeof(*r));

	if (!r)
		return NULL;
	obj_init(&r->obj, W_T_IOROOT, &small_ops);
	return &r->obj;
}

int64_t sys_ioport_create(struct ioroot *io, uint32_t first, uint32_t count)
{
	struct ioport *p;

	(void)io;
	if (!count || first > 0xffff || count > 0x10000 - first)
		return W_EINVAL;
	p = kzalloc(sizeof(*p));
	if (!p)
		return W_ENOMEM;
	obj_init(&p->obj, W_T_IOPORT, &small_ops);
	p->first = first;
	p->count = count;
	return handle_new(&p->obj, W_ALL);
}

static int port_check(const struct ioport *p, uint32_t off, uint32_t width)
{
	if (width != 1 && width != 2 && width != 4)
		return W_EINVAL;
	return off < p->count && width <= p->count - off ? 0 : W_ERANGE;
}

int64_t sys_ioport_in(struct ioport *p, uint32_t off, uint32_t width)
{
	int err = port_check(p, off, width);
	uint16_t port = p->first + off;

	if (err)
		return err;
	return width == 1 ? inb(port) : width == 2 ? inw(port) : inl(port);
}

int64_t sys_ioport_out(struct ioport *p, uint32_t off, uint32_t width, uint32_t value)
{
	int err = port_check(p, off, width);
	uint16_t port = p->first + off;

	if (err)
		return err;
	if (width == 1)
		outb(port, value);
	else if (width == 2)
		outw(port, value);
	else
		outl(port, value);
	return 0;
}

/* PCI 3.0, 3.2.2.3.2 */
int64_t sys_pci_config(struct ioroot *io, uint32_t bdf, uint32_t reg, uint32_t write,
		       uint32_t value)
{
	(void)io;
	if (bdf > 0xffff || reg > 0xfc || reg & 3 || write > 1)
		return W_EINVAL;
	outl(0xcf8, 0x80000000u | bdf << 8 | reg);
	if (!write)
		return inl(0xcfc);
	outl(0xcfc, value);
	return 0;
}

int64_t sys_sys_power(struct ioroot *io, uint32_t how, uint32_t code)
{
	(void)io;
	if (how > 1 || code > 127)
		return W_EINVAL;
	cpu_power(how, code);
}

int64_t sys_clock_set(struct ioroot *io, uint64_t wall)
{
	(void)io;
	clock_set_wall(wall);
	return 0;
}

BKL_END
