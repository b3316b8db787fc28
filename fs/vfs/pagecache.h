/* SPDX-License-Identifier: MIT */
/*
 * Pages of files that lie on a medium: filled when they are wanted, some more when reading goes
 * on and on, and written back by age, by number, and when somebody waits for it.
 *
 *	PC1  a page is dirty only if it is present.
 *	PC2  pages are filled, written back and dropped under the file's lock (inode.h).
 *	PC3  a file with dirty pages is in the list of those, and counts as a user of its inode.
 *
 * Programs that map a file see the same memory object.  It is whole while it is lent or mapped;
 * a file that programs may write by mapping is written back whole, since only they know
 * where.
 */
#pragma once

#include <fs/file_system.h>

void pagecache_init(void);
/* Drop clean pages until want are gone or there are none; how many it were. */
uint64_t pagecache_reclaim(uint64_t want);
/* Nobody will read it: what is dirty need not be written.  The reference of PC3 is the caller's. */
void pagecache_forsake(struct inode *inode);
/* What could not be written of sb is given up. */
void pagecache_forget(struct super_block *sb);
uint64_t pagecache_pages(void);
struct inode *pagecache_by_koid(uint64_t mem); /* whose memory object it is; counts; or NULL */
