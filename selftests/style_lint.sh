#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What can be said of the sources without running them. sparse and the
# compiler's own warnings are errors of every build of the module already.
. "$(dirname "$0")/tap.sh"

cd "$(dirname "$0")/.." || exit 1
# compat.h is where versions are compared; everything else must not.
# shellcheck disable=SC2046
holds "checkpatch: module" selftests/checkpatch \
	$(ls module/*.[ch] uapi/*.h selftests/{taker,faulty}/*.c | grep -v -e compat.h -e trace.h)
holds "checkpatch: compat.h" selftests/checkpatch --ignore LINUX_VERSION_CODE,CONSTANT_COMPARISON module/compat.h
# The form that all TRACE_EVENT()s have.
holds "checkpatch: trace.h" selftests/checkpatch --ignore OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT module/trace.h
# Types that speak of the kernel's own macros, of messages' length, or of <inttypes.h>.
holds "checkpatch: tools" selftests/checkpatch --ignore CAMELCASE,VOLATILE,LONG_LINE,LONG_LINE_STRING,COMPLEX_MACRO,PREFER_DEFINED_ATTRIBUTE_MACRO,EMBEDDED_FUNCTION_NAME tools/*.[ch]
holds "checkpatch: bench" selftests/checkpatch --ignore ARRAY_SIZE bench/*.[ch]
# Types that take the harness's macros, or user space, for mistakes in the kernel.
holds "checkpatch: selftests" selftests/checkpatch --ignore LINE_SPACING,SPACING,MACRO_ARG_REUSE,MACRO_WITH_FLOW_CONTROL,MULTISTATEMENT_MACRO_USE_DO_WHILE,PREFER_DEFINED_ATTRIBUTE_MACRO,EMBEDDED_FUNCTION_NAME,ENOSYS,VOLATILE,NAKED_SSCANF,STATIC_CONST_CHAR_ARRAY,USE_NEGATIVE_ERRNO,NEW_TYPEDEFS,AVOID_EXTERNS,CAMELCASE,PARENTHESIS_ALIGNMENT selftests/*.[ch] selftests/fuzz/*.[ch]
holds "versions are compared in compat.h alone" bash -c \
	'! grep -nE "LINUX_VERSION_CODE|KERNEL_VERSION" -r module uapi tools selftests --include=*.[ch] | grep -v ^module/compat.h:'
holds "pure files include no kernel header but types" bash -c \
	'! grep -n "#include <linux/" module/{policy,sequence,lineage}.h | grep -v linux/types.h'
holds "kernel-doc: uapi" build/kernel/scripts/kernel-doc -none -Werror uapi/vprocns.h
# What kernel-doc does not look for: ioctls and flags that have none.
undocumented() {
	! comm -23 <(sed -nE 's/^#define (VPROCNS_\w+)\s+(_IO|_BITUL).*/\1/p' uapi/vprocns.h | sort) \
		<(grep -A 1 '^/\*\*$' uapi/vprocns.h | sed -nE 's/^ \* (VPROCNS_\w+) - .*/\1/p' | sort) |
		grep .
}
holds "each ioctl and flag has kernel-doc" undocumented
tap_end
