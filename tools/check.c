// SPDX-License-Identifier: GPL-2.0
/* `vprocns check`: whether the running kernel has what the module needs. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"
#include "options.h"
#include "table.h"
#include "tool.h"

static const struct column columns[] = {
	{ "FEATURE",	COLUMN_TEXT },
	{ "STATE",	COLUMN_TEXT },
	{ "NOTE",	COLUMN_TEXT },
};

/* The module's own list says how it uses each symbol, and when. */
enum use { LINKED, LOOKED_UP, HOOKED };
enum when { ALWAYS, GLOBAL_PID_MAX, X86_64, IA32, ARM64 };

static const struct symbol {
	const char *name;
	enum use use;
	enum when when;
} symbols[] = {
#define SYMBOL(name, use, when) { #name, use, when },
#include "symbol_list.h"
#undef SYMBOL
};

#define NR_SYMBOLS ARRAY_SIZE(symbols)

static void feature(struct table *table, const char *name, const char *state,
		    const char *note)
{
	table_row(table);
	table_cell(table, "%s", name);
	table_cell(table, "%s", state);
	table_cell(table, "%s", note);
}

static bool is_needed(enum when when)
{
	switch (when) {
	case ALWAYS:
		return true;
	case GLOBAL_PID_MAX:
		/* Only the headers tell which kernels have none; all others have it. */
		return false;
#ifdef __x86_64__
	case X86_64:
		return true;
	case IA32:
		/* There where the kernel was built to run 32-bit programs. */
		return !access("/proc/sys/abi/vsyscall32", F_OK);
#elif defined(__aarch64__)
	case ARM64:
		return true;
#endif
	default:
		return false;
	}
}

/*
 * Marks in @found the symbols that @path lists, one a line, as the word of
 * number @word. False when the file can't be read.
 */
static bool find_symbols(const char *path, int word, bool found[NR_SYMBOLS])
{
	FILE *const file = fopen(path, "re");
	char line[512], names[3][256];
	size_t i;

	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%255s %255s %255s", names[0], names[1],
			   names[2]) <= word)
			continue;
		for (i = 0; i < NR_SYMBOLS; i++)
			if (!strcmp(names[word], symbols[i].name))
				found[i] = true;
	}
	fclose(file);
	return true;
}

static bool check_symbols(struct table *table)
{
	bool known[NR_SYMBOLS] = {}, traceable[NR_SYMBOLS] = {};
	const bool have_trace =
		find_symbols("/sys/kernel/tracing/available_filter_functions",
			     0, traceable) ||
		find_symbols("/sys/kernel/debug/tracing/available_filter_functions",
			     0, traceable);
	bool ok = true;
	size_t i;

	/* Only root may look there, so nothing is said of what others don't see. */
	if (!have_trace && !geteuid())
		feature(table, "tracefs", "off",
			"without it, it can't be told what can be traced: mount -t tracefs none /sys/kernel/tracing");
	if (!find_symbols("/proc/kallsyms", 2, known)) {
		feature(table, "symbols", "missing",
			"a kernel with CONFIG_KALLSYMS_ALL is needed");
		return false;
	}
	for (i = 0; i < NR_SYMBOLS; i++) {
		if (!is_needed(symbols[i].when))
			continue;
		if (!known[i]) {
			feature(table, symbols[i].name, "missing",
				"this kernel has no such symbol: the module can't load");
			ok = false;
		} else if (symbols[i].use != HOOKED || traceable[i]) {
			feature(table, symbols[i].name, "ok", "");
		} else if (!have_trace) {
			feature(table, symbols[i].name, "unknown", geteuid() ?
				"there; be root to see whether it can be traced" :
				"there; tracefs would say whether it can be traced");
		} else {
			feature(table, symbols[i].name, "missing",
				"it can't be traced: the module can't load");
			ok = false;
		}
	}
	return ok;
}

/* -1 when there is none. */
static long sysctl_value(const char *path)
{
	FILE *const file = fopen(path, "re");
	long value = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%ld", &value) != 1)
		value = -1;
	fclose(file);
	return value;
}

static bool check_ftrace(struct table *table)
{
	const long enabled = sysctl_value("/proc/sys/kernel/ftrace_enabled");

	if (enabled > 0)
		feature(table, "ftrace", "ok", "");
	else
		feature(table, "ftrace", "missing", enabled < 0 ?
			"a kernel with CONFIG_DYNAMIC_FTRACE is needed" :
			"switched off: sysctl kernel.ftrace_enabled=1");
	return enabled > 0;
}

static bool check_pid_namespaces(struct table *table)
{
	const bool there = !access("/proc/self/ns/pid", F_OK);

	feature(table, "pid-namespaces", there ? "ok" : "missing",
		there ? "" : "a kernel with CONFIG_PID_NS is needed");
	return there;
}

/* From here on it is told, but not counted: none of it is the kernel's lack. */
static void check_user_namespaces(struct table *table)
{
	if (sysctl_value("/proc/sys/kernel/unprivileged_userns_clone") == 0)
		feature(table, "user-namespaces", "off",
			"only root can run groups: sysctl kernel.unprivileged_userns_clone=1");
	else if (sysctl_value("/proc/sys/user/max_user_namespaces") <= 0)
		feature(table, "user-namespaces", "off",
			"only root can run groups: raise user.max_user_namespaces");
	else
		feature(table, "user-namespaces", "ok", "");
}

static bool module_is_loaded(void)
{
	return !access("/sys/module/vprocns", F_OK);
}

static bool check_modules(struct table *table)
{
	const char *lack = NULL;

	if (access("/proc/modules", F_OK))
		lack = "a kernel with CONFIG_MODULES is needed";
	else if (!module_is_loaded() &&
		 sysctl_value("/proc/sys/kernel/modules_disabled") > 0)
		lack = "kernel.modules_disabled is 1: nothing can be loaded before the next boot";
	feature(table, "modules", lack ? "missing" : "ok", lack ?: "");
	return !lack;
}

static bool has_words(const char *path, const char *words, const char *others)
{
	FILE *const file = fopen(path, "re");
	char line[128] = "";

	if (!file)
		return false;
	if (!fgets(line, sizeof(line), file))
		line[0] = 0;
	fclose(file);
	return strstr(line, words) || strstr(line, others);
}

static const char *not_loaded(void)
{
	if (has_words("/sys/kernel/security/lockdown", "[integrity]",
		      "[confidentiality]"))
		return "not loaded; the kernel is locked down, so it takes signed modules only: sign it by an enrolled key (Secure Boot)";
	if (has_words("/sys/module/module/parameters/sig_enforce", "Y", "1"))
		return "not loaded; this kernel takes signed modules only: sign it by an enrolled key (Secure Boot)";
	return "not loaded: modprobe vprocns";
}

static const char *no_device(int err)
{
	switch (err) {
	case ENOENT:
		return "loaded, but " DEVICE " is not in this /dev: a sandbox or container has one of its own";
	case EPERM:
		return "loaded; you are in a group";
	default:
		return "loaded, but no access: be root or of the group vprocns";
	}
}

static void check_module(struct table *table)
{
	/* Where the node is there from boot on, this loads the module. */
	const int fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	const int err = errno;

	if (!module_is_loaded())
		feature(table, "module", "off", not_loaded());
	else if (fd < 0)
		feature(table, "module", err == ENOENT ? "off" : "ok",
			no_device(err));
	else if (device_is_outdated())
		feature(table, "module", "off",
			"loaded is not the one that is installed: once its groups have ended, rmmod vprocns and modprobe vprocns");
	else if (ioctl(fd, VPROCNS_VERSION) != VPROCNS_ABI_VERSION)
		feature(table, "module", "off",
			"loaded, of another release than this tool: install both from one");
	else
		feature(table, "module", "ok", "");
	if (fd >= 0)
		close(fd);
}

static int check_main(int argc, char **argv)
{
	const bool json = print_options(argc, argv);
	struct table *table;
	bool ok;

	no_arguments(argc, argv);
	table = table_new("features", columns, ARRAY_SIZE(columns), json);
	ok = check_symbols(table);
	ok &= check_ftrace(table);
	ok &= check_pid_namespaces(table);
	ok &= check_modules(table);
	check_user_namespaces(table);
	check_module(table);
	table_print(table);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

const struct command check_command = {
	.name = "check",
	.summary = "tell what this kernel lacks for vprocns",
	.usage = "[--json]\n"
		 "\n"
		 "Says for each feature that the module needs whether the running kernel has it,\n"
		 "and what to do if not. Exit status: 0 when the module can run, 1 when it can't.\n"
		 "A module that is not loaded yet is reported, but is no failure.\n",
	.main = check_main,
	.failure = 1,
	.misuse = EXIT_WRONG_USAGE,
};
