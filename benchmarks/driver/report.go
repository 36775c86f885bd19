package main

import (
	"encoding/json"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// report is what one run found, printed as JSON.
type report struct {
	Requests   int      `json:"requests"`
	Errors     int      `json:"errors"`
	FirstError string   `json:"first_error,omitempty"`
	Seconds    float64  `json:"seconds"`
	Bytes      int64    `json:"bytes"` // of bodies, in the direction that the mode is about
	P50        int64    `json:"p50_us"`
	P90        int64    `json:"p90_us"`
	P99        int64    `json:"p99_us"`
	Max        int64    `json:"max_us"`
	CPU        float64  `json:"cpu_s"` // of this program
	Digests    []string `json:"digests,omitempty"`
}

// lane is what one connection does: it is called again and again until it says that it is done.
type lane func() (nbytes int64, done bool, err error)

// measure runs the lanes at the same time, from one moment on, and waits for all of them. The first
// error ends its lane; it is counted, and so are the requests that went well before it.
func measure(lanes []lane) report {
	var (
		found report
		took  []int64
		lock  sync.Mutex
		all   sync.WaitGroup
	)
	cpu := cpuSeconds()
	began := time.Now()
	for _, each := range lanes {
		all.Go(func() {
			nbytes, mine, err := repeat(each)
			lock.Lock()
			defer lock.Unlock()
			found.Bytes += nbytes
			took = append(took, mine...)
			if err != nil {
				found.Errors++
				found.FirstError = err.Error()
			}
		})
	}
	all.Wait()
	found.Seconds = time.Since(began).Seconds()
	found.CPU = cpuSeconds() - cpu
	found.Requests = len(took)
	if len(took) > 0 {
		slices.Sort(took)
		at := func(share float64) int64 { return took[int(share*float64(len(took)-1))] / 1000 }
		found.P50, found.P90, found.P99, found.Max = at(0.5), at(0.9), at(0.99), at(1)
	}
	return found
}

func repeat(each lane) (total int64, took []int64, err error) {
	took = make([]int64, 0, 1<<16)
	for {
		began := time.Now()
		nbytes, done, err := each()
		if err != nil || done {
			return total, took, err
		}
		took = append(took, time.Since(began).Nanoseconds())
		total += nbytes
	}
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

// finish prints the report, and says by the exit code whether all went well.
func finish(found report) {
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		panic(err)
	}
	if found.Errors > 0 {
		os.Exit(1)
	}
}
