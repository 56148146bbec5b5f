/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * vprocns: virtual process namespaces for tagged groups of tasks.
 *
 * /dev/vprocns is the system handle. %VPROCNS_CREATE and %VPROCNS_OPEN return
 * a group descriptor, which has the group's own ioctls. A group is bound to
 * one PID namespace; the tasks whose active PID namespace that is are its
 * members.
 *
 * Every struct may grow at its end. The size is part of the ioctl number: a
 * struct from a newer header is taken as long as the part that this module
 * does not know is zero (E2BIG otherwise), one from an older header is read
 * as if it went on with zeros. Fields called reserved must be zero (EINVAL).
 *
 * Errors that every ioctl shares: ENOTTY for a number that the descriptor
 * does not have, EFAULT for memory that can't be read or written, EINVAL for
 * a struct shorter than its first version, E2BIG as above. To a caller that is
 * itself in a group /dev/vprocns says EPERM, to open(2) and to every ioctl.
 */
#ifndef _UAPI_VPROCNS_H
#define _UAPI_VPROCNS_H

#include <linux/const.h>
#include <linux/ioctl.h>
#include <linux/types.h>

#define VPROCNS_ABI_VERSION	1
#define VPROCNS_NAME_LEN	32
#define VPROCNS_COMM_LEN	16
#define VPROCNS_FIRST_TID	1000

/**
 * enum vprocns_profile - which clone flags a group's programs may use
 * @VPROCNS_PROFILE_SHADOW: the set that the Shadow simulator implements,
 *	with its errnos; vfork is the kernel's own; empty capability view
 * @VPROCNS_PROFILE_SHADOW_STRICT: the same set; vfork runs as fork; the
 *	capability view takes header version 3 only
 * @VPROCNS_PROFILE_LINUX: everything that the running kernel accepts, except
 *	new PID and user namespaces; capabilities are not touched
 * @VPROCNS_PROFILE_CONTAINER: as @VPROCNS_PROFILE_LINUX, but a namespace of any kind
 *	is EPERM to a caller without CAP_SYS_ADMIN over the user namespace that owns
 *	the group's PID namespace; PID and user namespaces are EPERM to all
 */
enum vprocns_profile {
	VPROCNS_PROFILE_SHADOW		= 0,
	VPROCNS_PROFILE_SHADOW_STRICT	= 1,
	VPROCNS_PROFILE_LINUX		= 2,
	VPROCNS_PROFILE_CONTAINER	= 3,
};

/**
 * enum vprocns_numbering - how a new task's TID is chosen
 * @VPROCNS_NUMBERING_SEQUENTIAL: one more for each successful clone; after
 *	the last number the first again, without the numbers in use
 * @VPROCNS_NUMBERING_LINEAGE: depends only on the cloner and on how many clones the
 *	cloner had made before, never on timing; the next free number when that one
 *	is in use, which is counted as a collision
 */
enum vprocns_numbering {
	VPROCNS_NUMBERING_SEQUENTIAL	= 0,
	VPROCNS_NUMBERING_LINEAGE	= 1,
};

/**
 * enum vprocns_vfork - what CLONE_VFORK does
 * @VPROCNS_VFORK_PROFILE: as the profile has it
 * @VPROCNS_VFORK_REAL: the kernel's vfork
 * @VPROCNS_VFORK_FORK: the clone runs without CLONE_VFORK, and without
 *	CLONE_VM and CLONE_SIGHAND too unless it makes a thread
 */
enum vprocns_vfork {
	VPROCNS_VFORK_PROFILE	= 0,
	VPROCNS_VFORK_REAL	= 1,
	VPROCNS_VFORK_FORK	= 2,
};

/**
 * enum vprocns_caps - what capget(2) and capset(2) say to members
 * @VPROCNS_CAPS_PROFILE: as the profile has it
 * @VPROCNS_CAPS_HOST: what the kernel says
 * @VPROCNS_CAPS_EMPTY: empty sets; header versions negotiated as in Linux
 * @VPROCNS_CAPS_EMPTY_V3: empty sets; header version 3 or EINVAL
 *
 * An empty view shows less than there may be, and takes nothing away: capset(2)
 * of a member that has a capability is the kernel's own, so what it gives up is
 * gone. To a member that has none, capset(2) of anything but nothing is EINVAL.
 * Members whose user namespace is neither the one that owns the group's PID
 * namespace nor below it are shown what the kernel says.
 */
enum vprocns_caps {
	VPROCNS_CAPS_PROFILE	= 0,
	VPROCNS_CAPS_HOST	= 1,
	VPROCNS_CAPS_EMPTY	= 2,
	VPROCNS_CAPS_EMPTY_V3	= 3,
};

/**
 * VPROCNS_CREATE_THREADS_ONLY - bit of vprocns_create.flags: only CLONE_THREAD clones
 *
 * The main thread of a self-bound group's init may make the first process.
 */
#define VPROCNS_CREATE_THREADS_ONLY	_BITUL(0)

/**
 * VPROCNS_CREATE_ALLOWED - bit of vprocns_create.flags: take vprocns_create.allowed
 *
 * In place of the profile's set of clone flags.
 */
#define VPROCNS_CREATE_ALLOWED		_BITUL(1)

/**
 * struct vprocns_create - argument of VPROCNS_CREATE
 * @flags: VPROCNS_CREATE_* bits
 * @profile: enum vprocns_profile
 * @allowed: clone flags that members may use, with %VPROCNS_CREATE_ALLOWED;
 *	zero without. CLONE_NEWPID and CLONE_NEWUSER are never allowed.
 * @numbering: enum vprocns_numbering
 * @vfork: enum vprocns_vfork
 * @caps: enum vprocns_caps
 * @first: first TID to give; 0 means %VPROCNS_FIRST_TID, 1 is init's own
 * @last: last TID to give; 0 means kernel.pid_max - 1
 * @reserved: zero
 * @name: name of the group, or empty. NUL-terminated; letters, digits,
 *	``.``, ``_`` and ``-``, the first a letter.
 * @seed: what lineage numbering mixes in, so that another one gives other
 *	numbers; zero with any other numbering
 */
struct vprocns_create {
	__u32 flags;
	__u32 profile;
	__u64 allowed;
	__u32 numbering;
	__u32 vfork;
	__u32 caps;
	__u32 first;
	__u32 last;
	__u32 reserved;
	char name[VPROCNS_NAME_LEN];
	__u64 seed;
};

/**
 * struct vprocns_open - argument of VPROCNS_OPEN
 * @id: id of the group, or 0 to look it up by @name
 * @name: name of the group; empty when @id is given
 */
struct vprocns_open {
	__u64 id;
	char name[VPROCNS_NAME_LEN];
};

/**
 * struct vprocns_list - argument of VPROCNS_LIST
 * @ids: address of an array of __u64 that receives group ids, ascending
 * @capacity: how many ids fit
 * @count: out: how many were written
 * @after: only groups with a greater id; 0 for all
 */
struct vprocns_list {
	__u64 ids;
	__u32 capacity;
	__u32 count;
	__u64 after;
};

/**
 * struct vprocns_bind - argument of VPROCNS_BIND
 * @pidfd: any process of the namespace to bind, or -1 for the caller's own
 * @flags: VPROCNS_BIND_* bits
 */
struct vprocns_bind {
	__s32 pidfd;
	__u32 flags;
};

/**
 * VPROCNS_BIND_AT_EXEC - bit of vprocns_bind.flags: the group begins later
 *
 * Policy, capability view and numbering begin when pid 1 of the namespace
 * executes a program next. Until then nobody notices the group; tasks that are
 * there by then keep their numbers.
 */
#define VPROCNS_BIND_AT_EXEC		_BITUL(0)
/**
 * VPROCNS_BIND_JOIN_AT_EXEC - bit of vprocns_bind.flags: so do those that join
 *
 * Each process that joins from outside begins at its next exec: what it
 * clones before takes numbers from @last downwards and is counted as a kernel
 * thread, and neither policy nor view hold for it. Up to %VPROCNS_SLOTS processes
 * may have a slot or be on their way to their exec at once; one more fails with EAGAIN.
 */
#define VPROCNS_BIND_JOIN_AT_EXEC	_BITUL(1)

#define VPROCNS_SLOTS	4096

/**
 * struct vprocns_slot - argument of VPROCNS_SLOT
 * @slot: the slot, below %VPROCNS_SLOTS
 * @reserved: zero
 */
struct vprocns_slot {
	__u32 slot;
	__u32 reserved;
};

/**
 * enum vprocns_state - how far a group's life has come
 * @VPROCNS_STATE_NEW: not bound yet
 * @VPROCNS_STATE_BOUND: its namespace lives
 * @VPROCNS_STATE_ENDED: its namespace's init is gone, and every member with it; or
 *	it was killed before it was bound
 */
enum vprocns_state {
	VPROCNS_STATE_NEW	= 0,
	VPROCNS_STATE_BOUND	= 1,
	VPROCNS_STATE_ENDED	= 2,
};

/**
 * struct vprocns_info - answer of VPROCNS_INFO
 * @id: id of the group: from 1, never used again while the module is loaded
 * @allowed: clone flags that members may use
 * @state: enum vprocns_state
 * @profile: enum vprocns_profile
 * @numbering: enum vprocns_numbering
 * @vfork: enum vprocns_vfork, resolved
 * @caps: enum vprocns_caps, resolved
 * @flags: VPROCNS_CREATE_* bits
 * @first: first TID to give
 * @last: last TID to give
 * @next: where the search for the next clone's TID starts, unless a clone that
 *	failed has given one back; 0 with lineage numbering, where that depends
 *	on the cloner
 * @owner: effective UID of the creator, in the caller's user namespace
 * @ns_inum: inode number of the PID namespace (as in /proc/PID/ns/pid), or 0
 * @init: TID of the namespace's init in the caller's PID namespace, or 0
 * @members: tasks of the group, also those that have exited until they are
 *	waited for
 * @nested: tasks of PID namespaces below the group's; no part of it
 * @name: name, or empty
 * @seed: as in struct vprocns_create
 */
struct vprocns_info {
	__u64 id;
	__u64 allowed;
	__u32 state;
	__u32 profile;
	__u32 numbering;
	__u32 vfork;
	__u32 caps;
	__u32 flags;
	__u32 first;
	__u32 last;
	__u32 next;
	__u32 owner;
	__u32 ns_inum;
	__s32 init;
	__u32 members;
	__u32 nested;
	char name[VPROCNS_NAME_LEN];
	__u64 seed;
};

/**
 * enum vprocns_rule - what refused a request; index of vprocns_stats.refused
 * @VPROCNS_RULE_UNKNOWN_FLAG: EINVAL: a clone flag that the profile never heard of
 * @VPROCNS_RULE_EXIT_SIGNAL_RANGE: EINVAL: exit signal not in 0..64
 * @VPROCNS_RULE_THREAD_NEEDS_SIGHAND: EINVAL
 * @VPROCNS_RULE_THREAD_NEEDS_SETTLS: EOPNOTSUPP
 * @VPROCNS_RULE_THREAD_EXIT_SIGNAL: EOPNOTSUPP: a thread with an exit signal
 * @VPROCNS_RULE_THREADS_ONLY: EOPNOTSUPP: a process in a threads-only group
 * @VPROCNS_RULE_SIGHAND_NEEDS_VM: EINVAL
 * @VPROCNS_RULE_VM_NEEDS_THREAD_OR_VFORK: EOPNOTSUPP
 * @VPROCNS_RULE_CLEAR_SIGHAND_WITH_SIGHAND: EINVAL
 * @VPROCNS_RULE_UNSUPPORTED_FLAG: EOPNOTSUPP: outside the allowed set
 * @VPROCNS_RULE_UNSHARE: a namespace by unshare(2) outside the allowed set
 * @VPROCNS_RULE_SETNS: a namespace by setns(2) outside the allowed set
 * @VPROCNS_RULE_SET_TID: EPERM: clone3's set_tid; numbers are the group's
 * @VPROCNS_RULE_EXHAUSTED: EAGAIN: no number of the range is free
 * @VPROCNS_RULE_NAMESPACE: EPERM: a namespace that profile container denies the
 *	caller; judged after @VPROCNS_RULE_THREADS_ONLY. By unshare(2) and setns(2) it is
 *	counted as @VPROCNS_RULE_UNSHARE and @VPROCNS_RULE_SETNS.
 * @VPROCNS_RULE_NR: how many there are
 *
 * The first ten are judged in this order. The seed of the table is the Shadow
 * simulator's clone handler.
 */
enum vprocns_rule {
	VPROCNS_RULE_UNKNOWN_FLAG		= 0,
	VPROCNS_RULE_EXIT_SIGNAL_RANGE		= 1,
	VPROCNS_RULE_THREAD_NEEDS_SIGHAND	= 2,
	VPROCNS_RULE_THREAD_NEEDS_SETTLS	= 3,
	VPROCNS_RULE_THREAD_EXIT_SIGNAL		= 4,
	VPROCNS_RULE_THREADS_ONLY		= 5,
	VPROCNS_RULE_SIGHAND_NEEDS_VM		= 6,
	VPROCNS_RULE_VM_NEEDS_THREAD_OR_VFORK	= 7,
	VPROCNS_RULE_CLEAR_SIGHAND_WITH_SIGHAND	= 8,
	VPROCNS_RULE_UNSUPPORTED_FLAG		= 9,
	VPROCNS_RULE_UNSHARE			= 10,
	VPROCNS_RULE_SETNS			= 11,
	VPROCNS_RULE_SET_TID			= 12,
	VPROCNS_RULE_EXHAUSTED			= 13,
	VPROCNS_RULE_NAMESPACE			= 16,
	VPROCNS_RULE_NR
};

#define VPROCNS_REFUSED_SLOTS	24

/**
 * struct vprocns_stats - answer of VPROCNS_STATS; counts since the bind
 *
 * A clone that is under way counts once it has its number, and no more if it fails. One
 * that began before the bind does not count.
 *
 * @clones: tasks that programs made, threads among them
 * @threads: those of @clones that are threads of their maker's process
 * @joined: those of @clones that a task outside the group put into it
 * @kernel_threads: TIDs given to tasks that the kernel makes for a member, or that
 *	a process from outside makes before it begins (%VPROCNS_BIND_JOIN_AT_EXEC)
 *	(io_uring workers); a few more than tasks where a limit refuses these
 * @exits: how many of @clones have begun to exit, zombies among them, and pid 1 when it
 *	has. So when the group has ended it is @clones and one. It is worked out from the
 *	tasks that are there: those made during the call may hide as many that ended, as
 *	may clones that began before the bind. One that fails counts for a moment, and one
 *	that is gone does not until its number is free.
 *	Tasks from before the bind and kernel threads are left out. Tasks that a process from
 *	outside makes before it begins count here alone.
 * @rewritten: requests to clone that went on with other flags; one that a signal
 *	restarts is a request more
 * @refused: requests refused, by enum vprocns_rule; the rest is zero
 * @collisions: those of @clones that found the number of their lineage in use;
 *	while it is 0, numbers depend on each task's own clones alone. 0 with
 *	sequential numbering.
 */
struct vprocns_stats {
	__u64 clones;
	__u64 threads;
	__u64 joined;
	__u64 kernel_threads;
	__u64 exits;
	__u64 rewritten;
	__u64 refused[VPROCNS_REFUSED_SLOTS];
	__u64 collisions;
};

/**
 * enum vprocns_call - the call that a program made when it was refused
 * @VPROCNS_CALL_CLONE: clone(2), or one that can't be told from it
 * @VPROCNS_CALL_CLONE3: clone3(2)
 * @VPROCNS_CALL_FORK: fork(2), as a system call of its own
 * @VPROCNS_CALL_VFORK: vfork(2), as a system call of its own
 * @VPROCNS_CALL_UNSHARE: unshare(2)
 * @VPROCNS_CALL_SETNS: setns(2)
 * @VPROCNS_CALL_NUMBER: a clone that the rules allowed, refused when it was to
 *	get its number
 */
enum vprocns_call {
	VPROCNS_CALL_CLONE	= 0,
	VPROCNS_CALL_CLONE3	= 1,
	VPROCNS_CALL_FORK	= 2,
	VPROCNS_CALL_VFORK	= 3,
	VPROCNS_CALL_UNSHARE	= 4,
	VPROCNS_CALL_SETNS	= 5,
	VPROCNS_CALL_NUMBER	= 6,
};

/**
 * struct vprocns_refused - what one rule refused since the bind
 * @count: how many requests
 * @flags: the clone flags of all of them; 0 for calls without flags
 * @last_flags: the clone flags of the last one
 * @rule: enum vprocns_rule
 * @call: enum vprocns_call, of the last one
 * @exit_signal: of the last one; 0 for calls without an exit signal
 * @err: the errno that the last one got, positive
 * @tid: TID in the group of the task that made the last one; of a task that joins,
 *	its maker's TID outside
 * @reserved: zero
 * @comm: that task's name, NUL-terminated
 *
 * The flags of unshare(2) and setns(2) are as the program gave them.
 */
struct vprocns_refused {
	__u64 count;
	__u64 flags;
	__u64 last_flags;
	__u32 rule;
	__u32 call;
	__s32 exit_signal;
	__s32 err;
	__s32 tid;
	__u32 reserved;
	char comm[VPROCNS_COMM_LEN];
};

/**
 * struct vprocns_refusals - argument of VPROCNS_REFUSALS
 * @refusals: address of an array of struct vprocns_refused
 * @capacity: how many fit; %VPROCNS_REFUSED_SLOTS is enough for all rules
 * @count: out: how many were written: one for each rule that refused
 *	something, by ascending rule
 * @size: bytes from one struct vprocns_refused to the next, a multiple of 8;
 *	0 means 64, the first version's size
 * @reserved: zero
 */
struct vprocns_refusals {
	__u64 refusals;
	__u32 capacity;
	__u32 count;
	__u32 size;
	__u32 reserved;
};

/**
 * VPROCNS_TO_HOST - vprocns_translate.direction: from the group to the caller's namespace
 */
#define VPROCNS_TO_HOST		0

/**
 * VPROCNS_TO_VIRTUAL - vprocns_translate.direction: from the caller's namespace to the group
 */
#define VPROCNS_TO_VIRTUAL	1

/**
 * struct vprocns_translate - argument of VPROCNS_TRANSLATE
 * @direction: %VPROCNS_TO_HOST or %VPROCNS_TO_VIRTUAL
 * @tid: the TID to look up: in the group, or in the caller's PID namespace
 * @result: out: the same task's TID on the other side
 * @reserved: zero
 */
struct vprocns_translate {
	__u32 direction;
	__s32 tid;
	__s32 result;
	__u32 reserved;
};

/**
 * VPROCNS_MEMBER_LINEAGE - bit of vprocns_member.flags: the task has a lineage
 *
 * Its clone is over, and the fields after comm are set.
 */
#define VPROCNS_MEMBER_LINEAGE	_BITUL(0)

/**
 * struct vprocns_member - one task of a group
 * @tid: TID in the group
 * @tgid: TGID in the group
 * @ppid: TGID of the parent in the group; 0 when the parent is outside
 * @host_tid: TID in the caller's PID namespace; 0 when not visible there
 * @host_tgid: TGID in the caller's PID namespace; 0 when not visible there
 * @flags: VPROCNS_MEMBER_* bits
 * @comm: the task's name, NUL-terminated
 * @lineage: what the numbers of its children follow from; 0 is the first
 *	program, 2^64-3 pid 1
 * @cloner_lineage: its cloner's lineage; 2^64-1 when it joined from outside,
 *	2^64-4 when it did so by a slot, 2^64-2 when it was there before the bind
 * @birth: as which of its cloner's successful clones it was made, from 1; for
 *	a task that joined from outside, as which of those, or its slot plus 1; for
 *	one that was there before the bind, its TID
 * @cloner: TID that its cloner had then; 0 when that was no member, or when
 *	the task was there before the bind
 * @reserved: zero
 *
 * Tasks without a lineage: all of a group with another numbering, threads that
 * the kernel made, those that were there before the bind, until they clone, and
 * those that have exited and are not waited for yet.
 */
struct vprocns_member {
	__s32 tid;
	__s32 tgid;
	__s32 ppid;
	__s32 host_tid;
	__s32 host_tgid;
	__u32 flags;
	char comm[VPROCNS_COMM_LEN];
	__u64 lineage;
	__u64 cloner_lineage;
	__u64 birth;
	__s32 cloner;
	__u32 reserved;
};

/**
 * struct vprocns_members - argument of VPROCNS_MEMBERS
 * @members: address of an array of struct vprocns_member
 * @capacity: how many fit
 * @count: out: how many were written, by ascending TID
 * @after: only members with a greater TID; 0 for all
 * @size: bytes from one struct vprocns_member to the next, a multiple of 8;
 *	0 means 40, the first version's size
 *
 * The last TID written is @after of the next call; fewer than @capacity
 * written means that there are no more. Each entry is true of one moment; the
 * whole is no snapshot.
 */
struct vprocns_members {
	__u64 members;
	__u32 capacity;
	__u32 count;
	__s32 after;
	__u32 size;
};

#define VPROCNS_IOC	0xd1

/**
 * VPROCNS_VERSION - the version of this interface
 *
 * On /dev/vprocns; takes no argument.
 *
 * Return: %VPROCNS_ABI_VERSION.
 */
#define VPROCNS_VERSION		_IO(VPROCNS_IOC, 0x00)

/**
 * VPROCNS_CREATE - make a group
 *
 * On /dev/vprocns; takes a struct vprocns_create. The group lives until its last
 * descriptor is closed and its namespace has ended.
 *
 * Return: a descriptor of the group, or -1 with errno:
 * * EINVAL - an unknown value or bit, a malformed name, a range outside
 *   2..pid_max-1 or upside down, CLONE_NEWPID or CLONE_NEWUSER allowed, a
 *   seed without lineage numbering
 * * EEXIST - the caller has a group of this name. A name is its owner's, the
 *   effective UID that made the group: what others have does not matter.
 * * EDQUOT - the caller has the module's max_user_groups, and no CAP_SYS_RESOURCE.
 *   A caller in a user namespace is charged to the user who made the outermost one.
 * * ENOSPC - the module's max_groups are in use
 * * ENOMEM, EMFILE, ENFILE - as everywhere
 */
#define VPROCNS_CREATE		_IOW(VPROCNS_IOC, 0x01, struct vprocns_create)

/**
 * VPROCNS_OPEN - open a group that is there
 *
 * On /dev/vprocns; takes a struct vprocns_open. A name finds the caller's own group,
 * or else the only one of others that the caller may open.
 *
 * Return: a descriptor of the group, or -1 with errno:
 * * ENOENT - no such group that the caller may open, as its owner or with
 *   CAP_SYS_ADMIN over its owner's user namespace
 * * ENOTUNIQ - several others have a group of this name: take its id
 * * EINVAL - both or none of id and name, a malformed name
 * * ENOMEM, EMFILE, ENFILE - as everywhere
 */
#define VPROCNS_OPEN		_IOW(VPROCNS_IOC, 0x02, struct vprocns_open)

/**
 * VPROCNS_LIST - list the groups that the caller could open
 *
 * On /dev/vprocns; fills in a struct vprocns_list.
 *
 * Return: 0, or -1 with an errno that every ioctl may have.
 */
#define VPROCNS_LIST		_IOWR(VPROCNS_IOC, 0x03, struct vprocns_list)

/**
 * VPROCNS_BIND - bind a group to a PID namespace, for good
 *
 * On a group; takes a struct vprocns_bind. The first bind has functions of the
 * kernel hooked. The first of a group that numbers by lineage, or with a flag, has
 * tracepoints probed as well.
 *
 * Return: 0, or -1 with errno:
 * * EPERM - the initial namespace; the caller's own when the caller is not its
 *   init, or when the task that opened the descriptor had no CAP_SYS_ADMIN over the
 *   user namespace that owns it; another's when the caller has none
 * * EALREADY - the group is bound, or was killed before
 * * EBUSY - the namespace is another group's
 * * EBADF - not a pidfd
 * * ESRCH - the process, or its namespace's init, is gone
 * * EINVAL - an unknown flag, a pidfd below -1, a range that exceeds the
 *   namespace's own pid_max
 * * ETXTBSY - another user (a kernel live patch) holds a function that is needed
 * * ENODEV - kernel.ftrace_enabled is 0
 * * ENOMEM - as everywhere
 */
#define VPROCNS_BIND		_IOW(VPROCNS_IOC, 0x10, struct vprocns_bind)

/**
 * VPROCNS_INFO - what a group is, and its state
 *
 * On a group; fills in a struct vprocns_info.
 *
 * Return: 0, or -1 with an errno that every ioctl may have.
 */
#define VPROCNS_INFO		_IOR(VPROCNS_IOC, 0x11, struct vprocns_info)

/**
 * VPROCNS_STATS - a group's counters
 *
 * On a group; fills in a struct vprocns_stats. Looks at each live task, as VPROCNS_INFO
 * does.
 *
 * Return: 0, or -1 with an errno that every ioctl may have.
 */
#define VPROCNS_STATS		_IOR(VPROCNS_IOC, 0x12, struct vprocns_stats)

/**
 * VPROCNS_TRANSLATE - a member's TID on the other side
 *
 * On a group; takes a struct vprocns_translate and fills in its result.
 *
 * Return: 0, or -1 with errno:
 * * ESRCH - no live member has this TID
 * * EINVAL - a reserved field, an unknown direction
 */
#define VPROCNS_TRANSLATE	_IOWR(VPROCNS_IOC, 0x13, struct vprocns_translate)

/**
 * VPROCNS_MEMBERS - a group's live tasks
 *
 * On a group; takes a struct vprocns_members and fills in the array at its address.
 *
 * Return: 0, or -1 with errno:
 * * EINVAL - after < 0, a size under 40 or over 4096 or no multiple of 8
 */
#define VPROCNS_MEMBERS		_IOWR(VPROCNS_IOC, 0x14, struct vprocns_members)

/**
 * VPROCNS_KILL - end a group with all its members
 *
 * On a group; takes nothing. Sends SIGKILL to the init of its namespace and does not
 * wait: members go in their time, and the group's state tells. A group that is not
 * bound ends at once, and can't be bound any more.
 *
 * Return: 0, or -1 with errno:
 * * EPERM - the caller is neither its owner nor has CAP_SYS_ADMIN over its owner's
 *   user namespace; is a member; or may not signal the init
 * * ESRCH - it has ended
 */
#define VPROCNS_KILL		_IO(VPROCNS_IOC, 0x15)

/**
 * VPROCNS_SLOT - have the caller's next clone into a group take a slot
 *
 * On a group; takes a struct vprocns_slot.
 *
 * By lineage, the number and the lineage of a process that joins from outside depend
 * on how many joined before. With a slot they depend on the slot alone, so processes
 * that a launcher starts at once have the same in every run. A slot is in use from
 * this call on until the process has exited, or the caller has without cloning; then
 * another may have it. Its number is free when somebody has waited for the process:
 * who takes the slot before then gets another number, counted as a collision. A
 * clone that fails leaves the slot to the caller's next one, and another call in its
 * place asks for another slot.
 *
 * A slot says which process it is whatever the order. Sequential numbers are
 * the order, so with these there are no slots.
 *
 * Return: 0, or -1 with errno:
 * * EINVAL - a slot out of range, a reserved field, sequential numbering
 * * ESRCH - the group is not bound, waits for its pid 1 to execute, or has ended
 * * EPERM - the caller is a member
 * * EBUSY - the slot is in use
 * * ENOSPC - %VPROCNS_SLOTS processes that have to be told apart are alive
 * * ENOMEM - as everywhere
 */
#define VPROCNS_SLOT		_IOW(VPROCNS_IOC, 0x18, struct vprocns_slot)

/**
 * VPROCNS_REFUSALS - what a group refused, by rule
 *
 * On a group; takes a struct vprocns_refusals and fills in the array at its address.
 *
 * Return: 0, or -1 with errno:
 * * EINVAL - a reserved field, a size under 64 or over 4096 or no multiple of 8
 */
#define VPROCNS_REFUSALS	_IOWR(VPROCNS_IOC, 0x19, struct vprocns_refusals)

/**
 * enum vprocns_event_kind - what an event record tells of
 * @VPROCNS_EVENT_BOUND: struct vprocns_event_bound
 * @VPROCNS_EVENT_ENDED: struct vprocns_event: the group has ended, and every
 *	member with it; the last record
 * @VPROCNS_EVENT_NEW: struct vprocns_event_new
 * @VPROCNS_EVENT_EXEC: struct vprocns_event_exec
 * @VPROCNS_EVENT_EXIT: struct vprocns_event_exit
 * @VPROCNS_EVENT_REFUSED: struct vprocns_event_refused
 * @VPROCNS_EVENT_REWRITTEN: struct vprocns_event_rewritten
 * @VPROCNS_EVENT_CAPSET_REFUSED: struct vprocns_event_capset_refused
 *
 * Later versions may have more: a reader passes over a kind that it does not
 * know.
 */
enum vprocns_event_kind {
	VPROCNS_EVENT_BOUND		= 1,
	VPROCNS_EVENT_ENDED		= 2,
	VPROCNS_EVENT_NEW		= 3,
	VPROCNS_EVENT_EXEC		= 4,
	VPROCNS_EVENT_EXIT		= 5,
	VPROCNS_EVENT_REFUSED		= 6,
	VPROCNS_EVENT_REWRITTEN		= 7,
	VPROCNS_EVENT_CAPSET_REFUSED	= 8,
};

/**
 * struct vprocns_event - what every event record begins with
 * @size: bytes of the whole record, a multiple of 8. Records may grow at their
 *	end: a reader goes on by @size, and takes members that lie beyond it
 *	for absent.
 * @kind: enum vprocns_event_kind
 * @lost: how many events were lost between the record before and this one;
 *	at most 2^32-1 is told
 * @time: when, in ns of CLOCK_MONOTONIC
 * @tid: TID in the group of the task that the event is of; 0 for one of the
 *	group
 * @host_tid: the same in the PID namespace of the task that asked for the events, or 0
 *	when the task can't be seen there
 */
struct vprocns_event {
	__u16 size;
	__u16 kind;
	__u32 lost;
	__u64 time;
	__s32 tid;
	__s32 host_tid;
};

/*
 * The bits of a record's has: which of its members are set. The others are 0.
 */

/**
 * VPROCNS_EVENT_LINEAGE - bit of has: lineage; cloner_lineage and ordinal where there are such
 */
#define VPROCNS_EVENT_LINEAGE		_BITUL(0)

/**
 * VPROCNS_EVENT_FLAGS - bit of has: flags
 */
#define VPROCNS_EVENT_FLAGS		_BITUL(1)

/**
 * VPROCNS_EVENT_RUN_DELAY - bit of has: run_delay; kernels with CONFIG_SCHEDSTATS
 */
#define VPROCNS_EVENT_RUN_DELAY		_BITUL(2)

/**
 * VPROCNS_EVENT_CHARS - bit of has: rchar and wchar; kernels with CONFIG_TASK_XACCT
 */
#define VPROCNS_EVENT_CHARS		_BITUL(3)

/**
 * VPROCNS_EVENT_BYTES - bit of has: read_bytes and write_bytes
 *
 * On kernels with CONFIG_TASK_IO_ACCOUNTING.
 */
#define VPROCNS_EVENT_BYTES		_BITUL(4)

/**
 * VPROCNS_EVENT_MAXRSS - bit of has: maxrss; of the last thread of a process
 */
#define VPROCNS_EVENT_MAXRSS		_BITUL(5)

/**
 * struct vprocns_event_bound - the group was bound
 * @event: @event.host_tid is that of the namespace's init
 * @ns_inum: inode number of the PID namespace
 * @reserved: zero
 */
struct vprocns_event_bound {
	struct vprocns_event event;
	__u32 ns_inum;
	__u32 reserved;
};

/**
 * struct vprocns_event_new - a task was made, and has not run yet
 * @event: its beginning; the task is the new one, and @event.time what its
 *	struct vprocns_event_exit has as @start
 * @tgid: its TGID in the group
 * @host_tgid: the same where @event.host_tid counts
 * @cloner: TID that its cloner had; 0 when that was no member
 * @joined: 1: a task outside the group made it
 * @has: %VPROCNS_EVENT_LINEAGE, %VPROCNS_EVENT_FLAGS
 * @reserved: zero
 * @flags: clone flags that it was made with
 * @lineage: as in struct vprocns_member
 * @cloner_lineage: as in struct vprocns_member
 * @ordinal: as @birth in struct vprocns_member
 * @comm: its name, NUL-terminated
 *
 * Threads that the kernel makes for a member (io_uring workers) have none.
 */
struct vprocns_event_new {
	struct vprocns_event event;
	__s32 tgid;
	__s32 host_tgid;
	__s32 cloner;
	__u32 joined;
	__u32 has;
	__u32 reserved;
	__u64 flags;
	__u64 lineage;
	__u64 cloner_lineage;
	__u64 ordinal;
	char comm[VPROCNS_COMM_LEN];
};

#define VPROCNS_EVENT_FILENAME_LEN	256

/**
 * struct vprocns_event_exec - a task executed a program
 * @event: its beginning; numbers are those after the exec
 * @old_host_tid: when a thread took over its process, the TID that it had
 *	before, where @event.host_tid counts; else 0. Told to readers in the
 *	initial PID namespace only.
 * @has: %VPROCNS_EVENT_LINEAGE
 * @lineage: what the task has from here on
 * @comm: its new name, NUL-terminated
 * @filename: byte of the record at which the path stands that was executed:
 *	NUL-terminated, cut to %VPROCNS_EVENT_FILENAME_LEN bytes with the NUL
 * @reserved: zero
 */
struct vprocns_event_exec {
	struct vprocns_event event;
	__s32 old_host_tid;
	__u32 has;
	__u64 lineage;
	char comm[VPROCNS_COMM_LEN];
	__u32 filename;
	__u32 reserved;
};

/**
 * struct vprocns_event_exit - a task ended, and what it used
 * @event: its beginning; @event.time is @end
 * @tgid: its TGID in the group
 * @status: its end, as wait(2) has it
 * @has: %VPROCNS_EVENT_LINEAGE and what follows it, but for
 *	%VPROCNS_EVENT_FLAGS
 * @reserved: zero
 * @lineage: as in struct vprocns_member
 * @comm: its name, NUL-terminated
 * @start: when it was made, in ns of CLOCK_MONOTONIC
 * @end: when it ended, in ns of CLOCK_MONOTONIC
 * @runtime: ns that it ran, exact
 * @utime: ns of it in user space, as getrusage(2) has it: divided by what timer
 *	ticks have seen
 * @stime: the rest of @runtime
 * @run_delay: ns that it was ready and waited for a CPU
 * @nvcsw: voluntary context switches
 * @nivcsw: involuntary ones
 * @min_flt: page faults without input
 * @maj_flt: page faults with input
 * @rchar: bytes that it read by system calls
 * @wchar: bytes that it wrote by them
 * @read_bytes: bytes that came from storage for it
 * @write_bytes: bytes that it had written to storage
 * @maxrss: KiB: the most memory that its process had at once, as ru_maxrss
 *	of getrusage(2). When the last threads of a process end at the same
 *	time, several have it, and the greatest counts.
 */
struct vprocns_event_exit {
	struct vprocns_event event;
	__s32 tgid;
	__s32 status;
	__u32 has;
	__u32 reserved;
	__u64 lineage;
	char comm[VPROCNS_COMM_LEN];
	__u64 start;
	__u64 end;
	__u64 runtime;
	__u64 utime;
	__u64 stime;
	__u64 run_delay;
	__u64 nvcsw;
	__u64 nivcsw;
	__u64 min_flt;
	__u64 maj_flt;
	__u64 rchar;
	__u64 wchar;
	__u64 read_bytes;
	__u64 write_bytes;
	__u64 maxrss;
};

/**
 * struct vprocns_event_refused - the group refused a call
 * @event: its beginning; the task is the caller
 * @call: enum vprocns_call
 * @rule: enum vprocns_rule
 * @err: the errno
 * @exit_signal: of a clone; 0 otherwise
 * @flags: the flags that it was called with
 */
struct vprocns_event_refused {
	struct vprocns_event event;
	__u32 call;
	__u32 rule;
	__u32 err;
	__u32 exit_signal;
	__u64 flags;
};

/**
 * struct vprocns_event_rewritten - a clone goes on with other flags
 * @event: its beginning; the task is the cloner
 * @asked: the clone flags that it asked for
 * @flags: the clone flags that it gets
 */
struct vprocns_event_rewritten {
	struct vprocns_event event;
	__u64 asked;
	__u64 flags;
};

/**
 * struct vprocns_event_capset_refused - the capability view refused capset(2)
 * @event: its beginning; the task is the caller
 * @err: the errno
 * @reserved: zero
 */
struct vprocns_event_capset_refused {
	struct vprocns_event event;
	__u32 err;
	__u32 reserved;
};

/* Bounds of vprocns_events.size. */
#define VPROCNS_EVENTS_MIN	4096
#define VPROCNS_EVENTS_MAX	(64 << 20)
/* How many descriptors of one group may have events. */
#define VPROCNS_EVENTS_READERS	8

/**
 * struct vprocns_events - argument of VPROCNS_EVENTS
 * @size: bytes for events that were not read yet: a power of two,
 *	%VPROCNS_EVENTS_MIN to %VPROCNS_EVENTS_MAX
 * @wake: how many bytes of events wake a reader that sleeps, up to @size; 0: each
 *	event does. The end of the group always wakes.
 */
struct vprocns_events {
	__u32 size;
	__u32 wake;
};

/**
 * struct vprocns_events_stats - answer of VPROCNS_EVENTS_STATS
 * @told: events that were put into the ring, read or not
 * @lost: events that found it full
 * @queued: bytes that wait to be read
 * @size: as in struct vprocns_events
 */
struct vprocns_events_stats {
	__u64 told;
	__u64 lost;
	__u32 queued;
	__u32 size;
};

/**
 * VPROCNS_EVENTS - have a group's events told on this descriptor, from now on
 *
 * On a group; takes a struct vprocns_events.
 *
 * The ring belongs to the descriptor. Its memory is charged to the caller:
 * to its memory cgroup, and to its RLIMIT_MEMLOCK. Another descriptor of the group
 * (VPROCNS_OPEN) can have a ring of its own, and each gets every event. Processes
 * that share one descriptor, by fork(2) or SCM_RIGHTS, share its ring: each
 * record goes to one of them. The ring lives as long as the descriptor. Members
 * never wait for a reader: an event that finds the ring full is lost and counted. The
 * machine's first ring has tracepoints of the kernel probed, until some seconds after the
 * last one has gone.
 *
 * read(2) gives as many whole records as fit, and waits for the first one unless
 * O_NONBLOCK is set. 0 is the end: the group has ended and everything was read.
 * Its errors:
 *
 * * EINVAL - no VPROCNS_EVENTS was done; the buffer is shorter than the next record
 *   (a page is enough for each)
 * * EAGAIN - nothing is there, with O_NONBLOCK
 * * EFAULT - the buffer can't be written; no record is consumed
 * * EINTR - a signal came while it waited
 *
 * poll(2) says POLLIN when a record is there, and POLLHUP when the group has
 * ended, the latter without VPROCNS_EVENTS too. A reader that sleeps in poll(2) or
 * read(2) is woken by vprocns_events.wake bytes; with a timeout it looks at what is
 * there.
 *
 * Return: 0, or -1 with errno:
 * * EINVAL - a size or wake out of range
 * * EBUSY - this descriptor has a ring
 * * ENOSPC - VPROCNS_EVENTS_READERS descriptors of the group have one
 * * ENOMEM - beyond RLIMIT_MEMLOCK (without CAP_IPC_LOCK), or no memory, also for the
 *   probes
 */
#define VPROCNS_EVENTS		_IOW(VPROCNS_IOC, 0x16, struct vprocns_events)

/**
 * VPROCNS_EVENTS_STATS - how a descriptor's ring stands
 *
 * On a group with VPROCNS_EVENTS; fills in a struct vprocns_events_stats.
 *
 * Return: 0, or -1 with errno:
 * * EINVAL - no VPROCNS_EVENTS was done
 */
#define VPROCNS_EVENTS_STATS	_IOR(VPROCNS_IOC, 0x17, struct vprocns_events_stats)

#endif
