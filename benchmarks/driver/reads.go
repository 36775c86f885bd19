package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"time"
)

// get asks for the paths in turn, on every connection, until the time is over.
func get(t target, method string, connections int, seconds float64, paths []string) (report, error) {
	requests := make([][]byte, len(paths))
	for i, path := range paths {
		requests[i] = t.request(method, path)
	}
	sizes := make([]int64, len(paths))
	for i := range sizes {
		sizes[i] = -1
	}
	// The time begins when all are connected.
	var deadline time.Time
	lanes := make([]lane, connections)
	for i := range lanes {
		c, err := connect(t.address)
		if err != nil {
			return report{}, err
		}
		defer c.Close()
		mine := append([]int64(nil), sizes...)
		next := i
		lanes[i] = func() (int64, bool, error) {
			if time.Now().After(deadline) {
				return 0, true, nil
			}
			number := next % len(paths)
			next++
			found, err := c.ask(requests[number], method == "HEAD")
			if err == nil && found.status != 200 {
				err = fmt.Errorf("%s %s: %d", method, paths[number], found.status)
			}
			if err == nil && mine[number] >= 0 && mine[number] != found.nbytes {
				err = fmt.Errorf("%s: %d bytes, and then %d", paths[number], mine[number], found.nbytes)
			}
			mine[number] = found.nbytes
			return found.nbytes, false, err
		}
	}
	deadline = time.Now().Add(time.Duration(seconds * float64(time.Second)))
	return measure(lanes), nil
}

// pull downloads one blob on every connection, so many times, and throws it away.
func pull(t target, streams, times int, size int64, path, verify string) (report, error) {
	request := t.request("GET", path)
	lanes := make([]lane, streams)
	for i := range lanes {
		c, err := connect(t.address)
		if err != nil {
			return report{}, err
		}
		defer c.Close()
		var sum hash.Hash
		if verify != "" {
			sum = sha256.New()
			c.each = func(piece []byte) { sum.Write(piece) }
		}
		left := times
		lanes[i] = func() (int64, bool, error) {
			if left == 0 {
				return 0, true, nil
			}
			left--
			if sum != nil {
				sum.Reset()
			}
			found, err := c.ask(request, false)
			if err == nil && (found.status != 200 || found.nbytes != size) {
				err = fmt.Errorf("%s: %d, %d bytes", path, found.status, found.nbytes)
			}
			if err == nil && sum != nil && "sha256:"+hex.EncodeToString(sum.Sum(nil)) != verify {
				err = fmt.Errorf("%s: the content is wrong", path)
			}
			return found.nbytes, false, err
		}
	}
	return measure(lanes), nil
}
