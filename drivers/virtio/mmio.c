// SPDX-License-Identifier: MIT
/*
 * virtio over MMIO (virtio 1.2, 4.2): the machine's command line names each
 * device as virtio_mmio.device=SIZE@ADDRESS:IRQ (Linux
 * Documentation/admin-guide/kernel-parameters.txt).  Devices of version 1 have the registers of
 * virtio 0.9 (4.2.4): a queue is one block that begins on a page, and there is no FEATURES_OK.
 */
#include "virtio.h"

enum {
	MAGIC = 0x00,
	VERSION = 0x04,
	DEVICE_ID = 0x08,
	FEATURES = 0x10,
	FEATURES_SEL = 0x14,
	DRIVER_FEATURES = 0x20,
	DRIVER_FEATURES_SEL = 0x24,
	PAGE_SIZE = 0x28, /* legacy */
	QUEUE_SEL = 0x30,
	QUEUE_MAX = 0x34,
	QUEUE_NUM = 0x38,
	QUEUE_ALIGN = 0x3c, /* legacy */
	QUEUE_PFN = 0x40,   /* legacy */
	QUEUE_READY = 0x44,
	QUEUE_NOTIFY = 0x50,
	IRQ_STATUS = 0x60,
	IRQ_ACK = 0x64,
	STATUS = 0x70,
	DESC = 0x80,
	AVAIL = 0x90,
	USED = 0xa0,
	DEVICE_CONFIG = 0x100,
};

#define IRQ_CONFIG 2 /* in IRQ_STATUS */

static uint32_t get(struct virtio *v, uint32_t reg)
{
	return *(volatile uint32_t *)(v->common + reg);
}

static void put(struct virtio *v, uint32_t reg, uint32_t val)
{
	*(volatile uint32_t *)(v->common + reg) = val;
}

static uint64_t features(struct virtio *v)
{
	uint64_t f;

	put(v, FEATURES_SEL, 1);
	f = (uint64_t)get(v, FEATURES) << 32;
	put(v, FEATURES_SEL, 0);
	return f | get(v, FEATURES);
}

static void set_features(struct virtio *v, uint64_t f)
{
	put(v, DRIVER_FEATURES_SEL, 0);
	put(v, DRIVER_FEATURES, f);
	put(v, DRIVER_FEATURES_SEL, 1);
	put(v, DRIVER_FEATURES, f >> 32);
}

static void set_features_legacy(struct virtio *v, uint64_t f)
{
	put(v, DRIVER_FEATURES_SEL, 0);
	put(v, DRIVER_FEATURES, f);
}

static uint32_t status(struct virtio *v)
{
	return get(v, STATUS);
}

static void set_status(struct virtio *v, uint32_t s)
{
	put(v, STATUS, s);
}

static uint32_t queue_max(struct virtio *v, int q)
{
	put(v, QUEUE_SEL, q);
	return get(v, QUEUE_MAX);
}

static void put64(struct virtio *v, uint32_t reg, uint64_t val)
{
	put(v, reg, val);
	put(v, reg + 4, val >> 32);
}

static void queue_set(struct virtio *v, int q, uint32_t size, paddr_t desc, paddr_t avail,
		      paddr_t used)
{
	put(v, QUEUE_SEL, q);
	put(v, QUEUE_NUM, size);
	put64(v, DESC, desc);
	put64(v, AVAIL, avail);
	put64(v, USED, used);
	put(v, QUEUE_READY, 1);
}

/* It finds the other two parts by itself. */
static void queue_set_legacy(struct virtio *v, int q, uint32_t size, paddr_t desc, paddr_t avail,
			     paddr_t used)
{
	(void)avail;
	(void)used;
	put(v, PAGE_SIZE, W_PAGE);
	put(v, QUEUE_SEL, q);
	put(v, QUEUE_NUM, size);
	put(v, QUEUE_ALIGN, VIRTIO_LEGACY_ALIGN);
	put(v, QUEUE_PFN, desc / W_PAGE);
}

static void notify(struct virtio *v, int q)
{
	put(v, QUEUE_NOTIFY, q);
}

static void config(struct virtio *v, uint32_t off, void *buf, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < len; i++)
		((uint8_t *)buf)[i] = v->common[DEVICE_CONFIG + off + i];
}

static bool irq_ack(struct virtio *v)
{
	uint32_t why = get(v, IRQ_STATUS);

	put(v, IRQ_ACK, why);
	w_irq_ack(v->irq);
	return why & IRQ_CONFIG;
}

static w_handle_t config_irq(struct virtio *v)
{
	(void)v;
	return 0;
}

static const struct virtio_ops ops = {features,	 set_features, status, set_status, queue_max,
				      queue_set, notify,       config, irq_ack,	   config_irq};
static const struct virtio_ops legacy_ops = {features,	set_features_legacy, status, set_status,
					     queue_max, queue_set_legacy,    notify, config,
					     irq_ack,	config_irq};

static struct virtio *probe(uint64_t pa, uint64_t irq, uint32_t type)
{
	int64_t m = w_mmio_create(W_H_IOROOT, pa & ~(W_PAGE - 1), W_PAGE), i;
	struct w_msi unused;
	struct virtio *v;
	char *p;

	if (m < 0)
		return NULL;
	p = rt_map(m, 0, W_PAGE, W_PROT_READ | W_PROT_WRITE | W_MAP_SHARED);
	w_handle_close(m);
	if (!p)
		return NULL;
	v = rt_alloc(sizeof(*v));
	v->common = (volatile uint8_t *)p + (pa & (W_PAGE - 1));
	v->legacy = get(v, VERSION) == 1;
	v->ops = v->legacy ? &legacy_ops : &ops;
	if (get(v, MAGIC) == 0x74726976 && (v->legacy || get(v, VERSION) == 2) &&
	    get(v, DEVICE_ID) == type) {
		i = w_irq_create(W_H_IOROOT, W_IRQ_GSI | W_IRQ_LEVEL, irq, &unused);
		if (i >= 0) {
			v->irq = i;
			return v;
		}
	}
	w_as_unmap(0, (uint64_t)p, W_PAGE);
	rt_free(v);
	return NULL;
}

#define DEVICES_MOST 32

struct virtio *virtio_mmio_find(uint32_t type)
{
	static uint32_t taken; /* devices that a driver of this process has, by their order */
	const char *s = rt_cmdline();
	struct virtio *v;
	uint64_t pa, irq;
	uint32_t n = 0;

	while ((s = strstr(s, "virtio_mmio.device="))) {
		s = strchr(s, '@');
		if (!s)
			return NULL;
		s++;
		pa = strtoul_at(&s, 16);
		if (*s != ':')
			continue;
		s++;
		irq = strtoul_at(&s, 10);
		if (n == DEVICES_MOST)
			return NULL;
		v = taken >> n & 1 ? NULL : probe(pa, irq, type);
		if (v) {
			taken |= 1u << n;
			return v;
		}
		n++;
	}
	return NULL;
}
