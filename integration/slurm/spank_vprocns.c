// SPDX-License-Identifier: GPL-2.0
/*
 * A SPANK plugin: srun --vprocns puts the tasks of a job step in a group.
 *
 * One group for a step and node, not one for a rank: MPI libraries tell the ranks
 * of a node apart by their PIDs, and in groups of their own all would have the same.
 *
 * In the order of a step, on each node:
 * 1. init_post_opt, in slurmstepd as root: makes the group, starts a recorder if one
 *    is asked for, and a child that becomes pid 1 of a new PID namespace and binds it.
 * 2. task_init_privileged, in each task as root: the task's children will be born
 *    in that namespace.
 * 3. task_init, in each task as the user, within its cgroups and on its CPUs, just
 *    before the program: fails without a group; asks for the slot of the task's local
 *    ID and forks. The child goes on to be the program; the parent, which Slurm
 *    knows, waits for it and ends as it does.
 * 4. task_exit of the last task, in slurmstepd, before srun hears of it: ends pid 1, and
 *    with it all that is left in the namespace; then the recording is complete. exit
 *    does that where no task was started.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <slurm/spank.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "names.h"
#include "vprocns.h"

SPANK_PLUGIN(vprocns, 1);

#define NAME_ENV	"SLURM_VPROCNS"
#define NUMBERING_ENV	"SLURM_VPROCNS_NUMBERING"
#define SEED_ENV	"SLURM_VPROCNS_SEED"
#define RECORD_ENV	"SLURM_VPROCNS_RECORD"

/* To Slurm, only what is below 0 is a failure: after ESPANK_ERROR, 3000, the task starts. */
#define FAILED	(-1)

/* How long the end of a step waits for its recording: the disk may be slow, or gone. */
#define RECORDER_WAIT_MS	10000

/* What the options say; the same struct is the request for the group. */
static struct vprocns_create request = {
	.profile = VPROCNS_PROFILE_LINUX,
	.numbering = VPROCNS_NUMBERING_LINEAGE,
	/* Of what the user may do Slurm is the judge. */
	.caps = VPROCNS_CAPS_HOST,
};
static bool asked, numbering_given, seed_given;
/* The directory for recordings; empty without. */
static char record[PATH_MAX];

/* Of the step, in slurmstepd and in what it forks. */
static int group = -1;
static int init_pidfd = -1;
static pid_t init = -1, init_parent;
static int recorder_pidfd = -1;
static uint32_t tasks_left;

/* Why the step can't be as asked; empty while it can, or may. */
static char reason[1024];

static int wrong(const char *option, const char *word, const char *needed)
{
	snprintf(reason, sizeof(reason), "%s '%.512s': %s is needed", option, word, needed);
	slurm_error("vprocns: %s", reason);
	return FAILED;
}

static int take_profile(const char *word)
{
	/* How sbatch hands on to its steps that the option had no word. */
	static const char none[] = "(null)";

	asked = true;
	if (!word || !*word || !strcmp(word, none) || profile_value(word, &request.profile))
		return ESPANK_SUCCESS;
	return wrong("profile", word, "shadow, shadow-strict, linux or container");
}

static int take_numbering(const char *word)
{
	numbering_given = true;
	if (numbering_value(word, &request.numbering))
		return ESPANK_SUCCESS;
	return wrong("numbering", word, "lineage or sequential");
}

static int take_seed(const char *word)
{
	char *end;

	seed_given = true;
	errno = 0;
	request.seed = strtoull(word, &end, 0);
	if (*word >= '0' && *word <= '9' && !*end && !errno)
		return ESPANK_SUCCESS;
	return wrong("seed", word, "a number from 0 to 18446744073709551615");
}

static int take_record(const char *word)
{
	if (*word == '/' && strlen(word) < sizeof(record)) {
		strcpy(record, word);
		return ESPANK_SUCCESS;
	}
	return wrong("record", word, "the absolute path of a directory");
}

/*
 * On a node srun's word was good, or did not come from srun; after a failure there srun
 * says "Plugin initialization failed" and not why, so the tasks fail, with the reason.
 */
static int told(int err, int remote)
{
	return remote ? ESPANK_SUCCESS : err;
}

static int profile_option(int val, const char *word, int remote)
{
	(void)val;
	return told(take_profile(word), remote);
}

static int numbering_option(int val, const char *word, int remote)
{
	(void)val;
	return told(take_numbering(word), remote);
}

static int seed_option(int val, const char *word, int remote)
{
	(void)val;
	return told(take_seed(word), remote);
}

static int record_option(int val, const char *word, int remote)
{
	(void)val;
	return told(take_record(word), remote);
}

static struct spank_option options[] = {
	{ "vprocns", "PROFILE",
	  "run the step's tasks in a vprocns group on each node: shadow, shadow-strict, linux (default) or container",
	  2, 0, profile_option },
	{ "vprocns-numbering", "N",
	  "with --vprocns: lineage (default) or sequential", 1, 0,
	  numbering_option },
	{ "vprocns-seed", "N", "with --vprocns: other numbers, by lineage", 1,
	  0, seed_option },
	{ "vprocns-record", "DIR",
	  "with --vprocns: keep a recording of each node, DIR/slurm-JOB.STEP.NODE.jsonl",
	  1, 0, record_option },
};

int slurm_spank_init(spank_t sp, int ac, char **av)
{
	int err = ESPANK_SUCCESS;
	size_t i;

	(void)ac, (void)av;
	for (i = 0; i < sizeof(options) / sizeof(*options) && !err; i++)
		err = spank_option_register(sp, &options[i]);
	return err;
}

/* A word of the job's environment: srun's own, or on the node the step's. */
static const char *environment(spank_t sp, const char *name, char *word, int size)
{
	if (spank_context() != S_CTX_REMOTE)
		return getenv(name);
	return spank_getenv(sp, name, word, size) ? NULL : word;
}

/* What was not given as an option may stand in the job's environment. */
static int take_environment(spank_t sp)
{
	const char *value;
	char word[PATH_MAX];
	int err = ESPANK_SUCCESS;

	value = asked ? NULL : environment(sp, NAME_ENV, word, sizeof(word));
	if (value)
		err = take_profile(value);
	if (err || !asked)
		return err;
	value = numbering_given ? NULL :
		environment(sp, NUMBERING_ENV, word, sizeof(word));
	if (value)
		err = take_numbering(value);
	if (err)
		return err;
	value = seed_given ? NULL : environment(sp, SEED_ENV, word, sizeof(word));
	if (value)
		err = take_seed(value);
	if (err)
		return err;
	value = *record ? NULL : environment(sp, RECORD_ENV, word, sizeof(word));
	return value ? take_record(value) : ESPANK_SUCCESS;
}

/* What the module would refuse on each node, told where the user is. */
static int check_request(void)
{
	if (request.numbering != VPROCNS_NUMBERING_SEQUENTIAL || !seed_given)
		return ESPANK_SUCCESS;
	snprintf(reason, sizeof(reason), "--vprocns-seed goes with --vprocns-numbering=lineage");
	slurm_error("vprocns: %s", reason);
	return FAILED;
}

/*
 * Before the tasks, this goes to slurmd's log, so it is kept for them. In a task it goes to
 * the user's terminal, or to the job's output.
 */
static int refuse_as(const char *what, const char *why)
{
	snprintf(reason, sizeof(reason), "%s: %s", what, why);
	slurm_spank_log("vprocns: %s", reason);
	return FAILED;
}

static int refuse(const char *what, int err)
{
	return refuse_as(what, strerror(err));
}

static int make_group(spank_t sp)
{
	uint32_t job = 0, step = 0;
	int device;

	spank_get_item(sp, S_JOB_ID, &job);
	spank_get_item(sp, S_JOB_STEPID, &step);
	/* The batch script's step has a number from the top of the range. */
	snprintf(request.name, sizeof(request.name), "slurm-%u.%d", job,
		 (int)step);
	device = open("/dev/vprocns", O_RDWR | O_CLOEXEC);
	if (device < 0)
		return refuse("/dev/vprocns on this node (is the module loaded?)",
			      errno);
	group = ioctl(device, VPROCNS_CREATE, &request);
	/* Several slurmd of one machine may have the same step. */
	if (group < 0 && errno == EEXIST) {
		memset(request.name, 0, sizeof(request.name));
		group = ioctl(device, VPROCNS_CREATE, &request);
	}
	close(device);
	return group < 0 ? refuse("no group can be made", errno) :
			   ESPANK_SUCCESS;
}

/* All that @fd has, as far as it fits. */
static void read_all(int fd, char *text, size_t size)
{
	size_t length = 0;
	ssize_t got;

	while ((got = read(fd, text + length, size - 1 - length)) > 0)
		length += got;
	text[length] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

/*
 * Runs the tool with @argv; its line, on standard output or error, is in @text. The
 * recorder that it leaves has neither open. Returns its wait status, or -1.
 */
static int run_tool(char *const *argv, char *text, size_t size)
{
	posix_spawn_file_actions_t actions;
	int said[2], status = -1, err;
	pid_t pid;

	if (pipe2(said, O_CLOEXEC))
		return -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, said[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, said[1], STDERR_FILENO);
	err = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(said[1]);
	if (err) {
		snprintf(text, size, "%s: %s", argv[0], strerror(err));
	} else {
		read_all(said[0], text, size);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	close(said[0]);
	return status;
}

/* Before the group is bound, so that the recording is whole. The file is the user's. */
static int start_recorder(spank_t sp)
{
	uint32_t job = 0, step = 0, node = 0;
	char id[24], user[32], path[PATH_MAX + 64], said[512];
	char *const argv[] = {
		"vprocns", "record", "--quiet", "--detach", "--group", id,
		"--user", user, "--output", path, NULL
	};
	struct vprocns_info info;
	uid_t uid = 0;
	gid_t gid = 0;

	if (ioctl(group, VPROCNS_INFO, &info))
		return refuse("the group can't be asked", errno);
	spank_get_item(sp, S_JOB_ID, &job);
	spank_get_item(sp, S_JOB_STEPID, &step);
	spank_get_item(sp, S_JOB_NODEID, &node);
	spank_get_item(sp, S_JOB_UID, &uid);
	spank_get_item(sp, S_JOB_GID, &gid);
	snprintf(id, sizeof(id), "%llu", (unsigned long long)info.id);
	snprintf(user, sizeof(user), "%u:%u", uid, gid);
	snprintf(path, sizeof(path), "%s/slurm-%u.%d.%u.jsonl", record, job,
		 (int)step, node);
	if (run_tool(argv, said, sizeof(said)))
		return refuse_as("no recording can be made", said);
	recorder_pidfd = syscall(SYS_pidfd_open, atoi(said), 0);
	return ESPANK_SUCCESS;
}

/* The group has ended: what is left of its events is being written. */
static void await_recorder(void)
{
	struct pollfd ended = { .fd = recorder_pidfd, .events = POLLIN };

	if (poll(&ended, 1, RECORDER_WAIT_MS) == 0)
		slurm_error("vprocns: the step's recording is not complete yet");
	close(recorder_pidfd);
	recorder_pidfd = -1;
}

/*
 * Pid 1 of the group: reaps what loses its parent. slurmstepd has threads, so
 * only system calls are safe here.
 */
static void be_init(int report)
{
	const struct vprocns_bind bind = { .pidfd = -1 };
	sigset_t all;
	int err = 0;

	/* The main thread of slurmstepd; without it there is no step. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "vprocns-init");
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) ||
	    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  NULL) ||
	    ioctl(group, VPROCNS_BIND, &bind))
		err = errno;
	if (write(report, &err, sizeof(err)) != sizeof(err) || err)
		_exit(1);
	/* Nothing of the step's may stay open because of us. */
	syscall(SYS_close_range, 0, UINT_MAX, 0);
	for (;;) {
		sigwaitinfo(&all, NULL);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

static int start_init(void)
{
	int report[2], err = EPIPE;

	if (pipe2(report, O_CLOEXEC))
		return refuse("no pipe", errno);
	init = syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, 0, 0, 0,
		       0);
	if (!init)
		be_init(report[1]);
	close(report[1]);
	if (init < 0) {
		err = errno;
	} else {
		init_pidfd = syscall(SYS_pidfd_open, init, 0);
		if (read(report[0], &err, sizeof(err)) != sizeof(err))
			err = EPIPE;
		else if (init_pidfd < 0)
			err = errno;
	}
	close(report[0]);
	return err ? refuse("no PID namespace can be made", err) :
		     ESPANK_SUCCESS;
}

static void start_group(spank_t sp)
{
	int err = make_group(sp);

	if (!err && *record)
		err = start_recorder(sp);
	if (!err)
		start_init();
}

int slurm_spank_init_post_opt(spank_t sp, int ac, char **av)
{
	int err;

	(void)ac, (void)av;
	err = take_environment(sp);
	if (!err)
		err = check_request();
	if (spank_context() != S_CTX_REMOTE)
		return err;
	if (!asked)
		return ESPANK_SUCCESS;
	init_parent = getpid();
	spank_get_item(sp, S_JOB_LOCAL_TASK_COUNT, &tasks_left);
	/* Of a failure here srun would not say why: the tasks fail, with the reason. */
	if (!*reason)
		start_group(sp);
	return ESPANK_SUCCESS;
}

int slurm_spank_task_init_privileged(spank_t sp, int ac, char **av)
{
	(void)sp, (void)ac, (void)av;
	/* Then task_init says so: what it says goes to the user. */
	if (!asked || *reason)
		return ESPANK_SUCCESS;
	if (setns(init_pidfd, CLONE_NEWPID | CLONE_NEWNS))
		return refuse("the step's PID namespace can't be joined", errno);
	return ESPANK_SUCCESS;
}

/* What Slurm knows as the task: ends as the program does. */
static void wait_and_end(pid_t program)
{
	const struct sigaction by_default = { .sa_handler = SIG_DFL };
	const struct rlimit no_core = { 0, 0 };
	int status, signal;
	sigset_t all;

	/* The step's signals come to the program as well, by themselves. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	syscall(SYS_close_range, 0, UINT_MAX, 0);
	while (waitpid(program, &status, 0) != program)
		;
	if (WIFSIGNALED(status)) {
		signal = WTERMSIG(status);
		setrlimit(RLIMIT_CORE, &no_core);
		sigaction(signal, &by_default, NULL);
		kill(getpid(), signal);
		sigdelset(&all, signal);
		sigprocmask(SIG_SETMASK, &all, NULL);
	}
	_exit(WEXITSTATUS(status));
}

int slurm_spank_task_init(spank_t sp, int ac, char **av)
{
	struct vprocns_slot slot = {};
	pid_t program;
	int task = 0;

	(void)ac, (void)av;
	if (!asked)
		return ESPANK_SUCCESS;
	if (*reason) {
		slurm_spank_log("vprocns: the task does not start, since its step has no group on this node: %s",
				reason);
		return FAILED;
	}
	if (spank_get_item(sp, S_TASK_ID, &task))
		return refuse("the task has no local ID", EINVAL);
	slot.slot = task;
	if (request.numbering == VPROCNS_NUMBERING_LINEAGE &&
	    ioctl(group, VPROCNS_SLOT, &slot))
		return refuse("the task's slot can't be taken", errno);
	program = fork();
	if (program < 0)
		return refuse("the program can't be started", errno);
	if (program)
		wait_and_end(program);
	/* The user's ID is set by now: that would undo it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return ESPANK_SUCCESS;
}

static void end_group(void)
{
	/* Not from a task that fails before its program. */
	if (init_parent != getpid())
		return;
	if (init >= 0) {
		kill(init, SIGKILL);
		while (waitpid(init, NULL, 0) < 0 && errno == EINTR)
			;
		close(init_pidfd);
	} else {
		/* Nothing was bound, and a recorder would wait for that. */
		ioctl(group, VPROCNS_KILL);
	}
	close(group);
	init = init_pidfd = group = -1;
	if (recorder_pidfd >= 0)
		await_recorder();
}

int slurm_spank_task_exit(spank_t sp, int ac, char **av)
{
	(void)sp, (void)ac, (void)av;
	if (group >= 0 && tasks_left && --tasks_left == 0)
		end_group();
	return ESPANK_SUCCESS;
}

int slurm_spank_exit(spank_t sp, int ac, char **av)
{
	(void)sp, (void)ac, (void)av;
	if (group >= 0)
		end_group();
	return ESPANK_SUCCESS;
}
