/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every difference between kernel versions and architectures is here alone.
 *
 * Distributions carry what later versions brought back to their kernels. So each
 * VPROCNS_HAS_* says what this kernel's headers have: Kbuild looks.
 */
#ifndef _VPROCNS_COMPAT_H
#define _VPROCNS_COMPAT_H

#include <linux/ftrace.h>
#include <linux/fs.h>
#include <linux/pid_namespace.h>
#include <linux/proc_ns.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/version.h>
#include <linux/vtime.h>
#include <linux/workqueue.h>

#include <asm/syscall.h>
#include <asm/unistd.h>

#include "vprocns.h"

/*
 * packaging/install reads this line as well, for itself and for DKMS. What 5.10 lacks
 * is in Documentation/testing.md.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "vprocns needs Linux 6.1 or newer"
#endif

/*
 * arm64 calls through pointers what it can't link, and we enter functions after their
 * landing pad (symbols.h). No kernel built by GCC has these.
 */
#if defined(CONFIG_ARM64) && \
	(defined(CONFIG_ARM64_BTI_KERNEL) || defined(CONFIG_CFI_CLANG) || defined(CONFIG_CFI))
#error "vprocns can't run on an arm64 kernel with BTI or CFI of its own"
#endif

/* Where ftrace hands over the arguments, saving all registers is waste. */
#ifdef CONFIG_HAVE_DYNAMIC_FTRACE_WITH_ARGS
#define VPROCNS_FTRACE_REGS	0
#else
#define VPROCNS_FTRACE_REGS	FTRACE_OPS_FL_SAVE_REGS
#endif

/* 6.2 brought accessors that don't depend on how the registers are kept. */
#ifdef VPROCNS_HAS_FTRACE_REGS_ARGUMENT
#define vprocns_regs_argument(fregs, n)	ftrace_regs_get_argument(fregs, n)
#define vprocns_regs_set_ip(fregs, ip)	\
	ftrace_regs_set_instruction_pointer(fregs, ip)
#else
#define vprocns_regs_argument(fregs, n)	\
	regs_get_kernel_argument(&(fregs)->regs, n)
#define vprocns_regs_set_ip(fregs, ip)	instruction_pointer_set(&(fregs)->regs, ip)
#endif

/* Since 6.14 each PID namespace has its own; before, one unexported variable. */
#ifdef VPROCNS_HAS_NS_PID_MAX
#define VPROCNS_NEEDED_GLOBAL_PID_MAX	false
static inline int vprocns_ns_pid_max(const struct pid_namespace *ns,
				     const int *global)
{
	return READ_ONCE(ns->pid_max);
}
#else
#define VPROCNS_NEEDED_GLOBAL_PID_MAX	true
static inline int vprocns_ns_pid_max(const struct pid_namespace *ns,
				     const int *global)
{
	return READ_ONCE(*global);
}
#endif

/*
 * Whether a task's utime and stime are what timer ticks have seen. Elsewhere the kernel
 * takes the time itself, and may not have added all of it yet.
 */
static inline bool vprocns_ticks_count(void)
{
#ifdef CONFIG_VIRT_CPU_ACCOUNTING_GEN
	return !vtime_accounting_enabled();
#else
	return IS_ENABLED(CONFIG_TICK_CPU_ACCOUNTING);
#endif
}

/* The CLONE_NEW* of a namespace file; 6.18 moved it out of the operations. */
static inline int vprocns_ns_type(const struct inode *inode)
{
	const struct ns_common *ns = get_proc_ns(inode);

#ifdef VPROCNS_HAS_NS_TYPE
	return ns->ns_type;
#else
	return ns->ops->type;
#endif
}

/* 6.16 tells the probe of sched_process_exit whether that was the last thread. */
#ifdef VPROCNS_HAS_EXIT_GROUP_DEAD
#define VPROCNS_EXIT_PROBE(name)	\
	void name(void *data, struct task_struct *task, bool group_dead)
#else
#define VPROCNS_EXIT_PROBE(name)	\
	void name(void *data, struct task_struct *task)
#endif

/* 6.18 has clone flags in 64 bits wherever it hands them on. */
#ifdef VPROCNS_HAS_NEWTASK_U64
#define VPROCNS_NEWTASK_PROBE(name)	\
	void name(void *data, struct task_struct *task, u64 clone_flags)
#else
#define VPROCNS_NEWTASK_PROBE(name)	\
	void name(void *data, struct task_struct *task, unsigned long clone_flags)
#endif

/* Threads that the kernel makes of a member; PF_USER_WORKER came with 6.4. */
#ifdef PF_USER_WORKER
#define VPROCNS_PF_WORKER	(PF_IO_WORKER | PF_USER_WORKER)
#else
#define VPROCNS_PF_WORKER	PF_IO_WORKER
#endif

/* 6.17 gave the unbound queue a new name, and calls the old one deprecated. */
#ifdef VPROCNS_HAS_SYSTEM_DFL_WQ
#define vprocns_unbound_wq	system_dfl_wq
#else
#define vprocns_unbound_wq	system_unbound_wq
#endif

/* 6.10 takes the source from the field's declaration. */
#ifdef VPROCNS_HAS_ASSIGN_STR_FIELD
#define vprocns_assign_str(field, from)	__assign_str(field)
#else
#define vprocns_assign_str(field, from)	__assign_str(field, from)
#endif

/* When the module needs a symbol: see symbol_list.h. */
#define VPROCNS_NEEDED_ALWAYS	true
#define VPROCNS_NEEDED_X86_64	IS_ENABLED(CONFIG_X86_64)
#define VPROCNS_NEEDED_IA32	IS_ENABLED(CONFIG_IA32_EMULATION)
#define VPROCNS_NEEDED_ARM64	IS_ENABLED(CONFIG_ARM64)

/*
 * Entry points and arguments of the system calls that are hooked. On x86 32-bit
 * programs have entries of their own, with the arguments in other registers.
 */
#ifdef CONFIG_X86_64
#define VPROCNS_SYSCALL_NATIVE(name)	VPROCNS_SYMBOL___x64_sys_##name
#define VPROCNS_SYSCALL_COMPAT(name)	VPROCNS_SYMBOL___ia32_sys_##name
#ifdef CONFIG_IA32_EMULATION
#define VPROCNS_HAVE_COMPAT
#endif
static inline unsigned long vprocns_syscall_arg0(const struct pt_regs *regs)
{
	return in_ia32_syscall() ? (u32)regs->bx : regs->di;
}

static inline unsigned long vprocns_syscall_arg1(const struct pt_regs *regs)
{
	return in_ia32_syscall() ? (u32)regs->cx : regs->si;
}

static inline void vprocns_native_set_args(struct pt_regs *regs,
					   unsigned long arg0,
					   unsigned long arg1)
{
	regs->di = arg0;
	regs->si = arg1;
}

static inline bool vprocns_32bit_caller(void)
{
	return in_ia32_syscall();
}

#define VPROCNS_SYSCALL_BITS	((unsigned int)~__X32_SYSCALL_BIT)
#endif

#ifdef CONFIG_ARM64
#define VPROCNS_SYSCALL_NATIVE(name)	VPROCNS_SYMBOL___arm64_sys_##name
static inline unsigned long vprocns_syscall_arg0(const struct pt_regs *regs)
{
	return regs->regs[0];
}

static inline unsigned long vprocns_syscall_arg1(const struct pt_regs *regs)
{
	return regs->regs[1];
}

static inline void vprocns_native_set_args(struct pt_regs *regs,
					   unsigned long arg0,
					   unsigned long arg1)
{
	regs->regs[0] = arg0;
	regs->regs[1] = arg1;
}

static inline bool vprocns_32bit_caller(void)
{
	return is_compat_task();
}

#define VPROCNS_SYSCALL_BITS	UINT_MAX
#endif

/* Numbers that the 32-bit programs of x86 and of arm have in common. */
#define VPROCNS_32BIT_FORK	2
#define VPROCNS_32BIT_VFORK	190

/* The enum vprocns_call that led to kernel_clone(), as far as it can be told. */
static inline int vprocns_clone_call(void)
{
	const unsigned int nr = syscall_get_nr(current, current_pt_regs()) &
				VPROCNS_SYSCALL_BITS;

	if (nr == __NR_clone3)
		return VPROCNS_CALL_CLONE3;
	if (vprocns_32bit_caller())
		return nr == VPROCNS_32BIT_FORK  ? VPROCNS_CALL_FORK :
		       nr == VPROCNS_32BIT_VFORK ? VPROCNS_CALL_VFORK :
						   VPROCNS_CALL_CLONE;
#ifdef __NR_fork
	if (nr == __NR_fork)
		return VPROCNS_CALL_FORK;
	if (nr == __NR_vfork)
		return VPROCNS_CALL_VFORK;
#endif
	return VPROCNS_CALL_CLONE;
}

#endif
