// SPDX-License-Identifier: MIT
/*
 * virtio over PCI (virtio 1.2, 4.1), modern devices only.  Configuration space
 * by ECAM where ACPI told of one, else by the kernel's pci_config call.
 * Addresses in BARs are the firmware's.
 */
#include "virtio.h"

#define VENDOR_VIRTIO 0x1af4
#define CAP_VENDOR 9
#define CAP_MSIX 0x11
enum { CFG_COMMON = 1, CFG_NOTIFY, CFG_ISR, CFG_DEVICE };

/* struct virtio_pci_common_cfg */
enum {
	DEV_FEATURES_SEL = 0,
	DEV_FEATURES = 4,
	DRV_FEATURES_SEL = 8,
	DRV_FEATURES = 12,
	MSIX_CONFIG = 16,
	STATUS = 20,
	QUEUE_SEL = 22,
	QUEUE_SIZE = 24,
	QUEUE_MSIX = 26,
	QUEUE_ENABLE = 28,
	QUEUE_NOTIFY_OFF = 30,
	QUEUE_DESC = 32,
	QUEUE_DRIVER = 40,
	QUEUE_DEVICE = 48,
};

static volatile uint8_t *ecam;
static uint64_t ecam_len;

static void access_init(void)
{
	struct w_sys_boot b = {0};
	int64_t h;

	if (ecam)
		return;
	w_sys_info(W_SYS_BOOT, 0, &b, sizeof(b));
	h = b.ecam ? w_mmio_create(W_H_IOROOT, b.ecam, b.ecam_len) : -1;
	if (h >= 0) {
		ecam = rt_map(h, 0, b.ecam_len, W_PROT_READ | W_PROT_WRITE | W_MAP_SHARED);
		ecam_len = b.ecam_len;
		w_handle_close(h);
	}
}

static uint32_t cfg_read(uint32_t bdf, uint32_t reg)
{
	if (ecam)
		return ((uint64_t)bdf << 12) + reg < ecam_len
			       ? *(volatile uint32_t *)(ecam + ((uint64_t)bdf << 12) + reg)
			       : ~0u;
	return w_pci_config(W_H_IOROOT, bdf, reg, 0, 0);
}

static void cfg_write(uint32_t bdf, uint32_t reg, uint32_t v)
{
	if (ecam) {
		*(volatile uint32_t *)(ecam + ((uint64_t)bdf << 12) + reg) = v;
		return;
	}
	w_pci_config(W_H_IOROOT, bdf, reg, 1, v);
}

static uint8_t cfg_byte(uint32_t bdf, uint32_t reg)
{
	return cfg_read(bdf, reg & ~3u) >> (reg & 3) * 8;
}

/* ---- common configuration ---- */

#define REG(v, off, type) (*(volatile type *)((v)->common + (off)))

static uint64_t features(struct virtio *v)
{
	uint64_t f;

	REG(v, DEV_FEATURES_SEL, uint32_t) = 1;
	f = (uint64_t)REG(v, DEV_FEATURES, uint32_t) << 32;
	REG(v, DEV_FEATURES_SEL, uint32_t) = 0;
	return f | REG(v, DEV_FEATURES, uint32_t);
}

static void set_features(struct virtio *v, uint64_t f)
{
	REG(v, DRV_FEATURES_SEL, uint32_t) = 0;
	REG(v, DRV_FEATURES, uint32_t) = f;
	REG(v, DRV_FEATURES_SEL, uint32_t) = 1;
	REG(v, DRV_FEATURES, uint32_t) = f >> 32;
}

static uint32_t status(struct virtio *v)
{
	return REG(v, STATUS, uint8_t);
}

static void set_status(struct virtio *v, uint32_t s)
{
	REG(v, STATUS, uint8_t) = s;
}

static uint32_t queue_max(struct virtio *v, int q)
{
	REG(v, QUEUE_SEL, uint16_t) = q;
	return REG(v, QUEUE_SIZE, uint16_t);
}

static void put64(struct virtio *v, uint32_t off, uint64_t val)
{
	REG(v, off, uint32_t) = val;
	REG(v, off + 4, uint32_t) = val >> 32;
}

static void queue_set(struct virtio *v, int q, uint32_t size, paddr_t desc, paddr_t avail,
		      paddr_t used)
{
	REG(v, QUEUE_SEL, uint16_t) = q;
	REG(v, QUEUE_SIZE, uint16_t) = size;
	put64(v, QUEUE_DESC, desc);
	put64(v, QUEUE_DRIVER, avail);
	put64(v, QUEUE_DEVICE, used);
	REG(v, QUEUE_MSIX, uint16_t) = 0;
	REG(v, MSIX_CONFIG, uint16_t) = v->config_vector;
	v->notify_at[q & 3] =
		(volatile uint16_t *)(v->notify_base +
				      REG(v, QUEUE_NOTIFY_OFF, uint16_t) * v->notify_mult);
	REG(v, QUEUE_ENABLE, uint16_t) = 1;
}

static void notify(struct virtio *v, int q)
{
	*v->notify_at[q & 3] = q;
}

static void config(struct virtio *v, uint32_t off, void *buf, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < len; i++)
		((uint8_t *)buf)[i] = v->device[off + i];
}

static bool irq_ack(struct virtio *v)
{
	w_irq_ack(v->irq);
	return false;
}

#define NO_VECTOR 0xffff
#define MSIX_ENTRIES 2 /* that we use: what the queues have to say, the configuration */

/* The device's n-th message leads to a new interrupt; below 0: none. */
static int64_t msix_entry(struct virtio *v, uint32_t n)
{
	volatile uint32_t *e = v->msix + 4 * n;
	struct w_msi msi;
	int64_t irq = w_irq_create(W_H_IOROOT, W_IRQ_MSI, 0, &msi);

	if (irq < 0)
		return irq;
	e[0] = msi.addr;
	e[1] = msi.addr >> 32;
	e[2] = msi.data;
	e[3] = 0;
	return irq;
}

static w_handle_t config_irq(struct virtio *v)
{
	int64_t irq = v->msix_size < MSIX_ENTRIES ? -1 : msix_entry(v, 1);

	if (irq < 0)
		return 0;
	v->config_vector = 1;
	return irq;
}

static const struct virtio_ops ops = {features,	 set_features, status, set_status, queue_max,
				      queue_set, notify,       config, irq_ack,	   config_irq};

/* ---- finding ---- */

static uint64_t bar_address(uint32_t bdf, uint32_t bar)
{
	uint32_t lo = cfg_read(bdf, 0x10 + bar * 4);
	uint64_t pa = lo & ~15u;

	if (bar > 5 || lo & 1)
		return 0;
	if ((lo & 6) == 4 && bar < 5)
		pa |= (uint64_t)cfg_read(bdf, 0x14 + bar * 4) << 32;
	return pa;
}

static volatile uint8_t *map_bar(uint32_t bdf, uint32_t bar, uint32_t off, uint32_t len)
{
	uint64_t pa = bar_address(bdf, bar), start = (pa + off) & ~(W_PAGE - 1);
	uint64_t size = ((pa + off + len + W_PAGE - 1) & ~(W_PAGE - 1)) - start;
	int64_t h = pa ? w_mmio_create(W_H_IOROOT, start, size) : -1;
	char *p;

	if (h < 0)
		return NULL;
	p = rt_map(h, 0, size, W_PROT_READ | W_PROT_WRITE | W_MAP_SHARED);
	w_handle_close(h);
	return p ? (volatile uint8_t *)p + (pa + off - start) : NULL;
}

/* virtio 1.2, 4.1.4: struct virtio_pci_cap */
static void vendor_cap(struct virtio *v, uint32_t bdf, uint32_t at)
{
	uint8_t kind = cfg_byte(bdf, at + 3), bar = cfg_byte(bdf, at + 4);
	uint32_t off = cfg_read(bdf, at + 8), len = cfg_read(bdf, at + 12);

	if (len > 1 << 20)
		return;
	if (kind == CFG_COMMON && !v->common) {
		v->common = map_bar(bdf, bar, off, len);
	} else if (kind == CFG_NOTIFY && !v->notify_base) {
		v->notify_mult = cfg_read(bdf, at + 16);
		v->notify_base = map_bar(bdf, bar, off, len);
	} else if (kind == CFG_DEVICE && !v->device) {
		v->device = map_bar(bdf, bar, off, len);
	}
}

/* PCI 3.0, 6.8.2: one vector for what all queues have to say */
static void msix_cap(struct virtio *v, uint32_t bdf, uint32_t at)
{
	uint32_t table = cfg_read(bdf, at + 4);
	int64_t irq;

	v->msix_size = (cfg_read(bdf, at) >> 16 & 0x7ff) + 1;
	if (v->msix_size > MSIX_ENTRIES)
		v->msix_size = MSIX_ENTRIES;
	v->msix = (volatile uint32_t *)map_bar(bdf, table & 7, table & ~7u, v->msix_size * 16);
	irq = v->msix ? msix_entry(v, 0) : -1;
	if (irq < 0)
		return;
	v->irq = irq;
	cfg_write(bdf, at, (cfg_read(bdf, at) & ~0x40000000u) | 0x80000000u);
}

static struct virtio *probe(uint32_t bdf)
{
	struct virtio *v = rt_alloc(sizeof(*v));
	uint32_t at, guard;

	v->ops = &ops;
	v->config_vector = NO_VECTOR;
	cfg_write(bdf, 4, (cfg_read(bdf, 4) & 0xffff) | 6); /* memory, bus master */
	at = cfg_byte(bdf, 0x34) & ~3u;
	for (guard = 0; at >= 0x40 && guard < 48; guard++) {
		uint8_t id = cfg_byte(bdf, at);

		if (id == CAP_VENDOR)
			vendor_cap(v, bdf, at);
		else if (id == CAP_MSIX)
			msix_cap(v, bdf, at);
		at = cfg_byte(bdf, at + 1) & ~3u;
	}
	if (v->common && v->notify_base && v->device && v->irq)
		return v;
	rt_log("virtio: device %02x:%02x.%x lacks a capability; skipped", bdf >> 8, bdf >> 3 & 31,
	       bdf & 7);
	rt_free(v);
	return NULL;
}

static bool is_type(uint32_t id, uint32_t type)
{
	static const uint16_t transitional[] = {0, 0x1000, 0x1001};

	if ((id & 0xffff) != VENDOR_VIRTIO)
		return false;
	return id >> 16 == 0x1040 + type || (type < 3 && id >> 16 == transitional[type]);
}

#define BUSES 4

/* Devices that a driver of this process has, or that do not work. */
static uint32_t taken[BUSES];

struct virtio *virtio_pci_find(uint32_t type)
{
	uint32_t bus, dev, bdf;
	struct virtio *v;

	access_init();
	for (bus = 0; bus < BUSES; bus++)
		for (dev = 0; dev < 32; dev++) {
			bdf = bus << 8 | dev << 3;
			if (taken[bus] >> dev & 1 || !is_type(cfg_read(bdf, 0), type))
				continue;
			taken[bus] |= 1u << dev;
			v = probe(bdf);
			if (v)
				return v;
		}
	return NULL;
}
