/* SPDX-License-Identifier: MIT */
/* What every unit test includes: cmocka and the order its headers need. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
