/* SPDX-License-Identifier: MIT */
/* Structures of the fs service (abi/services.wid). */
#pragma once

#include <wherry/types.h>

struct fs_stat {
	uint64_t ino, size, blocks;
	uint32_t mode, nlink, uid, gid;
	uint64_t atime, mtime, ctime; /* ns since 1970 */
	uint64_t rdev, dev;
};

struct fs_dirent { /* 8-aligned; the name follows, NUL-terminated */
	uint64_t ino;
	uint64_t next; /* cookie of the entry after this one */
	uint16_t len;  /* of this record */
	uint8_t type;  /* DT_* */
	char name[];
};

struct fs_statfs {
	uint64_t type, block, blocks, free, files, ffree;
};

/*
 * Leases (fs/vfs/lease.h).  An answer about a path names the counters that tell when it stops
 * being true: in trail[0] from the lowest bits FS_TRAIL_WORD numbers of FS_TRAIL_BITS each,
 * and above FS_TRAIL_COUNT_SHIFT how many there are (0: no lease); the rest in trail[1].
 */
#define FS_COUNTERS 1024u
#define FS_TRAIL_BITS 10
#define FS_TRAIL_WORD 6
#define FS_TRAIL 12
#define FS_TRAIL_COUNT_SHIFT 60

/*
 * What is mounted, as /proc/self/mountinfo has it (proc(5)): memory that the file service writes
 * and procd reads (FS_WHO).  turn is odd while it is being written.
 */
#define FS_MOUNTS_BYTES 16384u
struct fs_mounts {
	uint32_t turn, len;
	char text[FS_MOUNTS_BYTES - 8];
};

/* The page where a process parks files that it has closed (FS_PARKING). */
#define FS_PARKING_SLOTS 64
enum { FS_OPEN_SLOT = 1, FS_PARKED, FS_REVOKED };
struct fs_parking {
	uint32_t state[FS_PARKING_SLOTS];  /* 0: no file; slot 0 is none */
	uint32_t opened[FS_PARKING_SLOTS]; /* grows each time the file is taken back */
};

enum {
	FS_SET_MODE = 1,
	FS_SET_UID = 2,
	FS_SET_GID = 4,
	FS_SET_ATIME = 8,
	FS_SET_MTIME = 16,
	FS_SET_NOW = 32,	/* the times are now: needs less permission */
	FS_SET_NOFOLLOW = 0x100 /* of the symbolic link itself */
};
#define FS_OWN_OFFSET (~0ull)

/* Open flags: Linux's numbers (include/uapi/asm-generic/fcntl.h). */
#define FS_O_ACCMODE 3u
#define FS_O_WRONLY 1u
#define FS_O_RDWR 2u
#define FS_O_CREAT 0100u
#define FS_O_EXCL 0200u
#define FS_O_NOCTTY 0400u
#define FS_O_TRUNC 01000u
#define FS_O_APPEND 02000u
#define FS_O_NONBLOCK 04000u
#define FS_O_DSYNC 010000u
#define FS_O_SYNC 04000000u /* Linux's O_SYNC is both */
#define FS_O_DIRECTORY 0200000u
#define FS_O_NOFOLLOW 0400000u
#define FS_O_PATH 010000000u

#define FS_S_IFMT 0170000u
#define FS_S_IFDIR 0040000u
#define FS_S_IFREG 0100000u
#define FS_S_IFLNK 0120000u
#define FS_S_IFCHR 0020000u
#define FS_S_IFIFO 0010000u
#define FS_S_IFSOCK 0140000u
#define FS_S_IFBLK 0060000u

/* Status of a call on a terminal by a background process that job control stops: the
 * caller's personality sends SIGTTIN or SIGTTOU to its group, or fails with EIO. */
#define FS_BACKGROUND (-600)
