/* SPDX-License-Identifier: MIT */
/* lwIP includes <string.h>; what it needs of it is in <arch/cc.h>. */
#pragma once
#include <arch/cc.h>
