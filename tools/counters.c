// SPDX-License-Identifier: GPL-2.0
/* Counters of each task: perf events that every child inherits. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "counters.h"
#include "tool.h"

/* As `perf list` has them. */
static const struct {
	const char *name;
	__u32 type;
	__u64 config;
} known[] = {
	{ "cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES },
	{ "cpu-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES },
	{ "instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS },
	{ "cache-references", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES },
	{ "cache-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES },
	{ "branches", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS },
	{ "branch-instructions", PERF_TYPE_HARDWARE,
	  PERF_COUNT_HW_BRANCH_INSTRUCTIONS },
	{ "branch-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES },
	{ "bus-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BUS_CYCLES },
	{ "ref-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_REF_CPU_CYCLES },
	{ "stalled-cycles-frontend", PERF_TYPE_HARDWARE,
	  PERF_COUNT_HW_STALLED_CYCLES_FRONTEND },
	{ "stalled-cycles-backend", PERF_TYPE_HARDWARE,
	  PERF_COUNT_HW_STALLED_CYCLES_BACKEND },
	{ "cpu-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK },
	{ "task-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK },
	{ "page-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS },
	{ "faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS },
	{ "minor-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MIN },
	{ "major-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MAJ },
	{ "context-switches", PERF_TYPE_SOFTWARE,
	  PERF_COUNT_SW_CONTEXT_SWITCHES },
	{ "cs", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES },
	{ "cpu-migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS },
	{ "migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS },
	{ "alignment-faults", PERF_TYPE_SOFTWARE,
	  PERF_COUNT_SW_ALIGNMENT_FAULTS },
	{ "emulation-faults", PERF_TYPE_SOFTWARE,
	  PERF_COUNT_SW_EMULATION_FAULTS },
};

/* Pages of a CPU's buffer, tried from the largest: users have a limit. */
#define PAGES_MAX	256
#define PAGES_MIN	8

struct cpu_buffer {
	int fd;
	struct perf_event_mmap_page *page;
	size_t size;
	uint64_t mark;
};

struct counter {
	char *name;
	/* By CPU, as the buffers; and what the kernel calls it in a record. */
	int *fds;
	uint64_t *ids;
};

struct counters {
	struct counter *counters;
	size_t count;
	struct cpu_buffer *cpus;
	size_t nr_cpus;
	uint64_t lost;
};

/* What the kernel writes when a task ends; see perf_event_open(2). */
struct read_record {
	struct perf_event_header header;
	__u32 pid, tid;
	__u64 value, enabled, running, id;
	__u64 time;
};

struct lost_record {
	struct perf_event_header header;
	__u64 id, lost;
};

static int open_event(size_t event, int cpu, bool with_kernel)
{
	struct perf_event_attr attr = {
		.type = known[event].type,
		.config = known[event].config,
		.size = sizeof(attr),
		.inherit = 1,
		.inherit_stat = 1,
		.exclude_kernel = !with_kernel,
		.exclude_hv = !with_kernel,
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED |
			       PERF_FORMAT_TOTAL_TIME_RUNNING | PERF_FORMAT_ID,
		.sample_type = PERF_SAMPLE_TIME,
		.sample_id_all = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
	};

	return syscall(SYS_perf_event_open, &attr, 0, cpu, -1,
		       PERF_FLAG_FD_CLOEXEC);
}

/* The buffer of a CPU hangs on the first counter that it has. */
static bool map_buffer(struct cpu_buffer *cpu, int fd)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	size_t pages;

	for (pages = PAGES_MAX; pages >= PAGES_MIN; pages /= 2) {
		void *const memory = mmap(NULL, (pages + 1) * page,
					  PROT_READ | PROT_WRITE, MAP_SHARED,
					  fd, 0);

		if (memory == MAP_FAILED)
			continue;
		cpu->fd = fd;
		cpu->page = memory;
		cpu->size = pages * page;
		return true;
	}
	return false;
}

static bool join_buffer(struct cpu_buffer *cpu, int fd)
{
	return cpu->page ? !ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, cpu->fd) :
			   map_buffer(cpu, fd);
}

static void close_counter(struct counters *counters, struct counter *counter)
{
	size_t i;

	for (i = 0; i < counters->nr_cpus; i++)
		if (counter->fds[i] >= 0)
			close(counter->fds[i]);
	free(counter->fds);
	free(counter->ids);
	free(counter->name);
}

/* On each CPU, or not at all. 0 or an errno. */
static int open_counter(struct counters *counters, struct counter *counter,
			size_t event, bool with_kernel)
{
	size_t i;
	int err;

	/* As perf has it: the kernel's part is missing. */
	if (asprintf(&counter->name, "%s%s", known[event].name,
		     with_kernel ? "" : ":u") < 0)
		fail("out of memory");
	counter->fds = need(calloc(counters->nr_cpus, sizeof(int)));
	counter->ids = need(calloc(counters->nr_cpus, sizeof(uint64_t)));
	memset(counter->fds, 0xff, counters->nr_cpus * sizeof(int));
	for (i = 0; i < counters->nr_cpus; i++) {
		const int fd = open_event(event, i, with_kernel);

		/* A CPU that is off. */
		if (fd < 0 && errno == ENODEV && i)
			continue;
		counter->fds[i] = fd;
		if (fd < 0 || ioctl(fd, PERF_EVENT_IOC_ID, &counter->ids[i]) ||
		    !join_buffer(&counters->cpus[i], fd)) {
			err = errno;
			/* What hangs on it goes with it. */
			if (fd >= 0 && counters->cpus[i].fd == fd)
				counters->cpus[i].page = NULL;
			close_counter(counters, counter);
			return err;
		}
	}
	return 0;
}

static size_t find_event(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(known[i].name, name))
			return i;
	misuse("event '%s': cycles, instructions, cache-misses, branch-misses, page-faults, context-switches or another generic one of 'perf list' is needed",
	       name);
}

static const char *why_not(int err)
{
	switch (err) {
	case ENOENT:
	case EOPNOTSUPP:
	case ENODEV:
		return "this machine has no such counter";
	case EACCES:
	case EPERM:
		return "lower kernel.perf_event_paranoid, or be root";
	case EMFILE:
		return "too many open files: raise 'ulimit -n'";
	default:
		return strerror(err);
	}
}

/* Adds "NAME (why)" to the list of those that can't be had. */
static void add_missing(char **missing, const char *name, int err)
{
	char *longer;

	if (asprintf(&longer, "%s%s%s (%s)", *missing ? *missing : "",
		     *missing ? ", " : "", name, why_not(err)) < 0)
		fail("out of memory");
	free(*missing);
	*missing = longer;
}

static void add_counter(struct counters *counters, const char *name,
			bool *user_only, char **missing)
{
	struct counter counter;
	const size_t event = find_event(name);
	int err;

	err = open_counter(counters, &counter, event, true);
	if (err == EACCES || err == EPERM) {
		err = open_counter(counters, &counter, event, false);
		*user_only |= !err;
	}
	if (err) {
		add_missing(missing, name, err);
		return;
	}
	counters->counters = need(reallocarray(counters->counters,
					       counters->count + 1,
					       sizeof(counter)));
	counters->counters[counters->count++] = counter;
}

static void count_part(void *data, const struct counters_part *part)
{
	(void)part;
	++*(unsigned int *)data;
}

/*
 * Whether this kernel hands over what a task has counted: Linux 5.13 to 6.18 forget to,
 * unless they have "perf/core: Fix missing read event generation on task exit".
 */
static bool are_handed_over(struct counters *counters)
{
	unsigned int parts = 0;
	const pid_t pid = fork();

	if (pid < 0)
		fail("a process can't be made: %s", strerror(errno));
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	counters_mark(counters);
	counters_read(counters, count_part, &parts);
	return parts;
}

struct counters *counters_start(const char *list)
{
	struct counters *const counters = need(calloc(1, sizeof(*counters)));
	char *const names = need(strdup(list));
	char *rest = names, *missing = NULL;
	bool user_only = false;
	const char *name;

	counters->nr_cpus = sysconf(_SC_NPROCESSORS_CONF);
	counters->cpus = need(calloc(counters->nr_cpus,
				     sizeof(*counters->cpus)));
	while ((name = strsep(&rest, ",")))
		add_counter(counters, name, &user_only, &missing);
	free(names);
	if (missing)
		complain("not counted: %s", missing);
	free(missing);
	if (user_only)
		complain("counted in user space alone: lower kernel.perf_event_paranoid, or be root, to have the kernel's part");
	if (counters->count && are_handed_over(counters))
		return counters;
	if (counters->count)
		complain("nothing is counted: this kernel's perf loses the counters of a task that ends (fixed in Linux 6.19)");
	counters_stop(counters);
	return NULL;
}

void counters_stop(struct counters *counters)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	size_t i;

	for (i = 0; i < counters->nr_cpus; i++)
		if (counters->cpus[i].page)
			munmap(counters->cpus[i].page,
			       counters->cpus[i].size + page);
	for (i = 0; i < counters->count; i++)
		close_counter(counters, &counters->counters[i]);
	free(counters->counters);
	free(counters->cpus);
	free(counters);
}

size_t counters_count(const struct counters *counters)
{
	return counters ? counters->count : 0;
}

const char *counters_name(const struct counters *counters, size_t counter)
{
	return counters->counters[counter].name;
}

unsigned int counters_parts(const struct counters *counters)
{
	unsigned int parts = 0;
	size_t i, k;

	for (i = 0; i < counters->count; i++)
		for (k = 0; k < counters->nr_cpus; k++)
			parts += counters->counters[i].fds[k] >= 0;
	return parts;
}

void counters_mark(struct counters *counters)
{
	size_t i;

	for (i = 0; i < counters->nr_cpus; i++) {
		struct cpu_buffer *const cpu = &counters->cpus[i];

		if (cpu->page)
			cpu->mark = __atomic_load_n(&cpu->page->data_head,
						    __ATOMIC_ACQUIRE);
	}
}

/* A record may go round the end of the buffer. */
static void copy_out(const struct cpu_buffer *cpu, uint64_t at, void *to,
		     size_t size)
{
	const char *const data = (const char *)cpu->page +
				 sysconf(_SC_PAGESIZE);
	const size_t offset = at & (cpu->size - 1);
	const size_t first = size < cpu->size - offset ? size :
							 cpu->size - offset;

	memcpy(to, data + offset, first);
	memcpy((char *)to + first, data, size - first);
}

static bool find_counter(const struct counters *counters, size_t cpu,
			 uint64_t id, size_t *counter)
{
	size_t i;

	for (i = 0; i < counters->count; i++) {
		if (counters->counters[i].ids[cpu] != id)
			continue;
		*counter = i;
		return true;
	}
	return false;
}

static void take_read(struct counters *counters, size_t cpu, uint64_t at,
		      void (*take)(void *data, const struct counters_part *part),
		      void *data)
{
	struct counters_part part;
	struct read_record record;

	copy_out(&counters->cpus[cpu], at, &record, sizeof(record));
	if (!find_counter(counters, cpu, record.id, &part.counter))
		return;
	part.host_tid = record.tid;
	part.time = record.time;
	part.value = record.value;
	part.enabled = record.enabled;
	part.running = record.running;
	take(data, &part);
}

void counters_read(struct counters *counters,
		   void (*take)(void *data, const struct counters_part *part),
		   void *data)
{
	struct perf_event_header header;
	struct lost_record lost;
	size_t i;

	for (i = 0; i < counters->nr_cpus; i++) {
		struct cpu_buffer *const cpu = &counters->cpus[i];
		uint64_t at;

		if (!cpu->page)
			continue;
		for (at = cpu->page->data_tail; at != cpu->mark;
		     at += header.size) {
			copy_out(cpu, at, &header, sizeof(header));
			if (header.type == PERF_RECORD_READ) {
				take_read(counters, i, at, take, data);
			} else if (header.type == PERF_RECORD_LOST) {
				copy_out(cpu, at, &lost, sizeof(lost));
				counters->lost += lost.lost;
			}
		}
		__atomic_store_n(&cpu->page->data_tail, cpu->mark,
				 __ATOMIC_RELEASE);
	}
}

unsigned long long counters_lost(const struct counters *counters)
{
	return counters->lost;
}
