// SPDX-License-Identifier: MIT
#include "content.h"

const struct content_ops pagecache_ops;
