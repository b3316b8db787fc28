/* SPDX-License-Identifier: MIT */
/*
 * Block devices as files: one inode for each device, whatever nodes lead to it, so that all
 * who read and write it share its pages.
 */
#pragma once

#include <stdint.h>

struct inode;

struct inode *bdev_inode(uint32_t rdev); /* counts; NULL: no such device, or no memory */
void bdev_sync_all(void);
