// SPDX-License-Identifier: MIT
/* What the system is, random bytes, and calls that are refused on purpose. */
#include "lx.h"

LX(uname)
{
	char u[6][65];

	memset(u, 0, sizeof(u));
	strlcpy(u[0], "Linux", 65); /* programs choose their code by this word */
	strlcpy(u[1], lx_page()->names[0], 65);
	strlcpy(u[2], CONFIG_LINUX_RELEASE, 65);
	strlcpy(u[3], "#1 Wherry", 65);
	strlcpy(u[4], "x86_64", 65);
	strlcpy(u[5], lx_page()->names[1], 65);
	return put_user(a[0], u, sizeof(u)) ? -EFAULT : 0;
}

static long set_machine_name(uint64_t what, const uint64_t *a)
{
	struct w_msg m = {.op = PROC_HOST};
	char name[LX_NAME];

	if (lx_page()->ids[1])
		return -EPERM;
	if ((int32_t)a[1] < 0 || a[1] > LX_NAME)
		return -EINVAL;
	if (get_user(name, a[0], a[1]))
		return -EFAULT;
	m.in = (uint64_t)name;
	m.in_len = a[1];
	m.PROC_HOST_in_what = what;
	return lx_chan(LX_H_PROC, &m);
}

LX(sethostname)
{
	return set_machine_name(0, a);
}

LX(setdomainname)
{
	return set_machine_name(1, a);
}

LX(sysinfo)
{
	struct {
		int64_t uptime;
		uint64_t loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
		uint16_t procs, pad;
		uint64_t totalhigh, freehigh;
		uint32_t unit;
		char pad2[4];
	} i;
	struct w_sys_stat s;

	memset(&i, 0, sizeof(i));
	w_sys_info(W_SYS_STAT, 0, &s, sizeof(s));
	i.uptime = s.now_ns / 1000000000;
	i.totalram = s.pages_total * W_PAGE;
	i.freeram = s.pages_free * W_PAGE;
	i.procs = s.nprocs;
	i.unit = 1;
	return put_user(a[0], &i, sizeof(i)) ? -EFAULT : 0;
}

LX(getrandom)
{
	uint64_t done, n;
	int64_t err;

	if (a[2] & ~7ull)
		return -EINVAL;
	for (done = 0; done < a[1]; done += n) {
		n = a[1] - done < 4096 ? a[1] - done : 4096;
		err = w_sys_random((void *)(a[0] + done), n);
		if (err < 0)
			return done ? (long)done : err;
	}
	return done;
}

/* syslog(2): type 3 reads all, 10 asks for the size */
LX(syslog)
{
	uint64_t done = 0;
	int64_t n;

	if (a[0] == 10)
		return 1 << CONFIG_LOG_SHIFT;
	if (a[0] > 10)
		return -EINVAL;
	if (lx_page()->ids[1] && a[0] != 3)
		return -EPERM; /* as with dmesg_restrict off */
	if (a[0] < 2 || a[0] > 4)
		return 0;
	if (!a[1] || (int32_t)a[2] < 0)
		return -EINVAL;
	while (done < a[2] && (n = w_sys_info(W_SYS_LOG, done, (void *)(a[1] + done),
					      a[2] - done < 256 ? a[2] - done : 256)) > 0)
		done += n;
	return done;
}

LX(reboot)
{
	struct w_msg m = {.op = PROC_POWER};

	if ((uint32_t)a[0] != 0xfee1dead)
		return -EINVAL;
	if ((uint32_t)a[2] == 0 || (uint32_t)a[2] == 0x89abcdef) /* ctrl-alt-del setting */
		return 0;
	m.PROC_POWER_in_how = (uint32_t)a[2] == 0x01234567;
	return lx_chan(LX_H_PROC, &m);
}

LX(getcpu)
{
	uint32_t cpu = w_cpu(), node = 0;

	if ((a[0] && put_user(a[0], &cpu, 4)) || (a[1] && put_user(a[1], &node, 4)))
		return -EFAULT;
	return 0;
}

/* All capabilities belong to root; nobody can have some of them. */
enum { CAPS_V1 = 0x19980330, CAPS_V2 = 0x20071026, CAPS_V3 = 0x20080522 };

static bool caps_version(uint64_t uhead, uint32_t version)
{
	const uint32_t best = CAPS_V3;

	if (version == CAPS_V1 || version == CAPS_V2 || version == CAPS_V3)
		return true;
	put_user(uhead, &best, 4);
	return false;
}

LX(capget)
{
	uint32_t head[2], cap[6] = {0};
	int i;

	if (get_user(head, a[0], sizeof(head)))
		return -EFAULT;
	if (!caps_version(a[0], head[0]))
		return a[1] ? -EINVAL : 0;
	if (!a[1])
		return 0;
	for (i = 0; i < 6 && !lx_geteuid(a); i++)
		cap[i] = i % 3 == 2 ? 0 : i < 3 ? ~0u : 0x1ff;
	return put_user(a[1], cap, head[0] == CAPS_V1 ? 12 : 24) ? -EFAULT : 0;
}

/* Root has all, others none, and nobody gives up any for good: asking for none that one
 * lacks is accepted. */
LX(capset)
{
	uint32_t head[2], cap[6] = {0};
	uint32_t n, i;

	if (get_user(head, a[0], sizeof(head)))
		return -EFAULT;
	if (!caps_version(a[0], head[0]))
		return -EINVAL;
	n = head[0] == CAPS_V1 ? 3 : 6;
	if (get_user(cap, a[1], n * 4))
		return -EFAULT;
	for (i = 0; i < n; i++)
		if (cap[i] && lx_geteuid(a))
			return -EPERM;
	return 0;
}

LX(zero)
{
	(void)a;
	return 0;
}

LX(eperm)
{
	(void)a;
	return -EPERM;
}

LX(einval)
{
	(void)a;
	return -EINVAL;
}

LX(enosys)
{
	(void)a;
	return -ENOSYS;
}
