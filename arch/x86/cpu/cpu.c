// SPDX-License-Identifier: MIT
/*
 * Descriptor tables, model-specific registers, vector state, start-up of the
 * other CPUs, and loading a thread's context.  Register numbers: Intel SDM vol. 4;
 * descriptor layouts: vol. 3, 3.4.5 and 8.2.3.
 */
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <kernel/log.h>
#include <kernel/page.h>
#include <kernel/thread.h>
#include <lib/string.h>

#define MSR_EFER 0xc0000080
#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_SFMASK 0xc0000084
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102

#define CR0_TS (1ul << 3)
#define CR4_UMIP (1ul << 11)
#define CR4_SMEP (1ul << 20)
#define CR4_SMAP (1ul << 21)
#define CR4_OSXSAVE (1ul << 18)
#define CR4_PGE (1ul << 7)

#define XSAVE_HEADER_END 576 /* SDM vol. 1, 13.4: the legacy area and the header */

#define STACK_SIZE 20480 /* of these the lowest page is a guard */

struct cpu cpus[MAX_CPUS];
int ncpus = 1;
uint64_t fpu_state_size = 512;
static bool have_xsave;
static uint64_t xsave_mask;

struct idt_entry {
	uint16_t off_low, sel;
	uint8_t ist, type;
	uint16_t off_mid;
	uint32_t off_high, zero;
};

static struct idt_entry idt[256];
static char stacks[MAX_CPUS][STACK_SIZE] __attribute__((aligned(4096)));
static char ist_stacks[MAX_CPUS][4096] __attribute__((aligned(4096)));
extern char interrupt_stubs[][16];
extern char syscall_entry[];

_Static_assert(offsetof(struct cpu, thread) == 8, "entry.S");
_Static_assert(offsetof(struct cpu, pers_lo) == 32, "entry.S");
_Static_assert(offsetof(struct cpu, tcb) == 56, "entry.S");
_Static_assert(offsetof(struct w_regs, vec) == 120, "entry.S");
_Static_assert(offsetof(struct w_regs, rsp) == 160, "entry.S");
_Static_assert(offsetof(struct w_regs, rax) == 80, "entry.S");
_Static_assert(offsetof(struct w_tcb, rip) == 8, "entry.S");
_Static_assert(sizeof(struct w_regs) % 16 == 0, "rsp0 must stay 16-aligned");

void cpu_guard_stacks(void)
{
	int i;

	for (i = 0; i < MAX_CPUS; i++)
		mmu_unmap_kernel_page((uint64_t)stacks[i]);
}

static void idt_init(void)
{
	uint64_t a;
	int i;

	for (i = 0; i < 256; i++) {
		a = (uint64_t)interrupt_stubs[i];
		idt[i] = (struct idt_entry){a, 8, 0, 0x8e, a >> 16, a >> 32, 0};
	}
	idt[2].ist = idt[8].ist = idt[18].ist = 1; /* NMI, double fault, machine check */
}

static void load_tables(struct cpu *c)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) gp = {sizeof(c->gdt) - 1, (uint64_t)c->gdt},
				  ip = {sizeof(idt) - 1, (uint64_t)idt};
	uint64_t t = (uint64_t)&c->tss;

	c->gdt[1] = 0x00af9b000000ffff; /* kernel code */
	c->gdt[2] = 0x00cf93000000ffff; /* kernel data */
	c->gdt[3] = 0;			/* sysret's 32-bit code: unused */
	c->gdt[4] = 0x00cff3000000ffff; /* user data: 0x23 */
	c->gdt[5] = 0x00affb000000ffff; /* user code: 0x2b */
	c->gdt[6] = (sizeof(struct tss) - 1) | (t & 0xffffff) << 16 | 0x89ull << 40 |
		    (t >> 24 & 0xff) << 56;
	c->gdt[7] = t >> 32;
	/* data of c->id + 1 bytes: LSL of W_CPU_SELECTOR tells programs where they are */
	c->gdt[8] = 0x0040f10000000000 | c->id;
	c->tss.iomap = sizeof(struct tss);
	c->tss.ist[0] = (uint64_t)ist_stacks[c->id] + sizeof(ist_stacks[0]);
	__asm__ volatile("lgdt %0; lidt %1" : : "m"(gp), "m"(ip));
	__asm__ volatile("pushq $8; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1:\n"
			 "movl $0x10, %%eax; movl %%eax, %%ss; xorl %%eax, %%eax\n"
			 "movl %%eax, %%ds; movl %%eax, %%es; movl %%eax, %%fs; movl %%eax, %%gs\n"
			 "movl $0x30, %%eax; ltr %%ax"
			 :
			 :
			 : "rax", "memory");
}

void cpu_init_early(struct cpu *c)
{
	c->self = c;
	c->id = c - cpus;
	c->stack = (uint64_t)stacks[c->id] + STACK_SIZE;
	c->pers_hi = ~0ull;
	if (!c->id)
		idt_init();
	load_tables(c);
	wrmsr(MSR_GS_BASE, (uint64_t)c);
	wrmsr(MSR_STAR, 0x0018ull << 48 | 0x0008ull << 32);
	wrmsr(MSR_LSTAR, (uint64_t)syscall_entry);
	wrmsr(MSR_SFMASK, 0x40700); /* AC, DF, IF, TF: the kernel starts clean */
}

void cpu_init_features(void)
{
	uint32_t r[4], max;
	uint64_t cr4;

	__asm__("mov %%cr4, %0" : "=r"(cr4));
	cpuid(0, 0, r);
	max = r[0];
	cpuid(1, 0, r);
	have_xsave = r[2] >> 26 & 1;
	cr4 |= CR4_PGE | (have_xsave ? CR4_OSXSAVE : 0);
	if (max >= 7) {
		cpuid(7, 0, r);
		cr4 |= r[1] >> 7 & 1 ? CR4_SMEP : 0;
		cr4 |= r[1] >> 20 & 1 ? CR4_SMAP : 0;
		cr4 |= r[2] >> 2 & 1 ? CR4_UMIP : 0;
	}
	__asm__ volatile("mov %0, %%cr4" : : "r"(cr4));
	if (!have_xsave)
		return;
	cpuid(0xd, 0, r);
	xsave_mask = r[0] & 0xe7; /* x87, SSE, AVX, AVX-512 */
	__asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)xsave_mask), "d"(0));
	cpuid(0xd, 0, r);
	fpu_state_size = (r[1] + 63) & ~63u;
}

/* ---- vector state ---- */

static void set_ts(struct cpu *c, bool on)
{
	uint64_t cr0;

	if (c->ts == on)
		return;
	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	cr0 = on ? cr0 | CR0_TS : cr0 & ~CR0_TS;
	__asm__ volatile("mov %0, %%cr0" : : "r"(cr0));
	c->ts = on;
}

BKL_BEGIN

void *fpu_state_new(void)
{
	/* kzalloc's classes are powers of two from 512 on: 64-aligned */
	size_t size = fpu_state_size <= 512 ? 768 : fpu_state_size <= 1024 ? 1024 : 4096;
	char *p = kalloc(size);

	if (!p)
		return NULL;
	memset(p, 0, XSAVE_HEADER_END); /* it says that the rest is in its initial state */
	*(uint16_t *)p = 0x37f;		/* x87 control word after finit */
	*(uint32_t *)(p + 24) = 0x1f80; /* MXCSR after reset */
	return p;
}

void fpu_save_current(struct thread *t)
{
	struct cpu *c = this_cpu();

	if (c->fpu_owner != t || c->ts)
		return;
	if (have_xsave)
		__asm__ volatile("xsave64 (%0)" : : "r"(t->fpu), "a"(~0u), "d"(~0u) : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" : : "r"(t->fpu) : "memory");
}

static void fpu_load(struct cpu *c, struct thread *t)
{
	set_ts(c, false);
	if (c->fpu_owner == t && t->cpu_fpu == c->id)
		return;
	if (have_xsave)
		__asm__ volatile("xrstor64 (%0)" : : "r"(t->fpu), "a"(~0u), "d"(~0u));
	else
		__asm__ volatile("fxrstor64 (%0)" : : "r"(t->fpu));
	c->fpu_owner = t;
	t->cpu_fpu = c->id;
}

void cpu_drop_fpu(struct thread *t)
{
	int i;

	for (i = 0; i < ncpus; i++)
		if (cpus[i].fpu_owner == t)
			cpus[i].fpu_owner = NULL;
}

void cpu_use_thread(struct thread *t)
{
	struct cpu *c = this_cpu();
	const struct w_personality *p = &t->proc->pers;
	bool has_pers = p->entry && t->tcb_kva;

	c->tss.rsp[0] = (uint64_t)&t->regs + sizeof(t->regs);
	c->tcb = (uint64_t)t->tcb_kva;
	c->pers_lo = has_pers ? p->text_lo : 0;
	c->pers_hi = has_pers ? p->text_hi : ~0ull;
	c->pers_entry = p->entry;
	mmu_activate(t->proc->as);
	wrmsr(MSR_FS_BASE, t->fs);
	wrmsr(MSR_KERNEL_GS_BASE, t->tcb);
	if (t->fpu)
		fpu_load(c, t);
	else
		set_ts(c, true);
}

/* ---- other CPUs ---- */

extern char trampoline[], trampoline_end[], boot_tables[];
extern uint64_t ap_stack;
void kernel_exit(void);
void return_user(void) __attribute__((noreturn));

void ap_main(void) __attribute__((noreturn));
NO_LOCK_CHECK void ap_main(void)
{
	struct cpu *c;
	uint32_t id;

	mmu_init_cpu(); /* the local APIC is not in the boot tables */
	id = apic_id();
	for (c = cpus; c->apic_id != id || c->online; c++)
		;
	cpu_init_early(c);
	cpu_init_features();
	apic_init_cpu();
	__atomic_store_n(&c->online, true, __ATOMIC_RELEASE);
	cpu_enter_scheduler();
}

static void start_one(struct cpu *c)
{
	uint64_t start = rdtsc();

	c->id = c - cpus;
	ap_stack = (uint64_t)stacks[c->id] + STACK_SIZE;
	c->online = false;
	apic_send_init_sipi(c->apic_id, 8);
	while (!__atomic_load_n(&c->online, __ATOMIC_ACQUIRE)) {
		cpu_pause();
		if (rdtsc() - start > 20000000000ull) {
			klog("cpu %d (apic %u) did not start\n", c->id, c->apic_id);
			return;
		}
	}
	ncpus++;
}

void cpu_start_others(void)
{
	int i, found;

	for (found = 1; found < MAX_CPUS && cpus[found].self; found++)
		;
	if (found == 1)
		return;
	memcpy(phys_to_virt(0x8000), trampoline, trampoline_end - trampoline);
	for (i = 1; i < found; i++)
		start_one(&cpus[i]);
}

void cpu_enter_scheduler(void)
{
	__asm__ volatile("mov %0, %%rsp; xor %%ebp, %%ebp; call kernel_exit; jmp return_user"
			 :
			 : "r"(this_cpu()->stack)
			 : "memory");
	__builtin_unreachable();
}

void cpu_kick(int id)
{
	if (id != this_cpu()->id)
		apic_send_ipi(cpus[id].apic_id, VEC_WAKE);
}

BKL_END

void cpu_idle_wait(void)
{
	__asm__ volatile("sti; hlt; cli" ::: "memory");
}

uint64_t cpu_fault_address(void)
{
	uint64_t v;

	__asm__ volatile("mov %%cr2, %0" : "=r"(v));
	return v;
}

void cpu_random_seed(uint64_t out[4])
{
	uint32_t r[4];
	int i, tries;

	cpuid(1, 0, r);
	for (i = 0; i < 4; i++) {
		out[i] = rdtsc() * 0x9e3779b97f4a7c15ull ^ (uint64_t)&out[i];
		for (tries = 0; r[2] >> 30 & 1 && tries < 16; tries++) {
			unsigned char ok;
			uint64_t v;

			__asm__ volatile("rdrand %0; setc %1" : "=r"(v), "=qm"(ok));
			if (ok) {
				out[i] ^= v;
				break;
			}
		}
	}
}
