/* SPDX-License-Identifier: MIT */
/*
 * One case for each system call, by its number, without the C library between: what it
 * refuses with which error, and that it does its work.  E() prints an error's name or ok, N() a
 * number.  What is printed on the host is the reference, so nothing that differs between machines
 * may be: no addresses, ids, times, sizes of the machine.  `make lint` wants a CALL() for each
 * call of abi/linux.tbl that is not refused.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct call {
	const char *name;
	void (*run)(void);
};

#define CALL(name)                                                                          \
	static void call_##name(void);                                                      \
	static const struct call case_##name                                                \
		__attribute__((used, aligned(8), section("calls"))) = {#name, call_##name}; \
	static void call_##name(void)
#define S(name, ...) syscall(SYS_##name, ##__VA_ARGS__)
#define E(x) printf("  %s = %s\n", #x, outcome(x))
#define N(x) printf("  %s = %ld\n", #x, (long)(x))

#define BAD ((void *)8)		/* no memory is there */
#define KERNEL ((void *)-4096l) /* nor may a program's be here */
#define CLOSED 999		/* no descriptor */
#define NOBODY 65534

static const char *outcome(long r)
{
	static const char *const names[] = {
		[EPERM] = "EPERM",
		[ENOENT] = "ENOENT",
		[ESRCH] = "ESRCH",
		[EINTR] = "EINTR",
		[EIO] = "EIO",
		[ENXIO] = "ENXIO",
		[E2BIG] = "E2BIG",
		[ENOEXEC] = "ENOEXEC",
		[EBADF] = "EBADF",
		[ECHILD] = "ECHILD",
		[EAGAIN] = "EAGAIN",
		[ENOMEM] = "ENOMEM",
		[EACCES] = "EACCES",
		[EFAULT] = "EFAULT",
		[ENOTBLK] = "ENOTBLK",
		[EBUSY] = "EBUSY",
		[EEXIST] = "EEXIST",
		[EXDEV] = "EXDEV",
		[ENODEV] = "ENODEV",
		[ENOTDIR] = "ENOTDIR",
		[EISDIR] = "EISDIR",
		[EINVAL] = "EINVAL",
		[EMFILE] = "EMFILE",
		[ENOTTY] = "ENOTTY",
		[EFBIG] = "EFBIG",
		[ENOSPC] = "ENOSPC",
		[ESPIPE] = "ESPIPE",
		[EROFS] = "EROFS",
		[EPIPE] = "EPIPE",
		[EDOM] = "EDOM",
		[ERANGE] = "ERANGE",
		[EDEADLK] = "EDEADLK",
		[ENAMETOOLONG] = "ENAMETOOLONG",
		[ENOSYS] = "ENOSYS",
		[ENOTEMPTY] = "ENOTEMPTY",
		[ELOOP] = "ELOOP",
		[ENOTSOCK] = "ENOTSOCK",
		[EDESTADDRREQ] = "EDESTADDRREQ",
		[EMSGSIZE] = "EMSGSIZE",
		[EPROTOTYPE] = "EPROTOTYPE",
		[ENOPROTOOPT] = "ENOPROTOOPT",
		[EPROTONOSUPPORT] = "EPROTONOSUPPORT",
		[ESOCKTNOSUPPORT] = "ESOCKTNOSUPPORT",
		[EOPNOTSUPP] = "EOPNOTSUPP",
		[EAFNOSUPPORT] = "EAFNOSUPPORT",
		[EADDRINUSE] = "EADDRINUSE",
		[EADDRNOTAVAIL] = "EADDRNOTAVAIL",
		[EISCONN] = "EISCONN",
		[ENOTCONN] = "ENOTCONN",
		[ETIMEDOUT] = "ETIMEDOUT",
		[ECONNREFUSED] = "ECONNREFUSED",
		[EALREADY] = "EALREADY",
		[EINPROGRESS] = "EINPROGRESS",
	};
	static char other[16];

	if (r >= 0)
		return "ok";
	if ((unsigned)errno < sizeof(names) / sizeof(*names) && names[errno])
		return names[errno];
	snprintf(other, sizeof(other), "errno %d", errno);
	return other;
}

/* A fresh file with n bytes of 'x', open for reading and writing. */
static inline int file(const char *name, size_t n)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	while (n--)
		if (write(fd, "x", 1) != 1)
			break;
	return fd;
}

/* What follows in braces runs in a child without privilege, which then ends. */
#define AS_NOBODY                                                                        \
	for (int once_ = (fflush(stdout), fork()) ? (wait(NULL), 0)                      \
						  : !(setgid(NOBODY) || setuid(NOBODY)); \
	     once_; fflush(stdout), _exit(0))

extern const struct call __start_calls[], __stop_calls[];

int main(void)
{
	const struct call *c;

	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	signal(SIGPIPE, SIG_IGN);
	for (c = __start_calls; c < __stop_calls; c++) {
		printf("%s\n", c->name);
		c->run();
		fflush(stdout);
	}
	return 0;
}
