// SPDX-License-Identifier: MIT
/* Every call that takes the number of a process, with numbers that are none: nobody else is
 * meant by them.  Process 1 is there. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const int ids[] = {-1, -2, -12345, 0x7fffffff, (int)0x80000000};
static siginfo_t info, waited;

#define SAY(expr)                                                                      \
	do {                                                                           \
		long r_;                                                               \
		errno = 0;                                                             \
		r_ = (expr);                                                           \
		printf("%d %s = %ld errno %d\n", id, #expr, r_, r_ == -1 ? errno : 0); \
	} while (0)

static void try(int id)
{
	struct sched_param p = {0};
	cpu_set_t set;
	struct rlimit lim;

	SAY(syscall(SYS_rt_sigqueueinfo, id, SIGUSR1, &info));
	SAY(syscall(SYS_rt_tgsigqueueinfo, id, id, SIGUSR1, &info));
	SAY(syscall(SYS_rt_tgsigqueueinfo, getpid(), id, SIGUSR1, &info));
	SAY(syscall(SYS_tkill, id, SIGUSR1));
	SAY(syscall(SYS_tgkill, id, id, SIGUSR1));
	SAY(syscall(SYS_tgkill, getpid(), id, SIGUSR1));
	SAY(syscall(SYS_pidfd_open, id, 0));
	SAY(getpgid(id));
	SAY(getsid(id));
	SAY(setpgid(id, 0));
	SAY(setpgid(0, id));
	SAY(sched_getscheduler(id));
	SAY(sched_getparam(id, &p));
	SAY(sched_setparam(id, &p));
	SAY(sched_setscheduler(id, SCHED_OTHER, &p));
	SAY(syscall(SYS_sched_getaffinity, id, sizeof(set), &set) > 0 ? 1 : -1);
	SAY(syscall(SYS_prlimit64, id, RLIMIT_NOFILE, NULL, &lim));
	SAY(syscall(SYS_setpriority, PRIO_PROCESS, id, 0));
	SAY(syscall(SYS_setpriority, PRIO_PGRP, id, 0));
	SAY(waitpid(id == -1 ? -3 : id, NULL, WNOHANG));
	SAY(syscall(SYS_waitid, P_PID, id, &waited, WEXITED | WNOHANG, NULL));
	if (id < -2)
		SAY(kill(id, 0));
}

/* What may be asked of process 1. */
static void known(void)
{
	struct sched_param p;
	struct rlimit lim;
	cpu_set_t set;
	int id = 1;

	SAY(syscall(SYS_getpriority, PRIO_PROCESS, 1) > 0);
	SAY(syscall(SYS_getpriority, PRIO_USER, 0) > 0);
	SAY(sched_getscheduler(1) >= 0);
	SAY(sched_getparam(1, &p));
	SAY(syscall(SYS_sched_getaffinity, 1, sizeof(set), &set) > 0);
	SAY(syscall(SYS_prlimit64, 1, RLIMIT_NOFILE, NULL, &lim));
	SAY(syscall(SYS_pidfd_open, 1, 0) >= 0);
	SAY(syscall(SYS_tkill, 1, 0));
	SAY(syscall(SYS_tgkill, 1, 1, 0));
	SAY(syscall(SYS_tgkill, 1, 2, 0));
	SAY(syscall(SYS_rt_sigqueueinfo, 1, 0, &info));
	SAY(waitpid(1, NULL, WNOHANG));
	SAY(syscall(SYS_waitid, P_PID, 1, &waited, WEXITED | WNOHANG, NULL));
	SAY(setpgid(1, 0));
	SAY(setpgid(0, 1));
	SAY(access("/proc/1/comm", F_OK));
	SAY(access("/proc/1/cmdline", R_OK));
	SAY(access("/proc/1/task/1/comm", R_OK));
}

int main(void)
{
	int id = 1, child, status;
	unsigned i;

	setvbuf(stdout, NULL, _IONBF, 0);
	info.si_code = SI_QUEUE;
	for (i = 0; i < sizeof(ids) / sizeof(*ids); i++)
		try(ids[i]);
	SAY(syscall(SYS_rt_sigqueueinfo, 0, SIGTERM, &info));
	SAY(syscall(SYS_rt_sigqueueinfo, getpid(), 0, &info));
	SAY(syscall(SYS_rt_sigqueueinfo, getpid(), 65, &info));
	SAY(kill(1, 0));
	SAY(getpgid(1) >= 0);
	SAY(getsid(1) >= 0);
	SAY(access("/proc/1/stat", F_OK));
	SAY(access("/proc/1/status", F_OK));
	SAY(setpgid(1, 1));
	known();
	child = fork();
	if (!child) {
		setuid(1000);
		SAY(kill(1, 0));
		SAY(kill(1, SIGTERM));
		known();
		SAY(kill(-1, 0)); /* there are others: that is enough */
		SAY(getpgid(1) >= 0);
		fflush(stdout);
		_exit(0);
	}
	waitpid(child, &status, 0);
	/* who loses its parent has init for one */
	child = fork();
	if (!child) {
		if (!fork()) {
			while (getppid() == getppid() && getppid() != 1)
				usleep(1000);
			printf("orphan of %d\n", getppid());
			fflush(stdout);
			_exit(0);
		}
		_exit(0);
	}
	waitpid(child, &status, 0);
	sleep(1);
	return 0;
}
