# SPDX-License-Identifier: MIT
# From sources to wherry.elf, boot.flatfs and wherry.img.

cc-include := $(shell $(CC) -print-file-name=include)
include $(srctree)/scripts/flags.mk

build = $(MAKE) -f $(srctree)/scripts/build.mk obj=$(2) class=$(1)
gen-abi := include/generated/wherry/calls.h include/generated/wherry/errors.h \
	include/generated/wherry/stubs.h include/generated/wherry/ops.h \
	include/generated/kernel/protos.h gen/dispatch.c
# What a pattern rule made on the way to something else is kept.
.SECONDARY:

host-tools := host/fixdep host/widc

# ---- host tools ----
quiet_cmd_hostcc = HOSTCC  $@
cmd_hostcc = $(HOSTCC) -D_GNU_SOURCE -Wall -Wextra -O1 -I$(srctree)/lib/include -I$(srctree)/abi/include -Iinclude/generated -o $@ $(filter %.c,$^)
host/fixdep: $(srctree)/scripts/fixdep.c FORCE
	$(call if_changed,hostcc)
widc-src := $(srctree)/scripts/widc
quiet_cmd_widc = HOSTCC  $@
cmd_widc = bison -Wno-yacc --defines=host/parse.h -o host/parse.c $(widc-src)/parse.y && \
	flex -o host/lex.c $(widc-src)/lex.l && \
	$(HOSTCC) -D_GNU_SOURCE -O1 -Wall -Ihost -I$(widc-src) -o $@ host/parse.c host/lex.c $(widc-src)/main.c
host/widc: $(widc-src)/parse.y $(widc-src)/lex.l $(widc-src)/main.c $(widc-src)/wid.h FORCE
	$(call if_changed,widc)

# ---- tools for disks, of the very sources of the file systems ----
srfs-core := $(filter-out %/vfs.c,$(wildcard $(srctree)/fs/srfs/*.c)) $(srctree)/lib/crc32.c
quiet_cmd_hosttool = HOSTCC  $@
cmd_hosttool = $(HOSTCC) -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wno-missing-field-initializers -O2 -I$(srctree)/fs/srfs -I$(srctree)/fs/flatfs -I$(srctree)/lib/include -I$(srctree)/abi/include \
	-I$(srctree)/rt/include -Iinclude/generated -include $(srctree)/abi/include/wherry/config.h -o $@ $(filter %.c,$^)
host/mksrfs: $(srctree)/usr/srfs/mksrfs.c
host/fsck.srfs: $(srctree)/usr/srfs/fsck.c
host/srfsdump: $(srctree)/usr/srfs/dump.c $(srctree)/usr/srfs/extract.c $(srctree)/usr/srfs/extract.h
srfs-tools := host/mksrfs host/fsck.srfs host/srfsdump
$(srfs-tools): $(srctree)/usr/srfs/device.c $(srctree)/usr/srfs/device.h $(srfs-core) $(wildcard $(srctree)/fs/srfs/*.h) FORCE | prepare
	$(call if_changed,hosttool)
host/mkflatfs: $(wildcard $(srctree)/usr/flatfs/*.[ch]) $(srctree)/fs/flatfs/tree.c $(srctree)/fs/flatfs/tree.h $(srctree)/lib/flatfs.c $(srctree)/lib/flatmeta.c \
	$(wildcard $(srctree)/lib/include/lib/flat*.h) FORCE | prepare
	$(call if_changed,hosttool)
.PHONY: tools
tools: prepare $(srfs-tools) host/mkflatfs
	@echo "made $(objtree)/host/: mksrfs fsck.srfs srfsdump mkflatfs"

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

# A sub-make makes these; the empty recipe makes make look at their times again.
# ---- the kernel ----
kernel-a := k/kernel/built-in.a k/arch/x86/built-in.a k/lib/built-in.a
.PHONY: build-kernel
build-kernel: prepare
	+$(Q)$(call build,k,arch/x86)
	+$(Q)$(call build,k,kernel)
	+$(Q)$(call build,k,lib)

quiet_cmd_cck = CC      $@
cmd_cck = $(CC) $(FLAGS_k) -Wno-unused-variable -MD -MF $(dot-target).d -c -o $@ $<
k/dispatch.o: gen/dispatch.c FORCE | prepare
	$(call if_changed_dep,cck)

quiet_cmd_ldk = LD      $@
cmd_ldk = LTO_FLAGS="$(if $(LTO),$(filter -O% -f% -m%,$(FLAGS_k)))" sh $(srctree)/scripts/link-kernel $@ $(srctree)/arch/x86/kernel.lds k/dispatch.o $(kernel-a)
$(kernel-a): build-kernel
	@:
wherry.elf: $(srctree)/arch/x86/kernel.lds $(srctree)/scripts/link-kernel k/dispatch.o $(kernel-a) FORCE
	$(call if_changed,ldk)



# ---- lwIP: Debian's source, unpacked into the output directory ----
WHERRY_CACHE ?= $(HOME)/.cache/wherry
lwip-tar := $(WHERRY_CACHE)/lwip_2.1.3+dfsg1.orig.tar.xz
lwip/.unpacked:
	@[ -f "$(lwip-tar)" ] || { echo "error: lwIP's source is not in $(WHERRY_CACHE); run 'make deps'" >&2; exit 1; }
	@echo '  UNPACK  lwip'; rm -rf lwip; mkdir -p lwip && tar -xJf "$(lwip-tar)" -C lwip --strip-components=1 && touch $@
lwip-src := $(addprefix lwip/src/core/,def.c inet_chksum.c init.c ip.c mem.c memp.c netif.c pbuf.c raw.c tcp.c tcp_in.c tcp_out.c timeouts.c udp.c stats.c) \
	$(addprefix lwip/src/core/ipv4/,dhcp.c etharp.c icmp.c ip4.c ip4_addr.c ip4_frag.c acd.c autoip.c) lwip/src/netif/ethernet.c
lwip-src := $(filter-out %/acd.c %/autoip.c,$(lwip-src))
lwip-obj := $(lwip-src:lwip/src/%.c=u/lwip/%.o)
FLAGS_lwip := $(filter-out -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -Wvla,$(FLAGS_u)) -w -O3 \
	-Ilwip/src/include -I$(srctree)/net/lwip/include -I$(srctree)/net/lwip/include/compat
quiet_cmd_lwip = CC      $@
cmd_lwip = $(CC) $(FLAGS_lwip) -MD -MF $(dot-target).d -c -o $@ $<
$(lwip-src): lwip/.unpacked ;
$(lwip-obj): u/lwip/%.o: lwip/src/%.c FORCE | prepare
	$(call if_changed_dep,lwip)

# ---- native servers: modules by home ----
# module: name, directory of its objects
mod-y := console fs unix
mod-$(CONFIG_NET) += net
mod-$(CONFIG_VIRTIO_NET) += vnet
mod-$(CONFIG_VIRTIO_BLK) += vblk
ifdef CONFIG_PLACE_MANY
mod-$(CONFIG_VIRTIO_NET) += netexp netimp
endif
dir-netexp := drivers/netexp
dir-netimp := drivers/netimp
dir-console := drivers/char
dir-fs := fs
dir-unix := net/unix
dir-net := net
dir-vnet := drivers/net
dir-vblk := drivers/block
user-dirs := lib rt $(if $(CONFIG_GUEST_TESTS),tests/guest) drivers/virtio usr/init usr/procd usr/sysio $(foreach m,$(mod-y),$(dir-$(m)))

.PHONY: build-user
build-user: prepare lwip/.unpacked gen/callnames.h gen/config_text.h
	+$(Q)set -e; for d in $(user-dirs); do $(MAKE) -f $(srctree)/scripts/build.mk obj=$$d class=u; done

gen/callnames.h: $(abi)/errors.wid $(abi)/kernel.wid host/widc FORCE
	$(call if_changed,wid)
gen/callnames.h: mode = names
gen/config_text.h: .config
	@mkdir -p gen; od -An -v -tx1 .config | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g' > $@.tmp; cmp -s $@.tmp $@ || mv $@.tmp $@

# Which modules live in which process.
ifdef CONFIG_PLACE_ONE
homes := sysio
home-sysio := console $(filter vblk,$(mod-y)) fs unix $(filter vnet,$(mod-y)) $(filter net,$(mod-y))
else
homes := console fs unix $(if $(CONFIG_NET),netd) $(if $(CONFIG_VIRTIO_NET),netdrv)
home-netdrv := $(filter vnet,$(mod-y)) $(filter netexp,$(mod-y))
home-console := console
home-fs := $(filter vblk,$(mod-y)) fs
home-unix := unix
home-netd := $(filter netimp,$(mod-y)) $(filter net,$(mod-y))
endif
servers := $(addprefix u/,$(addsuffix .elf,init procd $(homes) $(if $(CONFIG_GUEST_TESTS),guest-tests)))

u-lib := u/lib/built-in.a
u-rt := u/rt/built-in.a
user-a := $(foreach d,$(user-dirs),u/$(d)/built-in.a)
$(user-a): build-user
	@:

# A module exports its struct module and nothing else.
quiet_cmd_mod = MOD     $@
mod-objs = u/$(dir-$*)/built-in.a --no-whole-archive $(if $(filter net,$*),$(lwip-obj))
cmd_mod = $(if $(LTO),$(CC) -r -nostdlib $(filter -O% -f% -m%,$(FLAGS_u)) -flinker-output=nolto-rel -Wl$(comma)--whole-archive $(subst --no,-Wl$(comma)--no,$(mod-objs)),ld -r --whole-archive $(mod-objs)) -o $@.tmp && \
	objcopy --keep-global-symbol=$*_module $@.tmp $@ && rm -f $@.tmp
u/mod-net.o: $(lwip-obj)
$(foreach m,$(mod-y),$(eval u/mod-$(m).o: u/$(dir-$(m))/built-in.a))
u/mod-%.o: FORCE
	$(call if_changed,mod)

gen/proc_%.c: .config $(srctree)/scripts/image.mk
	@mkdir -p gen; { echo '/* Generated: the modules of $*, in order of start. */'; echo '#include <rt/module.h>'; \
	for m in $(home-$*); do echo "extern const struct module $${m}_module;"; done; \
	echo 'const struct module *const modules[] = {'; for m in $(home-$*); do echo "	&$${m}_module,"; done; echo '	NULL,'; echo '};'; } > $@
quiet_cmd_ccu = CC      $@
cmd_ccu = $(CC) $(FLAGS_u) -MD -MF $(dot-target).d -c -o $@ $<
u/proc_%.o: gen/proc_%.c FORCE | prepare
	$(call if_changed_dep,ccu)

cmd_ldu = ld -nostdlib -z max-page-size=4096 --build-id=none --gc-sections -T $(srctree)/rt/user.lds -o $@ $(filter %.o,$^) \
	--start-group $(filter %.a,$^) --end-group
quiet_cmd_ldu = LD      $@
u/init.elf: u/rt/built-in.a u/usr/init/built-in.a $(u-lib) $(srctree)/rt/user.lds FORCE
	$(call if_changed,ldu)
u/procd.elf: u/rt/built-in.a u/usr/procd/built-in.a $(u-lib) $(srctree)/rt/user.lds FORCE
	$(call if_changed,ldu)
u/guest-tests.elf: u/rt/built-in.a u/tests/guest/built-in.a $(u-lib) $(srctree)/rt/user.lds FORCE
	$(call if_changed,ldg)
quiet_cmd_ldg = LD      $@
cmd_ldg = ld -nostdlib -z max-page-size=4096 --build-id=none -T $(srctree)/rt/user.lds -o $@ --whole-archive u/tests/guest/built-in.a --no-whole-archive --start-group u/rt/built-in.a $(u-lib) --end-group
define home_rule
u/$(1).elf: u/proc_$(1).o $(foreach m,$(home-$(1)),u/mod-$(m).o) u/usr/sysio/built-in.a u/rt/built-in.a u/drivers/virtio/built-in.a $(u-lib) $(srctree)/rt/user.lds FORCE
	$$(call if_changed,ldu)
endef
$(foreach h,$(homes),$(eval $(call home_rule,$(h))))

# ---- the personality ----
gen/lxtable.h: $(abi)/linux.tbl
	@mkdir -p gen; awk '!/^#/ && NF { print (sub(/\+$$/, "", $$3) ? "XFRAME(" : "X(") $$1 ", " $$2 ", " $$3 ", \"" $$4 "\")" }' $< > $@
.PHONY: build-personality
build-personality: prepare gen/lxtable.h gen/lxprotos.h
	+$(Q)$(call build,p,compat/linux)
	+$(Q)$(call build,p,lib)
gen/lxprotos.h: $(abi)/linux.tbl
	@mkdir -p gen; awk '!/^#/ && NF && !seen[$$3]++ { print (sub(/\+$$/, "", $$3) ? "LX_FRAME(" : "LX(") $$3 ");" }' $< > $@
p/compat/linux/built-in.a p/lib/built-in.a: build-personality
	@:
quiet_cmd_ldp = LD      $@
cmd_ldp = ld -nostdlib --no-warn-rwx-segments -z max-page-size=4096 --build-id=none -T $(srctree)/compat/linux/personality.lds -o $@.elf \
	--whole-archive p/compat/linux/built-in.a --no-whole-archive p/lib/built-in.a && objcopy -O binary $@.elf $@
p/personality: p/compat/linux/built-in.a p/lib/built-in.a $(srctree)/compat/linux/personality.lds FORCE
	$(call if_changed,ldp)

# ---- the vDSO ----
quiet_cmd_vdso = VDSO    $@
cmd_vdso = $(CC) -std=gnu11 -Wall -Wextra -Werror -nostdinc -isystem $(cc-include) -I$(srctree)/abi/include -Iinclude/generated -O2 -fPIC -ffreestanding -fno-stack-protector -fno-asynchronous-unwind-tables \
	-mgeneral-regs-only -nostdlib -shared -Wl,-soname,linux-vdso.so.1 -Wl,--hash-style=sysv -Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,-T,$(srctree)/compat/vdso/vdso.lds \
	-MD -MF $(dot-target).d -o $@ $(filter %.c,$^) && strip --strip-debug $@
p/vdso.so: $(srctree)/compat/vdso/vdso.c $(srctree)/compat/vdso/vdso.lds FORCE | prepare
	$(call if_changed_dep,vdso)

# ---- our own Linux programs ----
quiet_cmd_musl = MUSL    $@
musl_flags = -static -std=gnu11 -I$(srctree)/abi/include -Iinclude/generated -O2 -g -Wall -Wextra -Werror -pthread -ffile-prefix-map=$(srctree)/=
cmd_musl = musl-gcc $(musl_flags) -o $@ $(filter %.c,$^)
quiet_cmd_direct = DIRECT  $@
cmd_direct = $(srctree)/scripts/wherry-cc $(musl_flags) -o $@ $(filter-out $(srctree)/usr/direct/%,$(filter %.c,$^))
p/strace: $(srctree)/usr/strace/strace.c $(abi)/include/wherry/proc.h FORCE | prepare
	$(call if_changed,musl)
p/httpd: $(wildcard $(srctree)/usr/httpd/*.c) $(wildcard $(srctree)/usr/httpd/*.h) $(srctree)/scripts/wherry-cc $(srctree)/usr/direct/direct.c FORCE | prepare
	$(call if_changed,direct)
quiet_cmd_strip = STRIP   $@
cmd_strip = strip -o $@ $<
p/%.stripped: p/% FORCE
	$(call if_changed,strip)
u/%.stripped: u/%.elf FORCE
	$(call if_changed,strip)

# ---- Debian packages ----
quiet_cmd_packages = PKG     $@
cmd_packages = python3 $(srctree)/scripts/packages image packages && touch $@
packages/.done: .config $(srctree)/scripts/packages $(srctree)/usr/packages/rules $(shell find $(srctree)/usr/packages/files -type f) FORCE
	$(call if_changed,packages)

# ---- the boot archive ----
programs-$(CONFIG_HTTPD) += p/httpd.stripped
programs-$(CONFIG_STRACE) += p/strace.stripped
image-in := $(servers:.elf=.stripped) p/personality p/vdso.so $(programs-y)
quiet_cmd_archive = ARCHIVE $@
cmd_archive = sh $(srctree)/scripts/rootfs image.list $(homes) && host/mkflatfs pack $@ image.list
rootfs-src := $(shell find $(srctree)/usr/rootfs $(CONFIG_ROOTFS_OVERLAY) -type f 2>/dev/null)
boot.flatfs: $(image-in) host/mkflatfs packages/.done .config $(srctree)/scripts/rootfs $(rootfs-src) FORCE
	$(call if_changed,archive)

# ---- the disk ----
quiet_cmd_nasm = NASM    $@
cmd_nasm = nasm -f bin -o $@ $<
k/stage%.bin: $(srctree)/arch/x86/boot/mbr/stage%.asm FORCE
	$(call if_changed,nasm)
host/mkdisk: $(srctree)/scripts/mkdisk.c FORCE
	$(call if_changed,hostcc)
quiet_cmd_kstrip = STRIP   $@
cmd_kstrip = strip --strip-debug -o $@ $<
k/wherry.stripped: wherry.elf FORCE
	$(call if_changed,kstrip)
quiet_cmd_disk = DISK    $@
cmd_disk = host/mkdisk $@ k/stage1.bin k/stage2.bin k/wherry.stripped boot.flatfs $(if $(CONFIG_ROOT_SRFS),$(CONFIG_SRFS_SIZE),0)
wherry.img: host/mkdisk k/stage1.bin k/stage2.bin k/wherry.stripped boot.flatfs FORCE
	$(call if_changed,disk)

.PHONY: image
image: wherry.elf boot.flatfs $(if $(CONFIG_BOOT_MBR),wherry.img)
	@sh $(srctree)/scripts/sizes wherry.elf boot.flatfs $(if $(CONFIG_BOOT_MBR),wherry.img)

-include $(foreach o,host/fixdep host/mkflatfs host/widc $(srfs-tools) k/dispatch.o wherry.elf $(gen-abi) gen/callnames.h $(lwip-obj) $(foreach m,$(mod-y),u/mod-$(m).o) $(foreach h,$(homes),u/proc_$(h).o) $(servers) $(servers:.elf=.stripped) p/personality p/vdso.so p/httpd p/httpd.stripped p/strace p/strace.stripped packages/.done boot.flatfs wherry.img k/stage1.bin k/stage2.bin k/wherry.stripped host/mkdisk,$(dir $(o)).$(notdir $(o)).cmd)

# ---- every header compiles alone ----
headers-k := kernel/include/kernel/*.h arch/x86/include/arch/*.h lib/include/lib/*.h abi/include/wherry/*.h
headers-u := rt/include/rt/*.h drivers/*/*.h fs/include/fs/*.h fs/*/*.h net/*.h usr/procd/*.h
headers-p := compat/linux/*.h
.PHONY: headercheck
headercheck: prepare lwip/.unpacked gen/lxprotos.h
	$(Q)bad=0; $(foreach c,k u p,for h in $(foreach h,$(headers-$(c)),$(patsubst $(srctree)/%,%,$(wildcard $(srctree)/$(h)))); do \
		echo "#include \"$$h\"" | $(CC) $(FLAGS_$(c)) -I. -I$(srctree) -I$(srctree)/drivers -I$(srctree)/fs/include -Ilwip/src/include -I$(srctree)/net/lwip/include \
		-fsyntax-only -x c - || { echo "error: $$h does not compile alone" >&2; bad=1; }; done;) exit $$bad

# ---- reference pages, from the interfaces themselves ----
.PHONY: ref
ref: prepare
	@mkdir -p ref; { echo '# Native calls and services'; echo; host/widc manual $(abi)/errors.wid $(abi)/kernel.wid $(abi)/services.wid; } > ref/calls.md
	@{ echo '# Linux calls'; echo; echo '| nr | call | state | note |'; echo '| --- | --- | --- | --- |'; \
	awk '!/^\#/ && NF { n = ""; for (i = 6; i <= NF; i++) n = n " " $$i; print "| " $$1 " | " $$2 " | " $$5 " |" n " |" }' $(abi)/linux.tbl; } > ref/linux.md
	@echo "wrote $(objtree)/ref/"

# ---- running ----
BOOT ?= pvh
MACHINE ?= q35
SMP ?= 1
MEM ?= 128M
PORT ?= 8080
FRESH ?=
.PHONY: run debug size
run: image
	@BOOT=$(BOOT) MACHINE=$(MACHINE) SMP=$(SMP) MEM=$(MEM) PORT=$(PORT) FRESH=$(FRESH) sh $(srctree)/scripts/run
debug: image
	@BOOT=$(BOOT) MACHINE=$(MACHINE) SMP=$(SMP) MEM=$(MEM) PORT=$(PORT) FRESH=$(FRESH) sh $(srctree)/scripts/run --debug
size: image
	@sh $(srctree)/scripts/size
compile_commands.json: image
	@python3 $(srctree)/scripts/compile_commands.py > $@ && echo "wrote $(objtree)/$@"
