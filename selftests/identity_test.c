// SPDX-License-Identifier: GPL-2.0
/*
 * A number of a group is the task's number everywhere: in /proc, in what
 * the kernel writes and reads in memory, in messages, and as an argument.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "common.h"

FIXTURE_VARIANT_ADD(group, shadow) { { .profile = VPROCNS_PROFILE_SHADOW } };
FIXTURE_VARIANT_ADD(group, strict) {
	{ .profile = VPROCNS_PROFILE_SHADOW_STRICT }
};
FIXTURE_VARIANT_ADD(group, linux) { { .profile = VPROCNS_PROFILE_LINUX } };

static int proc_field(const char *path, const char *name)
{
	FILE *const file = fopen(path, "re");
	const size_t length = strlen(name);
	char line[256];
	int value = -1;

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, length) && line[length] == ':')
			value = atoi(line + length + 1);
	if (file)
		fclose(file);
	return value;
}

MEMBER_TEST(first_program_is_1000)
{
	EXPECT_EQ(FIRST, getpid());
	EXPECT_EQ(FIRST, sys_gettid());
	EXPECT_EQ(1, getppid());
	EXPECT_EQ(FIRST, proc_field("/proc/self/status", "Pid"));
	EXPECT_EQ(FIRST, proc_field("/proc/thread-self/status", "Pid"));
	EXPECT_EQ(FIRST, proc_field("/proc/1000/status", "NSpid"));
}

MEMBER_TEST(proc_shows_the_group_alone)
{
	char path[64];
	int pid, seen = 0;

	for (pid = 1; pid < 4096; pid++) {
		snprintf(path, sizeof(path), "/proc/%d", pid);
		if (access(path, F_OK))
			continue;
		EXPECT_TRUE(pid == 1 || pid == FIRST);
		seen++;
	}
	EXPECT_EQ(2, seen);
}

/* glibc keeps the owner's TID in the futex; the kernel reads it when it dies. */
static void *die_with(void *mutex)
{
	pthread_mutex_lock(mutex);
	return NULL;
}

MEMBER_TEST(robust_mutex)
{
	pthread_mutexattr_t attr;
	pthread_mutex_t mutex;
	pthread_t thread;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	ASSERT_EQ(0, pthread_mutex_init(&mutex, &attr));
	ASSERT_EQ(0, pthread_create(&thread, NULL, die_with, &mutex));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_EQ(EOWNERDEAD, pthread_mutex_lock(&mutex));
	EXPECT_EQ(0, pthread_mutex_consistent(&mutex));
	EXPECT_EQ(0, pthread_mutex_unlock(&mutex));
}

struct contest {
	pthread_mutex_t mutex;
	int turns;
};

static void *contend(void *arg)
{
	struct contest *const contest = arg;
	int i;

	for (i = 0; i < 200; i++) {
		if (pthread_mutex_lock(&contest->mutex))
			return "lock";
		contest->turns++;
		sched_yield();
		if (pthread_mutex_unlock(&contest->mutex))
			return "unlock";
	}
	return NULL;
}

MEMBER_TEST(priority_inheriting_mutex)
{
	struct contest contest = {};
	pthread_mutexattr_t attr;
	pthread_t threads[3];
	void *failed;
	int i;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	ASSERT_EQ(0, pthread_mutex_init(&contest.mutex, &attr));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, contend,
					    &contest));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &failed));
		EXPECT_EQ(NULL, failed);
	}
	EXPECT_EQ(600, contest.turns);
}

MEMBER_TEST(sigchld_tells_the_number)
{
	sigset_t set;
	siginfo_t info;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pid = fork();
	if (!pid)
		_exit(3);
	ASSERT_EQ(SIGCHLD, sigwaitinfo(&set, &info));
	EXPECT_EQ(FIRST + 1, info.si_pid);
	EXPECT_EQ(3, info.si_status);
	EXPECT_EQ(3, status_of(pid));
}

MEMBER_TEST(file_lock_tells_the_number)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	const int fd = memfd_create("lock", 0);
	pid_t pid;

	ASSERT_EQ(0, fcntl(fd, F_SETLK, &lock));
	pid = fork();
	if (!pid) {
		if (fcntl(fd, F_GETLK, &lock))
			_exit(1);
		_exit(lock.l_pid != FIRST);
	}
	EXPECT_EQ(0, status_of(pid));
}

MEMBER_TEST(credentials_tell_the_number)
{
	union {
		char space[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct ucred credentials;
	int pair[2], on = 1;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	ASSERT_EQ(0, setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on,
				sizeof(on)));
	pid = fork();
	if (!pid)
		_exit(write(pair[1], "", 1) != 1);
	ASSERT_EQ(1, recvmsg(pair[0], &message, 0));
	ASSERT_NE(NULL, CMSG_FIRSTHDR(&message));
	memcpy(&credentials, CMSG_DATA(CMSG_FIRSTHDR(&message)),
	       sizeof(credentials));
	EXPECT_EQ(FIRST + 1, credentials.pid);
	EXPECT_EQ(0, status_of(pid));
}

MEMBER_TEST(signals_by_number)
{
	const pid_t pid = sleeper();

	ASSERT_EQ(FIRST + 1, pid);
	EXPECT_EQ(0, kill(FIRST + 1, SIGTERM));
	EXPECT_EQ(128 + SIGTERM, status_of(pid));
	EXPECT_EQ(-1, kill(FIRST + 1, 0));
	EXPECT_EQ(ESRCH, errno);
}

MEMBER_TEST(pidfd_tells_the_number)
{
	const pid_t pid = sleeper();
	char path[64];
	int fd;

	fd = sys_pidfd_open(pid);
	ASSERT_LE(0, fd);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	EXPECT_EQ(FIRST + 1, proc_field(path, "Pid"));
	EXPECT_EQ(0, syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0));
	EXPECT_EQ(128 + SIGKILL, status_of(pid));
}

TEST_HARNESS_MAIN
