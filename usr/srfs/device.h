/* SPDX-License-Identifier: MIT */
/*
 * A volume in a file or a device of Linux, for the tools: the module of fs/srfs/ runs on it as
 * it does in the file service.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <srfs.h>

extern const char *tool; /* its name, before messages */

/* The device of a path; ends the tool with a message and status 8 where it cannot be opened. */
struct srfs_dev device_open(const char *path, bool write);
void device_close(struct srfs_dev *dev);
/* Print "TOOL: error: ..." and end with this status. */
void die(int status, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));
const char *error_text(int err); /* of a W_E code */
