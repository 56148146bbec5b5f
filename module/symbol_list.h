/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the module needs from the kernel by name, in the order in which it looks:
 * SYMBOL(name, use, when). No include guard: each reader defines SYMBOL() before.
 *
 * Read by symbols.c, by `vprocns check`, and by tests line by line.
 *
 * use: LINKED, when the module loads; LOOKED_UP, in the kernel's table of symbols;
 * HOOKED, looked up, and ftrace must be able to patch its entry.
 * when: ALWAYS; GLOBAL_PID_MAX, on kernels whose PID namespaces have none of their own
 * (before 6.14); X86_64; ARM64; IA32, on x86 kernels that run 32-bit programs.
 */
SYMBOL(register_kprobe, LINKED, ALWAYS)
SYMBOL(kallsyms_lookup_name, LINKED, ALWAYS)
SYMBOL(__tracepoint_task_newtask, LINKED, ALWAYS)
SYMBOL(__tracepoint_sched_process_exec, LINKED, ALWAYS)
SYMBOL(__tracepoint_sched_process_exit, LINKED, ALWAYS)
SYMBOL(ftrace_enabled, LOOKED_UP, ALWAYS)
SYMBOL(ftrace_location, LOOKED_UP, ALWAYS)
SYMBOL(pidfd_pid, LOOKED_UP, ALWAYS)
SYMBOL(task_sched_runtime, LOOKED_UP, ALWAYS)
SYMBOL(free_pid, LOOKED_UP, ALWAYS)
SYMBOL(pid_max, LOOKED_UP, GLOBAL_PID_MAX)
SYMBOL(alloc_pid, HOOKED, ALWAYS)
SYMBOL(kernel_clone, HOOKED, ALWAYS)
SYMBOL(ksys_unshare, HOOKED, ALWAYS)
SYMBOL(__x64_sys_setns, HOOKED, X86_64)
SYMBOL(__x64_sys_capget, HOOKED, X86_64)
SYMBOL(__x64_sys_capset, HOOKED, X86_64)
SYMBOL(__ia32_sys_setns, HOOKED, IA32)
SYMBOL(__ia32_sys_capget, HOOKED, IA32)
SYMBOL(__ia32_sys_capset, HOOKED, IA32)
SYMBOL(__arm64_sys_setns, HOOKED, ARM64)
SYMBOL(__arm64_sys_capget, HOOKED, ARM64)
SYMBOL(__arm64_sys_capset, HOOKED, ARM64)
