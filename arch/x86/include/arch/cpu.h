/* SPDX-License-Identifier: MIT */
/* Per-CPU state and the instructions that C has no words for. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <wherry/types.h>

struct thread;
struct aspace;

struct tss {
	uint32_t pad0;
	uint64_t rsp[3];
	uint64_t pad1;
	uint64_t ist[7];
	uint64_t pad2;
	uint16_t pad3, iomap;
} __attribute__((packed));

/* The first fields are known to entry.S by offset. */
struct cpu {
	struct cpu *self;	   /* 0 */
	struct thread *thread;	   /* 8: the running one, NULL: idle */
	uint64_t stack;		   /* 16 */
	uint64_t scratch;	   /* 24 */
	uint64_t pers_lo, pers_hi; /* 32, 40: native calls come from there */
	uint64_t pers_entry;	   /* 48 */
	uint64_t tcb;		   /* 56: kernel view of the thread block */
	int id;			   /* [c] index */
	uint32_t apic_id;	   /* [c] */
	bool online, idle;
	bool resched;		  /* [k] look for another thread on the way out */
	struct thread *next;	  /* [k] handed off, in no queue; NULL outside the lock */
	bool leaving;		  /* [k] the running thread most likely waits from now on */
	struct aspace *as;	  /* [k] active; NULL: kernel only */
	struct thread *fpu_owner; /* [1] whose vector state is in the registers */
	bool ts;		  /* [1] CR0.TS is set */
	uint64_t armed;		  /* [1] ns when the local clock fires */
	uint32_t flush;		  /* [a] a shootdown waits for this CPU */
	uint64_t idle_ns, idle_since;
	uint64_t idle_tsc, idle_since_tsc; /* the same in ticks: exact for counting */
	uint64_t gdt[9];
	struct tss tss;
};

#define MAX_CPUS CONFIG_NR_CPUS
extern struct cpu cpus[MAX_CPUS];
extern int ncpus; /* online */

static inline uint64_t cpus_online(void) /* bit n: CPU n */
{
	return ~0ull >> (64 - ncpus);
}

static inline struct cpu *this_cpu(void)
{
	struct cpu *c;

	__asm__("mov %%gs:0, %0" : "=r"(c));
	return c;
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}

static inline void wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
}

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

static inline void cpuid(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
	__asm__ volatile("cpuid"
			 : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
			 : "0"(leaf), "2"(sub));
}

#define DEFINE_IO(suffix, type)                                                   \
	static inline type in##suffix(uint16_t port)                              \
	{                                                                         \
		type v;                                                           \
		__asm__ volatile("in" #suffix " %1, %0" : "=a"(v) : "Nd"(port));  \
		return v;                                                         \
	}                                                                         \
	static inline void out##suffix(uint16_t port, type v)                     \
	{                                                                         \
		__asm__ volatile("out" #suffix " %0, %1" : : "a"(v), "Nd"(port)); \
	}
DEFINE_IO(b, uint8_t)
DEFINE_IO(w, uint16_t)
DEFINE_IO(l, uint32_t)

static inline void cpu_pause(void)
{
	__asm__ volatile("pause" ::: "memory");
}

struct w_regs;
struct boot_info;

void cpu_init_early(struct cpu *c); /* descriptor tables, gs, syscall MSRs */
void cpu_guard_stacks(void);	    /* unmap the page below each kernel stack */
void cpu_init_features(void);	    /* SMEP, SMAP, UMIP, NX, FPU: needs CPUID only */
void cpu_kick(int id);		    /* make another CPU enter the kernel */
void cpu_idle_wait(void);	    /* sti; hlt; cli */
uint64_t cpu_fault_address(void);
void cpu_start_others(void);
void cpu_enter_scheduler(void) __attribute__((noreturn));
void cpu_use_thread(struct thread *t); /* load everything that belongs to t */
void cpu_drop_fpu(struct thread *t);   /* t ends */
void *fpu_state_new(void);
extern uint64_t fpu_state_size;		 /* bytes */
void fpu_save_current(struct thread *t); /* make t->fpu current */
void cpu_power(int how, int code) __attribute__((noreturn));
void cpu_random_seed(uint64_t out[4]);
void early_putc(char c);
void backtrace(uint64_t rbp, uint64_t rip);
struct w_regs;
/* For a panic: r's registers (NULL: this moment's are all that is known), control
 * registers, and what the thread that runs here had in ring 3. */
void cpu_dump(const struct w_regs *r);

void apic_init(void);
void apic_init_cpu(void);
void apic_eoi(void);
void apic_timer_set(uint64_t delta_ns);
void apic_send_ipi(uint32_t apic_id, uint8_t vector);
void apic_send_init_sipi(uint32_t apic_id, uint8_t page);
uint32_t apic_id(void);
int ioapic_bind(uint32_t gsi, uint8_t vector, bool level); /* W_E code */
void ioapic_mask(uint32_t gsi, bool mask);

void acpi_init(void);
void acpi_power_off(void);
extern uint64_t acpi_ecam, acpi_ecam_len, acpi_rsdp;
void clock_init(void);

enum {
	VEC_IRQ_FIRST = 0x30,
	VEC_IRQ_LAST = 0xef,
	VEC_TIMER = 0xf0,
	VEC_WAKE = 0xf1,
	VEC_FLUSH = 0xf2,
	VEC_SPURIOUS = 0xff,
};
