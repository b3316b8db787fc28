/* SPDX-License-Identifier: MIT */
/* What the badge of a channel points to begins with its kind. */
#pragma once

enum channel_kind {
	CHANNEL_VIEW = 1, /* struct view (mount.h): takes paths */
	CHANNEL_FILE,	  /* struct file (file.h) */
	CHANNEL_WATCHER,  /* struct file without a path: inotify */
};
