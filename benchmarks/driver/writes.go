package main

import (
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
)

const (
	chunkBytes = 64 << 10
	octets     = "Content-Type: application/octet-stream"
)

// push uploads a blob of its own on every connection. All digests are known before the clock starts.
func push(t target, how, seed string, streams int, size int64) (report, error) {
	var digests []string
	lanes := make([]lane, streams)
	for i := range lanes {
		blob := newBig(fmt.Sprintf("%s/%d", seed, i), size)
		digests = append(digests, blob.digest)
		c, err := connect(t.address)
		if err != nil {
			return report{}, err
		}
		defer c.Close()
		send := map[string]func(target, *conn, big) error{
			"patch": patch, "chunked": chunked, "monolithic": monolithic,
		}[how]
		if send == nil {
			return report{}, fmt.Errorf("no such way to push: %s", how)
		}
		done := false
		lanes[i] = func() (int64, bool, error) {
			if done {
				return 0, true, nil
			}
			done = true
			return size, false, send(t, c, blob)
		}
	}
	found := measure(lanes)
	found.Digests = digests
	return found, nil
}

func patch(t target, c *conn, blob big) error {
	place, err := begin(t, c)
	if err != nil {
		return err
	}
	header := t.request("PATCH", place, octets, fmt.Sprintf("Content-Length: %d", blob.size))
	place, err = upload(t, c, header, blob, 202)
	if err != nil {
		return err
	}
	return end(t, c, place, blob.digest, nil)
}

func monolithic(t target, c *conn, blob big) error {
	place, err := begin(t, c)
	if err != nil {
		return err
	}
	header := t.request("PUT", withDigest(place, blob.digest), octets,
		fmt.Sprintf("Content-Length: %d", blob.size))
	_, err = upload(t, c, header, blob, 201)
	return err
}

func chunked(t target, c *conn, blob big) error {
	place, err := begin(t, c)
	if err != nil {
		return err
	}
	whole := framed(blob.block)
	header := t.request("PATCH", place, octets, "Transfer-Encoding: chunked")
	if _, err := c.Write(header); err != nil {
		return refused(c, err)
	}
	for left := blob.size; left > 0; left -= blockBytes {
		piece := whole
		if left < blockBytes {
			piece = framed(blob.block[:left])
		}
		if _, err := c.Write(piece); err != nil {
			return refused(c, err)
		}
	}
	if _, err := c.Write([]byte("0\r\n\r\n")); err != nil {
		return refused(c, err)
	}
	place, err = expect(c, "PATCH", 202)
	if err != nil {
		return err
	}
	return end(t, c, place, blob.digest, nil)
}

// framed is *data* as chunks of the size that docker sends.
func framed(data []byte) []byte {
	var made []byte
	for start := 0; start < len(data); start += chunkBytes {
		piece := data[start:min(start+chunkBytes, len(data))]
		made = fmt.Appendf(made, "%x\r\n", len(piece))
		made = append(append(made, piece...), "\r\n"...)
	}
	return made
}

func begin(t target, c *conn) (place string, err error) {
	request := t.request("POST", "/v2/"+t.repository+"/blobs/uploads/", "Content-Length: 0")
	if _, err := c.Write(request); err != nil {
		return "", refused(c, err)
	}
	return expect(c, "POST", 202)
}

func upload(t target, c *conn, header []byte, blob big, status int) (place string, err error) {
	if _, err := c.Write(header); err != nil {
		return "", refused(c, err)
	}
	for left := blob.size; left > 0; left -= blockBytes {
		if _, err := c.Write(blob.block[:min(left, blockBytes)]); err != nil {
			return "", refused(c, err)
		}
	}
	return expect(c, "upload", status)
}

// end finishes an upload with these last bytes.
func end(t target, c *conn, place, digest string, data []byte) error {
	header := t.request("PUT", withDigest(place, digest), octets,
		fmt.Sprintf("Content-Length: %d", len(data)))
	if _, err := c.Write(append(header, data...)); err != nil {
		return refused(c, err)
	}
	_, err := expect(c, "PUT", 201)
	return err
}

func expect(c *conn, what string, status int) (place string, err error) {
	found, err := c.receive(false)
	if err == nil && found.status != status {
		err = fmt.Errorf("%s: %d, not %d", what, found.status, status)
	}
	if err != nil || status != 202 {
		return "", err
	}
	where, err := url.Parse(found.location)
	if err != nil {
		return "", err
	}
	return where.RequestURI(), nil
}

// refused says why the server would not read on, if it did say.
func refused(c *conn, cause error) error {
	if found, err := c.receive(false); err == nil {
		return fmt.Errorf("answered %d before the end: %w", found.status, cause)
	}
	return cause
}

func withDigest(place, digest string) string {
	if strings.Contains(place, "?") {
		return place + "&digest=" + digest
	}
	return place + "?digest=" + digest
}

// blobs uploads small blobs, each with a POST and a PUT.
func blobs(t target, seed string, count, nbytes, connections int) (report, error) {
	made := make([]small, count)
	digests := make([]string, count)
	for i := range made {
		made[i] = newSmall(seed, i, nbytes)
		digests[i] = made[i].digest
	}
	found, err := shared(t, count, connections, func(c *conn, number int) (int64, error) {
		place, err := begin(t, c)
		if err != nil {
			return 0, err
		}
		return int64(nbytes), end(t, c, place, made[number].digest, made[number].data)
	})
	found.Digests = digests
	return found, err
}

// manifests pushes, for each of the first blobs of a seed, an image of it, with a tag.
func manifests(t target, seed string, count, nbytes, connections int) (report, error) {
	requests := make([][]byte, count)
	digests := make([]string, count)
	for i := range requests {
		document := newSmall(seed, i, nbytes).manifest()
		digests[i] = digestOf(document)
		header := t.request("PUT", fmt.Sprintf("/v2/%s/manifests/t%04d", t.repository, i),
			"Content-Type: "+manifestType, fmt.Sprintf("Content-Length: %d", len(document)))
		requests[i] = append(header, document...)
	}
	found, err := shared(t, count, connections, func(c *conn, number int) (int64, error) {
		if _, err := c.Write(requests[number]); err != nil {
			return 0, refused(c, err)
		}
		_, err := expect(c, "PUT of a manifest", 201)
		return int64(len(requests[number])), err
	})
	found.Digests = digests
	return found, err
}

// shared has the connections do *count* things together, each taking the next one.
func shared(
	t target, count, connections int, do func(c *conn, number int) (int64, error),
) (report, error) {
	var next atomic.Int64
	lanes := make([]lane, connections)
	for i := range lanes {
		c, err := connect(t.address)
		if err != nil {
			return report{}, err
		}
		defer c.Close()
		lanes[i] = func() (int64, bool, error) {
			number := int(next.Add(1)) - 1
			if number >= count {
				return 0, true, nil
			}
			nbytes, err := do(c, number)
			return nbytes, false, err
		}
	}
	return measure(lanes), nil
}
