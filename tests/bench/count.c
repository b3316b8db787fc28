// SPDX-License-Identifier: MIT
/*
 * A QEMU plugin that counts the guest's instructions, in the kernel's half of the address
 * space and below it, into a file of two 64-bit words that whoever measures maps:
 *
 *	qemu-system-x86_64 -plugin ./count.so,counts=PATH
 *
 * The interface is QEMU's (docs/devel/tcg-plugins.rst, version 1); Debian installs no
 * header for it, so what is used is declared here.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

struct qemu_plugin_tb;
typedef uint64_t qemu_plugin_id_t;
enum { INLINE_ADD_U64 };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
					   void (*cb)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int op, void *ptr,
					      uint64_t imm);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

static uint64_t *counts; /* kernel, user */

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	(void)id;
	qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64,
						 &counts[!(qemu_plugin_tb_vaddr(tb) >> 63)],
						 qemu_plugin_tb_n_insns(tb));
}

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id,
							       const void *info, int argc,
							       char **argv)
{
	int f;

	(void)info;
	if (argc != 1 || strncmp(argv[0], "counts=", 7))
		return 1;
	f = open(argv[0] + 7, O_RDWR);
	counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);
	if (f < 0 || counts == MAP_FAILED)
		return 1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
