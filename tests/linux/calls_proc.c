// SPDX-License-Identifier: MIT
/* Processes, signals, identity, memory and time, one call at a time (call.h). */
#include "call.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <utime.h>

static char buf[4096];
static int status;

static pid_t child(int code)
{
	pid_t p;

	fflush(stdout);
	p = fork();
	if (!p)
		_exit(code);
	return p;
}

/* A child that waits until it is killed. */
static pid_t sleeper(void)
{
	pid_t p;

	fflush(stdout);
	p = fork();
	while (!p)
		pause();
	return p;
}

static void end(pid_t p)
{
	kill(p, SIGKILL);
	waitpid(p, NULL, 0);
}

/* ---- processes ---- */

CALL(fork)
{
	pid_t p;

	fflush(stdout);
	p = S(fork);
	if (!p)
		_exit(4);
	waitpid(p, &status, 0);
	N(WEXITSTATUS(status));
}

CALL(vfork)
{
	pid_t p;

	fflush(stdout);
	p = vfork();
	if (!p)
		_exit(5);
	waitpid(p, &status, 0);
	N(WEXITSTATUS(status));
}

CALL(clone)
{
	pid_t p;

	fflush(stdout);
	E(S(clone, CLONE_SIGHAND, NULL, NULL, NULL, 0));
	E(S(clone, CLONE_THREAD, NULL, NULL, NULL, 0));
	E(S(clone, CLONE_FS | CLONE_NEWNS, NULL, NULL, NULL, 0));
	fflush(stdout);
	p = S(clone, SIGCHLD, NULL, NULL, NULL, 0);
	if (!p)
		_exit(6);
	waitpid(p, &status, 0);
	N(WEXITSTATUS(status));
	E(S(clone, CLONE_PIDFD | CLONE_PARENT_SETTID, NULL, NULL, NULL, 0));
	E(S(clone, CLONE_PIDFD | CLONE_DETACHED, NULL, NULL, NULL, 0));
}

static void handler(int sig)
{
	(void)sig;
}

CALL(clone3)
{
	uint64_t args[11] = {[4] = SIGCHLD};
	struct sigaction act;
	siginfo_t info = {0};
	int pidfd = -1;
	pid_t p;

	E(syscall(435, args, 8));
	E(syscall(435, args, 5000));
	E(syscall(435, BAD, 64));
	args[10] = 3; /* cgroup, without the flag that says so: of no account */
	args[8] = 1;  /* a set of ids, without their number */
	E(syscall(435, args, 72));
	args[8] = args[10] = 0;
	args[0] = 0x100000000 | CLONE_SIGHAND | CLONE_VM; /* CLONE_CLEAR_SIGHAND */
	E(syscall(435, args, 88));
	args[0] = CLONE_PIDFD | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
	E(syscall(435, args, 88));
	signal(SIGUSR1, handler);
	signal(SIGUSR2, SIG_IGN);
	args[0] = 0x100000000 | CLONE_PIDFD;
	args[1] = (uint64_t)&pidfd;
	fflush(stdout);
	p = syscall(435, args, 88);
	if (!p) {
		sigaction(SIGUSR1, NULL, &act);
		status = act.sa_handler == SIG_DFL;
		sigaction(SIGUSR2, NULL, &act);
		status |= (act.sa_handler == SIG_IGN) << 1;
		status |= (fcntl(pidfd, F_GETFD) < 0 && fcntl(3, F_GETFD) < 0) << 2;
		_exit(status);
	}
	N(fcntl(pidfd, F_GETFD));
	N(waitid(P_PIDFD, pidfd, &info, WEXITED));
	N(info.si_pid == p);
	N(info.si_status);
	close(pidfd);
	sigaction(SIGUSR1, NULL, &act);
	N(act.sa_handler == handler);
	signal(SIGUSR1, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);
	memset(args, 0, sizeof(args));
	args[4] = SIGCHLD;
	args[6] = 4096; /* a size without a stack */
	E(syscall(435, args, 64));
	args[6] = 0;
	fflush(stdout);
	p = syscall(435, args, 64);
	if (!p)
		_exit(7);
	waitpid(p, &status, 0);
	N(WEXITSTATUS(status));
}

CALL(execve)
{
	char *none[] = {NULL}, *wrong[] = {(char *)8, NULL};
	int fd = file("f", 5);

	close(fd);
	E(S(execve, "missing", none, none));
	E(S(execve, ".", none, none));
	E(S(execve, "f", none, none));
	chmod("f", 0755);
	E(S(execve, "f", none, none));
	E(S(execve, BAD, none, none));
	E(S(execve, "/proc/self/exe", wrong, none));
	fd = open("f", O_WRONLY | O_TRUNC);
	N(write(fd, "#!/missing\n", 11));
	close(fd);
	E(S(execve, "f", none, none));
	unlink("f");
}

CALL(execveat)
{
	char *none[] = {NULL};

	E(S(execveat, CLOSED, "f", none, none, 0));
	E(S(execveat, AT_FDCWD, "missing", none, none, 0));
}

CALL(exit)
{
	pid_t p;

	fflush(stdout);
	p = fork();
	if (!p)
		S(exit, 0x103);
	waitpid(p, &status, 0);
	N(WEXITSTATUS(status));
}

CALL(exit_group)
{
	pid_t p;

	fflush(stdout);
	p = fork();
	if (!p)
		S(exit_group, -1);
	waitpid(p, &status, 0);
	N(WEXITSTATUS(status));
}

CALL(wait4)
{
	pid_t p = child(9), q;

	E(S(wait4, 1 << 20, &status, 0, NULL));
	E(S(wait4, p, &status, 0x100, NULL));
	N(S(wait4, p, &status, 0, NULL) == p);
	N(WEXITSTATUS(status));
	E(S(wait4, -1, &status, 0, NULL));
	q = sleeper();
	N(S(wait4, q, &status, WNOHANG, NULL));
	end(q);
}

CALL(waitid)
{
	siginfo_t i = {0};
	pid_t p = child(3);

	E(S(waitid, 9, 0, &i, WEXITED, NULL));
	E(S(waitid, P_PID, p, &i, 0, NULL));
	E(S(waitid, P_PID, 1 << 20, &i, WEXITED, NULL));
	N(S(waitid, P_PID, p, &i, WEXITED | WNOWAIT, NULL));
	N(i.si_status);
	N(S(waitid, P_ALL, 0, &i, WEXITED, NULL));
	E(S(waitid, P_ALL, 0, &i, WEXITED, NULL));
}

CALL(kill)
{
	pid_t p = sleeper();

	E(S(kill, p, 65));
	E(S(kill, p, -1));
	E(S(kill, 1 << 20, 0));
	E(S(kill, -(1 << 20), 0));
	E(S(kill, p, 0));
	AS_NOBODY E(S(kill, p, SIGTERM));
	E(S(kill, p, SIGTERM));
	waitpid(p, &status, 0);
	N(WTERMSIG(status));
	E(S(kill, p, 0));
}

CALL(tkill)
{
	E(S(tkill, 0, 1));
	E(S(tkill, 1 << 20, 1));
	E(S(tkill, gettid(), 65));
	E(S(tkill, gettid(), 0));
}

CALL(tgkill)
{
	E(S(tgkill, 0, gettid(), 0));
	E(S(tgkill, getpid(), 1 << 20, 0));
	E(S(tgkill, getpid(), gettid(), 65));
	E(S(tgkill, getpid(), gettid(), 0));
}

CALL(pidfd_open)
{
	pid_t p = sleeper();
	int fd;

	E(syscall(434, 1 << 20, 0));
	E(syscall(434, p, 1));
	E(syscall(434, -1, 0));
	E(fd = syscall(434, p, 0));
	N(fcntl(fd, F_GETFD));
	close(fd);
	end(p);
}

CALL(pidfd_send_signal)
{
	pid_t p = sleeper();
	int fd = syscall(434, p, 0);

	E(syscall(424, CLOSED, SIGTERM, NULL, 0));
	E(syscall(424, 1, SIGTERM, NULL, 0));
	E(syscall(424, fd, 65, NULL, 0));
	E(syscall(424, fd, SIGTERM, NULL, 0x100));
	E(syscall(424, fd, SIGTERM, NULL, 0));
	usleep(20000);
	E(syscall(424, fd, 0, NULL, 0));
	waitpid(p, &status, 0);
	N(WTERMSIG(status));
	E(syscall(424, fd, 0, NULL, 0));
	close(fd);
}

CALL(getpid)
{
	N(S(getpid) == getpid());
}

CALL(getppid)
{
	pid_t me = getpid();

	fflush(stdout);
	if (!fork())
		_exit(S(getppid) == me);
	wait(&status);
	N(WEXITSTATUS(status));
}

CALL(gettid)
{
	N(S(gettid) == getpid());
}

CALL(getpgrp)
{
	N(S(getpgrp) == getpgid(0));
}

CALL(getpgid)
{
	E(S(getpgid, 1 << 20));
	E(S(getpgid, -1));
	N(S(getpgid, getpid()) == getpgrp());
}

CALL(setpgid)
{
	pid_t p = sleeper();

	E(S(setpgid, p, -1));
	E(S(setpgid, 1 << 20, 0));
	E(S(setpgid, p, 1 << 20));
	E(S(setpgid, p, p));
	N(getpgid(p) == p);
	end(p);
}

CALL(getsid)
{
	E(S(getsid, 1 << 20));
	N(S(getsid, 0) == getsid(getpid()));
}

CALL(setsid)
{
	fflush(stdout);
	if (!fork()) {
		N(S(setsid) == getpid());
		E(S(setsid));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

CALL(set_tid_address)
{
	N(S(set_tid_address, &status) == getpid());
}

CALL(set_robust_list)
{
	static struct {
		void *next;
		long off;
		void *pending;
	} head = {&head};

	E(S(set_robust_list, &head, 8));
	E(S(set_robust_list, &head, 24));
}

CALL(get_robust_list)
{
	void *head;
	size_t len;

	E(S(get_robust_list, 1 << 20, &head, &len));
	E(S(get_robust_list, 0, BAD, &len));
	E(S(get_robust_list, 0, &head, &len));
	N(len);
}

CALL(prctl)
{
	E(S(prctl, 4711, 0, 0, 0, 0));
	E(S(prctl, PR_SET_NAME, BAD, 0, 0, 0));
	E(S(prctl, PR_SET_NAME, "a name that is too long", 0, 0, 0));
	E(S(prctl, PR_GET_NAME, buf, 0, 0, 0));
	printf("  %s\n", buf);
	N(S(prctl, PR_GET_DUMPABLE, 0, 0, 0, 0));
	E(S(prctl, PR_SET_DUMPABLE, 7, 0, 0, 0));
	E(S(prctl, PR_SET_PDEATHSIG, 99, 0, 0, 0));
	E(S(prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	E(S(prctl, PR_GET_CHILD_SUBREAPER, &status, 0, 0, 0));
	N(status);
	E(S(prctl, PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0));
	E(S(prctl, PR_SET_DUMPABLE, 0, 0, 0, 0));
	N(S(prctl, PR_GET_DUMPABLE, 0, 0, 0, 0));
	E(S(prctl, PR_SET_DUMPABLE, 1, 0, 0, 0));
	E(S(prctl, PR_SET_TIMERSLACK, 70000, 0, 0, 0));
	N(S(prctl, PR_GET_TIMERSLACK, 0, 0, 0, 0));
	E(S(prctl, PR_SET_TIMERSLACK, 0, 0, 0, 0));
	N(S(prctl, PR_GET_TIMERSLACK, 0, 0, 0, 0));
	E(S(prctl, PR_SET_PDEATHSIG, SIGUSR1, 0, 0, 0));
	E(S(prctl, PR_GET_PDEATHSIG, &status, 0, 0, 0));
	N(status);
	E(S(prctl, PR_GET_PDEATHSIG, BAD, 0, 0, 0));
	E(S(prctl, PR_SET_PDEATHSIG, 0, 0, 0, 0));
	N(S(prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	E(S(prctl, PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
	E(S(prctl, PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	E(S(prctl, PR_SET_NO_NEW_PRIVS, 1, 2, 0, 0));
}

CALL(arch_prctl)
{
	unsigned long fs = 0;

	E(S(arch_prctl, 0x9999, 0));
	E(S(arch_prctl, 0x1003, BAD));
	E(S(arch_prctl, 0x1002, KERNEL));
	E(S(arch_prctl, 0x1003, &fs));
	N(fs != 0);
}

/* ---- identity ---- */

CALL(getuid)
{
	AS_NOBODY N(S(getuid));
}

CALL(geteuid)
{
	AS_NOBODY N(S(geteuid));
}

CALL(getgid)
{
	AS_NOBODY N(S(getgid));
}

CALL(getegid)
{
	AS_NOBODY N(S(getegid));
}

CALL(setuid)
{
	AS_NOBODY
	{
		E(S(setuid, 0));
		E(S(setuid, NOBODY));
	}
}

CALL(setgid)
{
	AS_NOBODY
	{
		E(S(setgid, 0));
		E(S(setgid, NOBODY));
	}
}

CALL(setreuid)
{
	AS_NOBODY
	{
		E(S(setreuid, 0, -1));
		E(S(setreuid, -1, NOBODY));
	}
}

CALL(setregid)
{
	AS_NOBODY
	{
		E(S(setregid, 0, -1));
		E(S(setregid, -1, NOBODY));
	}
}

CALL(setresuid)
{
	AS_NOBODY
	{
		E(S(setresuid, -1, -1, 0));
		E(S(setresuid, NOBODY, NOBODY, NOBODY));
	}
}

CALL(setresgid)
{
	AS_NOBODY
	{
		E(S(setresgid, -1, -1, 0));
		E(S(setresgid, NOBODY, NOBODY, NOBODY));
	}
}

CALL(getresuid)
{
	int id[3];

	AS_NOBODY
	{
		E(S(getresuid, BAD, &id[1], &id[2]));
		E(S(getresuid, &id[0], &id[1], &id[2]));
		N(id[2]);
	}
}

CALL(getresgid)
{
	int id[3];

	AS_NOBODY
	{
		E(S(getresgid, &id[0], BAD, &id[2]));
		E(S(getresgid, &id[0], &id[1], &id[2]));
		N(id[1]);
	}
}

CALL(setfsuid)
{
	AS_NOBODY N(S(setfsuid, 0));
}

CALL(setfsgid)
{
	AS_NOBODY N(S(setfsgid, 0));
}

CALL(getgroups)
{
	int g[4];

	fflush(stdout);
	if (!fork()) {
		int two[2] = {7, 8};

		if (!S(setgroups, 2, two)) {
			E(S(getgroups, -1, g));
			E(S(getgroups, 1, g));
			N(S(getgroups, 0, NULL));
			N(S(getgroups, 4, g));
			E(S(getgroups, 4, BAD));
		}
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

CALL(setgroups)
{
	int g[2] = {1, 2};

	E(S(setgroups, -1, g));
	E(S(setgroups, 100000, g));
	AS_NOBODY E(S(setgroups, 2, g));
}

CALL(capget)
{
	uint32_t head[2] = {0x20080522, 0}, wrong[2] = {1, 0}, data[6];

	E(S(capget, wrong, data));
	E(S(capget, BAD, data));
	AS_NOBODY
	{
		E(S(capget, head, data));
		N(data[0]);
	}
}

CALL(capset)
{
	uint32_t head[2] = {0x20080522, 0}, data[6] = {1};

	AS_NOBODY
	{
		E(S(capset, head, data));
		data[0] = 0;
		E(S(capset, head, data));
	}
}

/* ---- signals ---- */

static void nothing(int sig)
{
	(void)sig;
}

CALL(rt_sigaction)
{
	struct {
		void *handler;
		unsigned long flags;
		void *restorer;
		unsigned long mask;
	} a = {SIG_IGN}, old;

	E(S(rt_sigaction, 0, NULL, &old, 8));
	E(S(rt_sigaction, 65, NULL, &old, 8));
	E(S(rt_sigaction, SIGUSR1, NULL, &old, 4));
	E(S(rt_sigaction, SIGKILL, &a, NULL, 8));
	E(S(rt_sigaction, SIGKILL, NULL, &old, 8));
	E(S(rt_sigaction, SIGUSR1, BAD, NULL, 8));
	E(S(rt_sigaction, SIGUSR1, NULL, BAD, 8));
	E(S(rt_sigaction, SIGUSR1, &a, NULL, 8));
	E(S(rt_sigaction, SIGUSR1, NULL, &old, 8));
	N(old.handler == SIG_IGN);
	signal(SIGUSR1, SIG_DFL);
}

CALL(rt_sigprocmask)
{
	uint64_t all = ~0ull, old;

	E(S(rt_sigprocmask, 9, &all, &old, 8));
	E(S(rt_sigprocmask, SIG_BLOCK, &all, &old, 4));
	E(S(rt_sigprocmask, SIG_BLOCK, BAD, &old, 8));
	E(S(rt_sigprocmask, SIG_BLOCK, &all, NULL, 8));
	E(S(rt_sigprocmask, SIG_BLOCK, NULL, &old, 8));
	N(old >> (SIGKILL - 1) & 1);
	N(old >> (SIGUSR1 - 1) & 1);
	E(S(rt_sigprocmask, SIG_UNBLOCK, &all, NULL, 8));
}

CALL(rt_sigpending)
{
	uint64_t set;

	E(S(rt_sigpending, BAD, 8));
	E(S(rt_sigpending, &set, 9));
	E(S(rt_sigpending, &set, 8));
	N(set);
}

CALL(rt_sigtimedwait)
{
	uint64_t set = 1ull << (SIGUSR1 - 1);
	struct timespec none = {0}, wrong = {0, -1};
	siginfo_t i;

	E(S(rt_sigtimedwait, &set, &i, &none, 4));
	E(S(rt_sigtimedwait, BAD, &i, &none, 8));
	E(S(rt_sigtimedwait, &set, &i, &wrong, 8));
	E(S(rt_sigtimedwait, &set, &i, BAD, 8));
	E(S(rt_sigtimedwait, &set, &i, &none, 8));
	S(rt_sigprocmask, SIG_BLOCK, &set, NULL, 8);
	raise(SIGUSR1);
	N(S(rt_sigtimedwait, &set, &i, &none, 8));
	S(rt_sigprocmask, SIG_UNBLOCK, &set, NULL, 8);
}

CALL(rt_sigqueueinfo)
{
	siginfo_t i = {.si_code = SI_QUEUE};

	E(S(rt_sigqueueinfo, getpid(), 65, &i));
	E(S(rt_sigqueueinfo, getpid(), 0, BAD));
	E(S(rt_sigqueueinfo, 1 << 20, 0, &i));
	E(S(rt_sigqueueinfo, getpid(), 0, &i));
}

CALL(rt_tgsigqueueinfo)
{
	siginfo_t i = {.si_code = SI_QUEUE};

	E(S(rt_tgsigqueueinfo, getpid(), gettid(), 65, &i));
	E(S(rt_tgsigqueueinfo, getpid(), gettid(), 0, BAD));
	E(S(rt_tgsigqueueinfo, getpid(), gettid(), 0, &i));
}

CALL(rt_sigsuspend)
{
	uint64_t none = 0, set = 1ull << (SIGUSR1 - 1);

	signal(SIGUSR1, nothing);
	S(rt_sigprocmask, SIG_BLOCK, &set, NULL, 8);
	raise(SIGUSR1);
	E(S(rt_sigsuspend, &none, 4));
	E(S(rt_sigsuspend, BAD, 8));
	E(S(rt_sigsuspend, &none, 8));
	S(rt_sigprocmask, SIG_UNBLOCK, &set, NULL, 8);
	signal(SIGUSR1, SIG_DFL);
}

CALL(rt_sigreturn)
{
	signal(SIGUSR1, nothing);
	N(raise(SIGUSR1)); /* every handler comes back by it */
	signal(SIGUSR1, SIG_DFL);
}

CALL(pause)
{
	signal(SIGALRM, nothing);
	ualarm(20000, 0);
	E(S(pause));
	signal(SIGALRM, SIG_DFL);
}

CALL(sigaltstack)
{
	stack_t s = {.ss_sp = buf, .ss_size = 1024}, old;

	E(S(sigaltstack, &s, NULL));
	s.ss_flags = 8;
	E(S(sigaltstack, &s, NULL));
	E(S(sigaltstack, BAD, NULL));
	s.ss_flags = SS_DISABLE;
	E(S(sigaltstack, &s, NULL));
	E(S(sigaltstack, NULL, &old));
	N(old.ss_flags);
}

/* ---- memory ---- */

CALL(mmap)
{
	int fd = file("f", 100), w = open("f", O_WRONLY), r = open("f", O_RDONLY);
	char *m;

	E(S(mmap, NULL, 0L, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1L, 0L));
	E(S(mmap, NULL, 4096L, PROT_READ, MAP_ANONYMOUS, -1L, 0L));
	E(S(mmap, NULL, 4096L, PROT_READ, MAP_PRIVATE, -1L, 0L));
	E(S(mmap, NULL, 4096L, PROT_READ, MAP_PRIVATE, fd, 1L));
	E(S(mmap, 0x123456L, 4096L, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1L, 0L));
	E(S(mmap, KERNEL, 4096L, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1L, 0L));
	E(S(mmap, NULL, 1L << 50, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1L, 0L));
	E(S(mmap, NULL, 4096L, PROT_READ, MAP_PRIVATE, w, 0L));
	E(S(mmap, NULL, 4096L, PROT_READ | PROT_WRITE, MAP_SHARED, r, 0L));
	m = (char *)S(mmap, NULL, 4096L, PROT_READ, MAP_SHARED, fd, 0L);
	N(m[99]);
	N(m[100]);
	E(S(mmap, m, 4096L, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | 0x100000, -1L, 0L));
	S(munmap, m, 4096L);
	close(fd);
	close(w);
	close(r);
	unlink("f");
}

CALL(munmap)
{
	char *m = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	E(S(munmap, m + 1, 4096L));
	E(S(munmap, m, 0L));
	E(S(munmap, KERNEL, 4096L));
	E(S(munmap, m, 4096L));
	E(S(munmap, m, 8192L));
	E(S(munmap, m, 8192L));
}

CALL(mprotect)
{
	char *m = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	E(S(mprotect, m + 1, 4096L, PROT_READ));
	E(S(mprotect, m, 0L, PROT_READ));
	E(S(mprotect, m, 8192L, PROT_READ | PROT_WRITE));
	munmap(m + 4096, 4096);
	E(S(mprotect, m, 8192L, PROT_READ));
	E(S(mprotect, KERNEL, 4096L, PROT_READ));
	munmap(m, 4096);
}

CALL(mremap)
{
	char *m = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *n = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	E(S(mremap, m + 1, 4096L, 8192L, 0L));
	E(S(mremap, m, 4096L, 0L, 0L));
	E(S(mremap, m, 8192L, 4096L, 8L));
	E(S(mremap, m, 4096L, 4096L, 2L, n));
	N(S(mremap, m, 8192L, 4096L, 0L) == (long)m);
	N(S(mremap, m, 4096L, 8192L, 3L, n) == (long)n);
	E(S(mremap, m, 4096L, 8192L, 1L));
	munmap(n, 8192);
}

CALL(madvise)
{
	char *m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*m = 7;
	E(S(madvise, m + 1, 4096L, MADV_DONTNEED));
	E(S(madvise, m, 4096L, 999));
	E(S(madvise, m, 0L, MADV_DONTNEED));
	E(S(madvise, m, 8192L, MADV_DONTNEED));
	N(*m);
	munmap(m + 4096, 4096);
	E(S(madvise, m, 8192L, MADV_DONTNEED));
	munmap(m, 4096);
}

CALL(msync)
{
	E(S(msync, buf + 1 - ((uintptr_t)buf & 4095), 4096L, MS_SYNC));
}

CALL(mincore)
{
	unsigned char v;
	char *m = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	E(S(mincore, m + 1, 4096L, &v));
	E(S(mincore, m, 4096L, BAD));
	E(S(mincore, m, 4096L, &v));
	munmap(m, 4096);
	E(S(mincore, m, 4096L, &v));
}

CALL(mlock)
{
	E(S(mlock, 4096L, 4096L));
}

CALL(mlock2)
{
	E(S(mlock2, buf, 100L, 2));
	E(S(mlock2, 4096L, 4096L, 0));
}

CALL(munlock)
{
	E(S(munlock, buf, 100L));
	E(S(munlock, 4096L, 4096L));
}

CALL(mlockall)
{
	E(S(mlockall, 0));
	E(S(mlockall, 99));
}

CALL(munlockall)
{
	E(S(munlockall));
}

CALL(brk)
{
	long at = S(brk, 0L);

	N(S(brk, at + 8192) == at + 8192);
	N(S(brk, 1L) == at + 8192);
	N(S(brk, at) == at);
}

/* ---- time ---- */

CALL(clock_gettime)
{
	struct timespec t;

	E(S(clock_gettime, 99, &t));
	E(S(clock_gettime, CLOCK_MONOTONIC, BAD));
	E(S(clock_gettime, CLOCK_MONOTONIC, &t));
	E(S(clock_gettime, CLOCK_THREAD_CPUTIME_ID, &t));
}

CALL(clock_getres)
{
	struct timespec t;

	E(S(clock_getres, 99, &t));
	E(S(clock_getres, CLOCK_REALTIME, NULL));
	E(S(clock_getres, CLOCK_REALTIME, &t));
	N(t.tv_nsec);
}

CALL(clock_settime)
{
	struct timespec t = {0, 0};

	E(S(clock_settime, CLOCK_MONOTONIC, &t));
	E(S(clock_settime, 99, &t));
	E(S(clock_settime, CLOCK_REALTIME, BAD));
	AS_NOBODY E(S(clock_settime, CLOCK_REALTIME, &t));
}

CALL(settimeofday)
{
	struct timeval t = {0, 0};

	E(S(settimeofday, BAD, NULL));
	AS_NOBODY E(S(settimeofday, &t, NULL));
}

CALL(gettimeofday)
{
	struct timeval t;

	E(S(gettimeofday, BAD, NULL));
	E(S(gettimeofday, &t, NULL));
	N(t.tv_sec > 1000000000);
}

CALL(time)
{
	long t;

	E(S(time, BAD));
	N(S(time, &t) == t);
}

CALL(times)
{
	struct tms t;

	E(S(times, BAD));
	E(S(times, &t));
}

CALL(nanosleep)
{
	struct timespec t = {0, 1000}, wrong = {0, 1000000000}, negative = {-1, 0};

	E(S(nanosleep, BAD, NULL));
	E(S(nanosleep, &wrong, NULL));
	E(S(nanosleep, &negative, NULL));
	E(S(nanosleep, &t, NULL));
}

CALL(clock_nanosleep)
{
	struct timespec t = {0, 1000}, wrong = {0, -1};

	E(S(clock_nanosleep, 99, 0, &t, NULL));
	E(S(clock_nanosleep, CLOCK_MONOTONIC, 0, &wrong, NULL));
	E(S(clock_nanosleep, CLOCK_MONOTONIC, 0, BAD, NULL));
	E(S(clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &t, NULL));
	E(S(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
}

CALL(getitimer)
{
	struct itimerval t;

	E(S(getitimer, 9, &t));
	E(S(getitimer, ITIMER_REAL, BAD));
	E(S(getitimer, ITIMER_REAL, &t));
	N(t.it_value.tv_sec);
}

CALL(setitimer)
{
	struct itimerval t = {{0}, {0, 1000000}}, some = {{0}, {100, 0}}, none = {{0}}, old;

	E(S(setitimer, ITIMER_REAL, &t, NULL));
	E(S(setitimer, 9, &none, NULL));
	E(S(setitimer, ITIMER_REAL, BAD, NULL));
	E(S(setitimer, ITIMER_REAL, &some, NULL));
	E(S(setitimer, ITIMER_REAL, &none, &old));
	N(old.it_value.tv_sec >= 99);
}

CALL(alarm)
{
	N(S(alarm, 100));
	N(S(alarm, 0) >= 99);
}

CALL(timer_create)
{
	struct sigevent wrong = {.sigev_notify = 77}, signal = {.sigev_signo = 99};
	int id;

	E(S(timer_create, 99, NULL, &id));
	E(S(timer_create, CLOCK_MONOTONIC, &wrong, &id));
	E(S(timer_create, CLOCK_MONOTONIC, &signal, &id));
	E(S(timer_create, CLOCK_MONOTONIC, BAD, &id));
	E(S(timer_create, CLOCK_MONOTONIC, NULL, BAD));
	E(S(timer_create, CLOCK_MONOTONIC, NULL, &id));
	S(timer_delete, id);
}

CALL(timer_settime)
{
	struct itimerspec t = {{0}, {100, 0}}, wrong = {{0}, {0, -1}}, old;
	int id;

	S(timer_create, CLOCK_MONOTONIC, NULL, &id);
	E(S(timer_settime, 4711, 0, &t, NULL));
	E(S(timer_settime, id, 0, NULL, NULL));
	E(S(timer_settime, id, 0, BAD, NULL));
	E(S(timer_settime, id, 0, &wrong, NULL));
	E(S(timer_settime, id, 0, &t, &old));
	N(old.it_value.tv_sec);
	S(timer_delete, id);
}

CALL(timer_gettime)
{
	struct itimerspec t;

	E(S(timer_gettime, 4711, &t));
}

CALL(timer_getoverrun)
{
	E(S(timer_getoverrun, 4711));
}

CALL(timer_delete)
{
	int id;

	S(timer_create, CLOCK_MONOTONIC, NULL, &id);
	E(S(timer_delete, id));
	E(S(timer_delete, id));
}

CALL(futex)
{
	struct timespec none = {0, 1}, wrong = {0, -1};
	int word = 5;

	E(S(futex, &word, 77, 0, NULL, NULL, 0));
	E(S(futex, &word, 0, 4, NULL, NULL, 0));
	E(S(futex, &word, 0, 5, &none, NULL, 0));
	E(S(futex, &word, 0, 5, &wrong, NULL, 0));
	E(S(futex, (char *)&word + 1, 0, 5, &none, NULL, 0));
	E(S(futex, BAD, 0, 5, &none, NULL, 0));
	N(S(futex, &word, 1, 1, NULL, NULL, 0));
	E(S(futex, &word, 9, 5, &none, NULL, 0)); /* WAIT_BITSET without bits */
	E(S(futex, &word, 4, 1, 1, &word, 4));	  /* CMP_REQUEUE: another value */
}

/* ---- scheduling, limits, the system ---- */

CALL(sched_yield)
{
	E(S(sched_yield));
}

CALL(sched_setparam)
{
	struct sched_param p = {1};

	E(S(sched_setparam, 0, &p));
	E(S(sched_setparam, 0, NULL));
	E(S(sched_setparam, -1, &p));
	p.sched_priority = 0;
	E(S(sched_setparam, 1 << 20, &p));
	E(S(sched_setparam, 0, &p));
}

CALL(sched_getparam)
{
	struct sched_param p;

	E(S(sched_getparam, 0, NULL));
	E(S(sched_getparam, -1, &p));
	E(S(sched_getparam, 1 << 20, &p));
	E(S(sched_getparam, 0, &p));
	N(p.sched_priority);
}

CALL(sched_setscheduler)
{
	struct sched_param p = {1}, zero = {0};

	E(S(sched_setscheduler, 0, 99, &zero));
	E(S(sched_setscheduler, 0, SCHED_OTHER, &p));
	E(S(sched_setscheduler, 0, SCHED_FIFO, &zero));
	E(S(sched_setscheduler, 0, SCHED_OTHER, NULL));
	AS_NOBODY E(S(sched_setscheduler, 0, SCHED_FIFO, &p));
	E(S(sched_setscheduler, 0, SCHED_BATCH, &zero));
	N(S(sched_getscheduler, 0));
	E(S(sched_setscheduler, 0, SCHED_OTHER, &zero));
}

CALL(sched_getscheduler)
{
	E(S(sched_getscheduler, -1));
	E(S(sched_getscheduler, 1 << 20));
	N(S(sched_getscheduler, 0));
}

CALL(sched_get_priority_max)
{
	E(S(sched_get_priority_max, 77));
	N(S(sched_get_priority_max, SCHED_FIFO));
	N(S(sched_get_priority_max, SCHED_OTHER));
}

CALL(sched_get_priority_min)
{
	E(S(sched_get_priority_min, 77));
	N(S(sched_get_priority_min, SCHED_RR));
}

CALL(sched_rr_get_interval)
{
	struct timespec t;

	E(S(sched_rr_get_interval, -1, &t));
	E(S(sched_rr_get_interval, 1 << 20, &t));
	E(S(sched_rr_get_interval, 0, BAD));
	E(S(sched_rr_get_interval, 0, &t));
}

CALL(sched_setaffinity)
{
	unsigned long mask = 0;

	E(S(sched_setaffinity, 0, 8, &mask));
	E(S(sched_setaffinity, 0, 8, BAD));
	mask = 1;
	E(S(sched_setaffinity, 1 << 20, 8, &mask));
}

CALL(sched_getaffinity)
{
	unsigned long mask[16];

	E(S(sched_getaffinity, 1 << 20, sizeof(mask), mask));
	E(S(sched_getaffinity, 0, 1, mask));
	E(S(sched_getaffinity, 0, sizeof(mask), mask));
	N(mask[0] != 0);
}

CALL(getcpu)
{
	unsigned cpu;

	E(S(getcpu, &cpu, NULL, NULL));
	E(S(getcpu, BAD, NULL, NULL));
}

/* To what it is already: the host has a name as well, and may not let even root change it. */
static int renames(int nr, const char *name)
{
	long r = syscall(nr, name, strlen(name));

	return r == 0 || errno == EPERM;
}

static int error_of_name(int nr, const char *name, long len)
{
	return syscall(nr, name, len) < 0 ? errno == EPERM || errno == EINVAL || errno == EFAULT
					  : 0;
}

CALL(sethostname)
{
	struct utsname u;
	int status;

	uname(&u);
	N(renames(SYS_sethostname, u.nodename));
	N(error_of_name(SYS_sethostname, "x", 65));
	N(error_of_name(SYS_sethostname, "x", -1));
	N(error_of_name(SYS_sethostname, BAD, 1));
	if (!fork())
		_exit(!setuid(65534) && syscall(SYS_sethostname, "x", 65) < 0 && errno == EPERM);
	wait(&status);
	N(WEXITSTATUS(status));
}

CALL(setdomainname)
{
	struct utsname u;

	uname(&u);
	N(renames(SYS_setdomainname, u.domainname));
	N(error_of_name(SYS_setdomainname, "x", 65));
	N(error_of_name(SYS_setdomainname, BAD, 1));
}

CALL(getpriority)
{
	E(S(getpriority, 9, 0));
	E(S(getpriority, PRIO_PROCESS, 1 << 20));
	N(S(getpriority, PRIO_PROCESS, 0));
}

CALL(setpriority)
{
	E(S(setpriority, 9, 0, 0));
	E(S(setpriority, PRIO_PROCESS, 1 << 20, 0));
	AS_NOBODY
	{
		E(S(setpriority, PRIO_PROCESS, 0, 99));
		N(S(getpriority, PRIO_PROCESS, 0));
		E(S(setpriority, PRIO_PROCESS, 0, 0));
		E(S(setpriority, PRIO_PROCESS, getppid(), 5));
	}
}

CALL(ioprio_get)
{
	E(S(ioprio_get, 1, 0));
}

CALL(ioprio_set)
{
	E(S(ioprio_set, 1, 0, 2 << 13 | 4));
}

CALL(getrlimit)
{
	struct rlimit l;

	E(S(getrlimit, 99, &l));
	E(S(getrlimit, RLIMIT_NOFILE, BAD));
	E(S(getrlimit, RLIMIT_NOFILE, &l));
}

CALL(setrlimit)
{
	struct rlimit l = {5, 4};

	E(S(setrlimit, RLIMIT_CORE, &l));
	E(S(setrlimit, 99, &l));
	E(S(setrlimit, RLIMIT_CORE, BAD));
	l.rlim_max = l.rlim_cur = 0;
	AS_NOBODY
	{
		E(S(setrlimit, RLIMIT_CORE, &l));
		l.rlim_max = 1;
		E(S(setrlimit, RLIMIT_CORE, &l));
	}
}

CALL(prlimit64)
{
	struct rlimit l;

	E(S(prlimit64, 1 << 20, RLIMIT_CORE, NULL, &l));
	E(S(prlimit64, 0, 99, NULL, &l));
	E(S(prlimit64, 0, RLIMIT_CORE, NULL, BAD));
	E(S(prlimit64, 0, RLIMIT_CORE, NULL, &l));
}

CALL(getrusage)
{
	struct rusage u;

	E(S(getrusage, 9, &u));
	E(S(getrusage, RUSAGE_SELF, BAD));
	E(S(getrusage, RUSAGE_SELF, &u));
	E(S(getrusage, RUSAGE_CHILDREN, &u));
}

CALL(uname)
{
	struct utsname u;

	E(S(uname, BAD));
	E(S(uname, &u));
	printf("  %s %s\n", u.sysname, u.machine);
}

CALL(sysinfo)
{
	struct sysinfo s;

	E(S(sysinfo, BAD));
	E(S(sysinfo, &s));
	N(s.totalram > 0);
}

CALL(syslog)
{
	E(S(syslog, 99, buf, 10));
	E(S(syslog, 3, buf, -1));
	AS_NOBODY E(S(syslog, 5, NULL, 0));
}

CALL(reboot)
{
	AS_NOBODY E(S(reboot, 0xfee1dead, 672274793, 0x01234567, NULL));
}

CALL(mq_open)
{
	E(S(mq_open, BAD, O_RDWR, 0, NULL));
	E(S(mq_open, "no-such-queue", O_RDWR, 0, NULL));
}

CALL(mq_unlink)
{
	E(S(mq_unlink, "no-such-queue"));
	E(S(mq_unlink, BAD));
}

CALL(mq_timedsend)
{
	E(S(mq_timedsend, 1, "x", 1L, 0, NULL));
	E(S(mq_timedsend, CLOSED, "x", 1L, 0, NULL));
}

CALL(mq_timedreceive)
{
	E(S(mq_timedreceive, 1, buf, 100L, NULL, NULL));
}

CALL(mq_notify)
{
	E(S(mq_notify, 1, NULL));
}

CALL(mq_getsetattr)
{
	E(S(mq_getsetattr, CLOSED, NULL, NULL));
}
