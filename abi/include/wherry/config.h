/* SPDX-License-Identifier: MIT */
/* The generated configuration, and IS_ENABLED() so that both arms compile. */
#pragma once

#include "autoconf.h"

#define CONFIG_COMMA_1 0,
#define CONFIG_SECOND(a, b, ...) b
#define CONFIG_IS_ONE_(x) CONFIG_SECOND(x 1, 0, 0)
#define CONFIG_IS_ONE(x) CONFIG_IS_ONE_(CONFIG_COMMA_##x)
/* 1 when the option is y, 0 when it is not set */
#define IS_ENABLED(option) CONFIG_IS_ONE_EXPAND(option)
#define CONFIG_IS_ONE_EXPAND(x) CONFIG_IS_ONE(x)
