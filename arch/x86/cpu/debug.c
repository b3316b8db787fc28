// SPDX-License-Identifier: MIT
/* The early console (polled 16550, COM1), backtraces, and switching off. */
#include <arch/cpu.h>
#include <kernel/log.h>
#include <kernel/thread.h>
#include <lib/fmt.h>

#define COM1 0x3f8
#define LSR_THRE 0x20
#define MSR_GS_BASE 0xc0000101

void early_putc(char c)
{
	int spins;

	if (c == '\n')
		early_putc('\r');
	for (spins = 0; !(inb(COM1 + 5) & LSR_THRE) && spins < 100000; spins++)
		cpu_pause();
	outb(COM1, c);
}

static void line(const char *s)
{
	while (*s)
		early_putc(*s++);
}

/* Sorted by address; generated from the kernel itself by scripts/ksyms. */
struct ksym {
	uint32_t off;
	uint32_t name;
};
extern const struct ksym ksyms[] __attribute__((weak));
extern const char ksym_names[] __attribute__((weak));
extern const uint32_t ksym_count __attribute__((weak));
extern char kernel_start[], kernel_text_end[];

static void print_address(uint64_t rip)
{
	uint32_t off = rip - (uint64_t)kernel_start, i;
	char buf[96];

	if (rip < (uint64_t)kernel_start || rip >= (uint64_t)kernel_text_end || !&ksym_count) {
		fmt(buf, sizeof(buf), "  %016lx\n", rip);
		line(buf);
		return;
	}
	for (i = 0; i + 1 < ksym_count && ksyms[i + 1].off <= off; i++)
		;
	fmt(buf, sizeof(buf), "  %016lx %s+0x%x\n", rip, ksym_names + ksyms[i].name,
	    off - ksyms[i].off);
	line(buf);
}

void backtrace(uint64_t rbp, uint64_t rip)
{
	int depth;

	print_address(rip);
	for (depth = 0; depth < 24 && rbp >= (uint64_t)kernel_start && !(rbp & 7); depth++) {
		const uint64_t *frame = (const uint64_t *)rbp;

		print_address(frame[1]);
		if (frame[0] <= rbp)
			break;
		rbp = frame[0];
	}
}

static void dump_regs(const struct w_regs *r)
{
	static const char *const names[] = {"r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10",
					    "r9",  "r8",  "rax", "rcx", "rdx", "rsi", "rdi", "vec",
					    "err", "rip", "cs",	 "rfl", "rsp", "ss"};
	const uint64_t *v = (const uint64_t *)r;
	char buf[64];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		fmt(buf, sizeof(buf), "  %-3s %016lx%s", names[i], v[i], i % 4 == 3 ? "\n" : "");
		line(buf);
	}
	line("\n");
}

void cpu_dump(const struct w_regs *r)
{
	bool ready = rdmsr(MSR_GS_BASE) >> 63; /* before that there is no this_cpu() */
	const struct cpu *c = ready ? this_cpu() : NULL;
	uint64_t cr0, cr3, cr4, flags;
	char buf[160];

	__asm__ volatile("mov %%cr0, %0; mov %%cr3, %1; mov %%cr4, %2; pushfq; pop %3"
			 : "=r"(cr0), "=r"(cr3), "=r"(cr4), "=r"(flags));
	if (r)
		dump_regs(r);
	fmt(buf, sizeof(buf), "  cr0 %lx cr2 %lx cr3 %lx cr4 %lx flags %lx\n", cr0,
	    cpu_fault_address(), cr3, cr4, flags);
	line(buf);
	if (!c || !c->thread)
		return;
	fmt(buf, sizeof(buf), "  cpu %d runs a thread of %s:\n", c->id, c->thread->proc->name);
	line(buf);
	dump_regs(&c->thread->regs);
}

void cpu_power(int how, int code)
{
	if (how == 1) {
		outb(0xcf9, 6);	  /* reset control register (ICH, PIIX) */
		outb(0x64, 0xfe); /* keyboard controller: pulse reset */
		for (;;)
			__asm__ volatile("lidt %0; int3" : : "m"(*(uint64_t[2]){0}));
	}
	outb(0xf4, code); /* QEMU's isa-debug-exit: status is code * 2 + 1 */
	acpi_power_off();
	outw(0x604, 0x2000);  /* QEMU q35 PM1a_CNT: SLP_EN */
	outw(0xb004, 0x2000); /* QEMU pc */
	for (;;)
		__asm__ volatile("cli; hlt");
}
