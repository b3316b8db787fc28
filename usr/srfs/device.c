// SPDX-License-Identifier: MIT
#include "device.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLKGETSIZE64 _IOR(0x12, 114, size_t)

const char *tool;

void die(int status, const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "%s: error: ", tool);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(status);
}

const char *error_text(int err)
{
	return strerror(-err);
}

/* ---- what the module needs of its surroundings ---- */

void *rt_try_alloc(size_t n);
void rt_free(void *p);
struct srfs_lock *srfs_lock_new(void);
void srfs_lock_free(struct srfs_lock *l);
void srfs_lock(struct srfs *fs);
void srfs_unlock(struct srfs *fs);
void srfs_sleep(struct srfs *fs);
void srfs_wake(struct srfs *fs);
void srfs_broke(struct srfs *fs, int err);

void *rt_try_alloc(size_t n)
{
	return calloc(1, n ? n : 1);
}

void rt_free(void *p)
{
	free(p);
}

/* One thread: nobody waits. */
struct srfs_lock *srfs_lock_new(void)
{
	return malloc(1);
}

void srfs_lock_free(struct srfs_lock *l)
{
	free(l);
}

void srfs_lock(struct srfs *fs)
{
	(void)fs;
}

void srfs_unlock(struct srfs *fs)
{
	(void)fs;
}

void srfs_sleep(struct srfs *fs)
{
	(void)fs;
}

void srfs_broke(struct srfs *fs, int err)
{
	(void)fs;
	(void)err; /* the tool ends with it */
}

void srfs_wake(struct srfs *fs)
{
	(void)fs;
}

/* ---- the device ---- */

static int transfer(int fd, const struct srfs_io *io)
{
	size_t left = (size_t)io->count * SRFS_BLOCK;
	off_t at = (off_t)io->block * SRFS_BLOCK;
	char *buf = io->buf;
	ssize_t n;

	for (; left; left -= n, at += n, buf += n) {
		n = io->write ? pwrite(fd, buf, left, at) : pread(fd, buf, left, at);
		if (n <= 0)
			return -5; /* EIO */
	}
	return 0;
}

static int run(void *self, const struct srfs_io *io, uint32_t n)
{
	int err = 0;

	for (; n && !err; n--, io++)
		err = transfer((int)(intptr_t)self, io);
	return err;
}

static int flush(void *self)
{
	int fd = (int)(intptr_t)self;

	return fsync(fd) && fcntl(fd, F_GETFL) & O_ACCMODE ? -5 : 0;
}

struct srfs_dev device_open(const char *path, bool write)
{
	int fd = open(path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	uint64_t size = 0;
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		die(8, "%s: %m", path);
	size = st.st_size;
	if (S_ISBLK(st.st_mode) && ioctl(fd, BLKGETSIZE64, &size))
		die(8, "%s: %m", path);
	return (struct srfs_dev){(void *)(intptr_t)fd, size / SRFS_BLOCK, run, flush};
}

void device_close(struct srfs_dev *dev)
{
	close((int)(intptr_t)dev->self);
}
