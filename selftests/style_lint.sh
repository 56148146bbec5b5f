#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What can be said of the sources without running them. sparse and the
# compiler's own warnings are errors of every build of the module already.
. "$(dirname "$0")/tap.sh"

cd "$(dirname "$0")/.." || exit 1
checkpatch=(perl build/kernel/scripts/checkpatch.pl --no-tree --strict --terse
	--no-summary --show-types)

quiet() {
	"${checkpatch[@]}" "$@"
	[[ -z $("${checkpatch[@]}" "$@" 2>&1) ]]
}

# compat.h is where versions are compared; everything else must not.
# shellcheck disable=SC2046
holds "checkpatch: module" quiet -f $(ls module/*.[ch] uapi/*.h selftests/{taker,faulty}/*.c | grep -v -e compat.h -e trace.h)
holds "checkpatch: compat.h" quiet --ignore LINUX_VERSION_CODE,CONSTANT_COMPARISON -f module/compat.h
# The form that all TRACE_EVENT()s have.
holds "checkpatch: trace.h" quiet --ignore OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT -f module/trace.h
# Types that speak of the kernel's own macros, or of messages' length.
holds "checkpatch: tools" quiet --ignore LONG_LINE,LONG_LINE_STRING,COMPLEX_MACRO,PREFER_DEFINED_ATTRIBUTE_MACRO,EMBEDDED_FUNCTION_NAME -f tools/*.[ch]
holds "checkpatch: bench" quiet --ignore ARRAY_SIZE -f bench/*.[ch]
# Types that take the harness's macros, or user space, for mistakes in the kernel.
holds "checkpatch: selftests" quiet --ignore LINE_SPACING,SPACING,MACRO_ARG_REUSE,MACRO_WITH_FLOW_CONTROL,MULTISTATEMENT_MACRO_USE_DO_WHILE,PREFER_DEFINED_ATTRIBUTE_MACRO,EMBEDDED_FUNCTION_NAME,ENOSYS,VOLATILE,NAKED_SSCANF,STATIC_CONST_CHAR_ARRAY,USE_NEGATIVE_ERRNO,NEW_TYPEDEFS,AVOID_EXTERNS,CAMELCASE,PARENTHESIS_ALIGNMENT -f selftests/*.[ch] selftests/fuzz/*.[ch]
holds "versions are compared in compat.h alone" bash -c \
	'! grep -nE "LINUX_VERSION_CODE|KERNEL_VERSION" -r module uapi tools selftests --include=*.[ch] | grep -v ^module/compat.h:'
holds "pure files include no kernel header but types" bash -c \
	'! grep -n "#include <linux/" module/policy.h module/numbering.h | grep -v linux/types.h'
tap_end
