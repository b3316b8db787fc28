// SPDX-License-Identifier: MIT
#include "virtio.h"

struct virtio *virtio_find(uint32_t type)
{
	struct virtio *v = NULL;

	if (IS_ENABLED(CONFIG_VIRTIO_PCI))
		v = virtio_pci_find(type);
	if (!v && IS_ENABLED(CONFIG_VIRTIO_MMIO))
		v = virtio_mmio_find(type);
	return v;
}

bool virtio_begin(struct virtio *v, uint64_t want, uint64_t *got)
{
	int spins;

	v->ops->set_status(v, 0);
	for (spins = 0; v->ops->status(v) && spins < 100000; spins++)
		;
	v->ops->set_status(v, VIRTIO_ACK);
	v->ops->set_status(v, VIRTIO_ACK | VIRTIO_DRIVER);
	*got = v->ops->features(v) & (want | (v->legacy ? 0 : VIRTIO_F_VERSION_1));
	if (!v->legacy && !(*got & VIRTIO_F_VERSION_1))
		return false;
	v->ops->set_features(v, *got);
	if (v->legacy) /* it has no way to say no */
		return true;
	v->ops->set_status(v, VIRTIO_ACK | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
	return v->ops->status(v) & VIRTIO_FEATURES_OK;
}

void virtio_ready(struct virtio *v)
{
	v->ops->set_status(v, VIRTIO_ACK | VIRTIO_DRIVER | VIRTIO_DRIVER_OK |
				      (v->legacy ? 0 : VIRTIO_FEATURES_OK));
}

/* Of a queue of size slots: where the three parts begin, and their length together. */
static uint64_t avail_off(uint32_t size)
{
	return size * 16;
}

static uint64_t used_off(const struct virtio *v, uint32_t size)
{
	uint64_t align = v->legacy ? VIRTIO_LEGACY_ALIGN : 4;

	return (avail_off(size) + 6 + 2 * size + align - 1) & ~(align - 1);
}

static uint64_t queue_len(const struct virtio *v, uint32_t size)
{
	return used_off(v, size) + 6 + 8 * size;
}

bool virtq_init(struct virtq *q, struct virtio *v, int index, uint32_t size)
{
	uint32_t max = v->ops->queue_max(v, index);
	uint64_t len = queue_len(v, size);
	paddr_t pa = q->pa;
	char *p = q->mem;

	if (!max)
		return false;
	if (p)
		memset(p, 0, len); /* after a reset; the device may want fewer slots now */
	else
		p = dma_alloc(len, &pa);
	if (!p)
		return false;
	while (size > max)
		size /= 2;
	*q = (struct virtq){.v = v, .index = index, .size = size, .mem = p, .pa = pa};
	q->desc = (void *)p;
	q->avail = (void *)(p + avail_off(size));
	q->used = (void *)(p + used_off(v, size));
	v->ops->queue_set(v, index, size, pa, pa + avail_off(size), pa + used_off(v, size));
	return true;
}

void virtq_set(struct virtq *q, uint16_t slot, paddr_t addr, uint32_t len, uint16_t flags,
	       uint16_t next)
{
	volatile struct virtq_desc *d = &q->desc[slot];

	d->addr = addr;
	d->len = len;
	d->flags = flags;
	d->next = next;
}

void virtq_offer(struct virtq *q, uint16_t slot)
{
	q->avail[2 + q->avail_idx % q->size] = slot;
	q->avail_idx++;
	__atomic_store_n(&q->avail[1], q->avail_idx, __ATOMIC_RELEASE);
}

void virtq_kick(struct virtq *q)
{
	if (q->notified == q->avail_idx)
		return;
	q->notified = q->avail_idx;
	/* the index must be out before the device's wish is read: it does the reverse */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!(q->used[0] & 1))
		q->v->ops->notify(q->v, q->index);
}

void virtq_interrupts(struct virtq *q, bool on)
{
	q->avail[0] = !on; /* VIRTQ_AVAIL_F_NO_INTERRUPT */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

int virtq_take(struct virtq *q, uint32_t *len)
{
	const volatile uint32_t *ring = (const volatile uint32_t *)(q->used + 2);
	uint16_t idx = __atomic_load_n(&q->used[1], __ATOMIC_ACQUIRE);
	uint32_t slot;

	if (q->broken || idx == q->used_idx)
		return -1;
	slot = ring[q->used_idx % q->size * 2];
	*len = ring[q->used_idx % q->size * 2 + 1];
	if ((uint16_t)(idx - q->used_idx) > q->size || slot >= q->size) {
		q->broken = true;
		return -1;
	}
	q->used_idx++;
	return slot;
}
