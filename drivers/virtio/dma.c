// SPDX-License-Identifier: MIT
#include "virtio.h"

void *dma_alloc(uint64_t len, paddr_t *pa)
{
	int64_t m = w_mem_create(len, W_MEM_CONTIG), p;
	void *va;

	if (m < 0)
		return NULL;
	p = w_mem_paddr(m, 0);
	va = rt_map(m, 0, (len + W_PAGE - 1) & ~(W_PAGE - 1),
		    W_PROT_READ | W_PROT_WRITE | W_MAP_SHARED);
	w_handle_close(m); /* the mapping keeps it */
	if (p < 0)
		return NULL;
	*pa = p;
	return va;
}
