// SPDX-License-Identifier: GPL-2.0
/*
 * `vprocns oci-hook`: a container runtime runs it at createRuntime, when the
 * container's pid 1 is there and has not executed its program yet.
 *
 * What can't be done as the annotations ask keeps the container from starting.
 */
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "device.h"
#include "options.h"
#include "tool.h"

#define PREFIX "org.vprocns."

static const struct annotation {
	const char *name;
	int option;
} annotations[] = {
	{ "profile", OPT_PROFILE },	{ "threads-only", OPT_THREADS_ONLY },
	{ "allow", OPT_ALLOW },		{ "vfork", OPT_VFORK },
	{ "caps", OPT_CAPS },		{ "numbering", OPT_NUMBERING },
	{ "seed", OPT_SEED },		{ "first", OPT_FIRST },
	{ "last", OPT_LAST },		{ "name", OPT_NAME },
};

static void take_one(const char *key, const char *value,
		     struct vprocns_create *create)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(annotations); i++)
		if (!strcmp(annotations[i].name, key + strlen(PREFIX)))
			break;
	if (i == ARRAY_SIZE(annotations))
		misuse("there is no annotation %s; see vprocns oci-hook --help",
		       key);
	if (annotations[i].option == OPT_THREADS_ONLY) {
		if (!strcmp(value, "false"))
			return;
		if (strcmp(value, "true"))
			misuse("annotation %s is '%s': true or false is needed",
			       key, value);
	}
	group_option(annotations[i].option, value, create);
}

/* Returns whether there was any of ours. */
static bool take_annotations(struct json_object *from,
			     struct vprocns_create *create)
{
	bool ours = false;

	json_object_object_foreach(from, key, value) {
		if (strncmp(key, PREFIX, strlen(PREFIX)))
			continue;
		if (!json_object_is_type(value, json_type_string))
			misuse("annotation %s is no string", key);
		take_one(key, json_object_get_string(value), create);
		ours = true;
	}
	return ours;
}

/* NULL when there is none; another kind of value is an error. */
static struct json_object *member(struct json_object *of, const char *key,
				  json_type type)
{
	struct json_object *found;

	if (!json_object_object_get_ex(of, key, &found) || !found)
		return NULL;
	if (!json_object_is_type(found, type))
		misuse("the container's state has a '%s' of a wrong type", key);
	return found;
}

/* For json_object_put(). */
static struct json_object *read_object(int fd, const char *what)
{
	struct json_object *const read = json_object_from_fd(fd);

	if (!read)
		misuse("%s is no JSON text", what);
	if (!json_object_is_type(read, json_type_object))
		misuse("%s is no JSON object", what);
	return read;
}

/* For a runtime whose state does not repeat the annotations. */
static struct json_object *read_config(struct json_object *state)
{
	struct json_object *const bundle = member(state, "bundle",
						  json_type_string);
	struct json_object *config;
	char path[PATH_MAX];
	FILE *file;

	if (!bundle)
		misuse("the container's state has neither annotations nor a bundle");
	snprintf(path, sizeof(path), "%s/config.json",
		 json_object_get_string(bundle));
	file = fopen(path, "re");
	if (!file)
		fail("%s: %s", path, strerror(errno));
	config = read_object(fileno(file), path);
	fclose(file);
	return config;
}

static int pid_of(struct json_object *state)
{
	struct json_object *const pid = member(state, "pid", json_type_int);
	const int64_t nr = pid ? json_object_get_int64(pid) : 0;

	if (nr < 1 || nr > INT_MAX)
		misuse("the container's state has no process: the stage must be createRuntime");
	return nr;
}

/* The process's TID in its own PID namespace, the last of its line NSpid. */
static long innermost_pid(int pid)
{
	char path[64], line[256];
	long innermost = 0;
	char *word;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	if (!file)
		fail("process %d of the container: %s", pid, strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "NSpid:", 6))
			continue;
		for (word = strtok(line + 6, "\t\n"); word;
		     word = strtok(NULL, "\t\n"))
			innermost = atol(word);
	}
	fclose(file);
	return innermost;
}

static void bind_container(int pid, const struct vprocns_create *create)
{
	const int pidfd = syscall(SYS_pidfd_open, pid, 0);
	int device, group;

	if (pidfd < 0)
		fail("process %d of the container: %s", pid, strerror(errno));
	if (innermost_pid(pid) != 1)
		fail("the container has no PID namespace of its own: annotate the container whose program is pid 1 there, or give this one its own");
	device = device_open();
	group = group_create(device, create);
	/* Not before: the runtime still makes threads and sets capabilities. */
	group_bind(group, pidfd, create,
		   VPROCNS_BIND_AT_EXEC | VPROCNS_BIND_JOIN_AT_EXEC);
	close(group);
	close(device);
	close(pidfd);
}

static int oci_hook_main(int argc, char **argv)
{
	static const struct option options[] = {
		HELP_OPTION
	};
	/* What containers are made for; an annotation may say otherwise. */
	struct vprocns_create create = { .profile = VPROCNS_PROFILE_CONTAINER };
	struct json_object *state, *config = NULL, *ours;

	while (next_option(argc, argv, OPTIONS_ANYWHERE, options) != -1)
		;
	no_arguments(argc, argv);
	state = read_object(STDIN_FILENO, "the container's state");
	ours = member(state, "annotations", json_type_object);
	if (!ours) {
		config = read_config(state);
		ours = member(config, "annotations", json_type_object);
	}
	if (ours && take_annotations(ours, &create)) {
		check_group_options(&create);
		/* As bind: the runtime decides what the container may do. */
		if (create.caps == VPROCNS_CAPS_PROFILE)
			create.caps = VPROCNS_CAPS_HOST;
		bind_container(pid_of(state), &create);
	}
	json_object_put(config);
	json_object_put(state);
	return 0;
}

const struct command oci_hook_command = {
	.name = "oci-hook",
	.summary = "make a group of a container: a hook for OCI runtimes",
	.usage = "< STATE\n"
		 "\n"
		 "For container runtimes, at the stage createRuntime: makes a group of the container\n"
		 "whose state, as the OCI runtime specification has it, is on standard input, and\n"
		 "whose annotations ask for it. These are org.vprocns.profile (container if not\n"
		 "given), and org.vprocns.threads-only (true or false), .allow, .vfork, .caps,\n"
		 ".numbering, .seed, .first, .last and .name, each as the option of that name of\n"
		 "vprocns bind. Without any of them nothing is done. A failure keeps the\n"
		 "container from starting.\n",
	.main = oci_hook_main,
	.failure = 1,
	.misuse = EXIT_WRONG_USAGE,
};
