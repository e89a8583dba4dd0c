// As raw_sockets.py, by Go's net: a goroutine for each connection, blocked in a Read or Write that knows no deadline.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"syscall"
	"unsafe"
)

type outcome struct {
	Outcome string `json:"outcome"`
	AtNs    int64  `json:"at_ns"`
	Text    string `json:"text"`
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func open(role, address string, count int) []net.Conn {
	var connections []net.Conn
	if role == "connect" {
		for range count {
			connection, err := net.Dial("tcp", address)
			check(err)
			connections = append(connections, connection)
		}
		fmt.Println("listening")
		return connections
	}
	listener, err := net.Listen("tcp", address)
	check(err)
	fmt.Println("listening")
	for range count {
		connection, err := listener.Accept()
		check(err)
		connections = append(connections, connection)
	}
	return connections
}

func monotonic() int64 {
	const clockMonotonic = 1
	var now syscall.Timespec
	_, _, failed := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&now)), 0)
	if failed != 0 {
		check(failed)
	}
	return now.Nano()
}

func ended(err error) outcome {
	name := "end"
	if errors.Is(err, syscall.ECONNABORTED) {
		name = "ECONNABORTED"
	} else if err != nil && err != io.EOF {
		name = "other"
	}
	return outcome{name, monotonic(), fmt.Sprint(err)}
}

func main() {
	role, host, port, doing := os.Args[1], os.Args[2], os.Args[3], os.Args[5]
	count, err := strconv.Atoi(os.Args[4])
	check(err)
	connections := open(role, net.JoinHostPort(host, port), count)
	results := make(chan outcome)
	for _, connection := range connections {
		go func() {
			block := connection.Read
			if doing == "write" {
				block = connection.Write
			}
			var err error
			for err == nil {
				_, err = block(make([]byte, 1<<20))
			}
			results <- ended(err)
		}()
	}
	fmt.Println("ready")
	all := []outcome{}
	for range connections {
		all = append(all, <-results)
	}
	check(json.NewEncoder(os.Stdout).Encode(all))
}
