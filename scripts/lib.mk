# SPDX-License-Identifier: MIT
# The one rule shape: run a command when a prerequisite is newer, the target is
# missing, or the command itself changed.  The command is recorded only after it
# succeeded, so a failed compile is tried again.

squote := '
empty :=
space := $(empty) $(empty)
comma := ,
pound := \#
escsq = $(subst $(squote),'\$(squote)',$1)

dot-target = $(dir $@).$(notdir $@)
make-cmd = $(call escsq,$(subst $(pound),$$(pound),$(subst $$,$$$$,$(cmd_$(1)))))

arg-check = $(filter-out $(subst $(space),~,$(strip $(cmd_$@))),$(subst $(space),~,$(strip $(cmd_$(1)))))$(filter-out $(subst $(space),~,$(strip $(cmd_$(1)))),$(subst $(space),~,$(strip $(cmd_$@))))
newer-prereqs = $(filter-out FORCE,$?)
why = $(if $(filter 2,$(V)),echo '  [$@: $(if $(wildcard $@),$(if $(newer-prereqs),newer $(firstword $(newer-prereqs)),the command changed),missing)]';)

if_changed = $(if $(newer-prereqs)$(arg-check)$(if $(wildcard $@),,x), \
	@set -e; mkdir -p $(dir $@); $(why) $(if $(quiet),echo '  $(quiet_cmd_$(1))';,echo '$(call escsq,$(cmd_$(1)))';) \
	{ $(cmd_$(1)); } || exit 1; printf '%s\n' 'cmd_$@ := $(make-cmd)' > $(dot-target).cmd,@:)

if_changed_dep = $(if $(newer-prereqs)$(arg-check)$(if $(wildcard $@),,x), \
	@set -e; mkdir -p $(dir $@); $(why) $(if $(quiet),echo '  $(quiet_cmd_$(1))';,echo '$(call escsq,$(cmd_$(1)))';) \
	{ $(cmd_$(1)); } || exit 1; host/fixdep $(dot-target).d $@ > $(dot-target).cmd.tmp; \
	printf '%s\n' 'cmd_$@ := $(make-cmd)' >> $(dot-target).cmd.tmp; \
	rm -f $(dot-target).d; mv $(dot-target).cmd.tmp $(dot-target).cmd,@:)
