/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _VPROCNS_TASKS_H
#define _VPROCNS_TASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a task came into the recording: with the ordinal, its name among its siblings. */
enum task_origin {
	/* By a clone of its cloner. */
	TASK_CLONED,
	/* The namespace's init, and what else was there before the bind. */
	TASK_BEFORE,
	/* From outside; the ordinal is as which of those. */
	TASK_JOINED,
	/* Made by the kernel for a task, in no order that repeats. */
	TASK_KERNEL,
};

/* What an exit has, by the recording's own names (tasks_use_name()). */
enum task_use {
	USE_RUNTIME,
	USE_UTIME,
	USE_STIME,
	USE_RUN_DELAY,
	USE_NVCSW,
	USE_NIVCSW,
	USE_MIN_FLT,
	USE_MAJ_FLT,
	USE_RCHAR,
	USE_WCHAR,
	USE_READ_BYTES,
	USE_WRITE_BYTES,
	USE_MAXRSS,
	USE_NR,
};

/**
 * struct task - one task of a recording, from its clone to its end
 * @cloner: who cloned it; NULL for what nobody in the recording did
 * @children: what it cloned, by ascending ordinal
 * @next: the cloner's next child, or the next task without a cloner
 * @origin: how it came
 * @ordinal: as which of its cloner's clones; for others, as which of its origin
 * @slot: the slot by which it joined; -1 without one
 * @tid: TID in the group
 * @tgid: TGID in the group
 * @comm: its last name
 * @programs: the paths that it executed, a line each; NULL without one
 * @exited: there is a record of its end: @status and the uses are known
 * @status: as wait(2) has it
 * @start: ns from the recording's begin
 * @end: likewise; when the recording ended for one that did not exit
 * @has: bits by enum task_use: which of @used the kernel counts
 * @used: by enum task_use
 * @counters: by the recording's list of events; -1 where absent; NULL without
 */
struct task {
	struct task *cloner;
	struct task *children;
	struct task *next;
	enum task_origin origin;
	uint64_t ordinal;
	int32_t slot;
	int32_t tid;
	int32_t tgid;
	char comm[16];
	char *programs;
	bool exited;
	int32_t status;
	int64_t start;
	int64_t end;
	uint32_t has;
	int64_t used[USE_NR];
	int64_t *counters;
};

/* A call that the group refused. @task is NULL where its caller is not known. */
struct task_refusal {
	const struct task *task;
	int64_t time;
	char *call;
	char *rule;
	char *error;
};

/**
 * struct tasks - what a recording says, task by task
 * @path: the file
 * @command: what was recorded, as a shell would take it; or "group NAME"
 * @slot: the recording's tasks that joined by this slot alone; -1 for all tasks
 * @attached: it began when the group was there: what came before is not in it
 * @host: name of the machine
 * @lineage: numbers follow from who cloned whom
 * @seed: of lineage numbering, as text; NULL without
 * @base: when it began, in ns of CLOCK_MONOTONIC
 * @date: when it began, ISO 8601
 * @events: names of the counters
 * @nr_events: how many
 * @roots: tasks without a cloner
 * @all: every task, in the order in which they came
 * @count: how many
 * @refusals: calls that were refused
 * @nr_refusals: how many
 * @end: ns from the begin to the end
 * @complete: the recording has its last line
 * @status: what the program came to; only if @complete; -1 where nobody knew
 * @collisions: numbers that were in use; only if @complete
 * @joined: tasks that came from outside, but for those with a slot
 * @lost: events that are missing
 */
struct tasks {
	const char *path;
	char *command;
	int32_t slot;
	bool attached;
	char *host;
	bool lineage;
	char *seed;
	uint64_t base;
	char *date;
	char **events;
	size_t nr_events;
	struct task *roots;
	struct task **all;
	size_t count;
	struct task_refusal *refusals;
	size_t nr_refusals;
	int64_t end;
	bool complete;
	int32_t status;
	uint64_t collisions;
	uint64_t joined;
	uint64_t lost;
};

/* Reads a recording, or ends the tool with a line that says what is wrong with it. */
struct tasks *tasks_read(const char *path);
void tasks_free(struct tasks *tasks);

/* Pid 1 of the group: the tool itself, no part of what is measured. */
bool task_is_init(const struct task *task);

/* What `show` and the tables call a use; the member of exit in the recording. */
const char *tasks_use_name(enum task_use use);

/* How a metric is counted: decides how it is printed. */
enum metric_unit {
	UNIT_NS,
	UNIT_BYTES,
	UNIT_KIB,
	UNIT_COUNT,
};

/* A metric by its name: a use, or one of the counters of that recording. */
struct metric {
	const char *name;
	int use;
	enum metric_unit unit;
};

/* Ends the tool by misuse() for a name that is neither. */
struct metric metric_named(const char *name, const struct tasks *tasks);
/* False where the task has no such number. */
bool metric_of(const struct metric *metric, const struct tasks *tasks,
	       const struct task *task, double *value);
/* As text with a unit, in a buffer of METRIC_TEXT bytes. */
#define METRIC_TEXT	32
const char *metric_text(const struct metric *metric, double value, char *text);

#endif
