/* SPDX-License-Identifier: MIT */
/* Counters that sys_info reports. */
#pragma once

#include <stdint.h>

extern uint64_t stat_switches, stat_entries, stat_irqs;
