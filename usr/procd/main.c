// SPDX-License-Identifier: MIT
/*
 * procd: pids, parents, groups, sessions, credentials, wait, kill.
 *
 * Nothing here trusts what a process says of itself: the sender's koid comes from
 * the kernel, and so does the end of a process with its status (W_ENDED).
 */
#include "procfs.h"

#include <wherry/signal.h>

#define WNOHANG 1
#define WUNTRACED 2
#define WCONTINUED 8
enum { CLD_EXITED = 1, CLD_KILLED, CLD_DUMPED, CLD_TRAPPED, CLD_STOPPED, CLD_CONTINUED };

struct waiting {
	struct list link;
	struct w_msg m;
};

struct list procs = LIST_INIT(procs);
struct service proc_service;

/* The badge of the channel that programs have.  What only servers may do is told by it, not
 * by whether we know the sender: a clone that nobody told us of is a program too. */
#define PROGRAM 1

uint64_t missing_calls[512];
const struct fs_mounts *mounts;
w_handle_t h_fs, h_net, h_console, h_self, h_procfs, h_unix;
static uint64_t fs_koid; /* its word on files is taken */
static uint32_t last_pid;

/* Our init is no Linux process, but its pid is there for who looks: it is not among procs. */
static struct proc init = {.pid = 1,
			   .pgid = 1,
			   .sid = 1,
			   .policy = 0,
			   .name = "init",
			   .exe = "/sbin/init",
			   .cmdline = "init",
			   .cmdline_len = 5,
			   .nproc = ~0ull};

struct proc *proc_by_pid(uint32_t pid)
{
	struct list *l;

	if (pid == 1)
		return &init;

	list_for_each (l, &procs)
		if (list_entry(l, struct proc, all)->pid == pid)
			return list_entry(l, struct proc, all);
	return NULL;
}

struct proc *proc_by_koid(uint64_t koid)
{
	struct list *l;

	list_for_each (l, &procs)
		if (list_entry(l, struct proc, all)->koid == koid)
			return list_entry(l, struct proc, all);
	return NULL;
}

void proc_reply(struct w_msg *m, int64_t status)
{
	m->nh = 0;
	service_finish(&proc_service, m, status);
}

static void reply(struct w_msg *m, int64_t status)
{
	proc_reply(m, status);
}

static uint64_t my_koid(void)
{
	struct w_obj_info info = {0};

	w_obj_info(0, &info);
	return info.koid;
}

/* What the process may read of itself without asking. */
static void publish(struct proc *p)
{
	if (!p->sig)
		return;
	p->sig->ppid = p->ppid;
	p->sig->pgid = p->pgid;
	p->sig->sid = p->sid;
	memcpy(p->sig->ids, &p->ruid, sizeof(p->sig->ids));
}

/* ---- signals ---- */

static void answer_waits(struct proc *parent);

static void post(struct proc *p, int sig, int code, uint32_t pid, uint32_t uid, int64_t value);

static uint32_t wants_of_children(const struct proc *parent)
{
	return parent->sig ? __atomic_load_n(&parent->sig->sigchld, __ATOMIC_RELAXED) : 0;
}

/* The child was stopped or goes on. */
static void tell_parent(struct proc *parent, int code, const struct proc *child, int sig)
{
	if (!parent)
		return;
	if (!parent || parent == &init)
		return;
	if (!(wants_of_children(parent) & LX_NOCLDSTOP))
		post(parent, SIGCHLD, code, child->pid, child->ruid, sig);
	answer_waits(parent);
}

static void stop(struct proc *p, int sig)
{
	struct proc *parent = proc_by_pid(p->ppid);

	if (p->state != P_RUNNING)
		return;
	p->state = P_STOPPED;
	p->status = sig << 8 | 0x7f;
	p->report_stop = true;
	w_proc_stop(p->process, 1);
	tell_parent(parent, CLD_STOPPED, p, sig);
}

static void resume(struct proc *p)
{
	struct proc *parent = proc_by_pid(p->ppid);

	if (p->state != P_STOPPED)
		return;
	p->state = P_RUNNING;
	p->report_stop = false;
	p->report_cont = true;
	p->status = 0xffff;
	w_proc_stop(p->process, 0);
	tell_parent(parent, CLD_CONTINUED, p, SIGCONT);
}

/* Real-time signals queue (signal(7)); of the others one is as good as many. */
#define QUEUE_MAX 1024

struct queued_signal {
	struct list link;
	struct lx_siginfo info;
};

static bool signal_enqueue(struct proc *p, const struct lx_siginfo *info)
{
	struct queued_signal *q;

	if (info->signo < SIGRTMIN || info->code == -2 || p->nqueue >= QUEUE_MAX)
		return false; /* a timer counts its overruns instead */
	q = rt_try_alloc(sizeof(*q));
	if (!q)
		return false;
	q->info = *info;
	list_append(&p->queue, &q->link);
	p->nqueue++;
	__atomic_fetch_or(&p->sig->more, 1ull << (info->signo - 1), __ATOMIC_SEQ_CST);
	return true;
}

void signal_next(struct proc *p, int sig)
{
	struct queued_signal *q, *found = NULL;
	struct list *l;
	int n = 0;

	list_for_each (l, &p->queue) {
		q = list_entry(l, struct queued_signal, link);
		if (q->info.signo != sig)
			continue;
		found = found ? found : q;
		n++;
	}
	if (n < 2 && p->sig)
		__atomic_fetch_and(&p->sig->more, ~(1ull << (sig - 1)), __ATOMIC_SEQ_CST);
	if (!found)
		return;
	list_del(&found->link);
	p->nqueue--;
	proc_post(p, &found->info);
	rt_free(found);
}

void signal_queue_drop(struct proc *p)
{
	struct queued_signal *q;

	while (!list_is_empty(&p->queue)) {
		q = list_first(&p->queue, struct queued_signal, link);
		list_del(&q->link);
		rt_free(q);
	}
	p->nqueue = 0;
}

bool proc_post(struct proc *p, const struct lx_siginfo *info)
{
	int sig = info->signo;
	uint64_t bit = 1ull << (sig - 1);

	if (p->state == P_ZOMBIE || sig < 1 || sig > 64)
		return true;
	if (sig == SIGKILL) {
		w_proc_kill(p->process, SIGKILL);
		return true;
	}
	if (sig == SIGSTOP) {
		stop(p, sig);
		return true;
	}
	if (sig == SIGCONT)
		resume(p);
	if (!p->sig)
		return true;
	if (__atomic_load_n(&p->sig->pending, __ATOMIC_SEQ_CST) & bit)
		return signal_enqueue(p, info);
	p->sig->info[sig] = *info;
	__atomic_fetch_or(&p->sig->pending, bit, __ATOMIC_SEQ_CST);
	w_proc_kick(p->process);
	return true;
}

static void post(struct proc *p, int sig, int code, uint32_t pid, uint32_t uid, int64_t value)
{
	const struct lx_siginfo info = {
		.signo = sig, .code = code, .pid = pid, .uid = uid, .value = value};

	proc_post(p, &info);
}

static bool may_signal(const struct proc *from, const struct proc *to, int sig)
{
	return !from->euid || from->euid == to->suid || from->euid == to->ruid ||
	       from->ruid == to->suid || from->ruid == to->ruid ||
	       (sig == SIGCONT && from->sid == to->sid);
}

static int signal_group(struct proc *from, uint32_t pgid, int sig, int code)
{
	struct list *l, *tmp;
	struct proc *p;
	int found = W_ESRCH;

	list_for_each_safe (l, tmp, &procs) {
		p = list_entry(l, struct proc, all);
		if (p->pgid != pgid || p->state == P_ZOMBIE)
			continue;
		if (from && !may_signal(from, p, sig)) {
			found = found == 0 ? 0 : W_EPERM;
			continue;
		}
		found = 0;
		if (sig)
			post(p, sig, code, from ? from->pid : 0, from ? from->ruid : 0, 0);
	}
	return found;
}

/* kill(2) with -1: there is somebody else, and that is enough for success, as on Linux. */
static int signal_all(struct proc *from, int sig)
{
	struct list *l, *tmp;
	struct proc *p;
	int found = W_ESRCH;

	list_for_each_safe (l, tmp, &procs) {
		p = list_entry(l, struct proc, all);
		if (p == from || p->state == P_ZOMBIE)
			continue;
		found = 0;
		if (sig && may_signal(from, p, sig))
			post(p, sig, 0, from->pid, from->ruid, 0);
	}
	return found;
}

/* First what is written goes to its medium; the file service says when (op_stopped_files()).  We
 * do not wait for it, since it may want to know from us who somebody is. */
static void shut_down(uint32_t how)
{
	struct w_msg m = {.op = FS_SHUTDOWN};

	m.FS_SHUTDOWN_in_how = how;
	if (w_chan_send(h_fs, &m) < 0)
		w_sys_power(W_H_IOROOT, how, 0);
}

static void op_stopped_files(const struct w_msg *m)
{
	if (m->sender == fs_koid)
		w_sys_power(W_H_IOROOT, m->PROC_STOPPED_FILES_in_how & 1, 0);
}

/* Our init is no Linux process, but pid 1 is there, root's, and understands what busybox's
 * halt, poweroff and reboot send to it. */
static int signal_init(const struct proc *from, int sig)
{
	if (from->euid)
		return W_EPERM;
	if (sig == SIGUSR1 || sig == SIGUSR2 || sig == SIGTERM)
		shut_down(sig == SIGTERM);
	return 0;
}

static void op_kill(struct w_msg *m, struct proc *from)
{
	int32_t pid = m->PROC_KILL_in_pid;
	int sig = m->PROC_KILL_in_sig;
	struct proc *p;

	if (sig < 0 || sig > 64) {
		reply(m, W_EINVAL);
	} else if (pid == 1) {
		reply(m, signal_init(from, sig));
	} else if (pid == -1) {
		reply(m, signal_all(from, sig));
	} else if (pid <= 0) {
		reply(m, signal_group(from, pid ? (uint32_t)-pid : from->pgid, sig, 0));
	} else {
		p = proc_by_pid(pid);
		if (!p || !may_signal(from, p, sig)) {
			reply(m, p ? W_EPERM : W_ESRCH);
			return;
		}
		if (sig) /* first: a signal to oneself arrives before kill() returns */
			post(p, sig, (int32_t)m->PROC_KILL_in_code, from->pid, from->ruid,
			     m->PROC_KILL_in_value);
		reply(m, 0);
	}
}

/* ---- ends and waits ---- */

static void reap(struct proc *p)
{
	struct list *l;

	list_for_each (l, &procs)
		if (list_entry(l, struct proc, all)->ppid == p->pid) {
			list_entry(l, struct proc, all)->ppid = 1;
			publish(list_entry(l, struct proc, all));
		}
	timer_end(p);
	signal_queue_drop(p);
	list_del(&p->all);
	ev_del(&p->ended);
	if (p->process)
		w_handle_close(p->process);
	rt_free(p->exe);
	rt_free(p);
}

static bool matches(const struct proc *child, const struct proc *parent, int32_t pid)
{
	if (child->ppid != parent->pid)
		return false;
	return pid == -1 || (pid > 0 && child->pid == (uint32_t)pid) ||
	       (pid == 0 && child->pgid == parent->pgid) ||
	       (pid < -1 && child->pgid == (uint32_t)-pid);
}

#define WNOWAIT 0x1000000
#define WEXITED_ONLY 4

/* The answer to a wait call: 0 not yet, else done (replied). */
static bool try_wait(struct proc *parent, struct w_msg *m)
{
	int32_t pid = m->PROC_WAIT_in_pid;
	uint32_t options = m->PROC_WAIT_in_options, status, id;
	struct list *l;
	struct proc *c;
	bool any = false;

	list_for_each (l, &procs) {
		c = list_entry(l, struct proc, all);
		if (!matches(c, parent, pid))
			continue;
		any = true;
		if (!(c->state == P_ZOMBIE || (c->report_stop && options & WUNTRACED) ||
		      (c->report_cont && options & WCONTINUED)))
			continue;
		status = c->status;
		id = c->pid;
		m->PROC_WAIT_out_pid = id;
		m->PROC_WAIT_out_status = status;
		m->PROC_WAIT_out_time = c->time_ns;
		m->PROC_WAIT_out_system = c->system_ns;
		m->PROC_WAIT_out_rss = c->rss;
		m->nh = 0;
		if (service_reply(&proc_service, m, 0) < 0 || options & WNOWAIT)
			return true;
		c->report_stop = c->report_cont = false;
		if (c->state == P_ZOMBIE) {
			parent->children_ns += c->time_ns + c->children_ns;
			parent->children_system_ns += c->system_ns + c->children_system_ns;
			if (c->rss > parent->children_rss)
				parent->children_rss = c->rss;
			reap(c);
		}
		return true;
	}
	if (!any || options & WNOHANG) {
		m->PROC_WAIT_out_pid = 0;
		reply(m, any ? 0 : W_ECHILD);
		return true;
	}
	return false;
}

static void answer_waits(struct proc *parent)
{
	struct list *l, *tmp;
	struct waiting *w;

	list_for_each_safe (l, tmp, &parent->waits) {
		w = list_entry(l, struct waiting, link);
		if (try_wait(parent, &w->m)) {
			list_del(&w->link);
			rt_free(w);
		}
	}
}

static void op_wait(struct w_msg *m, struct proc *p)
{
	struct waiting *w;

	if (try_wait(p, m))
		return;
	w = rt_try_alloc(sizeof(*w));
	if (!w) {
		reply(m, W_ENOMEM);
		return;
	}
	w->m = *m;
	list_append(&p->waits, &w->link);
}

static void drop_waits(struct proc *p)
{
	struct waiting *w;

	while (!list_is_empty(&p->waits)) {
		w = list_first(&p->waits, struct waiting, link);
		list_del(&w->link);
		reply(&w->m, W_EINTR);
		rt_free(w);
	}
}

static void vfork_done(struct proc *p);
static void tell_fs(const struct proc *p, bool gone);
static void tell_terminals(uint32_t sid);

/* POSIX.1-2017, 3.244: nobody in the session, outside the group, is a member's parent. */
static bool group_orphaned(uint32_t pgid, const struct proc *ignore)
{
	struct proc *p, *parent;
	struct list *l;

	list_for_each (l, &procs) {
		p = list_entry(l, struct proc, all);
		if (p->pgid != pgid || p->state == P_ZOMBIE || p == ignore)
			continue;
		parent = proc_by_pid(p->ppid);
		if (parent && parent != ignore && parent->state != P_ZOMBIE &&
		    parent->pgid != pgid && parent->sid == p->sid)
			return false;
	}
	return true;
}

static bool group_has_stopped(uint32_t pgid)
{
	struct list *l;

	list_for_each (l, &procs) {
		struct proc *p = list_entry(l, struct proc, all);

		if (p->pgid == pgid && p->state == P_STOPPED)
			return true;
	}
	return false;
}

/* The end of p may leave stopped jobs that nobody can continue: _exit(2). */
static void orphan_groups(const struct proc *p)
{
	struct list *l, *tmp;
	struct proc *c;

	list_for_each_safe (l, tmp, &procs) {
		c = list_entry(l, struct proc, all);
		if ((c->ppid != p->pid && c->pgid != p->pgid) || c == p || c->sid != p->sid)
			continue;
		if (c->state != P_STOPPED || !group_orphaned(c->pgid, p) ||
		    !group_has_stopped(c->pgid))
			continue;
		signal_group(NULL, c->pgid, SIGHUP, 0x80);
		signal_group(NULL, c->pgid, SIGCONT, 0x80);
	}
}

/* Who gets the children of p: the nearest subreaper above (prctl(2)). */
static struct proc *heir_of(const struct proc *p)
{
	struct proc *a = proc_by_pid(p->ppid);
	int depth;

	for (depth = 0; a && depth < 1000; depth++, a = proc_by_pid(a->ppid))
		if (a->subreaper && a->state != P_ZOMBIE)
			return a;
	return NULL;
}

/*
 * Signal pages of processes that have ended, mapped here: making one takes four calls and a
 * page.  Nobody but its process is ever shown one, and no handle leaves procd, so nobody
 * else can see what the next process has in it.
 */
#define SPARE_PAGES 16
static struct {
	w_handle_t mem;
	struct lx_sigpage *page;
} spare[SPARE_PAGES];
static int nspare;

static void sigpage_free(struct proc *p)
{
	if (p->sig && p->sigmem && nspare < SPARE_PAGES) {
		spare[nspare].mem = p->sigmem;
		spare[nspare++].page = p->sig;
	} else {
		if (p->sig)
			w_as_unmap(0, (uint64_t)p->sig, W_PAGE);
		if (p->sigmem)
			w_handle_close(p->sigmem);
	}
	p->sig = NULL;
	p->sigmem = 0;
}

char machine_names[2][LX_NAME + 1] = {"wherry", "(none)"};

static int sigpage_new(struct proc *p)
{
	int64_t m;

	if (nspare) {
		p->sigmem = spare[--nspare].mem;
		p->sig = memset(spare[nspare].page, 0, W_PAGE);
	} else {
		m = w_mem_create(W_PAGE, 0);
		if (m < 0)
			return m;
		p->sigmem = m;
		p->sig = rt_map(m, 0, W_PAGE, W_PROT_READ | W_PROT_WRITE | W_MAP_SHARED);
		if (!p->sig)
			return W_ENOMEM;
	}
	memcpy(p->sig->names, machine_names, sizeof(machine_names));
	return 0;
}

/* sethostname(2); p: NULL: init */
static void op_host(struct w_msg *m, const struct proc *p, const char *bytes)
{
	uint64_t what = m->PROC_HOST_in_what;
	struct list *l;

	if (p ? p->euid : m->badge == PROGRAM) {
		reply(m, W_EPERM);
		return;
	}
	if (what > 1 || m->in_len > LX_NAME) {
		reply(m, W_EINVAL);
		return;
	}
	memset(machine_names[what], 0, LX_NAME);
	memcpy(machine_names[what], bytes, m->in_len);
	list_for_each (l, &procs) {
		p = list_entry(l, struct proc, all);
		if (p->sig)
			memcpy(p->sig->names, machine_names, sizeof(machine_names));
	}
	reply(m, 0);
}

static void ended(struct ev_source *s, uint32_t bits)
{
	struct proc *p = container_of(s, struct proc, ended), *parent, *c, *heir;
	struct w_obj_info info = {0};
	struct list *l, *tmp;

	(void)bits;
	w_obj_info(p->process, &info);
	ev_del(s);
	itimer_end(p);
	timer_end(p);
	vfork_done(p);
	if (p->grant)
		w_handle_close(p->grant);
	p->grant = 0;
	tell_fs(p, true);
	p->time_ns = info.time_ns;
	p->system_ns = info.system_ns;
	p->rss = info.size;
	p->state = P_ZOMBIE;
	p->status = info.status & (info.status & LX_STATUS ? 0xffff : 0x7f);
	sigpage_free(p);
	drop_waits(p);
	if (p->sid == p->pid) /* a session leader: its terminal hangs up */
		tell_terminals(p->sid);
	orphan_groups(p);
	heir = heir_of(p);
	list_for_each_safe (l, tmp, &procs) {
		c = list_entry(l, struct proc, all);
		if (c->ppid != p->pid)
			continue;
		c->ppid = heir ? heir->pid : 1;
		publish(c);
		if (c->parent_signal && c->state != P_ZOMBIE)
			post(c, c->parent_signal, 0, p->pid, p->ruid, 0);
		if (c->state == P_ZOMBIE && heir)
			post(heir, SIGCHLD, CLD_EXITED, c->pid, c->ruid, c->status >> 8 & 0xff);
		else if (c->state == P_ZOMBIE)
			reap(c);
	}
	if (heir)
		answer_waits(heir);
	parent = p->ppid == 1 ? NULL : proc_by_pid(p->ppid);
	if (!parent) {
		reap(p);
		return;
	}
	post(parent, SIGCHLD, p->status & 0x7f ? CLD_KILLED : CLD_EXITED, p->pid, p->ruid,
	     p->status & 0x7f ? p->status & 0x7f : p->status >> 8 & 0xff);
	if (wants_of_children(parent) & LX_NOCLDWAIT)
		reap(p);
	answer_waits(parent);
}

/* ---- births ---- */

static uint32_t new_pid(void)
{
	do {
		last_pid = last_pid >= 32767 ? 2 : last_pid + 1;
	} while (last_pid < 2 || proc_by_pid(last_pid));
	return last_pid;
}

static int give_sigpage(struct proc *p)
{
	struct w_map_args a = {.flags = W_PROT_READ | W_PROT_WRITE | W_MAP_SHARED | W_MAP_FIXED |
					W_MAP_NOFORK | W_MAP_POPULATE,
			       .va = LX_SIGPAGE,
			       .len = W_PAGE};
	int err = sigpage_new(p);

	a.mem = p->sigmem;
	if (err || w_as_map(p->process, &a) < 0)
		return W_ENOMEM;
	p->sig->pid = p->pid;
	return 0;
}

static struct proc *proc_new(w_handle_t process, uint64_t koid)
{
	struct proc *p = rt_try_alloc(sizeof(*p));

	if (!p)
		return NULL;
	p->process = process;
	p->koid = koid;
	p->pid = new_pid();
	p->started = rt_now();
	p->cpu_soft = p->cpu_hard = p->nproc = ~0ull;
	p->ended.fn = ended;
	list_init(&p->waits);
	list_init(&p->timers);
	list_init(&p->queue);
	if (give_sigpage(p)) {
		sigpage_free(p);
		rt_free(p);
		return NULL;
	}
	list_append(&procs, &p->all);
	ev_add(&p->ended, process, W_ENDED);
	return p;
}

static void vfork_done(struct proc *p)
{
	if (!p->vforked)
		return;
	p->vforked = false;
	reply(&p->vfork_call, p->pid);
}

/* RLIMIT_NPROC: root is exempt (setrlimit(2)). */
static bool too_many(const struct proc *parent)
{
	struct list *l;
	uint64_t n = 0;

	if (parent->nproc == ~0ull || !parent->euid || !parent->ruid)
		return false;
	list_for_each (l, &procs)
		n += list_entry(l, struct proc, all)->ruid == parent->ruid;
	return n >= parent->nproc;
}

static void op_limit(struct w_msg *m, struct proc *p)
{
	uint64_t soft = m->PROC_LIMIT_in_soft, hard = m->PROC_LIMIT_in_hard;

	if (m->PROC_LIMIT_in_resource == RLIMIT_NPROC) {
		p->nproc = soft;
	} else if (m->PROC_LIMIT_in_resource == RLIMIT_CPU) {
		p->cpu_soft = soft;
		p->cpu_hard = hard;
		cpu_limit_start(p);
	} else {
		reply(m, W_EINVAL);
		return;
	}
	reply(m, 0);
}

/* Init has none. */
static bool limits_of(const struct proc *p, uint64_t lim[16][2])
{
	if (p != &init)
		return proc_limits(p, lim);
	memset(lim, 0xff, 16 * sizeof(*lim));
	return true;
}

static void op_limits(struct w_msg *m)
{
	uint64_t resource = m->PROC_LIMITS_in_resource, lim[16][2];
	struct proc *p = proc_by_pid(m->PROC_LIMITS_in_pid);

	if (resource >= 16) {
		reply(m, W_EINVAL);
	} else if (!p || !limits_of(p, lim)) {
		reply(m, W_ESRCH);
	} else if (!may_look(p, m->sender)) {
		reply(m, W_EPERM);
	} else {
		m->PROC_LIMITS_out_soft = lim[resource][0];
		m->PROC_LIMITS_out_hard = lim[resource][1];
		reply(m, 0);
	}
}

static void set_exe(struct proc *p, const char *path)
{
	uint64_t n = path ? strlen(path) + 1 : 0;
	char *copy = n ? rt_try_alloc(n) : NULL;

	if (copy)
		memcpy(copy, path, n);
	rt_free(p->exe);
	p->exe = copy;
}

static void op_fork(struct w_msg *m, struct proc *parent)
{
	bool vfork = m->PROC_FORK_in_vfork; /* the answer overwrites the question */
	w_handle_t child = m->h[0];
	struct w_obj_info info;
	struct proc *p;

	if (m->nh != 1 || w_obj_info(child, &info) || info.type != W_T_PROCESS) {
		if (m->nh == 1)
			w_handle_close(child);
		reply(m, W_EINVAL);
		return;
	}
	p = too_many(parent) ? NULL : proc_new(child, info.koid);
	if (!p) {
		w_proc_kill(child, SIGKILL);
		w_handle_close(child);
		reply(m, W_EAGAIN);
		return;
	}
	p->ppid = parent->pid;
	p->pgid = parent->pgid;
	p->sid = parent->sid;
	memcpy(&p->ruid, &parent->ruid, 6 * sizeof(uint32_t));
	p->ngroups = parent->ngroups;
	memcpy(p->groups, parent->groups, sizeof(p->groups));
	memcpy(p->name, parent->name, sizeof(p->name));
	set_exe(p, parent->exe);
	memcpy(p->cmdline, parent->cmdline, sizeof(p->cmdline));
	p->cmdline_len = parent->cmdline_len;
	p->nproc = parent->nproc;
	p->no_new_privs = parent->no_new_privs;
	p->policy = parent->policy;
	p->priority = parent->priority;
	p->nice = parent->nice;
	p->cpu_soft = parent->cpu_soft;
	p->cpu_hard = parent->cpu_hard;
	cpu_limit_start(p);
	publish(p);
	m->PROC_FORK_out_pid = p->pid;
	w_proc_stop(child, 0); /* proc_clone left it stopped: now it is known */
	if (vfork) {	       /* the parent goes on at the child's exec or end */
		p->vfork_call = *m;
		p->vforked = true;
		return;
	}
	reply(m, p->pid);
}

static void set_name(struct proc *p, const char *path, const char *args, uint32_t len)
{
	const char *base = strrchr(path, '/');

	strlcpy(p->name, base ? base + 1 : path, sizeof(p->name));
	set_exe(p, path);
	p->cmdline_len = len < sizeof(p->cmdline) ? len : sizeof(p->cmdline);
	memcpy(p->cmdline, args, p->cmdline_len);
}

static int give(w_handle_t process, w_handle_t h, uint32_t at)
{
	int64_t d = w_handle_dup(h, W_WRITE | W_DUP);

	return d < 0 ? (int)d : (int)w_proc_give(process, d, at);
}

/* Boot option strace=NAME: trace the services of that name. */
static uint32_t trace_flag(const struct proc *p)
{
	char name[32];

	return rt_option("strace", name, sizeof(name)) && !strcmp(name, p->name) ? LX_START_TRACE
										 : 0;
}

/* Every number is taken, also where there is no such service: nobody's file is there. */
static int give_services(w_handle_t h)
{
	const w_handle_t service[] = {h_self, h_fs, h_net, h_console, h_procfs, h_unix};
	static w_handle_t nothing;
	int err = 0;
	uint32_t i;

	if (!nothing)
		nothing = w_event_create(0);
	for (i = 0; err >= 0 && i < sizeof(service) / sizeof(*service); i++)
		err = give(h, service[i] ? service[i] : nothing, LX_H_PROC + i);
	return err;
}

/* strings: path, then arguments, NUL-ended each */
static int put_start_block(struct proc *p, const char *strings, uint32_t len, uint32_t flags)
{
	static const char env[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin\0HOME=/root\0TERM=vt100\0"
				  "LANG=C.UTF-8\0PS1=\\w # \0";
	struct w_map_args a = {.flags = W_PROT_READ | W_PROT_WRITE | W_MAP_FIXED,
			       .va = LX_START,
			       .len = 4 * W_PAGE};
	struct lx_start s = {.pid = p->pid,
			     .flags = flags | trace_flag(p),
			     .envc = 5,
			     .len = len + sizeof(env) - 1};
	int64_t m = w_mem_create(4 * W_PAGE, 0), r;
	uint32_t i, argc = 0;

	for (i = strlen(strings) + 1; i < len; i += strlen(strings + i) + 1)
		argc++;
	s.argc = argc;
	if (m < 0)
		return m;
	w_mem_rw(m, 0, &s, sizeof(s), 1);
	w_mem_rw(m, sizeof(s), (void *)strings, len, 1);
	w_mem_rw(m, sizeof(s) + len, (void *)env, sizeof(env) - 1, 1);
	a.mem = m;
	r = w_as_map(p->process, &a);
	w_handle_close(m);
	return r < 0 ? r : 0;
}

static int start_thread(struct proc *p)
{
	uint64_t base = LX_THREAD(0);
	struct w_map_args stack = {.flags = W_PROT_READ | W_PROT_WRITE | W_MAP_FIXED,
				   .va = base + W_PAGE,
				   .len = LX_THREAD_SIZE - LX_THREAD_HOT - W_PAGE};
	struct w_map_args hot = {.flags = W_PROT_READ | W_PROT_WRITE | W_MAP_FIXED | W_MAP_EAGER |
					  W_MAP_OWN,
				 .va = base + LX_THREAD_SIZE - LX_THREAD_HOT,
				 .len = LX_THREAD_HOT};
	struct w_thread_args t = {.rip = personality.start,
				  .rsp = base + LX_THREAD_SIZE - W_PAGE,
				  .tcb = base + LX_THREAD_SIZE - W_PAGE};
	int64_t r = w_as_map(p->process, &stack);

	if (r >= 0)
		r = w_as_map(p->process, &hot);
	if (r >= 0)
		r = w_thread_create(p->process, &t);
	if (r > 0)
		w_handle_close(r);
	return r < 0 ? r : 0;
}

int proc_spawn(const char *strings, uint32_t len, uint32_t flags, uint32_t *pid)
{
	int64_t h = w_proc_create(strings, strlen(strings), 0, W_PROC_ORDINARY);
	struct w_obj_info info;
	struct proc *p;
	int err;

	if (h < 0)
		return h;
	w_obj_info(h, &info);
	err = proc_map_personality(h);
	p = err ? NULL : proc_new(h, info.koid);
	if (!p) {
		w_handle_close(h);
		return err ? err : W_ENOMEM;
	}
	p->ppid = 1;
	p->pgid = p->sid = p->pid;
	publish(p);
	set_name(p, strings, strings + strlen(strings) + 1, len - strlen(strings) - 1);
	err = give_services(h);
	if (err >= 0)
		err = put_start_block(p, strings, len, flags);
	if (err >= 0)
		err = start_thread(p);
	if (err < 0) {
		w_proc_kill(h, SIGKILL);
		return err;
	}
	*pid = p->pid;
	return 0;
}

/* ---- set-id programs ---- */

static void op_grant(struct w_msg *m)
{
	struct proc *p = proc_by_koid(m->PROC_GRANT_in_koid);

	if (m->sender != fs_koid || m->nh != 1 || !p || p->state == P_ZOMBIE || p->no_new_privs) {
		while (m->nh)
			w_handle_close(m->h[--m->nh]);
		return;
	}
	if (p->grant)
		w_handle_close(p->grant);
	p->grant = m->h[0];
	p->grant_uid = m->PROC_GRANT_in_uid;
	p->grant_gid = m->PROC_GRANT_in_gid;
}

/* Are these 1 + argc + envc strings, the last byte of the last one at len - 1? */
static bool strings_valid(w_handle_t mem, uint32_t off, uint32_t len, uint32_t want)
{
	uint32_t at, n, i, found = 0;
	char buf[1024];

	for (at = 0; at < len; at += n) {
		n = len - at < sizeof(buf) ? len - at : sizeof(buf);
		if (w_mem_rw(mem, off + at, buf, n, 0) < 0)
			return false;
		for (i = 0; i < n; i++)
			found += !buf[i];
		if (at + n == len && buf[n - 1])
			return false;
	}
	return found == want;
}

/* The start block out of the caller's lent bytes; 0 or an error. */
static int64_t start_block_from(struct w_msg *m, struct proc *p)
{
	uint32_t len = m->PROC_SETID_in_len, size = sizeof(struct lx_start) + m->in_len, at, n;
	struct lx_start s = {.pid = p->pid,
			     .argc = m->PROC_SETID_in_argc,
			     .envc = m->PROC_SETID_in_envc,
			     .len = len,
			     .size = size,
			     .inherit = sizeof(s) + ((len + 7) & ~7u)};
	char *buf = proc_service.bytes;
	int64_t mem;

	if (size > LX_START_SIZE || len < 2 || len > m->in_len ||
	    s.inherit + sizeof(struct lx_inherit) > size)
		return W_EINVAL;
	mem = w_mem_create((size + W_PAGE - 1) & ~(W_PAGE - 1), 0);
	if (mem < 0)
		return mem;
	w_mem_rw(mem, 0, &s, sizeof(s), 1);
	for (at = 0; at < m->in_len; at += n) {
		n = m->in_len - at < SERVICE_BYTES ? m->in_len - at : SERVICE_BYTES;
		if (w_msg_copy(proc_service.port, m->txn, at, buf, n, 0) < 0 ||
		    w_mem_rw(mem, sizeof(s) + at, buf, n, 1) < 0) {
			w_handle_close(mem);
			return W_EFAULT;
		}
	}
	if (s.argc > len || s.envc > len ||
	    !strings_valid(mem, sizeof(s), len, 1 + s.argc + s.envc)) {
		w_handle_close(mem);
		return W_EINVAL;
	}
	return mem;
}

/* A process around the start block, with the services' true handles and the old one's. */
static int64_t fresh_process(struct proc *p, w_handle_t block)
{
	struct w_map_args start = {
		.mem = block, .flags = W_PROT_READ | W_PROT_WRITE | W_MAP_FIXED, .va = LX_START};
	struct w_map_args sig = {.mem = p->sigmem,
				 .flags = W_PROT_READ | W_PROT_WRITE | W_MAP_SHARED | W_MAP_FIXED |
					  W_MAP_NOFORK,
				 .va = LX_SIGPAGE,
				 .len = W_PAGE};
	int64_t h = w_proc_create(p->name, strlen(p->name), 0, W_PROC_ORDINARY), err;
	struct w_obj_info info;
	uint32_t exec;

	if (h < 0)
		return h;
	w_obj_info(block, &info);
	start.len = info.size;
	err = proc_map_personality(h);
	if (!err)
		err = w_proc_inherit(h, p->process, LX_H_LAST);
	if (err >= 0)
		err = give_services(h);
	if (err >= 0)
		err = give(h, p->grant, 0); /* wherever there is room */
	exec = err;
	if (err >= 0)
		err = w_mem_rw(block, offsetof(struct lx_start, exec), &exec, sizeof(exec), 1);
	if (err >= 0)
		err = w_as_map(h, &start);
	if (err >= 0)
		err = w_as_map(h, &sig);
	if (err < 0) {
		w_proc_kill(h, SIGKILL);
		w_handle_close(h);
		return err;
	}
	return h;
}

static void op_setid(struct w_msg *m, struct proc *p)
{
	int64_t block, h;
	w_handle_t old = p->process;
	struct w_obj_info info, was;

	if (p->no_new_privs) {
		reply(m, 1);
		return;
	}
	block = p->grant ? start_block_from(m, p) : W_EPERM;
	h = block < 0 ? block : fresh_process(p, block);
	if (block > 0)
		w_handle_close(block);
	if (p->grant)
		w_handle_close(p->grant);
	p->grant = 0;
	if (h < 0) {
		reply(m, h);
		return;
	}
	ev_del(&p->ended); /* the old one's end is not the process's */
	tell_fs(p, true);
	p->fs_asked = false;
	w_obj_info(h, &info);
	p->process = h;
	p->koid = info.koid;
	if (p->grant_uid != ~0u)
		p->euid = p->suid = p->grant_uid;
	if (p->grant_gid != ~0u)
		p->egid = p->sgid = p->grant_gid;
	p->parent_signal = 0;
	publish(p);
	timer_end(p);
	vfork_done(p);
	ev_add(&p->ended, h, W_ENDED);
	w_obj_info(old, &was);
	w_proc_kill(old, SIGKILL);
	w_handle_close(old);
	if (start_thread(p) < 0)
		w_proc_kill(h, SIGKILL);
	sched_apply(p);
	w_thread_affinity(p->process, was.affinity);
}

/* Only init may: it alone got the channel before it was published. */
static void op_spawn(struct w_msg *m, const char *bytes)
{
	struct proc *p;
	uint32_t pid;
	int64_t h;
	int err;

	if (m->in_len < 2 || m->in_len > SERVICE_BYTES / 2 || strlen(bytes) + 1 >= m->in_len ||
	    bytes[m->in_len - 1]) {
		reply(m, W_EINVAL);
		return;
	}
	err = proc_spawn(bytes, m->in_len, m->PROC_SPAWN_in_flags, &pid);
	if (err) {
		reply(m, err);
		return;
	}
	p = proc_by_pid(pid);
	h = p ? w_handle_dup(p->process, W_READ | W_DUP) : W_ESRCH;
	m->nh = h > 0;
	m->h[0] = h > 0 ? h : 0;
	m->PROC_SPAWN_out_pid = pid;
	service_reply(&proc_service, m, 0);
}

/* ---- groups and sessions ---- */

static void op_setpgid(struct w_msg *m, struct proc *self)
{
	uint32_t pid = m->PROC_SETPGID_in_pid ? m->PROC_SETPGID_in_pid : self->pid;
	uint32_t pgid = m->PROC_SETPGID_in_pgid ? m->PROC_SETPGID_in_pgid : pid;
	struct proc *p = proc_by_pid(pid), *leader = proc_by_pid(pgid);

	if (!p || (p != self && p->ppid != self->pid))
		reply(m, W_ESRCH);
	else if ((int32_t)m->PROC_SETPGID_in_pgid < 0)
		reply(m, W_EINVAL);
	else if (p->sid != self->sid || p->sid == p->pid ||
		 (pgid != pid && (!leader || leader->sid != p->sid)))
		reply(m, W_EPERM);
	else {
		p->pgid = pgid;
		publish(p);
		reply(m, 0);
	}
}

static void op_setsid(struct w_msg *m, struct proc *p)
{
	if (p->pgid == p->pid) {
		reply(m, W_EPERM);
		return;
	}
	p->pgid = p->sid = p->pid;
	publish(p);
	m->PROC_SETSID_out_sid = p->sid;
	reply(m, 0);
}

static void op_getpgid(struct w_msg *m, struct proc *self)
{
	struct proc *p = m->PROC_GETPGID_in_pid ? proc_by_pid(m->PROC_GETPGID_in_pid) : self;

	if (!p) {
		reply(m, W_ESRCH);
		return;
	}
	m->PROC_GETPGID_out_pgid = p->pgid;
	m->PROC_GETPGID_out_sid = p->sid;
	m->PROC_GETPGID_out_ppid = p->ppid;
	m->PROC_GETPGID_out_orphaned = group_orphaned(p->pgid, NULL);
	reply(m, 0);
}

static void op_self(struct w_msg *m, struct proc *p)
{
	m->PROC_SELF_out_pid = p->pid;
	m->PROC_SELF_out_ppid = p->ppid;
	m->PROC_SELF_out_pgid = p->pgid;
	m->PROC_SELF_out_sid = p->sid;
	reply(m, 0);
}

static void op_info(struct w_msg *m)
{
	struct proc *p = proc_by_koid(m->PROC_INFO_in_koid);

	if (!p) {
		reply(m, W_ESRCH);
		return;
	}
	m->PROC_INFO_out_pid = p->pid;
	m->PROC_INFO_out_pgid = p->pgid;
	m->PROC_INFO_out_sid = p->sid;
	m->PROC_INFO_out_uid = p->euid;
	m->PROC_INFO_out_gid = p->egid;
	m->PROC_INFO_out_procd = my_koid();
	reply(m, 0);
}

/* ---- what the file service is told ---- */

struct note {
	struct list link;
	uint64_t koid;
	bool gone;
};
static struct list notes = LIST_INIT(notes); /* those that its queue had no room for */
static struct ev_timer notes_again;

static void tell_terminals(uint32_t sid)
{
	struct w_msg m = {.op = FS_NOTE};

	m.FS_NOTE_in_koid = sid;
	m.FS_NOTE_in_what = 2;
	w_chan_send(h_console, &m);
}

static bool note_send(uint64_t koid, bool gone)
{
	struct w_msg m = {.op = FS_NOTE};

	m.FS_NOTE_in_koid = koid;
	m.FS_NOTE_in_what = gone;
	return w_chan_send(h_fs, &m) != W_EAGAIN;
}

static void notes_retry(struct ev_timer *t)
{
	struct note *n;

	while (!list_is_empty(&notes)) {
		n = list_first(&notes, struct note, link);
		if (!note_send(n->koid, n->gone)) {
			ev_timer_set(t, rt_now() + 1000000);
			return;
		}
		list_del(&n->link);
		rt_free(n);
	}
}

/* Queued before the change is answered, so that no call of the process comes first. */
/* It knows nothing of whom it has not asked about. */
static void tell_fs(const struct proc *p, bool gone)
{
	struct note *n;

	if (!p->fs_asked || (list_is_empty(&notes) && note_send(p->koid, gone)))
		return;
	n = rt_alloc(sizeof(*n));
	n->koid = p->koid;
	n->gone = gone;
	list_append(&notes, &n->link);
	notes_again.fn = notes_retry;
	ev_timer_set(&notes_again, rt_now() + 1000000);
}

static void op_groups(struct w_msg *m)
{
	struct proc *p = proc_by_koid(m->PROC_GROUPS_in_koid);
	struct proc_cred c = {0};

	if (!p) {
		reply(m, W_ESRCH);
		return;
	}
	p->fs_asked |= m->badge != PROGRAM;
	c.uid = p->euid;
	c.gid = p->egid;
	c.ruid = p->ruid;
	c.rgid = p->rgid;
	c.ngroups = p->ngroups;
	memcpy(c.groups, p->groups, sizeof(c.groups));
	m->PROC_GROUPS_out_procd = my_koid();
	m->nh = 0;
	service_reply_bytes(&proc_service, m, 0, &c, sizeof(c));
}

/* The file service has something for a process: a message has come (mq_notify(3)). */
static void op_notify(struct w_msg *m)
{
	struct proc *to = proc_by_koid(m->PROC_NOTIFY_in_koid);
	struct proc *from = proc_by_koid(m->PROC_NOTIFY_in_from);

	if (m->sender != fs_koid) {
		reply(m, W_EPERM);
		return;
	}
	if (to && m->PROC_NOTIFY_in_sig <= 64)
		post(to, m->PROC_NOTIFY_in_sig, (int32_t)m->PROC_NOTIFY_in_code,
		     from ? from->pid : 0, from ? from->ruid : 0, m->PROC_NOTIFY_in_value);
	reply(m, 0);
}

/* prctl(2) */
static void op_option(struct w_msg *m, struct proc *p, const char *bytes)
{
	uint64_t value = m->PROC_OPTION_in_value;

	switch (m->PROC_OPTION_in_what) {
	case 1:
		p->subreaper = value;
		break;
	case 2: /* PR_SET_NAME of the first thread */
		strlcpy(p->name, bytes, sizeof(p->name));
		break;
	case 3:
		if (value > 64) {
			reply(m, W_EINVAL);
			return;
		}
		p->parent_signal = value;
		break;
	case 4:
		p->no_new_privs = true;
		break;
	}
	m->PROC_OPTION_out_subreaper = p->subreaper;
	m->PROC_OPTION_out_parent_signal = p->parent_signal;
	m->PROC_OPTION_out_no_new_privs = p->no_new_privs;
	reply(m, 0);
}

static void op_setgroups(struct w_msg *m, struct proc *p, const char *bytes)
{
	if (p->euid || m->in_len > sizeof(p->groups)) {
		reply(m, p->euid ? W_EPERM : W_EINVAL);
		return;
	}
	memcpy(p->groups, bytes, m->in_len);
	p->ngroups = m->in_len / 4;
	tell_fs(p, false);
	reply(m, 0);
}

/* ---- credentials (credentials(7)): what 0 get, 1 uids, 2 gids; ~0 keeps ---- */

static bool id_allowed(const uint32_t *ids, uint32_t want, bool root)
{
	return want == ~0u || root || want == ids[0] || want == ids[1] || want == ids[2];
}

static void op_cred(struct w_msg *m, struct proc *p)
{
	uint32_t what = m->PROC_CRED_in_what;
	uint32_t want[3] = {m->PROC_CRED_in_a, m->PROC_CRED_in_b, m->PROC_CRED_in_c};
	uint32_t *ids = what == 1 ? &p->ruid : &p->rgid;
	uint32_t effective = ids[1];
	bool root = !p->euid;
	int i;

	for (i = 0; what && i < 3; i++)
		if (!id_allowed(ids, want[i], root)) {
			reply(m, W_EPERM);
			return;
		}
	for (i = 0; what && i < 3; i++)
		if (want[i] != ~0u)
			ids[i] = want[i];
	if (ids[1] != effective)
		p->parent_signal = 0;
	publish(p);
	if (what)
		tell_fs(p, false);
	for (i = 0; i < 6; i++)
		m->arg[i] = (&p->ruid)[i];
	reply(m, 0);
}

static void op_exec(struct w_msg *m, struct proc *p, const char *bytes)
{
	uint32_t len = m->in_len < SERVICE_BYTES ? m->in_len : SERVICE_BYTES - 1;
	uint32_t name = strlen(bytes) + 1;

	timer_end(p);
	set_name(p, bytes, bytes + name, len > name ? len - name : 0);
	vfork_done(p);
	reply(m, 0);
}

static void op_stopped(struct w_msg *m, struct proc *p)
{
	uint32_t sig = m->PROC_STOPPED_in_sig & 0x7f;
	struct proc *parent = proc_by_pid(p->ppid);

	stop(p, sig); /* before the answer: it must not run on and read the terminal */
	reply(m, 0);
	if (parent && parent != &init)
		post(parent, SIGCHLD, CLD_STOPPED, p->pid, p->ruid, sig);
}

static void op_pidfd(struct w_msg *m)
{
	struct proc *p = proc_by_pid(m->PROC_PIDFD_in_pid);
	int64_t h = p == &init ? w_event_create(0) /* it does not end */
		    : p	       ? w_handle_dup(p->process, W_READ | W_DUP)
			       : W_ESRCH;

	if (h < 0) {
		reply(m, h);
		return;
	}
	m->h[0] = h;
	m->nh = 1;
	if (service_reply(&proc_service, m, 0) < 0)
		w_handle_close(h);
}

static void terminal_signals(const struct w_msg *m)
{
	uint32_t pgid = m->PROC_SIGNAL_GROUP_in_pgid, sig = m->PROC_SIGNAL_GROUP_in_sig;
	struct proc *leader;

	if (pgid) {
		signal_group(NULL, pgid, sig, 0x80);
		return;
	}
	leader = proc_by_pid(m->PROC_SIGNAL_GROUP_in_sid);
	if (leader)
		post(leader, sig, 0x80, 0, 0, 0);
}

static void call(struct service *s, struct w_msg *m)
{
	struct proc *p = proc_by_koid(m->sender);

	switch (m->op) {
	case W_OP_CLOSED:
		return;
	case PROC_SPAWN:
		if (m->badge == PROGRAM)
			reply(m, W_EPERM);
		else
			op_spawn(m, s->bytes);
		return;
	case PROC_INFO:
		op_info(m);
		return;
	case PROC_GROUPS:
		op_groups(m);
		return;
	case PROC_GRANT:
		op_grant(m);
		return;
	case PROC_STOPPED_FILES:
		op_stopped_files(m);
		return;
	case PROC_NOTIFY:
		op_notify(m);
		return;
	case PROC_HOST:
		op_host(m, p, s->bytes);
		return;
	case PROC_SIGNAL_GROUP: /* a note from the console; no reply */
		if (m->badge != PROGRAM)
			terminal_signals(m);
		return;
	}
	if (!p) {
		reply(m, W_ESRCH);
		return;
	}
	switch (m->op) {
	case PROC_SELF:
		op_self(m, p);
		break;
	case PROC_FORK:
		op_fork(m, p);
		break;
	case PROC_WAIT:
		op_wait(m, p);
		break;
	case PROC_KILL:
		op_kill(m, p);
		break;
	case PROC_SETPGID:
		op_setpgid(m, p);
		break;
	case PROC_SETSID:
		op_setsid(m, p);
		break;
	case PROC_GETPGID:
		op_getpgid(m, p);
		break;
	case PROC_EXEC:
		op_exec(m, p, s->bytes);
		break;
	case PROC_CRED:
		op_cred(m, p);
		break;
	case PROC_SETGROUPS:
		op_setgroups(m, p, s->bytes);
		break;
	case PROC_ITIMER:
		itimer_call(m, p);
		break;
	case PROC_STOPPED:
		op_stopped(m, p);
		break;
	case PROC_TIMER:
		timer_call(m, p);
		break;
	case PROC_PIDFD:
		op_pidfd(m);
		break;
	case PROC_USAGE:
		m->PROC_USAGE_out_time = p->children_ns;
		m->PROC_USAGE_out_system = p->children_system_ns;
		m->PROC_USAGE_out_rss = p->children_rss;
		reply(m, 0);
		break;
	case PROC_SETID:
		op_setid(m, p);
		break;
	case PROC_NEXT:
		if (m->PROC_NEXT_in_sig >= SIGRTMIN && m->PROC_NEXT_in_sig <= 64)
			signal_next(p, m->PROC_NEXT_in_sig);
		reply(m, 0);
		break;
	case PROC_SCHED:
		sched_call(m, p);
		break;
	case PROC_NICE:
		nice_call(m, p);
		break;
	case PROC_AFFINITY:
		affinity_call(m, p);
		break;
	case PROC_CLOCK:
		clock_call(m, p);
		break;
	case PROC_LIMIT:
		op_limit(m, p);
		break;
	case PROC_LIMITS:
		op_limits(m);
		break;
	case PROC_OPTION:
		op_option(m, p, s->bytes);
		break;
	case PROC_MISSING:
		missing_calls[m->PROC_MISSING_in_nr & 511]++;
		reply(m, 0);
		break;
	case PROC_POWER:
		if (!p->euid)
			shut_down(m->PROC_POWER_in_how & 1);
		reply(m, p->euid ? W_EPERM : 0);
		break;
	default:
		reply(m, W_ENOSYS);
	}
}

int rt_main(uint64_t arg)
{
	struct w_msg who = {.op = FS_WHO};
	int64_t ch;

	(void)arg;
	image_init();
	h_fs = rt_lookup("fs");
	h_console = rt_lookup("console");
	h_unix = rt_lookup("unix");
	if (IS_ENABLED(CONFIG_NET))
		h_net = rt_lookup("net");
	if (rt_call(h_fs, &who) < 0)
		rt_die("procd: the file service does not say who it is");
	fs_koid = who.FS_WHO_out_koid;
	if (who.nh == 2) {
		mounts = rt_map(who.h[0], 0, sizeof(*mounts), W_PROT_READ | W_MAP_SHARED);
		disks_map(who.h[1]);
	}
	proc_service.call = call;
	service_listen(&proc_service);
	ch = w_chan_mint(proc_service.port, PROGRAM);
	if (ch < 0)
		rt_die("procd: no channel");
	h_self = ch;
	procfs_start();
	rt_publish("proc", service_mint(&proc_service, 0));
	ev_run();
}
