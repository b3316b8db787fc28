# SPDX-License-Identifier: MIT
# From sources to wherry.elf, boot.flatfs and wherry.img.

cc-include := $(shell $(CC) -print-file-name=include)
include $(srctree)/scripts/flags.mk

build = $(MAKE) -f $(srctree)/scripts/build.mk obj=$(2) class=$(1)
gen-abi := include/generated/wherry/calls.h include/generated/wherry/errors.h \
	include/generated/wherry/stubs.h include/generated/wherry/ops.h \
	include/generated/kernel/protos.h gen/dispatch.c
host-tools := host/fixdep host/widc host/mkflatfs

# ---- host tools ----
quiet_cmd_hostcc = HOSTCC  $@
cmd_hostcc = $(HOSTCC) -D_GNU_SOURCE -Wall -Wextra -O1 -I$(srctree)/lib/include -I$(srctree)/abi/include -Iinclude/generated -o $@ $(filter %.c,$^)
host/fixdep: $(srctree)/scripts/fixdep.c FORCE
	$(call if_changed,hostcc)
host/mkflatfs: $(srctree)/scripts/mkflatfs.c FORCE
	$(call if_changed,hostcc)
widc-src := $(srctree)/scripts/widc
quiet_cmd_widc = HOSTCC  $@
cmd_widc = bison -Wno-yacc --defines=host/parse.h -o host/parse.c $(widc-src)/parse.y && \
	flex -o host/lex.c $(widc-src)/lex.l && \
	$(HOSTCC) -D_GNU_SOURCE -O1 -Wall -Ihost -I$(widc-src) -o $@ host/parse.c host/lex.c $(widc-src)/main.c
host/widc: $(widc-src)/parse.y $(widc-src)/lex.l $(widc-src)/main.c $(widc-src)/wid.h FORCE
	$(call if_changed,widc)

# ---- interfaces ----
abi := $(srctree)/abi
quiet_cmd_wid = WIDC    $@
cmd_wid = host/widc $(mode) $(filter %.wid,$^) > $@.tmp && mv $@.tmp $@
include/generated/wherry/calls.h: mode = numbers
include/generated/wherry/errors.h: mode = errors
include/generated/wherry/stubs.h: mode = stubs
include/generated/wherry/ops.h: mode = ops
include/generated/kernel/protos.h: mode = protos
gen/dispatch.c: mode = dispatch
$(filter-out %/ops.h,$(gen-abi)): $(abi)/errors.wid $(abi)/kernel.wid host/widc FORCE
	$(call if_changed,wid)
include/generated/wherry/ops.h: $(abi)/services.wid host/widc FORCE
	$(call if_changed,wid)

.PHONY: prepare
prepare: $(host-tools) $(gen-abi)

# ---- the kernel ----
kernel-a := k/kernel/built-in.a k/arch/x86/built-in.a k/lib/built-in.a
.PHONY: build-kernel
build-kernel: prepare
	+$(Q)$(call build,k,arch/x86)
	+$(Q)$(call build,k,kernel)
	+$(Q)$(call build,k,lib)

quiet_cmd_cck = CC      $@
cmd_cck = $(CC) $(FLAGS_k) -Wno-unused-variable -MD -MF $(dot-target).d -c -o $@ $<
k/dispatch.o: gen/dispatch.c FORCE
	$(call if_changed_dep,cck)

quiet_cmd_ldk = LD      $@
cmd_ldk = sh $(srctree)/scripts/link-kernel $@ $(srctree)/arch/x86/kernel.lds k/dispatch.o $(kernel-a)
$(kernel-a): build-kernel
wherry.elf: $(srctree)/arch/x86/kernel.lds $(srctree)/scripts/link-kernel k/dispatch.o $(kernel-a) FORCE
	$(call if_changed,ldk)
k/dispatch.o: prepare

-include $(foreach o,host/fixdep host/mkflatfs host/widc k/dispatch.o wherry.elf $(gen-abi),$(dir $(o)).$(notdir $(o)).cmd)
