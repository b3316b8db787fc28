# SPDX-License-Identifier: MIT
# Configuration targets, and the sync from .config to what make and C read.

export KCONFIG_CONFIG := $(CONFIG_FILE)
# Compiler facts, imported by Kconfig through `option env`.
export CC_VERSION_TEXT := $(shell $(CC) --version 2>/dev/null | head -n 1 | tr -d '"')

.PHONY: config menuconfig nconfig oldconfig olddefconfig savedefconfig alldefconfig allyesconfig \
	allnoconfig randconfig listnewconfig defconfig set explain lint

tty-check = [ -t 0 ] && [ -t 1 ] || { echo "error: '$@' needs a terminal on standard input and output; use 'make set X=value' in scripts" >&2; exit 1; }

menuconfig:
	@$(tty-check); $(KCONFIG_ENV) kconfig-mconf Kconfig
nconfig:
	@$(tty-check); $(KCONFIG_ENV) kconfig-nconf Kconfig
config:
	@$(KCONFIG_ENV) $(kconf) --oldaskconfig
oldconfig olddefconfig alldefconfig allyesconfig allnoconfig randconfig listnewconfig:
	@$(KCONFIG_ENV) $(kconf) --$@
savedefconfig:
	@$(KCONFIG_ENV) $(kconf) --savedefconfig=defconfig && echo "wrote $(objtree)/defconfig"

defconfig: default_defconfig
%_defconfig: host/kcheck FORCE
	@f=$(srctree)/configs/$@; [ -f $$f ] || { echo "error: there is no configs/$@; 'make help' lists them" >&2; exit 1; }; \
	$(KCONFIG_ENV) FRAGMENT_NAME=configs/$@ sh $(srctree)/scripts/merge $$f && echo "configuration: $@"

# make set X=value [Y=value ...]: any variable on the command line that is an option
set-vars := $(filter-out WHERRY_SUB srctree O V CC,$(foreach v,$(.VARIABLES),$(if $(filter command line,$(origin $(v))),$(v))))
set: host/kcheck
	@[ -n "$(set-vars)" ] || { echo "usage: make set OPTION=value ..." >&2; exit 1; }
	@rm -f .tmp_set; $(foreach v,$(set-vars),sh $(srctree)/scripts/setline $(patsubst CONFIG_%,%,$(v)) '$(call escsq,$(value $(v)))' >> .tmp_set;) \
	$(KCONFIG_ENV) FRAGMENT_NAME="make set" sh $(srctree)/scripts/merge --from .config .tmp_set; rc=$$?; rm -f .tmp_set; exit $$rc

X ?=
explain: host/kcheck
	@[ -n "$(X)" ] || { echo "usage: make explain X=OPTION" >&2; exit 1; }
	@$(KCONFIG_ENV) host/kcheck explain $(patsubst CONFIG_%,%,$(X)) Kconfig
lint: host/kcheck
	@$(KCONFIG_ENV) host/kcheck lint Kconfig && sh $(srctree)/scripts/lint-options && sh $(srctree)/scripts/layers && \
		sh $(srctree)/scripts/lint-calls

host/kcheck: $(srctree)/scripts/kcheck.c
	@mkdir -p host; $(HOSTCC) -O1 -w -o $@ $< -lkconfig-parser

# ---- sync ----
vpath %Kconfig $(srctree)
.config:
	@echo "error: no configuration in $(objtree); run 'make defconfig' or 'make menuconfig' first" >&2; exit 1
-include include/config/auto.conf.cmd
include/config/auto.conf: .config
	@$(KCONFIG_ENV) $(kconf) --silentoldconfig && touch $@
include/config/make.conf: include/config/auto.conf
	@sed -n -f $(srctree)/scripts/auto2sh.sed $< > include/config/auto.conf.sh
	@sed '/^CONFIG_/{s/\$$/$$$$/g;s/#/\\#/g}' $< > $@
