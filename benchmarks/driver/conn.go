package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"syscall"
)

// conn is one kept connection. It sends bytes that were prepared before, and understands no more of
// an answer than its status, its length and its Location.
type conn struct {
	net.Conn
	raw    syscall.RawConn
	buffer []byte
	start  int // of what was read and not yet used
	stop   int
	wakes  int64        // how many bytes must have come before the kernel wakes it
	each   func([]byte) // is shown every piece of a body, if there is one who wants it
}

type answer struct {
	status   int
	nbytes   int64 // of the body, which has been read
	location string
}

const (
	bufferBytes = 4 << 20 // of which only that much is touched, and costs memory, as is used
	wakeBytes   = 1 << 20
)

var headerEnd = []byte("\r\n\r\n")

func connect(address string) (*conn, error) {
	inner, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	raw, err := inner.(*net.TCPConn).SyscallConn()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: inner, raw: raw, buffer: make([]byte, bufferBytes), wakes: 1}, nil
}

// ask sends a whole request and reads the whole answer.
func (c *conn) ask(request []byte, isHead bool) (answer, error) {
	if _, err := c.Write(request); err != nil {
		return answer{}, fmt.Errorf("sending: %w", err)
	}
	return c.receive(isHead)
}

func (c *conn) receive(isHead bool) (answer, error) {
	header, err := c.header()
	if err != nil {
		return answer{}, fmt.Errorf("reading the header: %w", err)
	}
	found, length, chunked, err := parse(header)
	if err != nil {
		return found, err
	}
	switch {
	case isHead || found.status == 204 || found.status == 304:
	case chunked:
		found.nbytes, err = c.chunks()
	case length < 0:
		err = errors.New("an answer that does not say how long it is")
	default:
		found.nbytes = length
		err = c.discard(length)
	}
	if err != nil {
		return found, fmt.Errorf("reading the body: %w", err)
	}
	return found, nil
}

// fill reads more from the socket, behind what is there.
func (c *conn) fill() error {
	if c.start == c.stop {
		c.start, c.stop = 0, 0
	} else if c.stop == len(c.buffer) {
		c.stop = copy(c.buffer, c.buffer[c.start:c.stop])
		c.start = 0
		if c.stop == len(c.buffer) {
			return errors.New("a line or header without an end")
		}
	}
	n, err := c.Read(c.buffer[c.stop:])
	c.stop += n
	if n > 0 {
		return nil
	}
	return err
}

// upTo returns what comes up to and including *mark*.
func (c *conn) upTo(mark []byte) ([]byte, error) {
	for {
		if at := bytes.Index(c.buffer[c.start:c.stop], mark); at >= 0 {
			found := c.buffer[c.start : c.start+at+len(mark)]
			c.start += len(found)
			return found, nil
		}
		if err := c.fill(); err != nil {
			return nil, err
		}
	}
}

func (c *conn) header() ([]byte, error) {
	return c.upTo(headerEnd)
}

func (c *conn) discard(left int64) error {
	for left > 0 {
		if c.start == c.stop && c.each == nil {
			if err := c.wakeFor(left); err != nil {
				return err
			}
			n, err := c.drop(min(left, bufferBytes))
			if err != nil {
				return err
			}
			left -= n
			continue
		}
		if c.start == c.stop {
			if err := c.fill(); err != nil {
				return err
			}
		}
		n := min(left, int64(c.stop-c.start))
		if c.each != nil {
			c.each(c.buffer[c.start : c.start+int(n)])
		}
		c.start += int(n)
		left -= n
	}
	return nil
}

// wakeFor has the kernel wake this program for many bytes, while many are left, and not for each packet: a client
// that makes something of what it reads is seldom found asleep, and to wake one that is costs the
// server, on whose processor that happens. Source: Linux socket(7), SO_RCVLOWAT.
func (c *conn) wakeFor(left int64) (err error) {
	nbytes := int64(1)
	if left >= 2*wakeBytes {
		nbytes = wakeBytes
	}
	if nbytes == c.wakes {
		return nil
	}
	c.wakes = nbytes
	outer := c.raw.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVLOWAT, int(nbytes))
	})
	return errors.Join(outer, err)
}

// drop has the kernel throw bytes away: to copy them here would take longer than to send them, and
// what is measured would be this program. Source: Linux tcp(7), MSG_TRUNC.
func (c *conn) drop(most int64) (n int64, err error) {
	outer := c.raw.Read(func(fd uintptr) bool {
		var got int
		got, _, err = syscall.Recvfrom(int(fd), c.buffer[:most], syscall.MSG_TRUNC|syscall.MSG_DONTWAIT)
		n = int64(got)
		return err != syscall.EAGAIN
	})
	switch {
	case outer != nil:
		return 0, outer
	case err != nil:
		return 0, err
	case n == 0:
		return 0, io.ErrUnexpectedEOF
	}
	return n, nil
}

func (c *conn) chunks() (int64, error) {
	var total int64
	for {
		line, err := c.upTo(headerEnd[:2])
		if err != nil {
			return total, err
		}
		size, err := strconv.ParseInt(string(line[:len(line)-2]), 16, 64)
		if err != nil {
			return total, err
		}
		if err := c.discard(size); err != nil {
			return total, err
		}
		total += size
		if _, err := c.upTo(headerEnd[:2]); err != nil {
			return total, err
		}
		if size == 0 {
			return total, nil
		}
	}
}

// parse reads a header; a length of -1 means that there was none.
func parse(header []byte) (found answer, length int64, chunked bool, err error) {
	length = -1
	first, rest, _ := bytes.Cut(header, headerEnd[:2])
	if len(first) < 12 {
		return found, length, false, fmt.Errorf("not an answer: %q", first)
	}
	if found.status, err = strconv.Atoi(string(first[9:12])); err != nil {
		return found, length, false, fmt.Errorf("not an answer: %q", first)
	}
	for len(rest) > 2 {
		var line []byte
		line, rest, _ = bytes.Cut(rest, headerEnd[:2])
		name, value, _ := bytes.Cut(line, []byte(":"))
		// The length of a name tells most of them apart; few are compared in full.
		switch {
		case len(name) == 14 && bytes.EqualFold(name, []byte("Content-Length")):
			length, err = strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64)
		case len(name) == 17 && bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = true
		case len(name) == 8 && bytes.EqualFold(name, []byte("Location")):
			found.location = string(bytes.TrimSpace(value))
		}
	}
	return found, length, chunked, err
}
