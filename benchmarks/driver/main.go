// The driver of the benchmarks: a client of registries that costs as little as it can, so that what
// is measured is the server.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
)

// target is the server that is asked.
type target struct {
	address    string
	token      string
	repository string
}

// request is the bytes of a request's header.
func (t target) request(method, path string, headers ...string) []byte {
	lines := []string{
		method + " " + path + " HTTP/1.1",
		"Host: " + t.address,
		"User-Agent: harbor-bench-driver",
		"Accept: application/vnd.oci.image.manifest.v1+json",
		"Accept: application/vnd.oci.image.index.v1+json",
		"Accept: application/vnd.docker.distribution.manifest.v2+json",
		"Accept: */*",
		"Authorization: Bearer " + t.token,
	}
	return []byte(strings.Join(append(lines, headers...), "\r\n") + "\r\n\r\n")
}

func main() {
	var t target
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: %s get|pull|push|blobs|manifests|images ...", os.Args[0]))
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	flags.StringVar(&t.address, "address", "", "host:port of the server")
	flags.StringVar(&t.token, "token", "", "bearer token")
	flags.StringVar(&t.repository, "repository", "library/bench", "where to push")
	method := flags.String("method", "GET", "get: GET or HEAD")
	connections := flags.Int("connections", 1, "how many at the same time")
	seconds := flags.Float64("seconds", 1, "get: how long")
	size := flags.Int64("size", 0, "bytes of a blob")
	count := flags.Int("count", 1, "how many; pull: on each connection")
	seed := flags.String("seed", "", "what the content is made from")
	how := flags.String("how", "patch", "push: patch, chunked or monolithic")
	verify := flags.String("verify", "", "pull: the digest that the content must have")
	if err := flags.Parse(os.Args[2:]); err != nil {
		fail(err)
	}
	var found report
	var err error
	switch os.Args[1] {
	case "get":
		found, err = get(t, *method, *connections, *seconds, flags.Args())
	case "pull":
		found, err = pull(t, *connections, *count, *size, flags.Arg(0), *verify)
	case "push":
		found, err = push(t, *how, *seed, *connections, *size)
	case "blobs":
		found, err = blobs(t, *seed, *count, int(*size), *connections)
	case "manifests":
		found, err = manifests(t, *seed, *count, int(*size), *connections)
	case "images":
		found, err = images(t, *seed, *connections, *size)
	default:
		err = fmt.Errorf("no such mode: %s", os.Args[1])
	}
	if err != nil {
		fail(err)
	}
	finish(found)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(2)
}
