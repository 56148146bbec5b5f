# SPDX-License-Identifier: GPL-2.0
# make install, make uninstall.
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

.PHONY: install uninstall
