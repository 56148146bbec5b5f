# SPDX-License-Identifier: GPL-2.0
# make install, make uninstall, make deb, make rpm, make check-install,
# make check-packages.
PREFIX ?= /usr/local
export PREFIX DESTDIR

# For all kernels that have headers, if KVER does not name one. With DESTDIR the
# module goes as source for DKMS, and nothing happens to the running system.
ifdef DESTDIR
install: tool
	@packaging/install stage
else
install: export KVER := $(if $(filter file,$(origin KVER)),,$(KVER))
install:
	@packaging/install ready
	@$(MAKE) -s --no-print-directory tool
	@packaging/install install
endif

uninstall:
	@packaging/install uninstall

# Into build/packages/.
DEB_SUITES ?= bookworm trixie
deb:
	@selftests/install-deps packages
	@set -e; for suite in $(DEB_SUITES); do packaging/deb $$suite; done

rpm:
	@selftests/install-deps packages
	@packaging/rpm

# Builds them twice, and has lintian look.
check-packages:
	@selftests/install-deps packages
	@selftests/install/check-packages $(DEB_SUITES)

# Installs vprocns in machines of its own, in every way; INSTALL_TESTS has names of some.
INSTALL_SUITE ?= bookworm
INSTALL_TESTS ?=
check-install:
	@selftests/install-deps packages
	@$(MAKE) -s --no-print-directory tool
	@selftests/install/run $(INSTALL_SUITE) $(INSTALL_TESTS)

.PHONY: install uninstall deb rpm check-packages check-install
