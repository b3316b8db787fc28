// SPDX-License-Identifier: MIT
/*
 * From a filled struct boot_info to the first process.
 *
 * The kernel loads one program itself: init, from the boot archive.  It gets the
 * archive, the time page and the I/O root; everything else is its business.
 */
#include <arch/cpu.h>
#include <kernel/boot.h>
#include <kernel/irq.h>
#include <kernel/log.h>
#include <kernel/page.h>
#include <kernel/sched.h>
#include <lib/elf.h>
#include <lib/flatfs.h>
#include <lib/string.h>

#define INIT_NAME "sbin/init"
#define INIT_STACK_TOP 0x7ffff0000000ull
#define INIT_STACK_SIZE (64ull << 10)

BKL_BEGIN

static void map_or_die(struct aspace *as, struct memory *m, const struct w_map_args *a)
{
	int64_t r = aspace_map(as, m, a, W_PROT_READ | W_PROT_WRITE | W_PROT_EXEC);

	if (r < 0)
		panic("cannot_map_init", "error %ld", -r);
}

static void load_segment(struct aspace *as, const struct elf_segment *s, const char *file)
{
	uint64_t lo = s->va & ~(W_PAGE - 1), hi = (s->va + s->mem_len + W_PAGE - 1) & ~(W_PAGE - 1);
	struct memory *m = memory_new((hi - lo) / W_PAGE);

	if (!m || memory_rw(m, s->va - lo, (void *)(file + s->off), s->file_len, true))
		panic("cannot_load_init", "out of memory");
	map_or_die(as, m,
		   &(struct w_map_args){.flags = s->prot | W_MAP_FIXED, .va = lo, .len = hi - lo});
	obj_put(&m->obj);
}

static void give(struct process *p, struct object *o, uint32_t rights, uint32_t at)
{
	if (!o || handle_install(&p->handles, o, rights, at) < 0)
		panic("cannot_start_init", "handle %u", at);
	obj_put(o);
}

static void start_init(const char *file, uint64_t len)
{
	struct process *p = process_new("init", NULL, 0, W_PROC_NATIVE);
	struct thread *t;
	struct memory *m;
	struct elf e;
	int i;

	if (!p || elf_parse(&e, file, len < ELF_HEAD ? len : ELF_HEAD, len, INIT_STACK_TOP))
		panic("bad_init", "%s in the boot archive is not an executable", INIT_NAME);
	for (i = 0; i < e.nseg; i++)
		load_segment(p->as, &e.seg[i], file);
	map_or_die(p->as, NULL,
		   &(struct w_map_args){.flags = W_PROT_READ | W_PROT_WRITE | W_MAP_FIXED,
					.va = INIT_STACK_TOP - INIT_STACK_SIZE,
					.len = INIT_STACK_SIZE});
	m = memory_new_linear(clock_page(), 1, false);
	give(p, m ? &m->obj : NULL, W_READ | W_DUP, W_H_TIME);
	m = memory_new_linear(
		boot_info.archive & ~(W_PAGE - 1),
		((boot_info.archive & (W_PAGE - 1)) + boot_info.archive_len + W_PAGE - 1) / W_PAGE,
		false);
	give(p, m ? &m->obj : NULL, W_ALL & ~W_WRITE, W_H_ARCHIVE);
	give(p, ioroot_new(), W_ALL, W_H_IOROOT);
	t = thread_new(p, &(struct w_thread_args){.rip = e.entry,
						  .rsp = INIT_STACK_TOP,
						  .arg = boot_info.archive & (W_PAGE - 1)});
	if (!t)
		panic("cannot_start_init", "out of memory");
	thread_start(t);
}

static void find_init(void)
{
	const char *base = phys_to_virt(boot_info.archive);
	struct flatfs_file f;
	struct flatfs fs;

	if (!boot_info.archive_len)
		panic("no_boot_archive", "pass boot.flatfs as initrd");
	if (boot_info.archive & (W_PAGE - 1))
		panic("unaligned_boot_archive", "at %lx", boot_info.archive);
	if (flatfs_open(&fs, base, boot_info.archive_len) || flatfs_check(&fs))
		panic("bad_boot_archive", "%lu bytes at %lx are not a flatfs image",
		      boot_info.archive_len, boot_info.archive);
	if (!flatfs_find(&fs, INIT_NAME, &f))
		panic("no_init", "the boot archive has no %s", INIT_NAME);
	start_init(base + f.off, f.len);
}

BKL_END

NO_LOCK_CHECK void kernel_main(void)
{
	frames_init();
	mmu_init();
	cpu_init_features();
	apic_init();
	cpus[0].apic_id = apic_id();
	acpi_init();
	clock_init();
	sched_init();
	cpus[0].online = true;
	bkl_lock();
	find_init();
	bkl_unlock();
	cpu_start_others();
	klog("wherry: %s boot, %d cpu%s, %lu MiB, scheduler %s\n", boot_info.protocol, ncpus,
	     ncpus > 1 ? "s" : "", frames_total >> 8, sched_name);
	cpu_enter_scheduler();
}
