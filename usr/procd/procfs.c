// SPDX-License-Identifier: MIT
/*
 * /proc, with the fs protocol.  A file's text is made when it is opened, so that
 * a reader sees one moment; the badge of an open file is its buffer.
 *
 * Paths arrive without the mount point.  "self" is the caller.
 */
#include "procfs.h"

#include <wherry/calls.h>
#include <wherry/fs.h>

#define TEXT_MAX 16384
#define TICKS 100ull /* USER_HZ */
#define LINK_MAX LX_PATH_MAX

struct pfile {
	uint32_t len, off;
	bool dir;
	bool sized;  /* ours: the size is told, so that a web server can serve it */
	char text[]; /* dir: struct fs_dirent records */
};

void put(struct out *o, const char *f, ...)
{
	va_list ap;
	int n;

	va_start(ap, f);
	n = fmt_v(o->p + o->len, o->max - o->len, f, ap);
	va_end(ap);
	o->len += (uint32_t)n < o->max - o->len ? (uint32_t)n : o->max - o->len - 1;
}

static struct w_sys_stat sys_stat(void)
{
	struct w_sys_stat s = {0};

	w_sys_info(W_SYS_STAT, 0, &s, sizeof(s));
	return s;
}

/* ---- whole system ---- */

static void f_meminfo(struct out *o)
{
	struct w_sys_stat s = sys_stat();

	put(o,
	    "MemTotal:       %8lu kB\nMemFree:        %8lu kB\nMemAvailable:   %8lu kB\n"
	    "Buffers:               0 kB\nCached:                0 kB\nSwapTotal:             0 "
	    "kB\n"
	    "SwapFree:              0 kB\nShmem:                 0 kB\nSReclaimable:          0 "
	    "kB\n",
	    s.pages_total * 4, s.pages_free * 4, s.pages_free * 4);
}

static void f_uptime(struct out *o)
{
	uint64_t idle[64] = {0}, sum = 0, now = rt_now();
	int i;

	w_sys_info(W_SYS_CPUTIME, 0, idle, sizeof(idle));
	for (i = 0; i < 64; i++)
		sum += idle[i];
	put(o, "%lu.%02lu %lu.%02lu\n", now / 1000000000, now / 10000000 % 100, sum / 1000000000,
	    sum / 10000000 % 100);
}

static void f_stat(struct out *o)
{
	struct w_sys_stat s = sys_stat();
	uint64_t idle[64] = {0}, now = rt_now(), sum = 0;
	uint32_t i;

	w_sys_info(W_SYS_CPUTIME, 0, idle, sizeof(idle));
	for (i = 0; i < s.ncpu; i++)
		sum += idle[i];
	put(o, "cpu  %lu 0 0 %lu 0 0 0 0 0 0\n", (now * s.ncpu - sum) / 10000000, sum / 10000000);
	for (i = 0; i < s.ncpu; i++)
		put(o, "cpu%u %lu 0 0 %lu 0 0 0 0 0 0\n", i, (now - idle[i]) / 10000000,
		    idle[i] / 10000000);
	put(o, "intr %lu\nctxt %lu\nbtime %lu\nprocesses %u\nprocs_running %u\nprocs_blocked 0\n",
	    s.irqs, s.switches, (rt_wall() - now) / 1000000000, s.nprocs, s.nready + 1);
}

static void f_cpuinfo(struct out *o)
{
	struct w_sys_stat s = sys_stat();
	uint32_t i;

	for (i = 0; i < s.ncpu; i++)
		put(o,
		    "processor\t: %u\nmodel name\t: x86-64 virtual CPU\nflags\t\t: fpu sse "
		    "sse2\n\n",
		    i);
}

static void f_loadavg(struct out *o)
{
	struct w_sys_stat s = sys_stat();

	put(o, "0.00 0.00 0.00 %u/%u %u\n", s.nready + 1, s.nthreads, 2u);
}

/* What the file service shows of its mounts, in buf; 0: nothing. */
static uint32_t mounts_text(char *buf, uint32_t size)
{
	uint32_t turn, len;

	if (!mounts)
		return 0;
	do {
		turn = __atomic_load_n(&mounts->turn, __ATOMIC_SEQ_CST);
		len = mounts->len < size ? mounts->len : size - 1;
		memcpy(buf, mounts->text, len);
	} while (turn & 1 || turn != __atomic_load_n(&mounts->turn, __ATOMIC_SEQ_CST));
	buf[len] = 0;
	return len;
}

/* The words of a line, up to its end. */
static char *split(char *line, char **word, int most, int *n)
{
	for (*n = 0; *line && *line != '\n' && *n < most; ++*n) {
		word[*n] = line;
		while (*line && *line != ' ' && *line != '\n')
			line++;
		if (*line == ' ')
			*line++ = 0;
	}
	if (*line == '\n')
		*line++ = 0;
	return line;
}

static void f_mountinfo(struct out *o)
{
	char *buf = rt_try_alloc(FS_MOUNTS_BYTES);

	if (buf && mounts_text(buf, FS_MOUNTS_BYTES))
		put(o, "%s", buf);
	rt_free(buf);
}

/* SOURCE WHERE KIND OPTIONS 0 0 */
static void f_mounts(struct out *o)
{
	char *buf = rt_try_alloc(FS_MOUNTS_BYTES), *line = buf, *word[10];
	int n;

	if (buf && mounts_text(buf, FS_MOUNTS_BYTES))
		while (*line) {
			line = split(line, word, 10, &n);
			if (n == 10)
				put(o, "%s %s %s %s 0 0\n", word[8], word[4], word[7], word[5]);
		}
	rt_free(buf);
}

static void f_version(struct out *o)
{
	put(o, "Wherry version %s\n", CONFIG_LINUX_RELEASE);
}

static void f_cmdline(struct out *o)
{
	put(o, "%s\n", rt_cmdline());
}

static void f_filesystems(struct out *o)
{
	put(o, "nodev\ttmpfs\nnodev\tproc\nnodev\tsysfs\nnodev\tdevpts\n%s",
	    IS_ENABLED(CONFIG_SRFS) ? "\tsrfs\n" : "");
}

static const char *const call_names[] = {
#define X(n, name) [n] = #name,
#include "gen/callnames.h"
#undef X
};

/* Native calls made since boot: where the time of the system goes. */
static void f_calls(struct out *o)
{
	uint64_t n[W_NR_CALLS] = {0};
	int i;

	w_sys_info(W_SYS_CALLS, 0, n, sizeof(n));
	for (i = 0; i < W_NR_CALLS; i++)
		if (n[i])
			put(o, "%-16s %lu\n", call_names[i], n[i]);
}

static void f_missing(struct out *o)
{
	int i;

	for (i = 0; i < 512; i++)
		if (missing_calls[i])
			put(o, "%d %lu\n", i, missing_calls[i]);
}

static void f_config(struct out *o)
{
	static const char text[] = {
#include "gen/config_text.h"
	};

	put(o, "%.*s", (int)sizeof(text), text);
}

static void f_kmsg(struct out *o)
{
	int64_t n;

	while (o->len + 256 < o->max && (n = w_sys_info(W_SYS_LOG, o->len, o->p + o->len, 256)) > 0)
		o->len += n;
}

/* Time since reset that some CPU was busy, in TSC ticks.  Under `-icount shift=0` a
 * tick is an instruction, so this is what the boot has cost, firmware included. */
static void f_boot(struct out *o)
{
	uint64_t idle[64] = {0}, sum = 0;
	struct w_sys_boot b = {0};
	uint32_t lo, hi;
	int i;

	w_sys_info(W_SYS_IDLE_TSC, 0, idle, sizeof(idle));
	w_sys_info(W_SYS_BOOT, 0, &b, sizeof(b));
	for (i = 0; i < 64; i++)
		sum += idle[i];
	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	put(o, "protocol %s\nbusy_ticks %lu\nkernel_at %lu\n", b.protocol,
	    ((uint64_t)hi << 32 | lo) - sum, b.entry_tsc);
}

static void f_text(struct out *o, const char *text)
{
	put(o, "%s\n", text);
}

static void f_osrelease(struct out *o)
{
	f_text(o, CONFIG_LINUX_RELEASE);
}

static void f_ostype(struct out *o)
{
	f_text(o, "Linux");
}

static void f_hostname(struct out *o)
{
	f_text(o, machine_names[0]);
}

static void f_domainname(struct out *o)
{
	f_text(o, machine_names[1]);
}

static void f_pid_max(struct out *o)
{
	f_text(o, "32768");
}

static void f_ngroups(struct out *o)
{
	put(o, "%d\n", PROC_GROUPS_MAX);
}

static void f_cap_last(struct out *o)
{
	f_text(o, "40");
}

static void f_file_max(struct out *o)
{
	put(o, "%d\n", CONFIG_LINUX_MAX_FILES);
}

static void f_pipe_max(struct out *o)
{
	f_text(o, "1048576");
}

static void f_boot_id(struct out *o)
{
	static uint8_t id[16];

	if (!id[0])
		w_sys_random(id, sizeof(id));
	put(o, "%02x%02x%02x%02x-%02x%02x-4%x%02x-8%x%02x-%02x%02x%02x%02x%02x%02x\n", id[0], id[1],
	    id[2], id[3], id[4], id[5], id[6] & 15, id[7], id[8] & 15, id[9], id[10], id[11],
	    id[12], id[13], id[14], id[15]);
}

static void f_swaps(struct out *o)
{
	put(o, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
}

static void f_vmstat(struct out *o)
{
	struct w_sys_stat s = sys_stat();

	put(o, "nr_free_pages %lu\npgpgin 0\npgpgout 0\npswpin 0\npswpout 0\n", s.pages_free);
}

static void f_zero(struct out *o)
{
	put(o, "0\n");
}

static void f_somaxconn(struct out *o)
{
	put(o, "128\n");
}

static const struct sysfile {
	const char *name;
	void (*fill)(struct out *o);
} sysfiles[] = {
	{"meminfo", f_meminfo},
	{"uptime", f_uptime},
	{"stat", f_stat},
	{"cpuinfo", f_cpuinfo},
	{"loadavg", f_loadavg},
	{"mounts", f_mounts},
	{"version", f_version},
	{"cmdline", f_cmdline},
	{"filesystems", f_filesystems},
	{"wherry/boot", f_boot},
	{"config", f_config},
	{"kmsg", f_kmsg},
	{"wherry/calls", f_calls},
	{"wherry/missing", f_missing},
	{"sys/vm/overcommit_memory", f_zero},
	{"sys/net/core/somaxconn", f_somaxconn},
	{"sys/kernel/osrelease", f_osrelease},
	{"sys/kernel/ostype", f_ostype},
	{"sys/kernel/domainname", f_domainname},
	{"sys/kernel/hostname", f_hostname},
	{"sys/kernel/pid_max", f_pid_max},
	{"sys/kernel/ngroups_max", f_ngroups},
	{"sys/kernel/cap_last_cap", f_cap_last},
	{"sys/kernel/random/boot_id", f_boot_id},
	{"sys/fs/file-max", f_file_max},
	{"sys/fs/nr_open", f_file_max},
	{"sys/fs/pipe-max-size", f_pipe_max},
	{"swaps", f_swaps},
	{"vmstat", f_vmstat},
	{"partitions", f_partitions},
	{"diskstats", f_diskstats},
};

/* ---- one process ---- */

static uint64_t ticks(uint64_t ns)
{
	return ns / (1000000000ull / TICKS);
}

static char state_char(const struct proc *p)
{
	return p->state == P_ZOMBIE ? 'Z' : p->state == P_STOPPED ? 'T' : 'S';
}

/* Of init, which is not ours, there is nothing to tell. */
static void info_of(const struct proc *p, struct w_obj_info *i)
{
	if (p->process)
		w_obj_info(p->process, i);
}

static void p_stat(struct out *o, struct proc *p)
{
	struct w_obj_info i = {0};

	info_of(p, &i);
	put(o,
	    "%u (%s) %c %u %u %u 1025 %u 0 0 0 0 0 %lu %lu %lu %lu %d %d %lu 0 %lu %lu %lu "
	    "18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 0 %u %u 0 0 0 0 0 0 0 0 0 0 0\n",
	    p->pid, p->name, state_char(p), p->ppid, p->pgid, p->sid, p->pgid,
	    ticks(i.time_ns - i.system_ns), ticks(i.system_ns),
	    ticks(p->children_ns - p->children_system_ns), ticks(p->children_system_ns),
	    p->priority ? -1 - (int)p->priority : 20 + p->nice, p->nice, i.count ? i.count : 1,
	    ticks(p->started), i.size, i.size / W_PAGE, p->priority, p->policy);
}

static void p_status(struct out *o, struct proc *p)
{
	struct w_obj_info i = {0};
	uint32_t g;

	info_of(p, &i);
	put(o,
	    "Name:\t%s\nState:\t%c\nTgid:\t%u\nPid:\t%u\nPPid:\t%u\nUid:\t%u\t%u\t%u\t%u\n"
	    "Gid:\t%u\t%u\t%u\t%u\nFDSize:\t%u\nGroups:\t",
	    p->name, state_char(p), p->pid, p->pid, p->ppid, p->ruid, p->euid, p->suid, p->euid,
	    p->rgid, p->egid, p->sgid, p->egid, CONFIG_LINUX_MAX_FILES);
	for (g = 0; g < p->ngroups; g++)
		put(o, "%u ", p->groups[g]);
	put(o,
	    "\nVmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmRSS:\t%8lu kB\nRssAnon:\t%8lu kB\n"
	    "Threads:\t%lu\nShdPnd:\t%016lx\nCapEff:\t%016lx\nSeccomp:\t0\n",
	    i.size / 1024, i.size / 1024, i.size / 1024, i.size / 1024, i.count,
	    p->sig ? p->sig->pending : 0ul, p->euid ? 0ul : 0x1fffffffffful);
}

static void p_statm(struct out *o, struct proc *p)
{
	struct w_obj_info i = {0};

	info_of(p, &i);
	put(o, "%lu %lu 0 0 0 %lu 0\n", i.size / W_PAGE, i.size / W_PAGE, i.size / W_PAGE);
}

static void p_cmdline(struct out *o, struct proc *p)
{
	memcpy(o->p + o->len, p->cmdline, p->cmdline_len);
	o->len += p->cmdline_len;
}

static void p_comm(struct out *o, struct proc *p)
{
	put(o, "%s\n", p->name);
}

static const char *region_name(const struct w_map_info *i)
{
	if (i->va == LX_VDSO)
		return "[vdso]";
	if (i->va >= LX_PROGRAM_TOP)
		return "[personality]";
	return i->flags & W_MAP_GROWS ? "[stack]" : "";
}

static void p_maps(struct out *o, struct proc *p)
{
	struct w_map_info i;
	uint64_t va;

	for (va = 0; p->process && !w_as_query(p->process, va, &i); va = i.va + i.len)
		put(o, "%08lx-%08lx %c%c%c%c %08lx 00:01 %lu %s\n", i.va, i.va + i.len,
		    i.flags & W_PROT_READ ? 'r' : '-', i.flags & W_PROT_WRITE ? 'w' : '-',
		    i.flags & W_PROT_EXEC ? 'x' : '-', i.flags & W_MAP_SHARED ? 's' : 'p', i.off,
		    i.koid, region_name(&i));
}

static void p_mounts(struct out *o, struct proc *p)
{
	(void)p;
	f_mounts(o);
}

static void p_mountinfo(struct out *o, struct proc *p)
{
	(void)p;
	f_mountinfo(o);
}

/* Resident memory by mapping, as redis and monitors read it. */
static void p_smaps(struct out *o, struct proc *p)
{
	struct w_map_info i;
	uint64_t va;

	for (va = 0; p->process && !w_as_query(p->process, va, &i); va = i.va + i.len)
		put(o,
		    "%08lx-%08lx %c%c%c%c %08lx 00:01 %lu\nSize: %lu kB\nRss: %u kB\n"
		    "Private_Dirty: %u kB\n",
		    i.va, i.va + i.len, i.flags & W_PROT_READ ? 'r' : '-',
		    i.flags & W_PROT_WRITE ? 'w' : '-', i.flags & W_PROT_EXEC ? 'x' : '-',
		    i.flags & W_MAP_SHARED ? 's' : 'p', i.off, i.koid, i.len / 1024, i.resident * 4,
		    i.koid ? 0 : i.resident * 4);
}

static void p_cgroup(struct out *o, struct proc *p)
{
	(void)p;
	put(o, "0::/\n");
}

/* ---- what the process says of itself (struct lx_view) ---- */

static bool look(const struct proc *p, uint64_t at, void *to, uint64_t n)
{
	return w_as_read(p->process, at, to, n) >= 0;
}

static bool view_of(const struct proc *p, struct lx_view *v)
{
	return p->state != P_ZOMBIE && look(p, LX_STATE, v, sizeof(*v));
}

bool proc_limits(const struct proc *p, uint64_t lim[16][2])
{
	struct lx_view v;

	return view_of(p, &v) && look(p, v.limits, lim, 16 * sizeof(*lim));
}

static void put_limit(struct out *o, uint64_t v)
{
	if (v == ~0ull)
		put(o, " %-20s", "unlimited");
	else
		put(o, " %-20lu", v);
}

static void p_limits(struct out *o, struct proc *p)
{
	static const char *const names[16][2] = {
		{"cpu time", "seconds"},     {"file size", "bytes"},
		{"data size", "bytes"},	     {"stack size", "bytes"},
		{"core file size", "bytes"}, {"resident set", "bytes"},
		{"processes", "processes"},  {"open files", "files"},
		{"locked memory", "bytes"},  {"address space", "bytes"},
		{"file locks", "locks"},     {"pending signals", "signals"},
		{"msgqueue size", "bytes"},  {"nice priority", ""},
		{"realtime priority", ""},   {"realtime timeout", "us"}};
	uint64_t lim[16][2];
	int i;

	if (!proc_limits(p, lim))
		return;
	put(o, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (i = 0; i < 16; i++) {
		put(o, "Max %-21s", names[i][0]);
		put_limit(o, lim[i][0]);
		put_limit(o, lim[i][1]);
		put(o, *names[i][1] ? " %-10s\n" : " \n", names[i][1]);
	}
}

/* A string of at most size - 1 bytes. */
static bool look_string(const struct proc *p, uint64_t at, char *to, uint64_t size)
{
	uint64_t n = 0, part;

	for (; n < size - 1; n += part) { /* not over the end of the page it stands on */
		part = W_PAGE - (at + n) % W_PAGE;
		part = part < size - 1 - n ? part : size - 1 - n;
		if (!look(p, at + n, to + n, part))
			return false;
		if (memchr(to + n, 0, part))
			return true;
	}
	to[n] = 0;
	return true;
}

static void p_environ(struct out *o, struct proc *p)
{
	struct lx_view v;
	uint64_t n;

	if (!view_of(p, &v) || v.env_hi <= v.env_lo)
		return;
	n = v.env_hi - v.env_lo < o->max - o->len ? v.env_hi - v.env_lo : o->max - o->len;
	if (look(p, v.env_lo, o->p + o->len, n))
		o->len += n;
}

static bool file_of(const struct proc *p, const struct lx_view *v, uint32_t fd,
		    struct lx_view_file *f)
{
	uint64_t at;

	return fd < v->nfds && look(p, v->fds + fd * 16ull, &at, sizeof(at)) && at &&
	       look(p, at, f, sizeof(*f));
}

static const char *name_of(const struct lx_view_file *f)
{
	switch (f->kind) {
	case K_TTY:
		return "/dev/console";
	case K_STREAM:
		return "pipe:[0]";
	case K_SOCK:
		return "socket:[0]";
	case K_DEV:
		return "/dev/null";
	case K_EPOLL:
		return "anon_inode:[eventpoll]";
	case K_EVENTFD:
		return "anon_inode:[eventfd]";
	case K_TIMERFD:
		return "anon_inode:[timerfd]";
	case K_SIGNALFD:
		return "anon_inode:[signalfd]";
	case K_PIDFD:
		return "anon_inode:[pidfd]";
	case K_INOTIFY:
		return "anon_inode:inotify";
	default:
		return "anon_inode:[other]";
	}
}

/* exe, cwd, root, fd/N: where it leads; false: there is no such link. */
static bool link_of(const struct proc *p, const char *name, char *to, uint64_t size)
{
	struct lx_view_file f;
	struct lx_view v;

	if (!strcmp(name, "exe"))
		return p->exe && strlcpy(to, p->exe, size) > 0;
	if (!strcmp(name, "root") || (!p->process && !strcmp(name, "cwd")))
		return strlcpy(to, "/", size) > 0;
	if (!view_of(p, &v))
		return false;
	if (!strcmp(name, "cwd"))
		return look_string(p, v.cwd, to, size);
	if (strncmp(name, "fd/", 3) || name[3] < '0' || name[3] > '9')
		return false;
	name += 3;
	if (!file_of(p, &v, strtoul_at(&name, 10), &f) || *name)
		return false;
	if (!f.path || !look_string(p, f.path, to, size))
		strlcpy(to, name_of(&f), size);
	return true;
}

/* proc(5), ptrace(2): who may look into a process. */
bool may_look(const struct proc *p, uint64_t sender)
{
	const struct proc *who = proc_by_koid(sender);

	return who && (!who->euid ||
		       (who->euid == p->euid && who->euid == p->ruid && who->euid == p->suid));
}

static void p_zero(struct out *o, struct proc *p)
{
	(void)p;
	put(o, "0\n");
}

static const struct procfile {
	const char *name;
	void (*fill)(struct out *o, struct proc *p);
	bool secret; /* may_look() */
} procfiles[] = {
	{"stat", p_stat},      {"status", p_status},
	{"statm", p_statm},    {"cmdline", p_cmdline},
	{"comm", p_comm},      {"maps", p_maps},
	{"mounts", p_mounts},  {"mountinfo", p_mountinfo},
	{"smaps", p_smaps},    {"limits", p_limits},
	{"cgroup", p_cgroup},  {"oom_score_adj", p_zero},
	{"oom_score", p_zero}, {"environ", p_environ, true},
};

/* ---- directories ---- */

void put_entry(struct out *o, const char *name, bool dir)
{
	uint32_t len = (offsetof(struct fs_dirent, name) + strlen(name) + 8) & ~7u;
	struct fs_dirent *d = (struct fs_dirent *)(o->p + o->len);

	if (o->len + len > o->max)
		return;
	d->ino = 1;
	d->len = len;
	d->type = dir ? 4 : 8;
	strlcpy(d->name, name, len - offsetof(struct fs_dirent, name));
	o->len += len;
	d->next = o->len;
}

static void list_root(struct out *o)
{
	struct list *l;
	char name[16];
	size_t i;

	put_entry(o, ".", true);
	put_entry(o, "..", true);
	for (i = 0; i < sizeof(sysfiles) / sizeof(*sysfiles); i++)
		if (!strchr(sysfiles[i].name, '/'))
			put_entry(o, sysfiles[i].name, false);
	put_entry(o, "wherry", true);
	put_entry(o, "sys", true);
	put_entry(o, "self", true);
	put_entry(o, "1", true);
	list_for_each (l, &procs) {
		fmt(name, sizeof(name), "%u", list_entry(l, struct proc, all)->pid);
		put_entry(o, name, true);
	}
}

static void list_process(struct out *o)
{
	size_t i;

	put_entry(o, ".", true);
	put_entry(o, "..", true);
	for (i = 0; i < sizeof(procfiles) / sizeof(*procfiles); i++)
		put_entry(o, procfiles[i].name, false);
	put_entry(o, "exe", false);
	put_entry(o, "cwd", false);
	put_entry(o, "root", false);
	put_entry(o, "fd", true);
	put_entry(o, "task", true);
}

static const char *skip(const char *p)
{
	while (*p == '/')
		p++;
	return p;
}

static void put_number(struct out *o, uint32_t n, bool dir)
{
	char name[16];

	fmt(name, sizeof(name), "%u", n);
	put_entry(o, name, dir);
}

static void list_fds(struct out *o, const struct proc *p)
{
	struct lx_view_file f;
	struct lx_view v;
	uint32_t i;

	put_entry(o, ".", true);
	put_entry(o, "..", true);
	for (i = 0; view_of(p, &v) && i < v.nfds && i < CONFIG_LINUX_MAX_FILES; i++)
		if (file_of(p, &v, i, &f))
			put_number(o, i, false);
}

static bool slot_of(const struct proc *p, const struct lx_view *v, uint32_t i, struct lx_slot *s)
{
	return i < v->nslots && i < LX_THREADS_MAX &&
	       look(p, v->slots + i * sizeof(*s), s, sizeof(*s)) && s->state == 1;
}

/* Is tid one of p's threads?  0 lists them all. */
static bool threads(struct out *o, const struct proc *p, uint32_t tid)
{
	struct lx_slot s;
	struct lx_view v;
	uint32_t i;

	if (tid == p->pid)
		return true;
	if (!tid)
		put_number(o, p->pid, true);
	if (!view_of(p, &v))
		return false;
	for (i = 1; i < v.nslots && i < LX_THREADS_MAX; i++) {
		if (!slot_of(p, &v, i, &s))
			continue;
		if (!tid)
			put_number(o, lx_tid(p->pid, i, s.gen), true);
		else if (lx_tid(p->pid, i, s.gen) == tid)
			return true;
	}
	return false;
}

/* task, task/TID, task/TID/comm: of a thread there is no more to tell. */
static int fill_task(struct out *o, struct proc *p, const char *path, bool *dir)
{
	uint32_t tid;

	*dir = true;
	if (*path != '/' || !*skip(path)) {
		put_entry(o, ".", true);
		put_entry(o, "..", true);
		threads(o, p, 0);
		return *path && *path != '/' ? W_ENOENT : 0;
	}
	path = skip(path);
	tid = strtoul_at(&path, 10);
	if (!tid || (*path && *path != '/') || !threads(o, p, tid))
		return W_ENOENT;
	path = skip(path);
	if (!*path) {
		put_entry(o, ".", true);
		put_entry(o, "..", true);
		put_entry(o, "comm", false);
		return 0;
	}
	*dir = false;
	if (strcmp(path, "comm"))
		return W_ENOENT;
	p_comm(o, p);
	return 0;
}

/* ---- the protocol ---- */

static struct proc *process_of(const char **path, uint64_t sender)
{
	const char *p = *path;
	uint32_t pid;

	if (!strncmp(p, "self", 4) && (!p[4] || p[4] == '/')) {
		*path = skip(p + 4);
		return proc_by_koid(sender);
	}
	if (*p < '0' || *p > '9')
		return NULL;
	pid = strtoul_at(&p, 10);
	if (*p && *p != '/')
		return NULL;
	*path = skip(p);
	return proc_by_pid(pid);
}

/* Fill o; dir says which kind it is.  0, W_ENOENT, W_EACCES, W_EXDEV: it is a link. */
static int fill(struct out *o, const char *path, uint64_t sender, bool *dir)
{
	char link[LINK_MAX];
	struct proc *p;
	size_t i;

	path = skip(path);
	*dir = true;
	if (!*path) {
		list_root(o);
		return 0;
	}
	if (!strcmp(path, "wherry") || !strcmp(path, "sys"))
		return 0;
	if (!strncmp(path, "wherry/sys", 10) && (!path[10] || path[10] == '/'))
		return sys_fill(o, skip(path + 10), dir);
	p = process_of(&path, sender);
	if (p && !*path) {
		list_process(o);
		return 0;
	}
	if (p && !strncmp(path, "task", 4) && (!path[4] || path[4] == '/'))
		return fill_task(o, p, path + 4, dir);
	if (p && !strcmp(path, "fd")) {
		if (!may_look(p, sender))
			return W_EACCES;
		list_fds(o, p);
		return 0;
	}
	*dir = false;
	if (p && link_of(p, path, link, sizeof(link)))
		return may_look(p, sender) ? W_EXDEV : W_EACCES;
	for (i = 0; p && i < sizeof(procfiles) / sizeof(*procfiles); i++)
		if (!strcmp(path, procfiles[i].name)) {
			if (procfiles[i].secret && !may_look(p, sender))
				return W_EACCES;
			procfiles[i].fill(o, p);
			return 0;
		}
	for (i = 0; !p && i < sizeof(sysfiles) / sizeof(*sysfiles); i++)
		if (!strcmp(path, sysfiles[i].name)) {
			sysfiles[i].fill(o);
			return 0;
		}
	return W_ENOENT;
}

static struct service procfs;

static void reply(struct w_msg *m, int64_t status)
{
	m->nh = 0;
	service_finish(&procfs, m, status);
}

static void op_open(struct w_msg *m, const char *path)
{
	struct pfile *f = rt_try_alloc(sizeof(*f) + TEXT_MAX);
	struct out o = {.max = TEXT_MAX};
	int err;

	if (!f) {
		reply(m, W_ENOMEM);
		return;
	}
	o.p = f->text;
	err = fill(&o, path, m->sender, &f->dir);
	if (!err && m->FS_OPEN_in_flags & FS_O_DIRECTORY && !f->dir)
		err = W_ENOTDIR;
	if (!err && m->FS_OPEN_in_flags & FS_O_ACCMODE)
		err = f->dir ? W_EISDIR : W_EACCES;
	f->len = o.len;
	f->sized = !strncmp(skip(path), "wherry/", 7);
	m->h[0] = err ? 0 : service_mint(&procfs, (uint64_t)f);
	if (!m->h[0]) {
		rt_free(f);
		reply(m, err ? err : W_ENOMEM);
		return;
	}
	m->FS_OPEN_out_mode = f->dir ? FS_S_IFDIR | 0555 : FS_S_IFREG | 0444;
	m->FS_OPEN_out_size = 0;
	m->nh = 1;
	if (service_reply(&procfs, m, 0) < 0)
		w_handle_close(m->h[0]);
}

static void op_read(struct w_msg *m, struct pfile *f)
{
	uint64_t off = m->FS_READ_in_off == FS_OWN_OFFSET ? f->off : m->FS_READ_in_off;
	uint32_t n = off < f->len ? f->len - off : 0;

	if (f->dir) {
		reply(m, W_EISDIR);
		return;
	}
	if (n > m->out_len)
		n = m->out_len;
	if (service_reply_bytes(&procfs, m, n, f->text + off, n) >= 0 &&
	    m->FS_READ_in_off == FS_OWN_OFFSET)
		f->off = off + n;
}

static void op_readdir(struct w_msg *m, struct pfile *f)
{
	uint32_t n = 0;

	if (!f->dir) {
		reply(m, W_ENOTDIR);
		return;
	}
	while (f->off + n < f->len) {
		const struct fs_dirent *d = (const struct fs_dirent *)(f->text + f->off + n);

		if (n + d->len > m->out_len)
			break;
		n += d->len;
	}
	if (service_reply_bytes(&procfs, m, n, f->text + f->off, n) >= 0)
		f->off += n;
}

static void op_stat(struct w_msg *m, struct pfile *f, const char *path)
{
	struct fs_stat st = {.ino = 1, .nlink = 1, .dev = 3};
	struct out o = {.max = TEXT_MAX};
	bool dir;
	int err;

	if (f) {
		dir = f->dir;
		st.size = f->sized ? f->len : 0;
	} else {
		o.p = rt_try_alloc(TEXT_MAX);
		err = o.p ? fill(&o, path, m->sender, &dir) : W_ENOMEM;
		rt_free(o.p);
		if (err == W_EXDEV && m->FS_STAT_in_nofollow)
			st.mode = FS_S_IFLNK | 0777;
		else if (err) {
			reply(m, err);
			return;
		}
	}
	if (!st.mode)
		st.mode = dir ? FS_S_IFDIR | 0555 : FS_S_IFREG | 0444;
	st.atime = st.mtime = st.ctime = rt_wall();
	service_reply_bytes(&procfs, m, 0, &st, sizeof(st));
}

static void op_readlink(struct w_msg *m, const char *path)
{
	char to[LINK_MAX];
	struct proc *p;

	path = skip(path);
	if (!strcmp(path, "self")) {
		p = proc_by_koid(m->sender);
		fmt(to, sizeof(to), "%u", p ? p->pid : 0);
		service_reply_bytes(&procfs, m, strlen(to), to, strlen(to));
		return;
	}
	p = process_of(&path, m->sender);
	if (!p || !*path || !link_of(p, path, to, sizeof(to)))
		reply(m, p && *path ? W_ENOENT : W_EINVAL);
	else if (!may_look(p, m->sender))
		reply(m, W_EACCES);
	else
		service_reply_bytes(&procfs, m, strlen(to), to, strlen(to));
}

static void op_access(struct w_msg *m, const char *path)
{
	struct out o = {.p = rt_try_alloc(TEXT_MAX), .max = TEXT_MAX};
	bool dir;
	int err = o.p ? fill(&o, path, m->sender, &dir) : W_ENOMEM;

	rt_free(o.p);
	reply(m, err ? err : m->FS_ACCESS_in_mode & 2 ? W_EACCES : 0);
}

static void call(struct service *s, struct w_msg *m)
{
	struct pfile *f = (struct pfile *)m->badge;

	if (m->op == W_OP_CLOSED) {
		rt_free(f);
	} else if (m->op == FS_STAT) {
		op_stat(m, f, s->bytes);
	} else if (m->op == FS_OPEN && !f) {
		op_open(m, s->bytes);
	} else if (!f && m->op == FS_READLINK) {
		op_readlink(m, s->bytes);
	} else if (!f && m->op == FS_ACCESS) {
		op_access(m, s->bytes);
	} else if (!f) {
		reply(m, W_EROFS);
	} else if (m->op == FS_READ) {
		op_read(m, f);
	} else if (m->op == FS_READDIR) {
		op_readdir(m, f);
	} else if (m->op == FS_SEEK && m->FS_SEEK_in_whence == 0) {
		f->off = m->FS_SEEK_in_off < f->len ? m->FS_SEEK_in_off : f->len;
		m->FS_SEEK_out_off = f->off;
		reply(m, 0);
	} else if (m->op == FS_SEEK) {
		m->FS_SEEK_out_off = f->off;
		reply(m, m->FS_SEEK_in_whence == 1 && !m->FS_SEEK_in_off ? 0 : W_EINVAL);
	} else if (m->op == FS_FLAGS) {
		reply(m, 0);
	} else {
		reply(m, m->op == FS_IOCTL ? W_ENOTTY : W_EACCES);
	}
}

void procfs_start(void)
{
	procfs.call = call;
	service_listen(&procfs);
	h_procfs = service_mint(&procfs, 0);
}
