// SPDX-License-Identifier: MIT
/*
 * The buddy allocator (Knuth, TAOCP 1, 2.5).  struct page is an array indexed
 * by frame number, itself carved out of the first range that has room.
 */
#include <kernel/boot.h>
#include <kernel/log.h>
#include <kernel/page.h>
#include <lib/string.h>

BKL_BEGIN

struct page *frame_pages;
static uint64_t npages;
static uint32_t free_head[FRAME_ORDERS];
uint64_t frames_total, frames_free;

static struct page *page_of(paddr_t pa)
{
	kassert(FR1_frame_in_range, pa / W_PAGE < npages);
	return &frame_pages[pa / W_PAGE];
}

static void list_add(uint32_t pfn, int order)
{
	struct page *p = &frame_pages[pfn];

	p->state = PAGE_FREE;
	p->order = order;
	p->prev = 0;
	p->next = free_head[order];
	if (p->next)
		frame_pages[p->next].prev = pfn;
	free_head[order] = pfn;
}

static void list_remove(uint32_t pfn)
{
	struct page *p = &frame_pages[pfn];

	if (p->prev)
		frame_pages[p->prev].next = p->next;
	else
		free_head[p->order] = p->next;
	if (p->next)
		frame_pages[p->next].prev = p->prev;
	p->state = PAGE_USED;
}

static void give_block(paddr_t pa, int order)
{
	uint32_t pfn = pa / W_PAGE, buddy;

	frames_free += 1ull << order;
	for (; order < FRAME_ORDERS - 1; order++) {
		buddy = pfn ^ (1u << order);
		if (buddy >= npages || frame_pages[buddy].state != PAGE_FREE ||
		    frame_pages[buddy].order != order)
			break;
		list_remove(buddy);
		frame_pages[buddy].state = PAGE_RESERVED;
		pfn &= ~(1u << order);
	}
	list_add(pfn, order);
}

/* Frames that hold zeroes: what page tables leave.  They are free, outside the buddy lists. */
#define ZERO_MOST 64
static uint32_t zero_head, nzero;

static uint32_t zero_pop(void)
{
	uint32_t pfn = zero_head;

	zero_head = frame_pages[pfn].next;
	nzero--;
	frames_free--;
	return pfn;
}

static paddr_t use_frame(uint32_t pfn, struct account *payer)
{
	struct page *p = &frame_pages[pfn];

	p->state = PAGE_USED;
	p->order = 0;
	p->refs = 1;
	p->payer = payer;
	return (paddr_t)pfn * W_PAGE;
}

static int order_with_room(int order)
{
	while (order < FRAME_ORDERS && !free_head[order])
		order++;
	return order;
}

static paddr_t take_block(int order, struct account *payer)
{
	uint32_t pfn;
	int o = order_with_room(order), i;

	while (o >= FRAME_ORDERS && nzero) {
		give_block((paddr_t)zero_pop() * W_PAGE, 0);
		o = order_with_room(order);
	}
	if (o >= FRAME_ORDERS)
		return 0;
	pfn = free_head[o];
	list_remove(pfn);
	while (o > order) {
		o--;
		list_add(pfn + (1u << o), o);
	}
	frames_free -= 1ull << order;
	for (i = 0; i < 1 << order; i++)
		use_frame(pfn + i, payer);
	frame_pages[pfn].order = order;
	return (paddr_t)pfn * W_PAGE;
}

paddr_t frame_alloc_block(int order)
{
	struct account *payer = account_current();
	paddr_t pa;

	if (order < 0 || order >= FRAME_ORDERS || !account_charge(payer, W_PAGE << order))
		return 0;
	pa = take_block(order, payer);
	if (!pa)
		account_give_back(payer, W_PAGE << order);
	return pa;
}

void frame_free_block(paddr_t pa, int order)
{
	account_give_back(page_of(pa)->payer, W_PAGE << order);
	give_block(pa, order);
}

paddr_t frame_alloc(void)
{
	return frame_alloc_block(0);
}

paddr_t frame_alloc_zero(void)
{
	struct account *payer = account_current();
	paddr_t pa;

	if (nzero)
		return account_charge(payer, W_PAGE) ? use_frame(zero_pop(), payer) : 0;
	pa = frame_alloc();
	if (pa)
		memset(phys_to_virt(pa), 0, W_PAGE);
	return pa;
}

void frame_get(paddr_t pa)
{
	page_of(pa)->refs++;
}

void frame_put(paddr_t pa)
{
	struct page *p = page_of(pa);

	kassert(FR2_put_of_a_held_frame, p->refs && p->state == PAGE_USED);
	if (!--p->refs)
		frame_free_block(pa, 0);
}

void frame_put_zero(paddr_t pa)
{
	struct page *p = page_of(pa);

	if (nzero >= ZERO_MOST) {
		frame_put(pa);
		return;
	}
	kassert(FR2_put_of_a_held_frame, p->refs == 1 && p->state == PAGE_USED);
	account_give_back(p->payer, W_PAGE);
	p->refs = 0;
	p->state = PAGE_RESERVED;
	p->next = zero_head;
	zero_head = pa / W_PAGE;
	nzero++;
	frames_free++;
}

uint32_t frame_refs(paddr_t pa)
{
	return page_of(pa)->refs;
}

void frames_add(paddr_t start, paddr_t end)
{
	int order;

	start = (start + W_PAGE - 1) & ~(W_PAGE - 1);
	end &= ~(W_PAGE - 1);
	if (!start)
		start = W_PAGE; /* frame 0 means none */
	while (start < end) {
		for (order = FRAME_ORDERS - 1;
		     order && (start & ((W_PAGE << order) - 1) || start + (W_PAGE << order) > end);
		     order--)
			;
		frames_total += 1ull << order;
		give_block(start, order);
		start += W_PAGE << order;
	}
}

/* ---- start-up: who owns which byte of RAM ---- */

extern char kernel_start[], kernel_end[];

struct hole {
	paddr_t start, end;
};

/* Add [start, end) without the holes, which are sorted. */
static void add_around(paddr_t start, paddr_t end, const struct hole *h, int n)
{
	for (; n && start < end; h++, n--) {
		if (h->end <= start || h->start >= end)
			continue;
		if (h->start > start)
			frames_add(start, h->start);
		start = h->end;
	}
	if (start < end)
		frames_add(start, end);
}

static paddr_t place_page_array(uint64_t bytes, const struct hole *h, int n)
{
	const struct boot_range *r;
	paddr_t at;
	int i;

	for (r = boot_info.ram; r < boot_info.ram + boot_info.nram; r++) {
		at = (r->start + W_PAGE - 1) & ~(W_PAGE - 1);
		for (i = 0; i < n; i++)
			if (at < h[i].end && at + bytes > h[i].start)
				at = (h[i].end + W_PAGE - 1) & ~(W_PAGE - 1);
		if (at + bytes <= r->end)
			return at;
	}
	panic("no_room_for_page_array", "%lu bytes; give the machine more memory", bytes);
}

static void sort_holes(struct hole *h, int n)
{
	int i, j;

	for (i = 1; i < n; i++)
		for (j = i; j && h[j].start < h[j - 1].start; j--) {
			struct hole t = h[j];

			h[j] = h[j - 1];
			h[j - 1] = t;
		}
}

void frames_init(void)
{
	struct hole h[4] = {
		{0, 0x100000}, /* firmware, trampoline */
		{(paddr_t)kernel_start - KERNEL_VA, (paddr_t)kernel_end - KERNEL_VA},
		{boot_info.archive & ~(W_PAGE - 1),
		 (boot_info.archive + boot_info.archive_len + W_PAGE - 1) & ~(W_PAGE - 1)},
	};
	uint64_t top = 0, bytes;
	int i;

	for (i = 0; i < boot_info.nram; i++)
		if (boot_info.ram[i].end > top)
			top = boot_info.ram[i].end;
	npages = top / W_PAGE;
	bytes = (npages * sizeof(struct page) + W_PAGE - 1) & ~(W_PAGE - 1);
	sort_holes(h, 3);
	h[3].start = place_page_array(bytes, h, 3);
	h[3].end = h[3].start + bytes;
	frame_pages = phys_to_virt(h[3].start);
	memset(frame_pages, 0, bytes);
	sort_holes(h, 4);
	for (i = 0; i < boot_info.nram; i++)
		add_around(boot_info.ram[i].start, boot_info.ram[i].end, h, 4);
}

/* ---- the heap ---- */

static const uint16_t classes[] = {32, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048};
#define NCLASSES (sizeof(classes) / sizeof(classes[0]))
static uint32_t partial[NCLASSES]; /* pfn of a page with a free object */
uint64_t heap_bytes;

/* Behind every small object stands who pays for it: objects of all share the pages. */
#define PAYER sizeof(struct account *)

static struct account **payer_of(void *object, int c)
{
	return (struct account **)((char *)object + classes[c] - PAYER);
}

/* The smallest class with so much room; -1: none. */
static int class_of(size_t size)
{
	static const int8_t of_32s[] = {0,
					1,
					2,
					3,
					[4 ... 5] = 4,
					[6 ... 7] = 5,
					[8 ... 11] = 6,
					[12 ... 15] = 7,
					[16 ... 23] = 8,
					[24 ... 31] = 9,
					[32 ... 63] = 10};
	size_t n = (size + PAYER - 1) / 32;

	return n < sizeof(of_32s) ? of_32s[n] : -1;
}

static void partial_add(uint32_t pfn, int c)
{
	frame_pages[pfn].prev = 0;
	frame_pages[pfn].next = partial[c];
	if (partial[c])
		frame_pages[partial[c]].prev = pfn;
	partial[c] = pfn;
}

static void partial_remove(uint32_t pfn, int c)
{
	struct page *p = &frame_pages[pfn];

	if (p->prev)
		frame_pages[p->prev].next = p->next;
	else
		partial[c] = p->next;
	if (p->next)
		frame_pages[p->next].prev = p->prev;
}

static __attribute__((noinline)) bool heap_grow(int c)
{
	paddr_t pa = take_block(0, NULL);
	char *base = phys_to_virt(pa);
	struct page *p;
	size_t i;

	if (!pa)
		return false;
	p = page_of(pa);
	p->state = PAGE_HEAP;
	p->class = c;
	p->refs = 0;
	p->free = NULL;
	for (i = W_PAGE / classes[c]; i-- > 0;) {
		void **o = (void **)(base + i * classes[c]);

		*o = p->free;
		p->free = o;
	}
	partial_add(pa / W_PAGE, c);
	return true;
}

static __attribute__((noinline)) void *heap_large(size_t size)
{
	paddr_t pa;
	int order;

	for (order = 0; W_PAGE << order < size; order++)
		if (order == FRAME_ORDERS - 1)
			return NULL;
	pa = frame_alloc_block(order);
	if (!pa)
		return NULL;
	heap_bytes += W_PAGE << order;
	return phys_to_virt(pa);
}

void *kzalloc(size_t size)
{
	void *p = kalloc(size);

	return p ? memset(p, 0, size) : NULL;
}

void *kalloc(size_t size)
{
	int c = class_of(size);
	struct account *payer = account_current();
	struct page *p;
	void **o;

	if (c < 0)
		return heap_large(size);
	if (!account_charge(payer, classes[c]))
		return NULL;
	if (!partial[c] && !heap_grow(c)) {
		account_give_back(payer, classes[c]);
		return NULL;
	}
	p = &frame_pages[partial[c]];
	o = p->free;
	p->free = *o;
	p->refs++;
	if (!p->free)
		partial_remove(p - frame_pages, c);
	heap_bytes += classes[c];
	*payer_of(o, c) = payer;
	return o;
}

void kfree(void *ptr)
{
	struct account *payer;
	struct page *p;
	int c;

	if (!ptr)
		return;
	p = page_of(virt_to_phys(ptr));
	if (p->state != PAGE_HEAP) {
		heap_bytes -= W_PAGE << p->order;
		frame_free_block(virt_to_phys(ptr), p->order);
		return;
	}
	c = p->class;
	payer = *payer_of(ptr, c);
	heap_bytes -= classes[c];
	if (!p->free)
		partial_add(p - frame_pages, c);
	*(void **)ptr = p->free;
	p->free = ptr;
	/* the only page with room stays: one object made and freed again would pay for it each time
	 */
	if (!--p->refs && (p->prev || p->next)) {
		partial_remove(p - frame_pages, c);
		p->state = PAGE_USED;
		give_block((paddr_t)(p - frame_pages) * W_PAGE, 0);
	}
	account_give_back(payer, classes[c]);
}

BKL_END
