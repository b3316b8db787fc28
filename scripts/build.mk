# SPDX-License-Identifier: MIT
# Build one directory for one class: make -f build.mk obj=DIR class=k
# Kbuild there sets obj-y (objects and, with a slash, subdirectories).

.DELETE_ON_ERROR:
MAKEFLAGS += -rR --no-print-directory
include include/config/make.conf
include $(srctree)/scripts/lib.mk
cc-include := $(shell $(CC) -print-file-name=include)
include $(srctree)/scripts/flags.mk

src := $(srctree)/$(obj)
out := $(class)/$(obj)
obj-y :=
deps-y :=
ccflags-y :=
include $(src)/Kbuild

subdirs := $(patsubst %/,%,$(filter %/,$(obj-y)))
objs := $(addprefix $(out)/,$(filter-out %/,$(obj-y)))
subs := $(foreach d,$(subdirs),$(out)/$(d)/built-in.a)
CFLAGS_ALL = $(FLAGS_$(class)) $(addprefix -I$(srctree)/,$(deps-y)) $(ccflags-y)

.PHONY: all FORCE
all: $(out)/built-in.a
FORCE:

quiet_cmd_cc = CC      $@
cmd_cc = $(CC) $(CFLAGS_ALL) -MD -MF $(dot-target).d -c -o $@ $<
quiet_cmd_ar = AR      $@
cmd_ar = rm -f $@; ar cDPrsT $@ $(objs) $(subs)

$(filter %.o,$(objs)): $(out)/%.o: FORCE

define rule
$(1): $(2) FORCE
	$$(call if_changed_dep,cc)
endef
$(foreach o,$(objs),$(eval $(call rule,$(o),$(firstword $(wildcard $(patsubst $(out)/%.o,$(src)/%.c,$(o)) $(patsubst $(out)/%.o,$(src)/%.S,$(o)))))))

# As in image.mk: the empty recipe makes make look at their times again.
.PHONY: $(addprefix build-,$(subdirs))
$(addprefix build-,$(subdirs)): build-%:
	+@$(MAKE) -f $(srctree)/scripts/build.mk obj=$(obj)/$* class=$(class)
$(subs): $(out)/%/built-in.a: build-%
	@:

$(out)/built-in.a: $(objs) $(subs) FORCE
	$(call if_changed,ar)

-include $(foreach o,$(objs) $(out)/built-in.a,$(dir $(o)).$(notdir $(o)).cmd)
