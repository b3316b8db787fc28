/* SPDX-License-Identifier: MIT */
/* lwIP includes <stdlib.h>; what it needs of it is in <arch/cc.h>. */
#pragma once
#include <arch/cc.h>
