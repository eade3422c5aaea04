# SPDX-License-Identifier: GPL-2.0-only
# `make help` lists the targets. Kbuild beside this file is the module's part.

VERSION := 0.1
KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build
PREFIX ?= /usr/local
DESTDIR ?=
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O2 -g

.DELETE_ON_ERROR:
.SUFFIXES:

comma := ,
quiet = $(if $(V),,@printf '  %s\t%s\n' $1 $2;)

# ---- flags -----------------------------------------------------------------

warnings := -Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes $(if $(WERROR),-Werror)
hardening := -fstack-protector-strong -fstack-clash-protection -fcf-protection \
	-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
modules := libnl-3.0 libnl-genl-3.0 libdw libelf zlib liblzma libprotobuf-c json-c ncursesw \
	$(if $(wildcard user/cmd/serve.c),libmicrohttpd)
pkg_cflags := $(shell $(PKG_CONFIG) --cflags $(modules) 2>/dev/null)
user_libs = $(shell $(PKG_CONFIG) --libs $(modules)) -liberty -ldl -lm -pthread
common := -std=gnu11 -D_GNU_SOURCE -DLSP_RELEASE='"$(VERSION)"' -DLSP_PREFIX='"$(PREFIX)"' \
	$(warnings) $(pkg_cflags) -MMD -MP
product := $(common) $(hardening) -fPIC $(CFLAGS)
sanitized := $(common) -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all
# What the workloads' stacks must show is fixed: no frame pointers, no sibling calls.
workload := $(common) -O2 -g -fno-optimize-sibling-calls -fomit-frame-pointer -pthread

# ---- sources ---------------------------------------------------------------

protos := $(wildcard user/*/*.proto)
generated := $(protos:.proto=.pb-c.c)
calls := user/results/calls.inc user/results/calls_compat.inc
user_sources := $(sort $(filter-out user/preload/% $(generated),\
	$(wildcard user/*.c user/*/*.c user/*/*/*.c)) $(generated))
preload_sources := $(wildcard user/preload/*.c user/preload/*/*.c)
workload_sources := $(wildcard workloads/c/*.c)
workload_library := $(wildcard workloads/c/lib/*.c)
unit_sources := $(wildcard tests/unit/test_*.c)
vm_sources := $(wildcard tests/vm/*.c)
bench_sources := $(wildcard tools/lib/bench/*.c)

preload_library := $(if $(preload_sources),user/preload/liblockspan-user.so)
workloads := $(workload_sources:.c=)
workloads_go := $(if $(shell command -v go),$(foreach d,$(wildcard workloads/go/*/main.go),\
	$(patsubst %/,%,$(dir $d))))
unit_tests := $(unit_sources:tests/unit/%.c=build/unit/%)
vm_programs := $(vm_sources:.c=)
bench_programs := $(bench_sources:.c=)

# A test or the preload library names what else it is made of in its first
# comment: " * sources: kmod/core/sample.c user/profile/" (all of it) and " * libs: -lz".
# Of the files that are there: a copy of the tree need not be whole.
head = $(shell sed -sn '1,30s/^ \* $1: *//p' $(wildcard $2) /dev/null)
expand = $(foreach w,$1,$(if $(filter %/,$w),$(filter-out $(generated),$(wildcard $w*.c)) \
	$(filter $w%,$(generated)),$w))
head_sources = $(call expand,$(call head,sources,$1))

.PHONY: all module module-wide no-module user workloads tests zoo strangers lab check check-debug tasks tasks-full tasks-deps zoo-deps demo install uninstall clean help deps

# ---- what people ask for ---------------------------------------------------

all: user $(if $(wildcard $(KDIR)/Makefile),module,no-module) ## the module for the running kernel, if its headers are here, and the user side

module: ## lockspan.ko, for the kernel whose build tree is KDIR
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

# Beside it, so that neither is built with the other's objects.
module-wide: ## lockspan-wide.ko, with delays in its narrow places, for the storms
	@mkdir -p build/wide
	@cp -pu --parents Kbuild $(wildcard kmod/*.[ch] kmod/*/*.[ch]) build/wide
	$(MAKE) -C $(KDIR) M=$(CURDIR)/build/wide LSP_WIDEN=1 modules
	@cp -pu build/wide/lockspan.ko lockspan-wide.ko

no-module:
	@echo "no module: $(KDIR) has no kernel headers; install linux-headers-$(shell uname -r)," \
		"or name a build tree: make module KDIR=DIR"

user: user/lockspan $(preload_library) ## user/lockspan and user/preload/liblockspan-user.so

workloads: $(workloads) $(workloads_go) ## the programs with known contention, in workloads/

tests: $(unit_tests) $(vm_programs) ## the unit tests (build/unit) and the tests' helper programs

zoo: zoo-deps ## the programs of many kinds whose stacks tests/vm/zoo.sh looks at, with the host's compilers
	$(MAKE) -s -C tests/zoo OUT=$(CURDIR)/build/zoo

strangers: zoo-deps ## Go and Rust programs for tests/vm/strangers.sh, with the host's compilers
	$(MAKE) -s -C tests/strangers OUT=$(CURDIR)/build/strangers

zoo-deps:
	@tools/install-deps --check zoo

# An untouched `go tool pprof` for guests: go keeps that program among its tools, or has its source.
build/go-tool-pprof:
	@mkdir -p $(@D)
	$(call quiet,GO,$@)cp "$$(go env GOTOOLDIR)/pprof" $@ 2>/dev/null || go build -o $@ cmd/pprof

build/pprof-truth/pprof-truth: $(wildcard tools/lib/pprof-truth/*)
	@mkdir -p $(@D)
	$(call quiet,GO,$@)cd $(<D) && GOPROXY=off GOFLAGS=-mod=mod go build -o $(CURDIR)/$@ .

lab: module user workloads $(vm_programs) $(bench_programs) tests/vm/lockspan-other-version ## all that runs in a lab VM (tools/vm make KERNEL lab)

check: ## everything that can be checked: layers, shell, unit, VM and end-to-end tests
	tools/install-deps build test
	tools/check-layers
	shellcheck .ci/run tests/run $(wildcard tests/*.sh tools/lib/*/*.sh) \
		$(shell grep -lE -d skip '^#!/bin/(ba)?sh' tools/*)
	shellcheck -s bash $(wildcard tests/vm/*.sh tests/e2e/*.sh tests/tasks/*.sh)
	shellcheck -x tests/storms/run && shellcheck -x -s bash $(wildcard tests/storms/*.sh)
	tests/run

check-debug: ## the storms and some VM tests on a kernel with KASAN, lockdep and more (an hour and a half, and a quarter to build it)
	tests/storms/run

tasks: tasks-deps ## record the contention tasks in a lab VM and check what their text predicts
	tools/tasks

tasks-full: tasks-deps ## the same at the sizes of the tasks' text, with an hour of task 12
	tools/tasks --full

tasks-deps:
	tools/install-deps build demo

demo: ## record the first workload in a lab VM and show its profiles
	tools/demo

help: ## this list
	@sed -nE 's/^([a-z]+):.*## (.*)/  \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14
	@echo "Variables: KDIR, DESTDIR, PREFIX, CC, CFLAGS, WERROR=1, V=1"

# ---- the user side ---------------------------------------------------------

object = $(patsubst %.c,build/$1/%.o,$2)
user_objects := $(call object,obj,$(user_sources))
preload_objects := $(call object,obj,$(sort $(preload_sources) $(call head_sources,$(preload_sources))))

deps:
	@tools/install-deps --check build

user/lockspan: $(user_objects)
	$(call quiet,LD,$@)$(CC) $(CFLAGS) -pie -Wl,-z,relro,-z,now $(LDFLAGS) -o $@ $^ $(user_libs)

user/preload/liblockspan-user.so: $(preload_objects)
	$(call quiet,LD,$@)$(CC) $(CFLAGS) -shared -Wl,-z,relro,-z,now $(LDFLAGS) -o $@ $^ \
		$(call head,libs,$(preload_sources)) -ldl -pthread

$(foreach p,$(protos),$(eval $(p:.proto=.pb-c.c) $(p:.proto=.pb-c.h) &: $p | deps ; \
	$(call quiet,PB,$p)protoc-c --c_out=$(dir $p) --proto_path=$(dir $p) $p))

# The names of the system calls by their numbers: those of the machine's kind, and of its 32-bit programs.
user/results/calls.inc: numbers := asm/unistd_64.h
user/results/calls_compat.inc: numbers := asm/unistd_32.h
$(calls): Makefile | deps
	$(call quiet,GEN,$@)echo '#include <$(numbers)>' | $(CC) -E -dM - | \
		sed -nE 's/^#define __NR_([a-z0-9_]+) ([0-9]+)$$/[\2] = "\1",/p' | sort >$@

build/obj/%.o: %.c Makefile | deps $(generated) $(calls)
	@mkdir -p $(@D)
	$(call quiet,CC,$@)$(CC) $(product) -c -o $@ $<

# The files that the page is made of are put in by the assembler, which notes no dependencies.
build/obj/user/report/page_files.o build/unit/user/report/page_files.o: $(wildcard user/report/html/*)
build/obj/user/preload/%.o: product += -fvisibility=hidden -fexceptions
build/obj/workloads/%.o build/obj/tools/lib/bench/%.o: product = $(workload)

# ---- programs of one source and what its head names -------------------------

define program
$1: $(call object,$2,$(sort $3 $(call head_sources,$3) $5))
	@mkdir -p $$(@D)
	$(call quiet,LD,$$@)$$(CC) $4 -pthread -o $$@ $$^ $(call head,libs,$3) $6
endef

$(foreach s,$(workload_sources),$(eval $(call program,$(s:.c=),obj,$s,-g,$(workload_library))))
$(foreach s,$(vm_sources) $(bench_sources),$(eval $(call program,$(s:.c=),obj,$s,-g)))
$(foreach s,$(unit_sources),$(eval $(call program,$(s:tests/%.c=build/%),unit,$s,\
	-fsanitize=address$(comma)undefined,,-lcmocka)))

# Stacks per second mean nothing with sanitizers: the same program without, for tools/stacks.
$(eval $(call program,build/speed/test_unwind,obj,tests/unit/test_unwind.c,-g,,-lcmocka))
# The collector alone, on the host, for tools/bench-collector.
host_bench := tools/lib/bench/host/collect.c
build/bench/collect: $(call object,obj,$(host_bench) $(call head_sources,$(host_bench))) \
		$(filter-out build/obj/user/main.o build/obj/user/cmd/%,$(user_objects))
	@mkdir -p $(@D)
	$(call quiet,LD,$@)$(CC) $(CFLAGS) -pie $(LDFLAGS) -o $@ $^ $(user_libs)

# A reader of a contract that the module does not speak: the same objects, but
# those that name the version come from a copy of the sources with another one.
other := build/other-version
versioned = $(call object,obj,$(shell grep -l LOCKSPAN_VERSION $(user_sources)))
tests/vm/lockspan-other-version: $(user_objects) kmod/uapi/lockspan.h
	@rm -rf $(other) && mkdir -p $(other)
	@cp -p --parents $(filter-out $(generated),$(user_sources)) $(wildcard user/*/*.h user/*/*/*.h) \
		$(protos) kmod/uapi/lockspan.h Makefile tools/install-deps $(other)
	@sed -i 's/^\(#define LOCKSPAN_VERSION\) .*/\1 4242/' $(other)/kmod/uapi/lockspan.h
	@$(MAKE) -s -C $(other) $(versioned) >/dev/null
	$(call quiet,LD,$@)$(CC) $(CFLAGS) -pie $(LDFLAGS) -o $@ $(filter-out $(versioned),$(user_objects)) \
		$(addprefix $(other)/,$(versioned)) $(user_libs)

build/unit/%.o: %.c Makefile | deps $(generated) $(calls)
	@mkdir -p $(@D)
	$(call quiet,CC,$@)$(CC) $(sanitized) -c -o $@ $<

.PHONY: $(workloads_go)
$(workloads_go):
	@! grep -qs golang.org/x/sync $@/go.mod || tools/install-deps --check demo
	cd $@ && GOFLAGS=-mod=mod GOPROXY=off go build -o $(notdir $@) .

# ---- installing ------------------------------------------------------------

bindir := $(DESTDIR)$(PREFIX)/bin
libdir := $(DESTDIR)$(PREFIX)/lib/lockspan
mandir := $(DESTDIR)$(PREFIX)/share/man
dkms_dir := $(DESTDIR)/usr/src/lockspan-$(VERSION)
man_pages := $(wildcard docs/man/*.[1-8])
# By shell: where it looks for completions.
completion_bash := $(DESTDIR)$(PREFIX)/share/bash-completion/completions/lockspan
completion_zsh := $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_lockspan
completion_fish := $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/lockspan.fish
# dkms rebuilds the module for each new kernel; it cannot serve a DESTDIR.
use_dkms := $(if $(DESTDIR),,$(shell command -v dkms))

install: user ## install the user side, man pages, and the module (by dkms where there is one)
	install -D -m 755 user/lockspan $(bindir)/lockspan
	$(if $(preload_library),install -D -m 644 $(preload_library) $(libdir)/liblockspan-user.so)
	$(foreach m,$(man_pages),install -D -m 644 $m $(mandir)/man$(subst .,,$(suffix $m))/$(notdir $m) &&) true
	$(foreach s,bash zsh fish,mkdir -p $(dir $(completion_$s)) && tools/completion $s user/lockspan >$(completion_$s) &&) true
	$(if $(use_dkms),$(MAKE) --no-print-directory install-dkms,$(if $(wildcard lockspan.ko),\
		$(MAKE) -C $(KDIR) M=$(CURDIR) INSTALL_MOD_PATH=$(DESTDIR) modules_install,\
		@echo "no module installed: lockspan.ko has not been built; see make help"))

.PHONY: install-dkms
install-dkms:
	rm -rf $(dkms_dir)
	mkdir -p $(dkms_dir)
	cp --parents Kbuild $(wildcard kmod/*.[ch] kmod/*/*.[ch]) $(dkms_dir)
	sed 's/@VERSION@/$(VERSION)/' kmod/dkms.conf >$(dkms_dir)/dkms.conf
	dkms install --force -k $(KVER) lockspan/$(VERSION)

uninstall: ## remove what install has put there
	$(if $(use_dkms),dkms remove lockspan/$(VERSION) --all && rm -rf $(dkms_dir),\
		rm -f $(DESTDIR)/lib/modules/$(notdir $(patsubst %/build,%,$(KDIR)))/*/lockspan.ko*)
	rm -f $(bindir)/lockspan $(completion_bash) $(completion_zsh) $(completion_fish)
	rm -rf $(libdir)
	rm -f $(foreach m,$(man_pages),$(mandir)/man$(subst .,,$(suffix $m))/$(notdir $m))

clean: ## remove what the build has made, caches below ~/.cache/lockspan excepted
	rm -rf build user/lockspan user/preload/*.so $(generated) $(generated:.c=.h) $(calls) \
		$(workloads) $(vm_programs) $(bench_programs) $(foreach d,$(workloads_go),$d/$(notdir $d))
	find . -path ./.git -prune -o \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' \
		-o -name '.*.cmd' -o -name '.*.o.d' \) -exec rm -f {} +
	rm -f Module.symvers modules.order

-include $(shell find build/obj build/unit -name '*.d' 2>/dev/null)
