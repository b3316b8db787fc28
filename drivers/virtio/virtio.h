/* SPDX-License-Identifier: MIT */
/*
 * virtio 1.x devices and split virtqueues (OASIS virtio 1.2), over PCI or MMIO; over MMIO also
 * those of virtio 0.9 ("legacy" in 1.2), which differ in what virtio_begin() negotiates and in
 * where the parts of a queue lie.
 *
 * The device is not trusted: every index and length that it writes is read once
 * and checked; a lie marks the queue broken, virtq_take() reports it and the
 * driver resets the device.  Nothing outside the queue is ever touched for it.
 */
#pragma once

#include <rt/ev.h>

enum { VIRTIO_NET = 1, VIRTIO_BLK = 2 };
#define VIRTIO_F_ANY_LAYOUT (1ull << 27) /* legacy: headers and data may share a descriptor */
#define VIRTIO_F_VERSION_1 (1ull << 32)
#define VIRTIO_LEGACY_ALIGN 4096 /* of a queue's used ring */
enum {
	VIRTIO_ACK = 1,
	VIRTIO_DRIVER = 2,
	VIRTIO_DRIVER_OK = 4,
	VIRTIO_FEATURES_OK = 8,
	VIRTIO_FAILED = 128
};

struct virtio;

struct virtio_ops {
	uint64_t (*features)(struct virtio *v);
	void (*set_features)(struct virtio *v, uint64_t f);
	uint32_t (*status)(struct virtio *v);
	void (*set_status)(struct virtio *v, uint32_t s);
	uint32_t (*queue_max)(struct virtio *v, int q);
	void (*queue_set)(struct virtio *v, int q, uint32_t size, paddr_t desc, paddr_t avail,
			  paddr_t used);
	void (*notify)(struct virtio *v, int q);
	void (*config)(struct virtio *v, uint32_t off, void *buf, uint32_t len);
	/* Level interrupts: quiet the device.  true: its configuration has changed. */
	bool (*irq_ack)(struct virtio *v);
	/* Before virtio_begin(): an interrupt of its own for changes of the configuration; 0: there
	 * is none, irq_ack() says so. */
	w_handle_t (*config_irq)(struct virtio *v);
};

struct virtio {
	const struct virtio_ops *ops;
	w_handle_t irq; /* READABLE when any queue has something */
	volatile uint8_t *common, *notify_base, *isr, *device; /* mapped registers */
	uint32_t notify_mult;
	volatile uint16_t *notify_at[4];
	volatile uint32_t *msix; /* the table, of at least msix_size entries */
	uint32_t msix_size;
	uint16_t config_vector;
	bool legacy; /* never VERSION_1 */
};

struct virtq_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

enum { VIRTQ_NEXT = 1, VIRTQ_WRITE = 2 };

struct virtq {
	struct virtio *v;
	int index;
	uint32_t size;
	volatile struct virtq_desc *desc;
	volatile uint16_t *avail; /* flags, idx, ring[] */
	volatile uint16_t *used;  /* flags, idx, then { u32 id, len }[] */
	uint16_t avail_idx, used_idx, notified;
	bool broken;
	char *mem; /* owns, for life: what virtq_init() was first asked for */
	paddr_t pa;
};

/* The first device of a type that no other driver took; NULL: none. */
struct virtio *virtio_find(uint32_t type);
/* Reset and negotiate; false: the device refuses. */
bool virtio_begin(struct virtio *v, uint64_t want, uint64_t *got);
void virtio_ready(struct virtio *v);
/* q is zero at first; again after a reset, with the same size. */
bool virtq_init(struct virtq *q, struct virtio *v, int index, uint32_t size);
void virtq_set(struct virtq *q, uint16_t slot, paddr_t addr, uint32_t len, uint16_t flags,
	       uint16_t next);
void virtq_offer(struct virtq *q, uint16_t slot);
void virtq_kick(struct virtq *q); /* tell the device what was offered, if it wants to know */
/* Should the device interrupt for completions of this queue? */
void virtq_interrupts(struct virtq *q, bool on);
/* Next completed slot; -1: none; check q->broken afterwards. */
int virtq_take(struct virtq *q, uint32_t *len);

/* The transports' searches. */
struct virtio *virtio_pci_find(uint32_t type);
struct virtio *virtio_mmio_find(uint32_t type);
/* DMA memory: physically contiguous, mapped. */
void *dma_alloc(uint64_t len, paddr_t *pa);
