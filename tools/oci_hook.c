// SPDX-License-Identifier: GPL-2.0
/*
 * `vprocns oci-hook`: a container runtime runs it at createRuntime, when the
 * container's pid 1 is there and has not executed its program yet.
 *
 * What can't be done as the annotations ask keeps the container from starting.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "device.h"
#include "options.h"
#include "recorder.h"
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
	{ "record", OPT_RECORD },
};

/**
 * struct hook - what the annotations and the command line ask for
 * @create: the group
 * @record: record it
 * @record_dir: where recordings go; NULL when none are allowed
 */
struct hook {
	struct vprocns_create create;
	bool record;
	const char *record_dir;
};

static bool boolean(const char *key, const char *value)
{
	if (strcmp(value, "true") && strcmp(value, "false"))
		misuse("annotation %s is '%s': true or false is needed", key,
		       value);
	return *value == 't';
}

static void take_one(const char *key, const char *value, struct hook *hook)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(annotations); i++)
		if (!strcmp(annotations[i].name, key + strlen(PREFIX)))
			break;
	if (i == ARRAY_SIZE(annotations))
		misuse("there is no annotation %s; see vprocns oci-hook --help",
		       key);
	if (annotations[i].option == OPT_RECORD)
		hook->record = boolean(key, value);
	else if (annotations[i].option != OPT_THREADS_ONLY || boolean(key, value))
		group_option(annotations[i].option, value, &hook->create);
	/* Who annotates a container does not choose where the host's files are written. */
	if (hook->record && !hook->record_dir)
		misuse("annotation %s: no recordings are kept here: the hook's file in hooks.d has to give --record-dir DIR to vprocns oci-hook",
		       key);
}

/* Returns whether there was any of ours. */
static bool take_annotations(struct json_object *from, struct hook *hook)
{
	bool ours = false;

	json_object_object_foreach(from, key, value) {
		if (strncmp(key, PREFIX, strlen(PREFIX)))
			continue;
		if (!json_object_is_type(value, json_type_string))
			misuse("annotation %s is no string", key);
		take_one(key, json_object_get_string(value), hook);
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

/* Of the container's ID, which the engine has chosen. */
static char *recording_path(const char *directory, struct json_object *state)
{
	struct json_object *const member_id = member(state, "id", json_type_string);
	const char *const id = member_id ? json_object_get_string(member_id) : "";
	char *path;

	if (!*id || *id == '.' || strchr(id, '/'))
		misuse("the container's state has '%s' as its id", id);
	if (asprintf(&path, "%s/%s.jsonl", directory, id) < 0)
		fail("out of memory");
	return path;
}

/* Goes on after the hook, until the container has ended. */
static void record_on(struct recorder *recorder)
{
	if (recorder_detach(recorder))
		return;
	recorder_until_end(recorder);
	recorder_close(recorder, RECORDER_NO_STATUS);
	_exit(0);
}

static void bind_container(struct json_object *state, const struct hook *hook)
{
	const int pid = pid_of(state);
	const int pidfd = syscall(SYS_pidfd_open, pid, 0);
	struct recorder recorder = {};
	int device;

	if (pidfd < 0)
		fail("process %d of the container: %s", pid, strerror(errno));
	if (innermost_pid(pid) != 1)
		fail("the container has no PID namespace of its own: annotate the container whose program is pid 1 there, or give this one its own");
	device = device_open();
	recorder.group = group_create(device, &hook->create);
	if (hook->record) {
		recorder.path = recording_path(hook->record_dir, state);
		umask(077);
		recorder_listen(&recorder);
		recorder_open(&recorder, NULL, NULL);
	}
	/* Not before: the runtime still makes threads and sets capabilities. */
	group_bind(recorder.group, pidfd, &hook->create,
		   VPROCNS_BIND_AT_EXEC | VPROCNS_BIND_JOIN_AT_EXEC);
	if (hook->record)
		record_on(&recorder);
	close(recorder.group);
	close(device);
	close(pidfd);
}

static int oci_hook_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "record-dir", required_argument, NULL, OPT_RECORD_DIR },
		HELP_OPTION
	};
	/* What containers are made for; an annotation may say otherwise. */
	struct hook hook = { .create.profile = VPROCNS_PROFILE_CONTAINER };
	struct json_object *state, *config = NULL, *ours;

	while (next_option(argc, argv, OPTIONS_ANYWHERE, options) != -1)
		hook.record_dir = optarg;
	if (hook.record_dir && *hook.record_dir != '/')
		misuse("directory '%s': an absolute path is needed", hook.record_dir);
	no_arguments(argc, argv);
	state = read_object(STDIN_FILENO, "the container's state");
	ours = member(state, "annotations", json_type_object);
	if (!ours) {
		config = read_config(state);
		ours = member(config, "annotations", json_type_object);
	}
	if (ours && take_annotations(ours, &hook)) {
		check_group_options(&hook.create);
		/* As bind: the runtime decides what the container may do. */
		if (hook.create.caps == VPROCNS_CAPS_PROFILE)
			hook.create.caps = VPROCNS_CAPS_HOST;
		bind_container(state, &hook);
	}
	json_object_put(config);
	json_object_put(state);
	return 0;
}

const struct command oci_hook_command = {
	.name = "oci-hook",
	.summary = "make a group of a container: a hook for OCI runtimes",
	.usage = "[--record-dir DIR] < STATE\n"
		 "\n"
		 "For container runtimes, at the stage createRuntime: makes a group of the container\n"
		 "whose state, as the OCI runtime specification has it, is on standard input, and\n"
		 "whose annotations ask for it. These are org.vprocns.profile (container if not\n"
		 "given), and org.vprocns.threads-only (true or false), .allow, .vfork, .caps,\n"
		 ".numbering, .seed, .first, .last and .name, each as the option of that name of\n"
		 "vprocns bind; and .record (true or false). Without any of them nothing is done.\n"
		 "A failure keeps the container from starting.\n"
		 "\n"
		 "  --record-dir DIR  keep a recording of each container that asks for one, in\n"
		 "                    DIR/ID.jsonl by its id; without it asking is a failure\n",
	.main = oci_hook_main,
	.failure = 1,
	.misuse = EXIT_WRONG_USAGE,
};
