/* SPDX-License-Identifier: MIT */
/* Nodes in /dev for the disks and partitions there are: they come and go with them. */
#pragma once

#include "request.h"

void devices_start(struct view *view); /* in a fiber */
