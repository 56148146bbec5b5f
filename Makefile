# SPDX-License-Identifier: GPL-2.0
# vprocns: make, make demo, make check, make check-debug, make check-matrix,
# make check-kselftest, make check-compare, make check-programs, make check-pages,
# make torture, make fuzz, make bench, make collisions; what installs is in packaging/packages.mk.
VERSION := $(shell sed -n 's/^MODULE_VERSION("\(.*\)");/\1/p' module/main.c)
KVER    ?= $(shell uname -r)
KDIR    ?= /lib/modules/$(KVER)/build
# Debian suites whose kernels `make check` boots.
KERNELS ?= bookworm trixie
# The tests that it runs, by name; all if empty. clone_test:NAME is one test in it.
TESTS   ?=
# How many times longer than usual `make torture` lasts.
TORTURE ?= 1
# The one that `make bench` boots.
BENCH_KERNEL ?= bookworm

all: module tool

module:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

tool:
	@$(MAKE) -s --no-print-directory -C tools

build/demo/mutexes: demo/mutexes.c
	@mkdir -p $(@D)
	$(CC) -O2 -Wall -Wextra -Werror -o $@ $< -pthread

benches := $(addprefix build/bench/,bench bind reader scale worst versus probe)

# Static, so that what it executes reads no file but itself.
$(benches): build/bench/%: bench/%.c bench/kinds.c bench/kinds.h bench/measure.h uapi/vprocns.h
	@mkdir -p $(@D)
	$(CC) -O2 -std=gnu11 -Wall -Wextra -Werror -Iuapi -static -o $@ $< bench/kinds.c -pthread

# Installs what is missing, then runs real programs in a VM.
demo:
	@selftests/install-deps
	@$(MAKE) -s --no-print-directory tool build/demo/mutexes
	@echo "booting a virtual machine with a Debian kernel"
	@selftests/vm/run -- env DEMO_BUILD=$(CURDIR)/build/demo demo/demo.sh

# All that the tests run.
programs: tool build/demo/mutexes $(benches)
	@$(MAKE) -s --no-print-directory -C tools SANITIZE=1
	@$(MAKE) -s --no-print-directory -C selftests

# Installs what is missing, then builds and runs every test on each of KERNELS.
check:
	@selftests/install-deps
	@selftests/run.py $(KERNELS:%=--kernel %) --tests "$(TESTS)"

# Installs what is missing, then runs containers in a VM, by the runtimes that Debian has.
# STARTS= is how many starts a table of numbers has, PARTS= which parts of the test run.
# USERLAND=trixie: by those of that suite, whatever this system is.
CONTAINERS_KERNEL ?= bookworm
check-containers:
	@selftests/install-deps containers
	@$(MAKE) -s --no-print-directory tool
	@$(MAKE) -s --no-print-directory integration TARGET=oci
	@selftests/vm/run --kernel $(CONTAINERS_KERNEL) --memory 3G -- $(IN_USERLAND) \
		env $(STARTS:%=STARTS=%) $(if $(PARTS),PARTS="$(PARTS)") integration/oci/containers_test.sh

# Likewise a Slurm cluster of two nodes with the SPANK plugin. RUNS= is how often its
# MPI program runs.
check-cluster:
	@selftests/install-deps cluster
	@$(MAKE) -s --no-print-directory tool
	@$(MAKE) -s --no-print-directory integration TARGET=slurm
	@selftests/vm/run --kernel $(CONTAINERS_KERNEL) --memory 3G -- $(IN_USERLAND) \
		env $(RUNS:%=RUNS=%) integration/slurm/cluster_test.sh

# What of integration/ is built where it runs: plugins go with the Slurm of a suite.
IN_USERLAND = $(if $(USERLAND),selftests/vm/in-userland $(USERLAND) env BUILD=build/userlands/$(USERLAND).build)
integration:
ifdef USERLAND
	@selftests/vm/userland $(USERLAND)
	@mkdir -p build/userlands/$(USERLAND).build build/userlands/$(USERLAND)/vprocns
	@selftests/vm/in-root build/userlands/$(USERLAND) $(CURDIR):/vprocns -- \
		make -s -C /vprocns/integration BUILD=../build/userlands/$(USERLAND).build $(TARGET)
else
	@$(MAKE) -s --no-print-directory -C integration $(TARGET)
endif

# As check, on the kernels built to find fault.
check-debug: KERNELS = debug kcsan
check-debug:
	@$(MAKE) -s --no-print-directory check KERNELS="$(KERNELS)"

# Likewise on each kernel that Debian ships in these suites, in a system of its own
# where the module was installed by DKMS; arm64 is trixie's for that architecture.
SUITES ?= bookworm trixie sid forky arm64
check-matrix:
	@selftests/install-deps matrix
	@selftests/run.py $(SUITES:%=--systems %) --tests "$(TESTS)"

# Strains the module in a VM, for minutes on an ordinary kernel.
torture: KERNELS = bookworm
torture:
	@selftests/install-deps
	@$(MAKE) -s --no-print-directory tool
	@$(MAKE) -s --no-print-directory -C selftests
	@set -e; for kernel in $(KERNELS); do \
		VM_TIMEOUT=$$((7200 * $(TORTURE))) selftests/vm/run --kernel $$kernel -- \
			env MODULE=$(CURDIR)/build/module/$$kernel/vprocns.ko \
			TORTURE=$(TORTURE) selftests/torture.sh; \
	done

# Installs what is missing, then fuzzes what runs in user space, and the kernel
# in a VM, by a million calls and more. SEED= repeats a run.
FUZZ_KERNEL ?= debug
IOCTLS      ?= 1000000
CLONES      ?= 5000
fuzz:
	@selftests/install-deps fuzz
	@$(MAKE) -s --no-print-directory tool
	@$(MAKE) -s --no-print-directory -C selftests all fuzz
	@selftests/fuzz/run
	@echo "fuzzing the kernel of $(FUZZ_KERNEL) in a VM"
	@selftests/vm/run --kernel $(FUZZ_KERNEL) -- env SEED=$(SEED) bash -c \
		'COUNT=$(CLONES) build/selftests/clone_fuzz_test && \
		COUNT=$(IOCTLS) build/selftests/ioctl_fuzz_test'

# Installs what is missing, then runs the kernel's own tests outside and inside
# a group; on this kernel if not told otherwise.
check-kselftest: KERNELS = bookworm
check-kselftest:
	@selftests/install-deps
	@$(MAKE) -s --no-print-directory tool
	@selftests/kselftest/run $(KERNELS:%=--kernel %)

# Installs what is missing, then compares what `vprocns compare` computes with a
# library, measures what recording takes, and lets it find slowed tasks of real programs
# in a VM. TRIES=2 is a short one.
TRIES ?= 20
check-compare:
	@selftests/install-deps compare
	@$(MAKE) -s --no-print-directory tool
	@$(MAKE) -s --no-print-directory -C selftests ../build/selftests/roles
	@selftests/compare_library.py
	@selftests/vm/run --icount -- selftests/record_cost.py
	@selftests/vm/run --icount -- selftests/compare_manual.sh
	@VM_TIMEOUT=36000 selftests/vm/run --icount -- selftests/compare_runs.py \
		--tries $(TRIES) threads make pool openmp postgres
	@VM_TIMEOUT=36000 selftests/vm/run -- selftests/compare_runs.py \
		--tries $(TRIES) --percent 30 --load 1 --scale 200 threads

# Installs what is missing, then runs real programs outside, in a plain PID namespace and
# in groups, and compares; PROGRAMS names some of them, or is --part 1/9. Then the commands
# of measure.md.
check-programs: KERNELS = bookworm
check-programs:
	@selftests/install-deps programs
	@$(MAKE) -s --no-print-directory tool
	@selftests/programs.py --build
	@set -e; for kernel in $(KERNELS); do \
		VM_TIMEOUT=7200 selftests/vm/run --kernel $$kernel -- selftests/programs.py $(PROGRAMS); \
	done
	@[ "$(PROGRAMS)" ] || selftests/vm/run -- selftests/measure_manual.py

# Installs what is missing, then looks at the page of `vprocns timeline` in a browser.
check-pages:
	@selftests/install-deps pages
	@$(MAKE) -s --no-print-directory tool
	@selftests/timeline_page.py build/timeline.png

# Installs what is missing, then counts instructions in a VM, and measures peers
# in another. ONLY=counts or peers does one and keeps what is known of the other.
ONLY ?=
bench:
	@selftests/install-deps
	@$(MAKE) -s --no-print-directory tool $(addprefix build/bench/,bench bind reader scale worst)
	@selftests/vm/build-module $(BENCH_KERNEL)
	@echo "measuring in virtual machines (an hour or so; ONLY=counts half of it)"
	@bench/collect.py --kernel $(BENCH_KERNEL) $(ONLY:%=--only %) --output results/bench.json
	@bench/report.py --svg results/bench.svg --growth results/growth.svg --readme README.md \
		--tables results/bench.md --peers Documentation/peers.md results/bench.json

# What a target prints, written to results/: make record-check, and so on. With PART=NAME
# the file is that of a part.
record-%:
	@PART="$(PART)" SETTINGS="$(filter-out PART=%,$(MAKEOVERRIDES))" \
		selftests/record $* $(MAKE) -s --no-print-directory $*

build/bench/collisions: bench/collisions.c module/lineage.c module/lineage.h \
		selftests/siphash.h uapi/vprocns.h
	@mkdir -p $(@D)
	$(CC) -O2 -std=gnu11 -Wall -Wextra -Werror -Iuapi -Imodule -Iselftests \
		-o $@ bench/collisions.c module/lineage.c -lsodium -lm

# The table of Documentation/lineage.md; no VM.
collisions:
	@selftests/install-deps
	@$(MAKE) -s --no-print-directory build/bench/collisions
	@build/bench/collisions

include packaging/packages.mk

clean:
	rm -rf build/bin build/tools build/tools-sanitized build/sanitized build/selftests \
		build/unit build/fuzz build/demo build/bench build/check build/module build/kselftest \
		build/programs build/programs-cache
	[ ! -d $(KDIR) ] || $(MAKE) -C $(KDIR) M=$(CURDIR) clean

.PHONY: all module tool programs demo check check-debug check-matrix check-kselftest \
	check-compare check-programs check-pages check-containers check-cluster integration \
	torture fuzz bench collisions clean
