# SPDX-License-Identifier: MIT
# Compiler flags by class of code: k kernel, u native servers, p personality.

WARN := -Wall -Wextra -Werror -Wno-missing-field-initializers -Wmissing-prototypes -Wstrict-prototypes -Wvla
COMMON := -std=gnu11 $(WARN) -O2 -g -ffreestanding -fno-stack-protector -fno-common \
	-fno-strict-aliasing -fno-asynchronous-unwind-tables -fcf-protection=none \
	-mgeneral-regs-only -mno-red-zone -ffile-prefix-map=$(srctree)/= -fdebug-prefix-map=$(objtree)=. \
	-nostdinc -isystem $(cc-include) \
	-I$(srctree)/abi/include -Iinclude/generated -I$(srctree)/lib/include \
	-include $(srctree)/abi/include/wherry/config.h
ifneq ($(findstring clang,$(CC)),)
COMMON += -Wthread-safety -Wno-unused-command-line-argument
endif
# Across source files (CONFIG_LTO, gcc): the kernel as one, servers a module at a time.
LTO := $(if $(CONFIG_LTO),$(if $(findstring clang,$(CC)),,-flto=auto))
FLAGS_k := $(COMMON) $(LTO) -mcmodel=kernel -fno-pie -fno-omit-frame-pointer \
	-I$(srctree)/kernel/include -I$(srctree)/arch/x86/include
FLAGS_u := $(COMMON) $(if $(LTO),$(LTO) -ffat-lto-objects) -fno-pie -I$(srctree)/rt/include
FLAGS_p := $(COMMON) -fPIE -fvisibility=hidden -I$(srctree)/rt/include
