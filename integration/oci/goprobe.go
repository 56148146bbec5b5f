// SPDX-License-Identifier: GPL-2.0
// What a Go program makes by clone3: a child in a cgroup that it names, and one in new
// namespaces. All else, threads too, Go makes by clone.
//
//	goprobe clone          a thread and a child, by clone
//	goprobe cgroup DIR     a child in the cgroup DIR, by clone3
//	goprobe namespaces     a child in a new user and a new time namespace, by clone3
package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

const cloneNewtime = 0x80

func child(attributes *syscall.SysProcAttr) error {
	command := exec.Command("/proc/self/exe", "child")
	command.SysProcAttr = attributes
	return command.Run()
}

func inCgroup(directory string) error {
	cgroup, err := os.Open(directory)
	if err != nil {
		return err
	}
	defer cgroup.Close()
	return child(&syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(cgroup.Fd())})
}

func thread() {
	done := make(chan int)
	go func() {
		runtime.LockOSThread()
		done <- syscall.Gettid()
	}()
	<-done
}

func main() {
	var err error
	switch what := os.Args[1]; what {
	case "child":
		return
	case "clone":
		thread()
		err = child(nil)
	case "cgroup":
		err = inCgroup(os.Args[2])
	case "namespaces":
		err = child(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | cloneNewtime})
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("made")
}
