# SPDX-License-Identifier: MIT
# Wherry.  `make help` lists the targets; Documentation/guide/build.md explains
# how this works.  Everything is built in $(O) (default: build/).

MAKEFLAGS += -rR --no-print-directory
.DELETE_ON_ERROR:
unexport CONFIG_
export LC_ALL := C.UTF-8

ifeq ($(WHERRY_SUB),)
# ---- first pass: go to the output directory ----
O ?= build
srctree := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
goals := $(or $(MAKECMDGOALS),image)

.PHONY: $(goals) sub-make
$(goals): sub-make
	@:

# Goals run one after the other, since `make defconfig image` changes what the
# second one has to read.
sub-make:
	@mkdir -p "$(O)"
	+@set -e; for g in $(goals); do \
		$(MAKE) -C "$(O)" -f "$(srctree)/Makefile" WHERRY_SUB=1 srctree="$(srctree)" $$g; \
	done
else
# ---- second pass: the current directory is the output directory ----
export srctree
objtree := $(CURDIR)
ifeq ($(objtree),$(srctree))
$(error the output directory must not be the source tree; use O=dir)
endif
export objtree

ifeq ($(V),)
quiet := quiet_
Q := @
else
quiet :=
Q := $(if $(filter 0,$(V)),@)
endif
export quiet Q V

CC := gcc
HOSTCC := gcc
export CC HOSTCC

config-goals := config menuconfig nconfig oldconfig olddefconfig savedefconfig alldefconfig \
	allyesconfig allnoconfig randconfig listnewconfig defconfig %_defconfig set explain lint
free-goals := help check check-long check-python check-posix check-libc bench deps deps-bench clean mrproper format
no-config := $(filter $(config-goals) $(free-goals),$(MAKECMDGOALS))

CONFIG_FILE := .config
KCONFIG_ENV := srctree="$(srctree)"
kconf := sh $(srctree)/scripts/kconf

include $(srctree)/scripts/lib.mk

ifeq ($(no-config),)
include include/config/make.conf
endif

.PHONY: FORCE
FORCE:

# ---- configuration ----
include $(srctree)/scripts/config.mk

# ---- the image ----
ifeq ($(no-config),)
include $(srctree)/scripts/image.mk
endif

# ---- everything else ----
TESTS ?=
check:
	@cd $(srctree) && WHERRY_TEST_OUT="$(objtree)/tests-out" PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m pytest -q -p no:cacheprovider tests $(TESTS)

# What takes too long for every day: 100,000 crashes of a volume, 200 machines killed.
check-long:
	@cd $(srctree) && WHERRY_TEST_OUT="$(objtree)/tests-out" PYTHONDONTWRITEBYTECODE=1 SRFS_CRASHES=12000 WHERRY_KILLS=200 \
		/usr/bin/python3 -m pytest -q -p no:cacheprovider tests/unit/test_units.py tests/e2e/test_stay.py -k "srfs or killed" $(TESTS)

bench:
	@sh $(srctree)/scripts/bench

# Python's own tests, from Debian's package: slow, so not part of check.
check-python:
	@unset MAKEFLAGS MAKEOVERRIDES MFLAGS MAKELEVEL WHERRY_SUB; m="make -s -C $(srctree) O=$(objtree)/check-python"; \
	$$m defconfig && $$m set PKG_PYTHON=y PKG_BASH=y PKG_COREUTILS=y STRACE=y PKG_EXTRA=libpython3.11-testsuite FS_MEM_LIMIT=512 && $$m image >/dev/null && \
	/usr/bin/python3 $(srctree)/scripts/check-python $(objtree)/check-python $(TESTS)

# Suites of small programs, on this host and in the machine: slow as well.
check-posix check-libc: check-%:
	@unset MAKEFLAGS MAKEOVERRIDES MFLAGS MAKELEVEL WHERRY_SUB; srctree=$(srctree) sh $(srctree)/scripts/deps-$* && \
	o=$(objtree)/$@ && m="make -s -C $(srctree) O=$$o" && mkdir -p $$o/suite && \
	$$m defconfig && $$m set PKG_EXTRA="libc6 libgcc-s1" FS_MEM_LIMIT=512 STRACE=y && \
	TESTS="$(TESTS)" /usr/bin/python3 $(srctree)/scripts/$@ $$o $$o/suite sh -c '$$0 set "$$1" && $$0 image' "$$m"

.PHONY: check check-long check-python check-posix check-libc bench help deps deps-bench clean mrproper format
help:
	@sh $(srctree)/scripts/help

deps:
	@sh $(srctree)/scripts/deps

deps-bench:
	@sh $(srctree)/scripts/deps-bench

clean:
	$(Q)rm -rf k u p lib gen host tests *.elf *.img *.flatfs rootfs image.list *.bin

mrproper: clean
	$(Q)rm -rf include .config .config.old .tmp* ..config* defconfig compile_commands.json

format:
	@cd $(srctree) && find . -name build -prune -o \( -name '*.c' -o -name '*.h' \) -print | xargs clang-format --dry-run -Werror

endif
